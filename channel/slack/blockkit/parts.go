package blockkit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
)

// command is the exact thing that would run, and under it what is risky in it.
func command(c brief.Command) *slack.RichTextBlock {
	var head, end prose
	head.bold("command")
	if c.Kind != "" {
		head.say("  " + c.Kind)
	}
	for _, line := range append([]brief.Line{c.Title}, c.Lines...) {
		for _, n := range line.Notes {
			end.newline()
			end.say(risk(n.Severity) + "  ")
			switch {
			case len(line.Path) > 0:
				end.text(line.Path)
				end.say(": ")
			case line.Number > 0:
				end.say("line " + strconv.Itoa(line.Number) + ": ")
			}
			end.text(n.Says)
			end.say("  (" + n.ID + ")")
		}
	}
	end.newline()
	end.say(c.End.Sentence())
	words(&end, c)
	return rich("command", head.section(), preformatted(commandText(c)), end.section())
}

// words are the digest as people compare it with the page.
func words(p *prose, c brief.Command) {
	p.label("digest")
	p.say(strings.Join(c.Words[:], " "))
}

// widestPath is the longest path, in characters, that values are aligned behind.
const widestPath = 24

// commandText is the command as lines, hidden characters as labels.
func commandText(c brief.Command) string {
	digits, paths := 1, 0
	for _, line := range c.Lines {
		digits = max(digits, len(strconv.Itoa(line.Number)))
		if w := utf8.RuneCountInString(line.Path.String()); w <= widestPath {
			paths = max(paths, w)
		}
	}
	var text strings.Builder
	text.WriteString(c.Title.Value.String())
	for _, line := range c.Lines {
		text.WriteByte('\n')
		switch {
		case line.Number > 0:
			fmt.Fprintf(&text, "  %*d  ", digits, line.Number)
		case len(line.Path) > 0:
			path := line.Path.String()
			text.WriteString(path + strings.Repeat(" ", max(paths-utf8.RuneCountInString(path), 0)) + "  ")
		}
		text.WriteString(line.Value.String())
	}
	return text.String()
}

func touches(t brief.Touches) *slack.RichTextSection {
	var p prose
	p.bold("would touch")
	for _, o := range t.Objects {
		p.newline()
		p.text(o.Name)
		p.say(": " + o.Verb + ", " + o.Classes + ", count " + o.Count + ", " + string(o.Certainty))
	}
	if len(t.Unknown) > 0 {
		p.newline()
		p.text(t.Unknown)
	}
	return p.section()
}

func rules(b brief.Brief) *slack.RichTextSection {
	var p prose
	heading := map[countersign.Effect]string{
		countersign.Hold: "held by", countersign.Deny: "denied by", countersign.Allow: "allowed by",
	}[b.Why.Effect]
	if heading == "" {
		heading = "rules"
	}
	p.label(heading)
	p.say(b.Why.Says)
	for _, r := range b.Why.Rules {
		p.newline()
		p.bold(r.ID)
		for _, says := range []string{r.Why, r.Doubt} {
			if says != "" {
				p.say("  " + says)
			}
		}
		if r.Source != "" {
			p.put("  "+r.Source, &slack.RichTextSectionTextStyle{Italic: true})
		}
	}
	return p.section()
}

func indicators(b brief.Brief) *slack.RichTextSection {
	var p prose
	p.label("risks")
	if len(b.Indicators) == 0 {
		p.say("none was found")
	}
	for _, i := range b.Indicators {
		p.newline()
		p.say(risk(i.Severity) + "  ")
		p.bold(i.ID)
		p.say("  ")
		p.text(i.Says())
	}
	if len(b.Repeats) > 0 {
		p.label("before")
		p.text(b.Repeats)
	}
	if b.Bounds != "" {
		p.label("bounds")
		p.say(b.Bounds)
	}
	return p.section()
}

// claim quotes what the requester says, nil if nothing is said.
func claim(says brief.Text) *slack.RichTextBlock {
	if len(says) == 0 {
		return nil
	}
	var head, quoted prose
	head.bold("the requester claims")
	head.put("  "+brief.ClaimMark, &slack.RichTextSectionTextStyle{Italic: true})
	quoted.text(says)
	return rich("claim", head.section(), quoted.quote())
}

func deciders(c channel.Card) *slack.RichTextBlock {
	var p prose
	b := c.Brief
	if len(b.Deciders.Stages) > 0 {
		p.label("decided by")
		p.say(strconv.Itoa(b.Deciders.Signed) + " of " + strconv.Itoa(b.Deciders.Needed))
	}
	for _, s := range b.Deciders.Stages {
		p.newline()
		p.say(s.Says)
	}
	if b.Deciders.Reason {
		p.newline()
		p.say("an approval must say why")
	}
	for _, says := range b.Deciders.Now {
		p.newline()
		p.text(says)
	}
	if b.Deciders.Next != nil {
		p.newline()
		p.say(b.Deciders.Next.Says)
	}
	signatures(&p, b.Deciders)
	for i, barred := range b.Deciders.Barred {
		if i == 0 {
			p.label("cannot decide")
		} else {
			p.say("; ")
		}
		p.text(barred.Who)
		p.say(": " + barred.Why)
	}
	for _, o := range b.Obstacles {
		p.label("obstacle")
		p.text(o)
	}
	if closed := b.Deciders.Closed; closed != nil {
		for _, why := range closed.Why {
			p.label("not yet")
			p.text(why)
		}
	}
	if c.Why != "" {
		p.label("not here")
		p.say(c.Why)
	}
	left(&p, b)
	if b.Outcome != nil {
		p.label("outcome")
		p.text(b.Outcome.Says)
	}
	p.label("request")
	p.say(string(b.ID))
	return rich("deciders", p.section())
}

// left says when a pending request is refused, in the reader's own time.
func left(p *prose, b brief.Brief) {
	if b.State.Decision == countersign.DecisionPending && !b.ExpiresAt.IsZero() {
		p.label("time left")
		p.moment(b.ExpiresAt, "{ago}, at {time_secs} on {date_short}")
		p.say(", then refused")
	}
}

func signatures(p *prose, d brief.Deciders) {
	for _, s := range d.Choices {
		p.label(chose(s.Choice))
		p.text(s.Name)
		p.say(" with " + string(s.Assurance) + " in " + s.Channel + ", ")
		p.moment(s.At, "{time_secs} on {date_short}")
		if len(s.Reason) > 0 {
			p.say(": ")
			p.text(s.Reason)
		}
		if len(s.Void) > 0 {
			p.say("; void: ")
			p.text(s.Void)
		}
	}
	for _, s := range d.Refused {
		p.label("refused")
		p.text(s.Name)
		p.say(", who may not decide this (" + string(s.Code) + ")")
	}
}

func chose(c countersign.Choice) string {
	switch c {
	case countersign.Approve:
		return "approved"
	case countersign.Reject:
		return "rejected"
	case countersign.Escalate:
		return "escalated"
	}
	return "chose " + string(c)
}
