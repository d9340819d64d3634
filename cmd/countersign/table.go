package main

import (
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

// flush prints the table. One that does not fit gives up its last column, and
// the one before it after that, never a letter.
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
	columns := len(width)
	for columns > 2 && total(width[:columns]) > tb.t.width {
		columns--
	}
	tb.line(plain(tb.heading...)[:columns], width)
	for _, row := range tb.rows {
		tb.line(row[:columns], width)
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
			width[i] = max(width[i], utf8.RuneCountInString(c.text))
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

func (tb *table) line(row []cell, width []int) {
	var b strings.Builder
	for i, c := range row {
		b.WriteString(tb.t.paint(c.colour, c.text))
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text)+2))
		}
	}
	tb.t.print("%s", strings.TrimRight(b.String(), " "))
}
