// Package redact finds secrets: passwords, tokens, keys. Text looks through any
// text, JSON through the arguments of a call; Strip takes them out of a line for
// a log. A finding says where and what it is, never the value.
//
// What a value is called comes first ("--password", "api_key", "Authorization",
// PASSWORD '…'), then what it looks like, for shapes that their makers publish.
// Nothing is judged by its randomness: a commit's hash and a UUID stay. Every
// search takes time in proportion to the text.
package redact

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Secret is a part of a text that nobody should read without need.
type Secret struct {
	// Start and End are offsets in bytes from 0; End is behind the last byte.
	// Both are at the boundary of a character if the text is UTF-8.
	Start, End int
	// What it is, in a word or two: "password", "GitHub token".
	What string
}

// Says is "password, 14 characters", for what stands in s at the secret.
func (x Secret) Says(s string) string {
	n := utf8.RuneCountInString(s[x.Start:x.End])
	if n == 1 {
		return x.What + ", 1 character"
	}
	return x.What + ", " + strconv.Itoa(n) + " characters"
}

// Text finds the secrets of a text that may be anything: prose, a command line,
// SQL, a configuration file, a stack trace. They are in order and apart.
func Text(s string) []Secret {
	f := finder{in: s}
	f.shapes()
	f.keys()
	f.urls()
	f.pairs()
	f.literals()
	f.flags()
	return apart(f.found)
}

// Strip returns the text with each secret as "[password, 14 characters]".
func Strip(s string) string { return replaced(s, Text(s)) }

func replaced(s string, found []Secret) string {
	if len(found) == 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for _, x := range found {
		b.WriteString(s[at:x.Start] + "[" + x.Says(s) + "]")
		at = x.End
	}
	return b.String() + s[at:]
}

type finder struct {
	in    string
	found []Secret
}

func (f *finder) add(start, end int, what string) {
	if start < end {
		f.found = append(f.found, Secret{start, end, what})
	}
}

// apart sorts and joins what overlaps. The longest of several names the whole.
func apart(found []Secret) []Secret {
	slices.SortStableFunc(found, func(a, b Secret) int { return cmp.Compare(a.Start, b.Start) })
	var out []Secret
	longest := 0
	for _, x := range found {
		n := len(out)
		if n == 0 || x.Start >= out[n-1].End {
			out, longest = append(out, x), x.End-x.Start
			continue
		}
		last := &out[n-1]
		if x.End-x.Start > longest {
			last.What, longest = x.What, x.End-x.Start
		}
		last.End = max(last.End, x.End)
	}
	return out
}

// A Value is a secret that is known, so that it is found where nothing says what
// it is: in an error, in what somebody writes.
type Value struct{ What, Text string }

const (
	leastKnown = 4  // bytes: shorter ones stand in too many other words
	mostKnown  = 64 // values
)

// Known finds the values in a text, besides what Text finds in it.
func Known(s string, values []Value) []Secret {
	found := Text(s)
	for _, v := range values[:min(len(values), mostKnown)] {
		if len(v.Text) < leastKnown {
			continue
		}
		for at := 0; ; {
			i := strings.Index(s[at:], v.Text)
			if i < 0 {
				break
			}
			found = append(found, Secret{at + i, at + i + len(v.Text), v.What})
			at += i + len(v.Text)
		}
	}
	return apart(found)
}

// Piece reports whether a text that may have been clipped, such as "hunter2-hu…",
// is a piece of one of the values, and gives it as one whole secret.
func Piece(s string, values []Value) (Secret, bool) {
	const least = 3 // bytes; shorter ones are pieces of anything
	piece := strings.TrimRight(s, ".…")
	if len(piece) < least {
		return Secret{}, false
	}
	for _, v := range values {
		if strings.Contains(v.Text, piece) {
			return Secret{0, len(s), v.What}, true
		}
	}
	return Secret{}, false
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }
