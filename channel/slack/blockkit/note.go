package blockkit

import (
	"fmt"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
)

// Note is a message of one text, with a link if there is one.
func Note(says, link string) Message {
	says = cut(says, mostReason)
	var p prose
	p.say(says)
	m := Message{Text: Plain(says), Whole: true}
	if len(p.elements) > 0 {
		m.Blocks = append(m.Blocks, rich("says", p.section()))
	}
	if link != "" {
		open := slack.NewButtonBlockElement(ActionOpen, "", plain("Open"))
		open.URL = link
		m.Blocks = append(m.Blocks, slack.NewActionBlock("decide", open))
	}
	return m
}

// Said is the note below a card that says who chose what.
func Said(s brief.Signature) Message {
	says := s.Name.String() + " " + chose(s.Choice) + " it"
	if len(s.Reason) > 0 {
		says += ": " + s.Reason.String()
	}
	return Note(says, "")
}

// List is what waits for one person: of each request a sentence, the time left, the
// words of its digest and a link, and nothing that decides.
func List(in channel.Inbox) Message {
	if len(in.Cards) == 0 {
		return Note("Nothing waits for you.", in.OpenURL)
	}
	says := "1 request waits for you."
	if n := len(in.Cards) + in.More; n > 1 {
		says = fmt.Sprintf("%d requests wait for you.", n)
	}
	if in.More > 0 {
		says += fmt.Sprintf(" The first %d:", len(in.Cards))
	}
	m := Note(says, "")
	m.Whole = in.More == 0
	for i, c := range in.Cards {
		open := slack.NewButtonBlockElement(ActionOpen, "", plain(c.OpenLabel()))
		open.URL = c.OpenURL
		m.Blocks = append(m.Blocks, rich(fmt.Sprintf("item %d", i), listed(c)), slack.NewActionBlock(fmt.Sprintf("open %d", i), open))
	}
	if in.More == 0 {
		return m
	}
	open := slack.NewButtonBlockElement(ActionOpen, "", plain("Open the others"))
	open.URL = in.OpenURL
	m.Blocks = append(m.Blocks, slack.NewActionBlock("decide", open))
	return m
}

// listed is one request of a list, as much of it as may be shown here.
func listed(c channel.Card) *slack.RichTextSection {
	var p prose
	if c.Elsewhere != "" {
		p.say(cut(c.Elsewhere, 300))
	} else {
		p.bold(risk(c.Brief.Severity) + "  ")
		p.say(cut(c.Brief.Sentence.String(), 400))
		words(&p, c.Brief.Command)
	}
	left(&p, c.Brief)
	p.label("request")
	p.say(string(c.Brief.ID))
	return p.section()
}
