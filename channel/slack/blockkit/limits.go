package blockkit

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// What Slack accepts, in characters and in counts.
// https://docs.slack.dev/reference/block-kit/blocks
const (
	mostBlocks      = 50
	mostViewBlocks  = 100
	mostHeader      = 150
	mostButtons     = 25
	mostButtonText  = 75
	mostValue       = 2000
	mostURL         = 3000
	mostID          = 255
	mostTitle       = 24
	mostMetadata    = 3000
	mostLabel       = 2000
	mostPlaceholder = 150
	mostOptionText  = 75
	mostOptionValue = 150
	mostOptions     = 100
	mostReason      = 3000
)

// A refusal collects what Slack would not accept; the first is told.
type refusal struct{ err error }

func (r *refusal) when(refused bool, format string, args ...any) {
	if refused && r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *refusal) length(what, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	r.when(n < least || n > most, "%s has %d characters, not %d to %d", what, n, least, most)
	r.when(!utf8.ValidString(s), "%s is not UTF-8", what)
}

// Check says which of Slack's limits the blocks of a message break, nil if none.
// A kind of block that we do not draw is an error.
func Check(blocks []slack.Block) error {
	var r refusal
	r.when(len(blocks) == 0 || len(blocks) > mostBlocks, "a message has %d blocks, not 1 to %d", len(blocks), mostBlocks)
	r.blocks(blocks)
	n := size(blocks)
	r.when(n > most, "a message has %d bytes of text, more than %d", n, most)
	return r.err
}

// size is how many bytes of text the blocks hold.
func size(blocks []slack.Block) int {
	n := 0
	for _, b := range blocks {
		n += len(TextOf(b))
	}
	return n
}

func (r *refusal) blocks(blocks []slack.Block) {
	seen := map[string]bool{}
	for _, b := range blocks {
		id := b.ID()
		r.length("a block id", id, 1, mostID)
		r.when(seen[id], "two blocks have the id %q", id)
		seen[id] = true
		switch b := b.(type) {
		case *slack.HeaderBlock:
			r.plain("a header", b.Text, mostHeader)
		case *slack.RichTextBlock:
			r.rich(b)
		case *slack.ActionBlock:
			r.actions(b)
		case *slack.InputBlock:
			r.input(b)
		default:
			r.when(true, "a block of the kind %s, which nothing draws", b.BlockType())
		}
	}
}

// plain is a text object; the markup of one of mrkdwn would come alive.
func (r *refusal) plain(what string, t *slack.TextBlockObject, most int) {
	if t == nil {
		r.when(true, "%s has no text", what)
		return
	}
	r.when(t.Type != slack.PlainTextType, "%s is %s, not plain_text", what, t.Type)
	r.when(t.Emoji == nil || *t.Emoji, "%s turns :words: into emoji", what)
	r.length(what, t.Text, 1, most)
}

func (r *refusal) rich(b *slack.RichTextBlock) {
	r.when(len(b.Elements) == 0, "a rich text without elements")
	for _, part := range b.Elements {
		elements := elementsOf(part)
		r.when(len(elements) == 0, "a %s without elements", part.RichTextElementType())
		for _, e := range elements {
			switch e := e.(type) {
			case *slack.RichTextSectionTextElement:
				r.length("a text element", e.Text, 1, most)
			case *slack.RichTextSectionDateElement:
				r.when(e.Format == "" || e.Fallback == nil || e.Timestamp == 0, "a date without a format, fallback or time")
			default:
				r.when(true, "a rich text element %s, which nothing draws", e.RichTextSectionElementType())
			}
		}
	}
}

func (r *refusal) actions(b *slack.ActionBlock) {
	n := len(b.Elements.ElementSet)
	r.when(n == 0 || n > mostButtons, "%d buttons, not 1 to %d", n, mostButtons)
	seen := map[string]bool{}
	for _, e := range b.Elements.ElementSet {
		button, ok := e.(*slack.ButtonBlockElement)
		if !ok {
			r.when(true, "a %s among the buttons", e.ElementType())
			continue
		}
		r.plain("a button", button.Text, mostButtonText)
		r.length("an action id", button.ActionID, 1, mostID)
		r.length("the value of a button", button.Value, 0, mostValue)
		r.length("the link of a button", button.URL, 0, mostURL)
		r.when(seen[button.ActionID], "two buttons have the action id %q", button.ActionID)
		seen[button.ActionID] = true
	}
}

// TextOf is the text that a block shows, with a space between what stands apart.
func TextOf(b slack.Block) string {
	var says strings.Builder
	switch b := b.(type) {
	case *slack.HeaderBlock:
		says.WriteString(b.Text.Text)
	case *slack.RichTextBlock:
		for _, part := range b.Elements {
			for _, e := range elementsOf(part) {
				switch e := e.(type) {
				case *slack.RichTextSectionTextElement:
					says.WriteString(e.Text)
				case *slack.RichTextSectionDateElement:
					says.WriteString(*e.Fallback)
				}
			}
			says.WriteByte('\n')
		}
	case *slack.ActionBlock:
		for _, e := range b.Elements.ElementSet {
			if button, ok := e.(*slack.ButtonBlockElement); ok {
				says.WriteString(button.Text.Text + " ")
			}
		}
	}
	return says.String()
}

func elementsOf(part slack.RichTextElement) []slack.RichTextSectionElement {
	switch part := part.(type) {
	case *slack.RichTextSection:
		return part.Elements
	case *slack.RichTextQuote:
		return part.Elements
	case *slack.RichTextPreformatted:
		return part.Elements
	}
	return nil
}
