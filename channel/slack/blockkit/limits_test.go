package blockkit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

func TestCheckRefusesWhatSlackRefuses(t *testing.T) {
	text := func(n int) *slack.TextBlockObject {
		return &slack.TextBlockObject{Type: slack.PlainTextType, Text: strings.Repeat("x", n), Emoji: new(false)}
	}
	rich := func(e ...slack.RichTextSectionElement) slack.Block {
		return slack.NewRichTextBlock("r", slack.NewRichTextSection(e...))
	}
	button := func(id, label, value, url string) slack.BlockElement {
		b := slack.NewButtonBlockElement(id, value, &slack.TextBlockObject{Type: slack.PlainTextType, Text: label, Emoji: new(false)})
		b.URL = url
		return b
	}
	many := func(n int, of func(i int) slack.Block) (list []slack.Block) {
		for i := range n {
			list = append(list, of(i))
		}
		return list
	}
	for name, blocks := range map[string][]slack.Block{
		"no blocks": {},
		"51 blocks": many(51, func(i int) slack.Block {
			return slack.NewHeaderBlock(text(1), slack.HeaderBlockOptionBlockID(fmt.Sprint(i)))
		}),
		"two of one id":    many(2, func(int) slack.Block { return slack.NewHeaderBlock(text(1), slack.HeaderBlockOptionBlockID("a")) }),
		"no id":            {slack.NewHeaderBlock(text(1))},
		"a long id":        {slack.NewHeaderBlock(text(1), slack.HeaderBlockOptionBlockID(strings.Repeat("i", 256)))},
		"a long header":    {slack.NewHeaderBlock(text(151), slack.HeaderBlockOptionBlockID("a"))},
		"an empty header":  {slack.NewHeaderBlock(text(0), slack.HeaderBlockOptionBlockID("a"))},
		"an emoji header":  {slack.NewHeaderBlock(&slack.TextBlockObject{Type: slack.PlainTextType, Text: "x"}, slack.HeaderBlockOptionBlockID("a"))},
		"a markup header":  {slack.NewHeaderBlock(&slack.TextBlockObject{Type: slack.MarkdownType, Text: "x"}, slack.HeaderBlockOptionBlockID("a"))},
		"a section":        {slack.NewSectionBlock(text(1), nil, nil, slack.SectionBlockOptionBlockID("a"))},
		"an empty text":    {rich(slack.NewRichTextSectionTextElement("", nil))},
		"an empty section": {rich()},
		"not UTF-8":        {rich(slack.NewRichTextSectionTextElement("\xff", nil))},
		"a mention":        {rich(slack.NewRichTextSectionUserElement("U1", nil))},
		"a broadcast":      {rich(slack.NewRichTextSectionBroadcastElement("here"))},
		"a link":           {rich(slack.NewRichTextSectionLinkElement("https://evil.example", "x", nil))},
		"too much text":    {rich(slack.NewRichTextSectionTextElement(strings.Repeat("x", 12_001), nil))},
		"too much text in pieces": many(13, func(i int) slack.Block {
			return slack.NewRichTextBlock(fmt.Sprint(i), slack.NewRichTextSection(slack.NewRichTextSectionTextElement(strings.Repeat("x", 1000), nil)))
		}),
		"no buttons": {slack.NewActionBlock("a")},
		"26 buttons": {slack.NewActionBlock("a", func() (l []slack.BlockElement) {
			for i := range 26 {
				l = append(l, button(fmt.Sprint("b", i), "x", "", ""))
			}
			return l
		}()...)},
		"a long label":    {slack.NewActionBlock("a", button("b", strings.Repeat("x", 76), "", ""))},
		"a long value":    {slack.NewActionBlock("a", button("b", "x", strings.Repeat("x", 2001), ""))},
		"a long link":     {slack.NewActionBlock("a", button("b", "x", "", strings.Repeat("x", 3001)))},
		"two of one name": {slack.NewActionBlock("a", button("b", "x", "", ""), button("b", "y", "", ""))},
	} {
		if err := blockkit.Check(blocks); err == nil {
			t.Errorf("%s: Check says nothing", name)
		}
	}
	good := []slack.Block{slack.NewHeaderBlock(text(150), slack.HeaderBlockOptionBlockID("a")), rich(slack.NewRichTextSectionTextElement("x", nil)), slack.NewActionBlock("b", button("c", strings.Repeat("x", 75), strings.Repeat("x", 2000), ""))}
	if err := blockkit.Check(good); err != nil {
		t.Errorf("blocks at the limits: got %v, want none", err)
	}
}
