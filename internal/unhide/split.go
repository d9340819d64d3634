package unhide

import (
	"strings"
	"unicode/utf8"
)

// A Span is a part of a text that is of one kind throughout.
type Span struct {
	// Text is the part itself, byte for byte.
	Text string
	Kind Kind
	// Count is how many characters hide here (bytes for Invalid, lines for
	// Padding made of blank lines); 0 for Plain.
	Count int
}

const (
	mostSpaces     = 16 // in a row before they are padding
	mostBlankLines = 4
)

// Split cuts s into spans whose texts, joined, are s again. Neighbours differ in
// kind, but for paddings, which are counted each by itself.
func Split(s string) []Span {
	sp := splitter{in: s}
	for sp.at < len(s) {
		switch c := s[sp.at]; c {
		case ' ', '\t', '\n':
			sp.blanks()
		default:
			r, size := utf8.DecodeRuneInString(s[sp.at:])
			kind := kindOf(r, size)
			if kind == Plain && sp.isHomoglyph(r) {
				kind = Homoglyph
			}
			sp.add(size, kind)
		}
	}
	return sp.spans
}

type splitter struct {
	in    string
	at    int
	spans []Span

	wordEnd int  // end of the word that at is in or has left
	latin   bool // whether that word has a Latin letter of its own
}

// add takes the next size bytes as one character of the given kind.
func (sp *splitter) add(size int, kind Kind) {
	count := 1
	if kind == Plain {
		count = 0
	}
	if n := len(sp.spans); n > 0 && sp.spans[n-1].Kind == kind && kind != Padding {
		last := &sp.spans[n-1]
		last.Text = sp.in[sp.at-len(last.Text) : sp.at+size]
		last.Count += count
	} else {
		sp.spans = append(sp.spans, Span{sp.in[sp.at : sp.at+size], kind, count})
	}
	sp.at += size
}

// blanks takes the run of spaces, tabs and newlines that starts here. In a run
// of blank lines the newlines around them stay plain, so that a label in their
// place stands on a line of its own.
func (sp *splitter) blanks() {
	start, end := sp.at, sp.at
	for end < len(sp.in) && strings.IndexByte(" \t\n", sp.in[end]) >= 0 {
		end++
	}
	run := sp.in[start:end]
	lines := strings.Count(run, "\n") - 1
	from := start + strings.IndexByte(run, '\n') + 1
	if start == 0 { // the first line of the text is blank as well
		lines++
		from = 0
	}
	if lines > mostBlankLines {
		sp.indents(from)
		to := start + strings.LastIndexByte(run, '\n')
		sp.spans = append(sp.spans, Span{sp.in[from:to], Padding, lines})
		sp.at = to
	}
	sp.indents(end)
}

// indents takes the blanks up to end, in which only spaces and tabs that stand
// in a row can be padding.
func (sp *splitter) indents(end int) {
	for sp.at < end {
		row := 0
		for sp.at+row < end && sp.in[sp.at+row] != '\n' {
			row++
		}
		switch {
		case row == 0:
			sp.add(1, Plain)
		case row <= mostSpaces:
			sp.add(row, Plain)
		default:
			sp.spans = append(sp.spans, Span{sp.in[sp.at : sp.at+row], Padding, row})
			sp.at += row
		}
	}
}

// A Finding is one hidden part of a text.
type Finding struct {
	Kind Kind
	// Label is the Span's, such as "U+202E" or "412 spaces".
	Label string
	// Offset is where the part starts, in bytes from 0.
	Offset int
	// Count is the Span's.
	Count int
}

// Hidden lists, in order, everything in s that is not plain.
func Hidden(s string) []Finding {
	var found []Finding
	at := 0
	for _, span := range Split(s) {
		if span.Kind != Plain {
			found = append(found, Finding{span.Kind, span.Label(), at, span.Count})
		}
		at += len(span.Text)
	}
	return found
}

// Visible returns s for a terminal or a log, with its newlines and tabs and each
// hidden part as its label: "<U+202E>", "<412 spaces>". The result holds no
// control character but those two, and nothing hidden. It is for reading only:
// a text may spell such a label itself.
func Visible(s string) string {
	var out strings.Builder
	for _, span := range Split(s) {
		if span.Kind == Plain {
			out.WriteString(span.Text)
			continue
		}
		out.WriteString("<" + span.Label() + ">")
	}
	return out.String()
}
