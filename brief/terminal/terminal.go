// Package terminal lays a Brief out for a terminal of so many columns. Without
// colour nothing is lost: severities have shapes and words, and what is hidden
// stands in <brackets>. A line that had to be wrapped goes on behind ">".
package terminal

import (
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// A Screen is what a Brief is laid out for. Its zero value works.
type Screen struct {
	// Width is how many columns there are. Defaults to 80, the least is 40.
	Width int
	// Now is the moment for which the time left is told. If it is zero, the
	// moment at which the request is refused is told instead.
	Now time.Time
}

// Lines lays the Brief out. The text of each span is what is printed, that of a
// hidden one too; the role and the severity say how a terminal with colour prints
// it.
func Lines(b brief.Brief, s Screen) []brief.Text {
	p := page{width: max(s.Width, 40)}
	if s.Width == 0 {
		p.width = 80
	}
	p.heading(b, s.Now)
	p.facts(b.Facts)
	p.command(b.Command)
	p.touches(b.Touches)
	p.rules(b)
	p.indicators(b.Indicators)
	p.people(b)
	return p.lines
}

// Plain is the lines without colour, each with a newline.
func Plain(lines []brief.Text) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.TrimRight(printed(line), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// Shape is the severity as it is drawn in ASCII.
func Shape(s countersign.Severity) string {
	switch s {
	case countersign.Info:
		return "o"
	case countersign.Low:
		return "*"
	case countersign.Medium:
		return "^"
	case countersign.High:
		return "<>"
	}
	return "[!]"
}

type page struct {
	width int
	lines []brief.Text
}

func say(s string) brief.Text { return brief.Text{{Text: s}} }

func quiet(s string) brief.Text { return brief.Text{{Text: s, Role: brief.Quiet}} }

func risk(s countersign.Severity, text string) brief.Text {
	return brief.Text{{Text: text, Role: brief.Marked, Severity: s}}
}

func join(parts ...brief.Text) brief.Text {
	var t brief.Text
	for _, p := range parts {
		t = append(t, p...)
	}
	return t
}

func spacesOf(n int) brief.Text { return say(strings.Repeat(" ", max(n, 0))) }

func (p *page) line(parts ...brief.Text) {
	p.lines = append(p.lines, merged(cells(join(parts...), p.width)))
}

func (p *page) blank() { p.line() }

// under writes prose beside a label, its further rows below the first.
func (p *page) under(label brief.Text, text brief.Text) {
	indent := columns(label)
	if indent > p.width-10 { // a label from outside
		for _, row := range wrap(label, p.width, p.width, anywhere) {
			p.line(row)
		}
		label, indent = spacesOf(margin), margin
	}
	for i, row := range wrap(text, p.width-indent, p.width-indent, spaces) {
		if i > 0 {
			label = spacesOf(indent)
		}
		p.line(label, row)
	}
}

// ends writes text with something at the right edge, below it if it must be.
func (p *page) ends(left, right brief.Text) {
	if gap := p.width - columns(left) - columns(right); gap >= 2 {
		p.line(left, spacesOf(gap), right)
		return
	}
	p.line(left)
	for _, row := range wrap(right, p.width, p.width, spaces) {
		p.line(spacesOf(p.width-columns(row)), row)
	}
}

func (p *page) heading(b brief.Brief, now time.Time) {
	risky := risk(b.Severity, Shape(b.Severity)+" "+strings.ToUpper(b.Severity.String()))
	state := say("  " + stateSays(b))
	if left := timeLeft(b, now); left != nil {
		p.ends(join(risky, state), left)
	} else {
		p.line(risky, state)
	}
	p.under(nil, b.Sentence)
	if len(b.Because) > 0 {
		p.under(say("because    "), b.Because)
	}
}

func stateSays(b brief.Brief) string {
	says := string(b.State.Decision)
	switch {
	case b.State.Execution != countersign.ExecutionNone && b.State.Execution != "":
		if b.State.Execution == countersign.ExecutionUnknown {
			return says + ", unknown whether it ran"
		}
		return says + ", " + string(b.State.Execution)
	case b.State.Settled():
		return says + ", did not run"
	case b.State.Decision == countersign.DecisionPending && b.Why.Effect == countersign.Hold:
		return "held, " + says
	case b.State.Decision == countersign.DecisionApproved:
		return says + ", not run yet"
	}
	return says
}

// timeLeft tells until when it waits, nil if it waits for nobody.
func timeLeft(b brief.Brief, now time.Time) brief.Text {
	if b.State.Decision != countersign.DecisionPending || b.ExpiresAt.IsZero() {
		return nil
	}
	if now.IsZero() {
		return say("until " + b.ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC") + ", then refused")
	}
	left, whole := max(b.ExpiresAt.Sub(now), 0), b.ExpiresAt.Sub(b.AskedAt)
	says := fmt.Sprintf("%d:%02d left, then refused", int(left.Minutes()), int(left.Seconds())%60)
	if left < whole/5 {
		return risk(countersign.Medium, says)
	}
	return say(says)
}

func (p *page) facts(facts []brief.Fact) {
	p.blank()
	for _, f := range facts {
		value := f.Value
		if len(f.Detail) > 0 {
			value = join(value, say(", "), f.Detail)
		}
		p.under(quiet(fmt.Sprintf("  %-9s  ", f.Name)), value)
	}
}

func (p *page) touches(t brief.Touches) {
	p.blank()
	p.line(say("would touch"))
	var table [][]brief.Text
	if len(t.Objects) > 0 {
		table = append(table, []brief.Text{quiet("object"), quiet("verb"), quiet("data"), quiet("count"), quiet("certainty")})
	}
	for _, o := range t.Objects {
		table = append(table, []brief.Text{o.Name, say(o.Verb), say(o.Classes), say(o.Count), say(string(o.Certainty))})
	}
	p.table(table, 3)
	if len(t.Unknown) > 0 {
		p.under(say("  "), t.Unknown)
	}
}

// table writes rows in columns of which one is of numbers. Where they do not fit
// the first cell stands on a line of its own and the others below it.
func (p *page) table(rows [][]brief.Text, numbers int) {
	widths := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	all := 0
	for _, w := range widths {
		all += w + 2
	}
	for _, row := range rows {
		if all > p.width {
			p.under(say("  "), row[0])
			p.under(say("    "), joined(row[1:], ", "))
			continue
		}
		line := say("")
		for i, cell := range row {
			pad := spacesOf(widths[i] - columns(cell))
			if i == numbers {
				cell, pad = pad, cell
			}
			line = join(line, say("  "), cell, pad)
		}
		p.line(line)
	}
}

func joined(parts []brief.Text, with string) brief.Text {
	var t brief.Text
	for i, part := range parts {
		if i > 0 {
			t = join(t, say(with))
		}
		t = join(t, part)
	}
	return t
}
