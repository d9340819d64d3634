package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A word is an argument as far as the line shows it.
type word struct {
	text string
	made making
}

// A making is what becomes of a word before a program has it.
type making int

const (
	written  making = iota // it stands there
	matched                // it is replaced by the names of files
	computed               // nobody knows
)

// wordOf reads a word of the line.
func wordOf(w *syntax.Word) word {
	var out word
	var outside string // of quotes
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			out.text += unescaped(p.Value, "")
			outside += quotedByBackslash.Replace(p.Value)
		case *syntax.SglQuoted:
			text, ok := p.Value, true
			if p.Dollar {
				text, ok = ansi(p.Value)
			}
			if out.text += text; !ok {
				out.made = computed
			}
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok || p.Dollar {
					out.made = computed
					continue
				}
				out.text += unescaped(lit.Value, "$`\"\\\n")
			}
		default:
			out.made = computed
		}
	}
	out.made = max(out.made, expanded(outside))
	return out
}

// quotedByBackslash takes out what has no meaning of its own after a backslash.
var quotedByBackslash = strings.NewReplacer(`\\`, "", `\*`, "", `\?`, "", `\[`, "", `\{`, "", `\,`, "")

// expanded is what the shell makes of what stands outside of quotes in a word.
func expanded(outside string) making {
	_, class, open := strings.Cut(outside, "[")
	switch {
	case strings.Contains(outside, "{") && (strings.Contains(outside, ",") || strings.Contains(outside, "..")):
		return computed
	case strings.ContainsAny(outside, "*?") || open && strings.Contains(class, "]"):
		return matched
	}
	return written
}

// unescaped takes the backslashes out that quote the characters, or any.
func unescaped(s, characters string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) || characters != "" && !strings.Contains(characters, s[i+1:i+2]) {
			out.WriteByte(s[i])
			continue
		}
		if i++; s[i] != '\n' {
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// ansi reads $'…'. Escapes other than the usual ones are not read.
func ansi(s string) (string, bool) {
	simple := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'v': 11, '\\': '\\', '\'': '\'', '"': '"', '?': '?'}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", false
		}
		base, most := 8, 3
		if c, ok := simple[s[i]]; ok {
			out.WriteByte(c)
			continue
		} else if s[i] == 'x' {
			base, most = 16, 2
			i++
		}
		n, digits := 0, 0
		for ; digits < most && i < len(s); digits++ {
			d := strings.IndexByte("0123456789abcdef", s[i]|0x20)
			if '0' <= s[i] && s[i] <= '9' {
				d = int(s[i] - '0')
			}
			if d < 0 || d >= base {
				break
			}
			n = n*base + d
			i++
		}
		if digits == 0 || n == 0 || n > 0x7e {
			return "", false
		}
		out.WriteByte(byte(n))
		i--
	}
	return out.String(), true
}

// texts are the words as written, false if one of them is not.
func texts(list []word) ([]string, bool) {
	var out []string
	for _, a := range list {
		if a.made != written {
			return nil, false
		}
		out = append(out, a.text)
	}
	return out, true
}
