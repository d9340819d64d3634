package blockkit

import (
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// prose collects the elements of one section. Text in it is never parsed: Slack
// looks for markup, mentions and links in mrkdwn objects and in a message's own
// text, not in the text elements of rich text.
type prose struct {
	elements []slack.RichTextSectionElement
}

func (p *prose) put(text string, style *slack.RichTextSectionTextStyle) {
	if text != "" {
		p.elements = append(p.elements, slack.NewRichTextSectionTextElement(text, style))
	}
}

// say adds words of our own, bold adds them bold.
func (p *prose) say(words string)  { p.put(words, nil) }
func (p *prose) bold(words string) { p.put(words, &slack.RichTextSectionTextStyle{Bold: true}) }

// text adds a text of a Brief. What is hidden stands as its label in <brackets>,
// drawn as code.
func (p *prose) text(t brief.Text) {
	for _, s := range t {
		switch {
		case s.Boxed():
			p.put(s.Shown(), &slack.RichTextSectionTextStyle{Code: true})
		case s.Role == brief.Strong:
			p.bold(s.Text)
		case s.Role == brief.Marked && s.Severity > countersign.Info:
			p.put(s.Text, &slack.RichTextSectionTextStyle{Bold: true, Underline: true})
		case s.Role == brief.Quiet:
			p.put(s.Text, &slack.RichTextSectionTextStyle{Italic: true})
		default:
			p.say(s.Text)
		}
	}
}

// moment adds a time that Slack shows in the reader's own zone.
func (p *prose) moment(at time.Time, format string) {
	fallback := at.UTC().Format("2006-01-02 15:04:05 UTC")
	p.elements = append(p.elements, slack.NewRichTextSectionDateElement(at.Unix(), format, nil, &fallback))
}

// label begins a line of its own: a bold word of ours and what follows it.
func (p *prose) label(word string) {
	p.newline()
	p.bold(word)
	p.say("  ")
}

func (p *prose) newline() {
	if len(p.elements) > 0 {
		p.say("\n")
	}
}

func (p *prose) section() *slack.RichTextSection { return slack.NewRichTextSection(p.elements...) }

func (p *prose) quote() *slack.RichTextQuote {
	return &slack.RichTextQuote{Type: slack.RTEQuote, Elements: p.elements}
}

func preformatted(text string) *slack.RichTextPreformatted {
	return &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{
		slack.NewRichTextSectionTextElement(text, nil)}}
}

func rich(id string, parts ...slack.RichTextElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock(id, parts...)
}

// Shape is the severity as a figure that no client turns into an emoji.
func Shape(s countersign.Severity) string {
	switch s {
	case countersign.Info:
		return "\u25cb" // circle
	case countersign.Low:
		return "\u25cf" // dot
	case countersign.Medium:
		return "\u25b2" // triangle
	case countersign.High:
		return "\u25c6" // diamond
	}
	return "\u2b23" // hexagon, for the octagon of the console
}

// risk is "▲ medium".
func risk(s countersign.Severity) string { return Shape(s) + " " + s.String() }

// Plain makes text inert where Slack does parse it: a message's own text, which
// notifications and screen readers show. Slack parses only what stands between
// angle brackets if a message says parse none and mrkdwn false, as ours do.
// https://docs.slack.dev/messaging/formatting-message-text/#escaping
func Plain(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// cut gives at most so many bytes of s, whole characters, and says what it left
// out.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const more = " ... (cut here)"
	at := 0
	for i := range s {
		if i > most-len(more) {
			break
		}
		at = i
	}
	return s[:at] + more
}
