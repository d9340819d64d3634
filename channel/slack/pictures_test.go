package slack_test

import (
	"flag"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goslack "github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

var pictures = flag.String("pictures", "", "the folder to draw slack-*.png into, with Chromium")

const page = `<!doctype html><meta charset="utf-8"><style>
body{margin:0;padding:20px;background:#fff;color:#1d1c1d;font:15px/1.46 "Lato","Noto Sans","DejaVu Sans",sans-serif;width:680px}
.post{display:flex;gap:10px}.face{width:36px;height:36px;border-radius:6px;background:#1f2a37;color:#fff;display:grid;place-items:center;font-weight:700;flex:none}
.name{font-weight:900}.app{background:#e8e8e8;border-radius:2px;font-size:10px;padding:1px 3px;margin:0 6px;color:#616061}.when{color:#616061;font-size:12px}
h1{font-size:18px;margin:8px 0}.section{white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:8px;margin:4px 0;font:12px/1.5 "DejaVu Sans Mono",monospace}
blockquote{margin:4px 0;padding-left:12px;border-left:4px solid #ddd;white-space:pre-wrap}
code{background:#f8f8f8;border:1px solid #ddd;border-radius:3px;color:#c01343;padding:0 3px;font:12px "DejaVu Sans Mono",monospace}
.block{margin:8px 0}.buttons{display:flex;gap:8px;margin-top:10px}.button{border:1px solid #bbb;border-radius:8px;padding:4px 12px;font-weight:700;font-size:13px}
.primary{background:#007a5a;border-color:#007a5a;color:#fff}.danger{background:#e01e5a;border-color:#e01e5a;color:#fff}
time{background:#f2f2f2;border-radius:3px}.dialog{border:1px solid #ccc;border-radius:8px;padding:20px;box-shadow:0 4px 12px #0003;width:480px}
.input{border:1px solid #888;border-radius:4px;padding:8px;min-height:20px;color:#616061}.label{font-weight:700;margin:12px 0 6px}
</style>`

// unknown stands for what the pictures do not know.
const unknown = "(unknown)"

// element draws one piece of rich text.
func element(e goslack.RichTextSectionElement) string {
	switch e := e.(type) {
	case *goslack.RichTextSectionTextElement:
		text := html.EscapeString(e.Text)
		if s := e.Style; s != nil {
			for _, tag := range []struct {
				is   bool
				name string
			}{{s.Code, "code"}, {s.Underline, "u"}, {s.Italic, "i"}, {s.Bold, "b"}} {
				if tag.is {
					text = "<" + tag.name + ">" + text + "</" + tag.name + ">"
				}
			}
		}
		return text
	case *goslack.RichTextSectionDateElement:
		return "<time>" + strings.NewReplacer("{ago}", "in 29 minutes", "{time_secs}", "15:30:18", "{date_short}", "19 Nov 2026").Replace(e.Format) + "</time>"
	}
	return unknown
}

func elements(list []goslack.RichTextSectionElement) string {
	var b strings.Builder
	for _, e := range list {
		b.WriteString(element(e))
	}
	return b.String()
}

func block(b goslack.Block) string {
	switch b := b.(type) {
	case *goslack.HeaderBlock:
		return "<h1>" + html.EscapeString(b.Text.Text) + "</h1>"
	case *goslack.RichTextBlock:
		var out strings.Builder
		for _, part := range b.Elements {
			switch part := part.(type) {
			case *goslack.RichTextSection:
				out.WriteString(`<div class="section">` + elements(part.Elements) + "</div>")
			case *goslack.RichTextPreformatted:
				out.WriteString("<pre>" + elements(part.Elements) + "</pre>")
			case *goslack.RichTextQuote:
				out.WriteString("<blockquote>" + elements(part.Elements) + "</blockquote>")
			}
		}
		return `<div class="block">` + out.String() + "</div>"
	case *goslack.ActionBlock:
		var out strings.Builder
		for _, e := range b.Elements.ElementSet {
			button := e.(*goslack.ButtonBlockElement)
			fmt.Fprintf(&out, `<span class="button %s">%s</span>`, button.Style, html.EscapeString(button.Text.Text))
		}
		return `<div class="buttons">` + out.String() + "</div>"
	case *goslack.InputBlock:
		return `<div class="label">` + html.EscapeString(b.Label.Text) + `</div><div class="input">&nbsp;</div>`
	}
	return unknown
}

func message(list []goslack.Block) string {
	out := `<div class="post"><div class="face">C</div><div><span class="name">Countersign</span><span class="app">APP</span><span class="when">15:00</span>`
	for _, b := range list {
		out += block(b)
	}
	return out + "</div></div>"
}

func dialogPage(v goslack.ModalViewRequest) string {
	out := `<div class="dialog"><h1>` + html.EscapeString(v.Title.Text) + "</h1>"
	for _, b := range v.Blocks.BlockSet {
		out += block(b)
	}
	return out + `<div class="buttons"><span class="button">Back</span><span class="button primary">` + html.EscapeString(v.Submit.Text) + "</span></div></div>"
}

// Draws what docs/slack.md shows: go test ./channel/slack -run Pictures -pictures docs/img
func TestPicturesOfTheCards(t *testing.T) {
	ran := refund()
	ran.State = countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionSucceeded}
	ran.Decisions = []countersign.Decision{{By: countersign.Principal{Kind: countersign.KindPerson, ID: "per_bob", Name: "Bob Okafor"},
		Choice: countersign.Approve, Assurance: countersign.Chat, Channel: "slack", At: ran.CreatedAt.Add(2 * time.Minute)}}
	settled := cardOf(ran)
	dialog, err := blockkit.Ask(countersign.Escalate, sample())
	if err != nil {
		t.Fatal(err)
	}
	abroad := channel.Card{Brief: sample().Brief, OpenURL: sample().OpenURL, Elsewhere: "What this is about may not leave its region, and this chat keeps its data elsewhere or does not say where. Open it to read it."}
	for name, body := range map[string]string{
		"card": message(blockkit.Draw(sample()).Blocks), "hostile": message(blockkit.Draw(hostileSample()).Blocks),
		"settled": message(blockkit.Draw(settled).Blocks), "dialog": dialogPage(dialog), "elsewhere": message(blockkit.Draw(abroad).Blocks),
	} {
		if strings.Contains(body, unknown) {
			t.Errorf("%s has a part that the pictures do not know", name)
		}
		if *pictures == "" {
			continue
		}
		file := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(file, []byte(page+body), 0o644); err != nil {
			t.Fatal(err)
		}
		png, err := filepath.Abs(filepath.Join(*pictures, "slack-"+name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		height := map[string]int{"card": 1020, "hostile": 1100, "settled": 1040, "dialog": 520, "elsewhere": 240}[name]
		cmd := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
			"--force-device-scale-factor=1.5", fmt.Sprintf("--window-size=720,%d", height), "--screenshot="+png, "file://"+file)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
