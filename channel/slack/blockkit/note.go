package blockkit

import (
	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign/brief"
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
