package terminal

import (
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

const (
	widestPath = 24 // columns; a longer path is followed by its value
	margin     = 5  // where lines go on that have no column for their value
)

func (p *page) command(c brief.Command) {
	p.blank()
	if c.Kind == "" {
		p.line(say("command"))
	} else {
		p.line(say("command"), quiet("  "+c.Kind))
	}
	p.broken(say("  "), c.Title.Value, margin, c.Title.Notes)
	paths, digits := 0, 1
	for _, line := range c.Lines {
		if w := columns(line.Path); w <= widestPath {
			paths = max(paths, w)
		}
		digits = max(digits, len(strconv.Itoa(line.Number)))
	}
	for _, line := range c.Lines {
		switch {
		case line.Number > 0:
			number := strconv.Itoa(line.Number)
			label := join(spacesOf(4+digits-len(number)), quiet(number), say("  "))
			p.broken(label, line.Value, columns(label), line.Notes)
		case len(line.Path) == 0:
			p.broken(say("  "), line.Value, margin, line.Notes)
		case columns(line.Path) > paths:
			p.broken(say("  "), join(line.Path, say("  "), line.Value), margin, line.Notes)
		default:
			label := join(say("  "), line.Path, spacesOf(paths-columns(line.Path)+2))
			p.broken(label, line.Value, columns(label), line.Notes)
		}
	}
	p.under(say("  "), quiet("end of command, "+strings.Join(c.End.Says, ", ")))
}

// broken writes a line of the command beside its label, wherever it must be
// broken behind ">" at the column, and its notes below.
func (p *page) broken(label, value brief.Text, column int, notes []brief.Note) {
	var last brief.Text
	for i, row := range wrap(value, p.width-columns(label), p.width-column, anywhere) {
		if i > 0 {
			label = join(spacesOf(column-3), say(">"), spacesOf(2))
		}
		last = join(label, row)
		p.line(last)
	}
	for _, n := range notes {
		from, to := marks(last, n.Severity)
		p.note(n, from, to-from)
	}
}

// marks finds the columns of the first mark of the severity in a row, none if
// there is no mark.
func marks(row brief.Text, severity countersign.Severity) (from, to int) {
	at := 0
	for _, s := range row {
		w := width(shown(s))
		isMark := (s.Role == brief.Marked || s.Boxed()) && s.Severity == severity && severity > countersign.Info
		switch {
		case isMark && to == 0:
			from, to = at, at+w
		case isMark:
			to = at + w
		case to > 0:
			return from, to
		}
		at += w
	}
	return from, to
}

// note writes a note below the columns that it is about, or below the line as a
// whole where that would leave it no room.
func (p *page) note(n brief.Note, from, carets int) {
	label := join(spacesOf(margin), risk(n.Severity, Shape(n.Severity)+" "))
	if carets > 0 && from+carets <= p.width/2 {
		label = join(spacesOf(from), risk(n.Severity, strings.Repeat("^", carets)+" "+Shape(n.Severity)+" "))
	}
	rows := wrap(n.Says, p.width-columns(label), p.width-columns(label), spaces)
	for i, row := range rows {
		if i > 0 {
			label = spacesOf(columns(label))
		}
		if i < len(rows)-1 {
			p.line(label, row)
		} else {
			p.ends(join(label, row), quiet(n.ID))
		}
	}
}
