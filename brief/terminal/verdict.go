package terminal

import (
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

func (p *page) rules(b brief.Brief) {
	p.blank()
	heading := map[countersign.Effect]string{
		countersign.Hold: "held by", countersign.Deny: "denied by", countersign.Allow: "allowed by",
	}[b.Why.Effect]
	if heading == "" {
		heading = "rules"
	}
	if len(b.Why.Rules) == 0 {
		p.labelled(heading, say(b.Why.Says))
		return
	}
	p.ends(say(heading), quiet(b.Why.Says))
	widest := 0
	for _, r := range b.Why.Rules {
		widest = max(widest, width(r.ID))
	}
	for _, r := range b.Why.Rules {
		p.under(say("  "), join(say(r.ID), spacesOf(widest-width(r.ID)+3), quiet(r.Source)))
		for _, says := range []string{r.Why, r.Doubt} {
			if says != "" {
				p.under(say("    "), say(says))
			}
		}
	}
}

func (p *page) indicators(list []brief.Indicator) {
	p.blank()
	if len(list) == 0 {
		p.line(say("risks      none was found"))
		return
	}
	p.line(say("risks"))
	named, widest := 0, 0
	for _, i := range list {
		named = max(named, len(Shape(i.Severity)+i.Severity.String())+1)
		widest = max(widest, width(i.ID))
	}
	for _, i := range list {
		word := Shape(i.Severity) + " " + i.Severity.String()
		p.under(join(say("  "), risk(i.Severity, word), spacesOf(named-len(word)+2), say(i.ID), spacesOf(widest-width(i.ID)+2)), i.Says())
	}
}

// labelled writes prose beside one of the labels at the foot of the page.
func (p *page) labelled(label string, text brief.Text) {
	p.under(say(label+strings.Repeat(" ", max(11-len(label), 1))), text)
}

func (p *page) people(b brief.Brief) {
	p.blank()
	if len(b.Repeats) > 0 {
		p.labelled("before", b.Repeats)
	}
	if b.Bounds != "" {
		p.labelled("bounds", say(b.Bounds))
	}
	p.claim(b.Claim)
	p.deciders(b)
	for _, o := range b.Obstacles {
		p.labelled("obstacle", o)
	}
	if c := b.Deciders.Closed; c != nil {
		for _, why := range c.Why {
			p.labelled("not yet", why)
		}
	}
	if b.Outcome != nil {
		p.labelled("outcome", b.Outcome.Says)
	}
	p.labelled("digest", say(strings.Join(b.Command.Words[:], " ")))
}

// claim quotes what the requester claims. Quotes and backslashes in it are
// escaped, so that a claim cannot end before it does.
func (p *page) claim(claim brief.Text) {
	if len(claim) == 0 {
		p.labelled("claims", say("nothing: no reason was given"))
		return
	}
	label := "claims"
	text := brief.Text{{Text: `"`}}
	for _, s := range claim {
		if s.Boxed() {
			text = append(text, s)
			continue
		}
		lines := strings.Split(strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s.Text), "\n")
		for i, line := range lines {
			text = append(text, brief.Span{Text: line})
			if i < len(lines)-1 {
				p.labelled(label, text)
				label, text = "", nil
			}
		}
	}
	rows := wrap(append(text, brief.Span{Text: `"`}), p.width-11, p.width-11, spaces)
	for _, row := range rows[:len(rows)-1] {
		p.labelled(label, row)
		label = ""
	}
	last := join(say(label+strings.Repeat(" ", 11-len(label))), rows[len(rows)-1])
	p.ends(last, quiet("("+brief.ClaimMark+")"))
}

func (p *page) deciders(b brief.Brief) {
	d := b.Deciders
	label := "decides"
	next := func(text brief.Text) {
		p.labelled(label, text)
		label = ""
	}
	for i, s := range d.Stages {
		says := s.Says
		if i == 0 {
			says = countOf(d.Signed, d.Needed) + ": " + says
		} else {
			says = "and " + says
		}
		next(say(says))
	}
	if d.Reason {
		next(say("an approval must say why"))
	}
	for _, says := range d.Now {
		next(says)
	}
	if d.Next != nil {
		next(say(d.Next.Says))
	}
	for _, who := range d.Barred {
		next(join(say("not "), who.Who, say(": "+who.Why)))
	}
	if len(d.Choices) > 0 {
		label = "decided"
	}
	for _, s := range d.Choices {
		next(signed(s))
	}
	if len(d.Refused) > 0 {
		label = "refused"
	}
	for _, s := range d.Refused {
		next(join(signed(s), say(" ("+string(s.Code)+")")))
	}
}

// signed is "Bob Okafor approved with passkey in console, 2026-11-19 16:18:44 UTC".
func signed(s brief.Signature) brief.Text {
	text := slices.Clone(s.Name)
	for i := range text {
		if text[i].Role == brief.Plain {
			text[i].Role = brief.Strong
		}
	}
	choice, ok := map[countersign.Choice]string{
		countersign.Approve: "approved", countersign.Reject: "rejected", countersign.Escalate: "escalated",
	}[s.Choice]
	if !ok {
		choice = "chose " + strconv.Quote(string(s.Choice))
	}
	text = join(text, say(" "+choice))
	if s.Assurance != "" {
		text = join(text, say(" with "+string(s.Assurance)))
	}
	if s.Channel != "" {
		text = join(text, say(" in "+s.Channel))
	}
	if !s.At.IsZero() {
		text = join(text, say(", "+s.At.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	if len(s.Reason) > 0 {
		text = join(text, say(`, saying "`), s.Reason, say(`"`))
	}
	if len(s.Void) > 0 {
		text = join(text, say("; no longer counts: "), s.Void)
	}
	return text
}

func countOf(n, of int) string { return strconv.Itoa(n) + " of " + strconv.Itoa(of) }
