package main

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A table lays rows out: on a screen in columns under a heading, elsewhere
// separated by tabs, for programs.
type table struct {
	t       *terminal
	heading []string
	rows    [][]cell
}

// A cell is a text, the colour it has on a screen, and the text that a program
// gets in its place, if it is another.
type cell struct {
	text, colour, bare string
}

func (t *terminal) table(heading ...string) *table { return &table{t: t, heading: heading} }

func plain(texts ...string) []cell {
	row := make([]cell, len(texts))
	for i, text := range texts {
		row[i].text = text
	}
	return row
}

func (tb *table) row(cells ...cell) { tb.rows = append(tb.rows, cells) }

// leastColumn is how narrow the widest column may become before the table gives up
// its last one.
const leastColumn = 20

// flush prints the table. Where it does not fit, the widest column is wrapped, and
// where that is not enough the last column is given up: never a letter.
func (tb *table) flush() {
	if !tb.t.outIsScreen {
		for _, row := range tb.rows {
			tb.t.print("%s", bareRow(row))
		}
		return
	}
	if len(tb.rows) == 0 {
		return
	}
	width := tb.widths()
	for {
		widest := slices.Index(width, slices.Max(width))
		over := total(width) - tb.t.width
		if fits := width[widest] - over; over <= 0 || fits >= leastColumn {
			width[widest] = min(width[widest], fits)
			break
		}
		if len(width) == 2 {
			break
		}
		width = width[:len(width)-1]
	}
	tb.line(plain(tb.heading...), width)
	for _, row := range tb.rows {
		tb.line(row, width)
	}
}

func bareRow(row []cell) string {
	fields := make([]string, len(row))
	for i, c := range row {
		fields[i] = c.text
		if c.bare != "" {
			fields[i] = c.bare
		}
		fields[i] = oneLine(fields[i])
	}
	return strings.Join(fields, "\t")
}

func (tb *table) widths() []int {
	width := make([]int, len(tb.heading))
	for _, row := range append([][]cell{plain(tb.heading...)}, tb.rows...) {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(oneLine(c.text)))
		}
	}
	return width
}

func total(width []int) int {
	sum := 2 * (len(width) - 1)
	for _, w := range width {
		sum += w
	}
	return sum
}

// line prints one row, in as many lines as its longest cell needs.
func (tb *table) line(row []cell, width []int) {
	cells := make([][]string, len(width))
	lines := 1
	for i := range width {
		cells[i] = wrapped(row[i].text, width[i])
		lines = max(lines, len(cells[i]))
	}
	for n := range lines {
		var b strings.Builder
		for i, rows := range cells {
			text := ""
			if n < len(rows) {
				text = rows[n]
			}
			b.WriteString(tb.t.paint(row[i].colour, text))
			b.WriteString(strings.Repeat(" ", max(width[i]-utf8.RuneCountInString(text), 0)+2))
		}
		tb.t.print("%s", strings.TrimRight(b.String(), " "))
	}
}
