// Package blockkit draws a card as a Slack message: Draw makes the message, Ask
// the dialog for a reason, and Check says what Slack would refuse of either.
//
// Everything that comes from outside stands in text elements of rich text, which
// Slack does not parse: a mention, a link or the end of a code block in a command
// is only text there.
package blockkit

import (
	"slices"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
)

// The action ids of our buttons and callback ids of our dialogs. An interaction
// with another id is none of ours.
const (
	ActionApprove  = "cs_approve"
	ActionReject   = "cs_reject"
	ActionEscalate = "cs_escalate"
	ActionOpen     = "cs_open"
)

// A Message is what is posted.
type Message struct {
	// Text is what notifications show, escaped.
	Text   string
	Blocks []slack.Block
	// Whole is true if the message holds all of the Brief. Otherwise it says so,
	// and it has no button that approves.
	Whole bool
}

// most is how many bytes of text a message may hold. Slack refuses messages of
// about 13,200 characters over all blocks with msg_blocks_too_long, which it does
// not document; who counts bytes stays below it in every script.
const most = 12_000

// Draw lays a card out.
func Draw(c channel.Card) Message {
	b := c.Brief
	if c.Elsewhere != "" {
		return Message{Text: Plain(heading(b) + ": " + cut(c.Elsewhere, 300)), Blocks: append(elsewhere(c), foot(c, unapprovable(c))), Whole: true}
	}
	m := Message{Text: Plain(heading(b) + ": " + cut(b.Sentence.String(), 300)), Whole: true}
	if m.Blocks = append(whole(c), foot(c, c.Offers)); Check(m.Blocks) == nil {
		return m
	}
	return Message{Text: m.Text, Blocks: append(short(c), foot(c, unapprovable(c)))}
}

// Short is the message of a card that Slack refuses to show whole.
func Short(c channel.Card) Message {
	if c.Elsewhere != "" {
		return Draw(c)
	}
	return Message{Text: Plain(heading(c.Brief)), Blocks: append(short(c), foot(c, unapprovable(c)))}
}

// room is what Fits leaves for what may be added to a card that fits: its status,
// its buttons, and why it cannot be approved here.
const room = 1000

// Fits reports whether a message can hold all of the card's Brief.
func Fits(c channel.Card) bool {
	blocks := append(whole(c), foot(c, c.Offers))
	return Check(blocks) == nil && size(blocks) <= most-room
}

// unapprovable are the card's offers where a byte that matters is not shown.
func unapprovable(c channel.Card) []countersign.Choice {
	return slices.DeleteFunc(slices.Clone(c.Offers), func(o countersign.Choice) bool { return o == countersign.Approve })
}

// whole is all that every channel shows.
func whole(c channel.Card) []slack.Block {
	b := c.Brief
	blocks := []slack.Block{header(b), rich("about", sentence(c), facts(b.Facts)), command(b.Command)}
	blocks = append(blocks, rich("why", touches(b.Touches), rules(b), indicators(b)))
	if claim := claim(b.Claim); claim != nil {
		blocks = append(blocks, claim)
	}
	return append(blocks, deciders(c))
}

// short is the card of a request that does not fit into a message.
func short(c channel.Card) []slack.Block {
	var p, end prose
	p.bold(cut(c.Status, 600))
	p.newline()
	p.say(cut(c.Brief.Sentence.String(), 600))
	p.newline()
	p.bold("This does not fit into a Slack message, so it cannot be approved here. ")
	p.say("Open it to see every byte. It begins:")
	words(&end, c.Brief.Command)
	left(&end, c.Brief)
	end.label("request")
	end.say(string(c.Brief.ID))
	return []slack.Block{header(c.Brief),
		rich("about", p.section(), preformatted(cut(commandText(c.Brief.Command), 1500)), end.section())}
}

// elsewhere is the card of a request that may not be shown in this workspace.
func elsewhere(c channel.Card) []slack.Block {
	var p prose
	p.say(cut(c.Elsewhere, 1000))
	left(&p, c.Brief)
	p.label("request")
	p.say(string(c.Brief.ID))
	return []slack.Block{header(c.Brief), rich("about", p.section())}
}

// heading is "medium risk, waits for a decision", behind the figure. A card that was
// taken back says neither.
func heading(b brief.Brief) string {
	if b.State.Decision == "" {
		return "a request"
	}
	return risk(b.Severity) + " risk, " + stateSays(b)
}

func header(b brief.Brief) *slack.HeaderBlock {
	return slack.NewHeaderBlock(plain(heading(b)), slack.HeaderBlockOptionBlockID("head"))
}

func stateSays(b brief.Brief) string {
	decision, execution := b.State.Decision, b.State.Execution
	switch {
	case execution == countersign.ExecutionUnknown:
		return string(decision) + ", nobody knows whether it ran"
	case execution != countersign.ExecutionNone && execution != "":
		return string(decision) + ", " + string(execution)
	case decision == countersign.DecisionPending:
		return "waits for a decision"
	case decision == countersign.DecisionApproved:
		return "approved, not run yet"
	case b.State.Settled():
		return string(decision) + ", did not run"
	}
	return string(decision)
}

func sentence(c channel.Card) *slack.RichTextSection {
	var p prose
	p.text(c.Brief.Sentence)
	if c.Status != "" {
		p.newline()
		p.bold(c.Status)
	}
	if len(c.Brief.Because) > 0 {
		p.label("because")
		p.text(c.Brief.Because)
	}
	return p.section()
}

func facts(list []brief.Fact) *slack.RichTextSection {
	var p prose
	for _, f := range list {
		p.label(f.Name)
		p.text(f.Value)
		if len(f.Detail) > 0 {
			p.say(", ")
			p.text(f.Detail)
		}
	}
	return p.section()
}

// foot is the row of buttons: a choice each, and the link.
func foot(c channel.Card, offers []countersign.Choice) *slack.ActionBlock {
	var row []slack.BlockElement
	for _, o := range offers {
		button := slack.NewButtonBlockElement(ActionApprove, c.Token, plain("Approve"))
		switch o {
		case countersign.Approve:
			button.Style = slack.StylePrimary
		case countersign.Reject:
			button.ActionID, button.Text, button.Style = ActionReject, plain("Reject\u2026"), slack.StyleDanger
		case countersign.Escalate:
			button.ActionID, button.Text = ActionEscalate, plain("Escalate\u2026")
		default:
			continue
		}
		row = append(row, button)
	}
	open := slack.NewButtonBlockElement(ActionOpen, "", plain(c.OpenLabel()))
	open.URL = c.OpenURL
	return slack.NewActionBlock("decide", append(row, open)...)
}
