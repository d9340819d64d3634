package terminal

import (
	"strings"
	"unicode"

	"github.com/countersignhq/countersign/brief"
)

// tab is what a tab in a command is drawn as; the command as sent has it as \t.
const tab = "    "

// A cell is what a line may not be broken within: a character, or a hidden one's
// label.
type cell struct {
	brief.Span
	width int
}

// cells cuts a text into cells whose texts are what is printed. A label that is
// wider than most is cut into characters too.
func cells(t brief.Text, most int) []cell {
	var out []cell
	for _, s := range t {
		shown := strings.ReplaceAll(shown(s), "\t", tab)
		s.Label, s.Count = "", 0
		if w := width(shown); s.Boxed() && w <= most {
			s.Text = shown
			out = append(out, cell{s, w})
			continue
		}
		for _, r := range shown {
			s.Text = string(r)
			out = append(out, cell{s, width(s.Text)})
		}
	}
	return out
}

// wrap breaks a text into rows of which the first is at most first columns wide
// and the others rest. Prose is broken at spaces, a command anywhere.
func wrap(t brief.Text, first, rest int, at breaks) []brief.Text {
	var rows []brief.Text
	first, rest = max(first, 2), max(rest, 2)
	left := cells(t, rest)
	for most := first; ; most = rest {
		n, used := 0, 0
		for n < len(left) && used+left[n].width <= most {
			used += left[n].width
			n++
		}
		if n == len(left) {
			return append(rows, merged(left))
		}
		next := max(n, 1)
		if at == spaces {
			n, next = lastSpace(left, next)
		} else {
			n = notAfterSpace(left, next)
			next = n
		}
		rows = append(rows, merged(left[:n]))
		left = left[next:]
	}
}

// breaks says where a text may be broken.
type breaks int

const (
	anywhere breaks = iota
	spaces
)

// lastSpace finds the last space at or before n: the row ends before it and the
// next begins after it. A word longer than a row is broken at n.
func lastSpace(left []cell, n int) (end, next int) {
	for i := n; i > 0; i-- {
		if left[i].Text == " " && !left[i].Boxed() {
			return i, i + 1
		}
	}
	return n, n
}

// notAfterSpace moves the end of a row before the spaces it ends with: at the
// beginning of the next they can be seen.
func notAfterSpace(left []cell, n int) int {
	for i := n; i > 0; i-- {
		if left[i-1].Text != " " {
			return i
		}
	}
	return n
}

// merged joins neighbours that are drawn alike.
func merged(cells []cell) brief.Text {
	var t brief.Text
	for len(cells) > 0 {
		alike, text := 0, strings.Builder{}
		for alike < len(cells) && cells[alike].Role == cells[0].Role && cells[alike].Severity == cells[0].Severity {
			text.WriteString(cells[alike].Text)
			alike++
		}
		s := cells[0].Span
		s.Text = text.String()
		t, cells = append(t, s), cells[alike:]
	}
	return t
}

// shown is what is printed of a span: of one that is laid out already, its text.
func shown(s brief.Span) string {
	if s.Label == "" {
		return s.Text
	}
	return s.Shown()
}

// printed is the text as it stands in a row.
func printed(t brief.Text) string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(shown(s))
	}
	return b.String()
}

func columns(t brief.Text) int { return width(printed(t)) }

// width is the number of columns that terminals give a text (Unicode UAX #11,
// wide and fullwidth; marks take none).
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case isWide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

func isWide(r rune) bool {
	for _, wide := range [...][2]rune{
		{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xa960, 0xa97c}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
		{0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
		{0x1f900, 0x1faff}, {0x20000, 0x3fffd},
	} {
		if wide[0] <= r && r <= wide[1] {
			return true
		}
	}
	return false
}
