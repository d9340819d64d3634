package blockkit

import (
	"fmt"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
)

// The callback ids of our dialogs, and where in their state the answers stand.
const (
	CallbackApprove  = "cs_approve"
	CallbackReject   = "cs_reject"
	CallbackEscalate = "cs_escalate"
	BlockReason      = "reason"
	BlockTo          = "to"
	ActionReason     = "cs_reason"
	ActionTo         = "cs_to"
)

// Ask is the dialog that asks why, and of an escalation to which of the card's
// groups. It carries the token of the card and nothing else.
func Ask(choice countersign.Choice, c channel.Card) (slack.ModalViewRequest, error) {
	v := slack.ModalViewRequest{Type: slack.VTModal, PrivateMetadata: c.Token, Close: plain("Back")}
	v.Blocks.BlockSet = append(v.Blocks.BlockSet, about(c))
	var why string
	switch choice {
	case countersign.Approve:
		v.CallbackID, v.Title, why = CallbackApprove, plain("Approve"), "Why may it run? This goes on record."
	case countersign.Reject:
		v.CallbackID, v.Title, why = CallbackReject, plain("Reject"), "Why is it refused? The requester reads this."
	case countersign.Escalate:
		v.CallbackID, v.Title, why = CallbackEscalate, plain("Escalate"), "Why should others look at it?"
		v.Blocks.BlockSet = append(v.Blocks.BlockSet, slack.NewInputBlock(BlockTo, plain("Who must approve as well?"), nil, pick(c.Groups)))
	default:
		return v, fmt.Errorf("no dialog asks about the choice %q", choice)
	}
	v.Submit = v.Title
	reason := slack.NewPlainTextInputBlockElement(nil, ActionReason)
	reason.Multiline, reason.MaxLength, reason.MinLength = true, mostReason, 1
	v.Blocks.BlockSet = append(v.Blocks.BlockSet, slack.NewInputBlock(BlockReason, plain(why), nil, reason))
	return v, CheckView(v)
}

// about says in the dialog which request it is about.
func about(c channel.Card) *slack.RichTextBlock {
	var p prose
	if c.Elsewhere == "" {
		p.say(cut(c.Brief.Sentence.String(), 600))
		words(&p, c.Brief.Command)
	}
	p.label("request")
	p.say(string(c.Brief.ID))
	return rich("about", p.section())
}

// pick lists the groups; Slack takes a hundred options, whose values are names.
func pick(groups []string) *slack.SelectBlockElement {
	var options []*slack.OptionBlockObject
	for _, g := range groups[:min(len(groups), mostOptions)] {
		options = append(options, slack.NewOptionBlockObject(g, plain(cut(g, mostOptionText)), nil))
	}
	return slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("choose a group"), ActionTo, options...)
}

// CheckView says which of Slack's limits a dialog breaks, nil if none.
// https://docs.slack.dev/reference/views/modal-views
func CheckView(v slack.ModalViewRequest) error {
	var r refusal
	r.plain("a title", v.Title, mostTitle)
	r.plain("a submit button", v.Submit, mostTitle)
	r.plain("a close button", v.Close, mostTitle)
	r.length("private metadata", v.PrivateMetadata, 0, mostMetadata)
	r.length("a callback id", v.CallbackID, 1, mostID)
	n := len(v.Blocks.BlockSet)
	r.when(n == 0 || n > mostViewBlocks, "a dialog has %d blocks, not 1 to %d", n, mostViewBlocks)
	r.blocks(v.Blocks.BlockSet)
	if r.err != nil {
		return fmt.Errorf("dialog %s: %w", v.CallbackID, r.err)
	}
	return nil
}

func (r *refusal) input(b *slack.InputBlock) {
	r.plain("a label", b.Label, mostLabel)
	switch e := b.Element.(type) {
	case *slack.PlainTextInputBlockElement:
		r.length("an action id", e.ActionID, 1, mostID)
		r.when(e.MaxLength < 1 || e.MaxLength > mostReason, "an input of at most %d characters, not 1 to %d", e.MaxLength, mostReason)
	case *slack.SelectBlockElement:
		r.length("an action id", e.ActionID, 1, mostID)
		r.plain("a placeholder", e.Placeholder, mostPlaceholder)
		r.when(len(e.Options) == 0 || len(e.Options) > mostOptions, "%d options, not 1 to %d", len(e.Options), mostOptions)
		for _, o := range e.Options {
			r.plain("an option", o.Text, mostOptionText)
			r.length("the value of an option", o.Value, 1, mostOptionValue)
		}
	default:
		r.when(true, "an input of the kind %s, which nothing draws", b.Element.ElementType())
	}
}

// plain is words of ours, in which no :word: becomes an emoji.
func plain(words string) *slack.TextBlockObject {
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: words, Emoji: new(false)}
}
