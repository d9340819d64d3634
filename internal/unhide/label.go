package unhide

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	mostListed = 4   // code points in one label
	mostQuoted = 120 // characters of a text spelled in tags
)

// Label names a hidden part in printable ASCII: "U+202E", "U+202E U+2066",
// "412 x U+200B", "412 spaces", "40 blank lines", "byte 0xFF", "U+0430 looks
// like a", `8 tag characters reading "drop all"`. It is "" for Plain.
func (s Span) Label() string {
	switch s.Kind {
	case Plain:
		return ""
	case Padding:
		return s.padding()
	case Invalid:
		return s.bytes()
	case Tag:
		if s.Count > mostListed {
			return s.tags()
		}
	case Homoglyph:
		return s.lookalikes()
	}
	return s.codePoints()
}

func (s Span) padding() string {
	switch {
	case strings.Contains(s.Text, "\n"):
		return fmt.Sprintf("%d blank lines", s.Count)
	case !strings.Contains(s.Text, "\t"):
		return fmt.Sprintf("%d spaces", s.Count)
	case !strings.Contains(s.Text, " "):
		return fmt.Sprintf("%d tabs", s.Count)
	}
	return fmt.Sprintf("%d spaces and tabs", s.Count)
}

func (s Span) bytes() string {
	if len(s.Text) == 1 {
		return fmt.Sprintf("byte 0x%02X", s.Text[0])
	}
	var listed []string
	for i := range min(len(s.Text), mostListed) {
		listed = append(listed, fmt.Sprintf("0x%02X", s.Text[i]))
	}
	return "bytes " + listing(listed, len(s.Text))
}

// tags spells out what the tag characters say to a reader that is a program:
// each is U+E0000 plus an ASCII character.
func (s Span) tags() string {
	var text strings.Builder
	n := 0
	for _, r := range s.Text {
		if n++; n > mostQuoted {
			text.WriteString("...")
			break
		}
		if c := r - 0xE0000; ' ' <= c && c <= '~' {
			text.WriteByte(byte(c))
		} else {
			text.WriteByte('?')
		}
	}
	return fmt.Sprintf("%d tag characters reading %q", s.Count, text.String())
}

func (s Span) lookalikes() string {
	ascii := strings.Map(func(r rune) rune { return rune(looksLike(r)) }, s.Text)
	verb := "look"
	if s.Count == 1 {
		verb = "looks"
	}
	return s.codePoints() + " " + verb + " like " + ascii
}

func (s Span) codePoints() string {
	var listed []string
	first, _ := utf8.DecodeRuneInString(s.Text)
	same := true
	for _, r := range s.Text {
		same = same && r == first
		if len(listed) < mostListed {
			listed = append(listed, fmt.Sprintf("U+%04X", r))
		}
	}
	if same && s.Count > mostListed {
		return fmt.Sprintf("%d x U+%04X", s.Count, first)
	}
	return listing(listed, s.Count)
}

func listing(listed []string, of int) string {
	text := strings.Join(listed, " ")
	if more := of - len(listed); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
