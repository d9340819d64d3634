package slack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/slack"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
	"github.com/countersignhq/countersign/channel/slack/slacktest"
)

// handled has the channel work on a delivery of Socket Mode.
func handled(t *testing.T, c *slack.Slack, d slacktest.Delivery, desk channel.Desk) error {
	t.Helper()
	body, err := json.Marshal(map[string]any{"envelope_id": "e", "type": d.Kind, "payload": d.Payload})
	if err != nil {
		t.Fatal(err)
	}
	return c.Handle(t.Context(), channel.Delivery{ID: "e", Body: body}, desk)
}

func TestT13WhatIsNotOursIsNeitherApproveNorReject(t *testing.T) {
	s, _ := workspace(t)
	var log bytes.Buffer
	c := connect(t, s, &log)
	m, _ := posted(t, s, c, nil)
	press := func(change func(*slacktest.Pressing)) slacktest.Delivery {
		return s.Press("U0BOB", m, blockkit.ActionApprove, change)
	}
	raw := func(kind, payload string) slacktest.Delivery {
		return slacktest.Delivery{Kind: kind, Payload: json.RawMessage(payload)}
	}
	for name, d := range map[string]slacktest.Delivery{
		"foreign workspace": press(func(p *slacktest.Pressing) { p.Workspace = "T0OTHER" }),
		"no workspace":      press(func(p *slacktest.Pressing) { p.Workspace = "" }),
		"foreign app":       press(func(p *slacktest.Pressing) { p.App = "A0OTHER" }),
		"unknown action":    press(func(p *slacktest.Pressing) { p.Action = "cs_approve_all" }),
		"no action id":      press(func(p *slacktest.Pressing) { p.Action = "" }),
		"upper case action": press(func(p *slacktest.Pressing) { p.Action = "CS_APPROVE" }),
		"another kind":      raw("interactive", `{"type":"shortcut","api_app_id":"A0COUNTER1","team":{"id":"T0ACME001"},"callback_id":"cs_approve"}`),
		"a closed dialog":   raw("interactive", `{"type":"view_closed","api_app_id":"A0COUNTER1","team":{"id":"T0ACME001"},"view":{"callback_id":"cs_reject"}}`),
		"unknown dialog":    raw("interactive", `{"type":"view_submission","api_app_id":"A0COUNTER1","team":{"id":"T0ACME001"},"user":{"id":"U0BOB"},"view":{"callback_id":"other"}}`),
		"two actions":       raw("interactive", `{"type":"block_actions","api_app_id":"A0COUNTER1","team":{"id":"T0ACME001"},"user":{"id":"U0BOB"},"actions":[{"action_id":"cs_approve"},{"action_id":"cs_reject"}]}`),
		"an event":          raw("events_api", `{"type":"block_actions"}`),
		"not an object":     raw("interactive", `["x"]`),
		"foreign command":   raw("slash_commands", `{"api_app_id":"A0COUNTER1","team_id":"T0OTHER","user_id":"U0BOB","text":"link 1"}`),
	} {
		log.Reset()
		desk := newNotes()
		if err := handled(t, c, d, desk); err != nil {
			t.Errorf("%s: got %v; want it dropped", name, err)
		}
		if len(desk.choices)+len(desk.presses) != 0 {
			t.Errorf("%s: got %d presses and the choices %v, want none", name, len(desk.presses), desk.choices)
		}
		if !strings.Contains(log.String(), "dropped") {
			t.Errorf("%s: got the log %q; want it to say that it was dropped", name, log.String())
		}
	}
	if told := s.Told(); len(told) != 0 {
		t.Errorf("%d answers to what is not ours; want none", len(told))
	}
}

func TestT13WhoIsNoMemberIsAnOutsiderAsOfNow(t *testing.T) {
	s, c := workspace(t)
	m, _ := posted(t, s, c, nil)
	for _, u := range []slacktest.User{
		{ID: "U0GUEST", Guest: true}, {ID: "U0SINGLE", Single: true}, {ID: "U0FAR", Stranger: true}, {ID: "U0FOREIGN", Workspace: "T0OTHER"},
		{ID: "U0BOT", Bot: true}, {ID: "U0GONE", Deleted: true}, {ID: "U0ALIKE", LooksAlike: "U0BOB"},
	} {
		s.Join(u)
		desk := newNotes()
		if err := handled(t, c, s.Press(u.ID, m, blockkit.ActionApprove, nil), desk); err != nil {
			t.Fatal(err)
		}
		if len(desk.presses) != 1 || desk.presses[0].By.Outsider == "" {
			t.Errorf("%+v: got %+v, want an outsider", u, desk.presses)
		}
	}
	desk := newNotes()
	if err := handled(t, c, s.Press("U0NOBODY", m, blockkit.ActionApprove, nil), desk); err != nil || len(desk.presses) != 1 || desk.presses[0].By.Outsider == "" {
		t.Errorf("an unknown user: got %v and %+v, want an outsider", err, desk.presses)
	}
	s.Refuse("users.info", "internal_error")
	desk = newNotes()
	if err := handled(t, c, s.Press("U0BOB", m, blockkit.ActionApprove, nil), desk); err == nil || len(desk.presses) != 0 {
		t.Errorf("nobody can tell who it is: got %v and %d presses, want an error and none", err, len(desk.presses))
	}
	s.Join(slacktest.User{ID: "U0BOB", Name: "Bob Okafor", Guest: true}) // a member until now
	if err := handled(t, c, s.Press("U0BOB", m, blockkit.ActionApprove, nil), desk); err != nil || desk.presses[0].By.Outsider == "" {
		t.Errorf("a member who became a guest: got %v and %+v, want an outsider", err, desk.presses)
	}
}

func TestAnApprovalCountsAtOnceAndTheOthersAskWhy(t *testing.T) {
	s, c := workspace(t)
	m, at := posted(t, s, c, nil)
	desk := newNotes()
	desk.answer = channel.Answer{Says: "You approved it. <!here>"}
	if err := handled(t, c, s.Press("U0BOB", m, blockkit.ActionApprove, nil), desk); err != nil {
		t.Fatal(err)
	}
	want := channel.Press{By: channel.Account{Workspace: slacktest.Workspace, ID: "U0BOB", Name: "Bob Okafor"}, Token: sample().Token, At: at}
	if len(desk.presses) != 1 || desk.presses[0] != want || desk.choices[0].Choice != countersign.Approve {
		t.Errorf("got %+v and %+v, want %+v", desk.presses, desk.choices, want)
	}
	if told := s.UntilTold(1)[0]; told.For != "U0BOB" || told.Place != at.Place || strings.Contains(told.Text, "<") {
		t.Errorf("got the answer %+v, want one for Bob alone, in the place, with nothing alive", told)
	}
	for _, choice := range []countersign.Choice{countersign.Reject, countersign.Escalate} {
		desk = newNotes()
		desk.card = sample()
		desk.card.Token = "DIALOGTOKEN"
		if err := handled(t, c, s.Press("U0BOB", m, "cs_"+string(choice), nil), desk); err != nil {
			t.Fatal(err)
		}
		all := s.Dialogs()
		d := all[len(all)-1]
		if len(desk.choices) != 0 || d.For != "U0BOB" || d.View.PrivateMetadata != "DIALOGTOKEN" {
			t.Fatalf("%s: got %+v and the choices %v, want a dialog for Bob and no choice yet", choice, d, desk.choices)
		}
		to := ""
		if choice == countersign.Escalate {
			to = "security"
		}
		if err := handled(t, c, s.Submit(d, "U0BOB", "Wrong charge.", to), desk); err != nil {
			t.Fatal(err)
		}
		if got, want := desk.choices, (channel.Choice{Choice: choice, Reason: "Wrong charge.", To: to}); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %+v, want %+v", choice, got, want)
		}
		if p := desk.presses[1]; p.Token != "DIALOGTOKEN" || p.At != (channel.Copy{}) {
			t.Errorf("%s: got the press %+v, want the dialog's token at no copy", choice, p)
		}
	}
}

func TestAnApprovalThatMustSayWhyAsks(t *testing.T) {
	s, c := workspace(t)
	m, _ := posted(t, s, c, nil)
	desk := newNotes()
	desk.answer, desk.card = channel.Answer{Says: "Say why.", Code: countersign.CodeReasonRequired}, sample()
	if err := handled(t, c, s.Press("U0BOB", m, blockkit.ActionApprove, nil), desk); err != nil {
		t.Fatal(err)
	}
	if d := s.Dialogs(); len(d) != 1 || d[0].View.CallbackID != blockkit.CallbackApprove {
		t.Fatalf("got the dialogs %+v, want one that asks why it may run", d)
	}
	desk.answer = channel.Answer{Says: "You approved it."}
	if err := handled(t, c, s.Submit(s.Dialogs()[0], "U0BOB", "Agreed.", ""), desk); err != nil {
		t.Fatal(err)
	}
	if got := desk.choices[len(desk.choices)-1]; got.Choice != countersign.Approve || got.Reason != "Agreed." {
		t.Errorf("got %+v, want an approval with its reason", got)
	}
}

func TestADialogThatComesTooLateSaysSo(t *testing.T) {
	s, c := workspace(t)
	m, _ := posted(t, s, c, nil)
	desk := newNotes()
	desk.card = sample()
	press := s.Press("U0BOB", m, blockkit.ActionReject, nil)
	for range 2 { // the second time its trigger is used up
		if err := handled(t, c, press, desk); err != nil {
			t.Fatal(err)
		}
	}
	if d := s.Dialogs(); len(d) != 1 {
		t.Errorf("got %d dialogs, want one", len(d))
	}
	if told := s.UntilTold(1); !strings.Contains(told[0].Text, "Press again") {
		t.Errorf("got %q, want to be asked to press again", told[0].Text)
	}
}

func TestAnAnswerGoesToTheirOwnConversationWhereThePlaceIsClosed(t *testing.T) {
	s, c := workspace(t)
	m, _ := posted(t, s, c, nil)
	desk := newNotes()
	desk.answer = channel.Answer{Says: "You own support-bot.", Code: countersign.CodeSelfApproval, OpenURL: "https://gate.example/r/req_1"}
	s.Refuse("chat.postEphemeral", "user_not_in_channel")
	if err := handled(t, c, s.Press("U0ALICE", m, blockkit.ActionApprove, nil), desk); err != nil {
		t.Fatal(err)
	}
	told := s.UntilTold(1)[0]
	if open, ok := told.Button(blockkit.ActionOpen); told.For != "U0ALICE" || told.Place != "D0ALICE" || !ok || open.URL != desk.answer.OpenURL {
		t.Errorf("got %+v, want it in Alice's own conversation, with the link", told)
	}
}

func TestACommandIsAnsweredToWhoeverTypedIt(t *testing.T) {
	s, c := workspace(t)
	for text, want := range map[string]string{
		"link 4T7K-9QXM":                    "linked U0BOB with 4T7K-9QXM",
		"link":                              "linked U0BOB with",
		"unlink":                            "unlinked",
		"list":                              "2 requests wait for you.",
		"show req_5m2c7xk9tq4d":             "support-bot",
		"show":                              "Which request?",
		"show req_1/../../people":           "Which request?",
		"help":                              "/countersign link CODE",
		"":                                  "/countersign list",
		"approve req_5m2c7xk9tq4d":          "/countersign list",
		"  link   4T7K  ":                   "linked U0BOB with 4T7K",
		"<script>alert(1)</script> <!here>": "/countersign list",
	} {
		desk := newNotes()
		desk.card = sample()
		desk.inbox = channel.Inbox{Cards: []channel.Card{sample(), sample()}}
		before := len(s.Told())
		if err := handled(t, c, s.Type("U0BOB", text), desk); err != nil {
			t.Fatal(err)
		}
		told := s.UntilTold(before + 1)[before]
		if told.For != "U0BOB" || told.Place != "C0PAYMENTS" || !strings.Contains(told.Text, want) {
			t.Errorf("%q: got %q for %s in %s, want %q for Bob alone", text, told.Text, told.For, told.Place, want)
		}
		if len(desk.choices) != 0 {
			t.Errorf("%q: a command decided %v", text, desk.choices)
		}
	}
	if n := s.Calls("chat.postMessage"); n != 0 {
		t.Errorf("%d messages that others may see; want none", n)
	}
	before := len(s.Told())
	desk := newNotes()
	desk.answer = channel.Answer{Says: "Your account here is linked to nobody.", Code: countersign.CodeUnauthenticated}
	for i, text := range []string{"list", "show req_5m2c7xk9tq4d"} {
		if err := handled(t, c, s.Type("U0ALICE", text), desk); err != nil {
			t.Fatal(err)
		}
		if told := s.UntilTold(before + 1 + i)[before+i]; !strings.Contains(told.Text, "linked to nobody") {
			t.Errorf("%s: got %q, want to be told how to link", text, told.Text)
		}
	}
}

func TestAResponseURLThatIsDeadIsAnsweredInTheirOwnConversation(t *testing.T) {
	s, c := workspace(t)
	d := s.Type("U0BOB", "help")
	d.Payload = bytes.Replace(d.Payload, []byte("/response/"), []byte("/used-up/"), 1)
	if err := handled(t, c, d, newNotes()); err != nil {
		t.Fatal(err)
	}
	if told := s.UntilTold(1)[0]; told.Place != "D0BOB" || !strings.Contains(told.Text, "/countersign list") {
		t.Errorf("got %q in %s, want the help in Bob's own conversation", told.Text, told.Place)
	}
}

func TestAnEMailAddressIdentifiesNobody(t *testing.T) {
	s, c := workspace(t)
	m, _ := posted(t, s, c, nil)
	bob := slacktest.Profile{Name: "Bob Okafor", Email: "bob@acme.example"}
	s.Join(slacktest.User{ID: "U0BOB", Name: "Bob Okafor", Profile: bob})
	s.Join(slacktest.User{ID: "U0MALLORY", Name: "Bob Okafor", Profile: bob}) // an administrator may set both
	var by []channel.Account
	for _, id := range []string{"U0BOB", "U0MALLORY"} {
		desk := newNotes()
		if err := handled(t, c, s.Press(id, m, blockkit.ActionApprove, nil), desk); err != nil || len(desk.presses) != 1 {
			t.Fatalf("%s: got %v and %d presses", id, err, len(desk.presses))
		}
		by = append(by, desk.presses[0].By)
	}
	if by[0].ID == by[1].ID || strings.Contains(fmt.Sprintf("%+v", by), "@") {
		t.Errorf("got %+v, want two accounts that only their ids tell apart", by)
	}
}

func TestAListSaysOfEachRequestWhatPeopleCompareAndNothingDecides(t *testing.T) {
	s, c := workspace(t)
	abroad := sample()
	abroad.Elsewhere, abroad.OpenURL = "This may not leave its region.", "https://gate.example/r/req_abroad"
	abroad.Brief = brief.Brief{ID: "req_abroad", State: abroad.Brief.State, ExpiresAt: abroad.Brief.ExpiresAt}
	hostile := hostileSample()
	hostile.Token = "NEVER"
	for _, many := range []int{3, 10} {
		desk := newNotes()
		desk.inbox = channel.Inbox{Cards: []channel.Card{sample(), abroad, hostile}, More: 4, OpenURL: "https://gate.example/"}
		for len(desk.inbox.Cards) < many {
			desk.inbox.Cards = append(desk.inbox.Cards, hostile)
		}
		before := len(s.Told())
		if err := handled(t, c, s.Type("U0BOB", "list"), desk); err != nil {
			t.Fatal(err)
		}
		told := s.UntilTold(before + 1)[before]
		blocks, err := told.Decoded()
		if err != nil {
			t.Fatal(err)
		}
		shown := ""
		for _, b := range blocks {
			shown += blockkit.TextOf(b) + "\n"
		}
		card := sample()
		for _, want := range []string{card.Brief.Sentence.String(), strings.Join(card.Brief.Command.Words[:], " "), "time left", "may not leave its region", "req_abroad"} {
			if !strings.Contains(shown, want) {
				t.Errorf("the list lacks %q:\n%s", want, shown)
			}
		}
		for _, url := range []string{card.OpenURL, abroad.OpenURL, hostile.OpenURL, "https://gate.example/"} {
			if !strings.Contains(string(told.Blocks), `"`+url+`"`) {
				t.Errorf("the list does not link to %s", url)
			}
		}
		for _, action := range []string{blockkit.ActionApprove, blockkit.ActionReject, blockkit.ActionEscalate, "NEVER", "mrkdwn"} {
			if strings.Contains(string(told.Blocks), action) {
				t.Errorf("the list carries %s", action)
			}
		}
	}
}

func TestWhatIsToldCarriesItsLinkAndComesAliveNowhere(t *testing.T) {
	s, c := workspace(t)
	m, at := posted(t, s, c, nil)
	if err := c.Tell(t.Context(), channel.Account{Workspace: slacktest.Workspace, ID: "U0BOB"}, "It waits. <!here>", "https://gate.example/r/req_1"); err != nil {
		t.Fatal(err)
	}
	if err := c.Note(t.Context(), at, "It waits. <!here>", "https://gate.example/r/req_1"); err != nil {
		t.Fatal(err)
	}
	all := s.Messages()
	told, noted := all[len(all)-2], all[len(all)-1]
	if told.For != "U0BOB" || told.Thread != "" || noted.For != "" || noted.Thread != m.TS || noted.Place != m.Place {
		t.Errorf("got %+v and %+v, want one for Bob alone and one below the card", told, noted)
	}
	for _, said := range []slacktest.Message{told, noted} {
		if open, ok := said.Button(blockkit.ActionOpen); !ok || open.URL != "https://gate.example/r/req_1" || strings.Contains(said.Text, "<") || said.Form["parse"][0] != "none" {
			t.Errorf("got %+v, want a link and nothing else alive", said)
		}
	}
}

func TestWhatIsToldOfAnotherWorkspaceIsToldToNobodyHere(t *testing.T) {
	s, c := workspace(t)
	err := c.Tell(t.Context(), channel.Account{Workspace: "T0OTHER", ID: "U0BOB"}, "You are linked.", "")
	if noteErr := c.Note(t.Context(), channel.Copy{Workspace: "T0OTHER", Place: "C0PAYMENTS", Message: "1"}, "It waits.", ""); !errors.Is(err, channel.ErrGone) || !errors.Is(noteErr, channel.ErrGone) {
		t.Errorf("got %v and %v, want ErrGone", err, noteErr)
	}
	if n := len(s.Told()) + len(s.Messages()); n != 0 {
		t.Errorf("%d messages were posted", n)
	}
}

func TestAResponseURLThatIsNotSlacksIsNotCalled(t *testing.T) {
	called := make(chan struct{}, 1)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- struct{}{} }))
	defer elsewhere.Close()
	s, c := workspace(t)
	d := s.Type("U0BOB", "help")
	d.Payload = bytes.Replace(d.Payload, []byte(strings.TrimSuffix(s.URL, "api/")), []byte(elsewhere.URL+"/"), 1)
	if err := handled(t, c, d, newNotes()); err != nil {
		t.Fatal(err)
	}
	if told := s.UntilTold(1)[0]; told.Place != "D0BOB" {
		t.Errorf("got the answer in %s, want it in Bob's own conversation", told.Place)
	}
	select {
	case <-called:
		t.Error("the address was called")
	default:
	}
}
