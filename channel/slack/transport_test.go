package slack_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/slack"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
	"github.com/countersignhq/countersign/channel/slack/slacktest"
)

// A desk of notes keeps what reaches it and answers what it is told to: the
// transport is tried against it, and the whole path against the real one.
type notes struct {
	mu       sync.Mutex
	kept     []channel.Delivery
	presses  []channel.Press
	choices  []channel.Choice
	broken   error
	answer   channel.Answer
	card     channel.Card
	inbox    channel.Inbox
	shown    []countersign.RequestID
	received chan struct{}
}

func newNotes() *notes { return &notes{received: make(chan struct{}, 64)} }

func (n *notes) Receive(_ context.Context, d channel.Delivery) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.received <- struct{}{} }()
	if n.broken != nil {
		return n.broken
	}
	for _, k := range n.kept {
		if k.ID == d.ID {
			return nil
		}
	}
	n.kept = append(n.kept, d)
	return nil
}

func (n *notes) Look(_ context.Context, p channel.Press) (channel.Card, channel.Answer, bool, error) {
	n.presses = append(n.presses, p)
	return n.card, n.answer, n.card.Token != "", nil
}

func (n *notes) Decide(_ context.Context, p channel.Press, c channel.Choice) (channel.Answer, error) {
	n.presses, n.choices = append(n.presses, p), append(n.choices, c)
	return n.answer, nil
}

func (n *notes) Link(_ context.Context, who channel.Account, code string) (channel.Answer, error) {
	return channel.Answer{Says: "linked " + who.ID + " with " + code}, nil
}

func (n *notes) Unlink(context.Context, channel.Account) (channel.Answer, error) {
	return channel.Answer{Says: "unlinked"}, nil
}

func (n *notes) Person(_ context.Context, who channel.Account) (countersign.Person, bool, error) {
	return countersign.Person{}, who.ID == "U0BOB", nil
}

func (n *notes) Inbox(_ context.Context, who channel.Account) (channel.Inbox, channel.Answer, bool, error) {
	return n.inbox, n.answer, who.ID == "U0BOB", nil
}

func (n *notes) Show(_ context.Context, who channel.Account, id countersign.RequestID) (channel.Card, channel.Answer, bool, error) {
	n.shown = append(n.shown, id)
	return n.card, n.answer, who.ID == "U0BOB", nil
}

func (n *notes) deliveries() []channel.Delivery {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]channel.Delivery(nil), n.kept...)
}

// workspace starts a Slack with Bob and Alice in it, and the channel to it.
func workspace(t *testing.T) (*slacktest.Server, *slack.Slack) {
	t.Helper()
	s := slacktest.New(t)
	s.Join(slacktest.User{ID: "U0BOB", Name: "Bob Okafor"})
	s.Join(slacktest.User{ID: "U0ALICE", Name: "Alice Moreau"})
	return s, connect(t, s, nil)
}

func connect(t *testing.T, s *slacktest.Server, log io.Writer) *slack.Slack {
	t.Helper()
	if log == nil {
		log = t.Output()
	}
	c, err := slack.New(slack.Config{BotToken: slacktest.BotToken, AppToken: slacktest.AppToken, SigningSecret: slacktest.SigningSecret,
		API: s.URL, Console: "https://gate.example", Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listen has the channel listen until the test ends.
func listen(t *testing.T, c *slack.Slack, desk channel.Desk) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Listen(ctx, desk) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Listen: %v", err)
		}
	})
}

// posted is a card of a pending request in #payments.
func posted(t *testing.T, s *slacktest.Server, c *slack.Slack, change func(*channel.Card)) (slacktest.Message, channel.Copy) {
	t.Helper()
	card := sample()
	if change != nil {
		change(&card)
	}
	at, err := c.Post(t.Context(), "#payments", card)
	if err != nil {
		t.Fatal(err)
	}
	all := s.Messages()
	return all[len(all)-1], at
}

func TestACardIsPostedEditedAndSaidBelow(t *testing.T) {
	s, c := workspace(t)
	m, at := posted(t, s, c, nil)
	if want := (channel.Copy{Workspace: slacktest.Workspace, Place: "C0PAYMENTS", Message: m.TS}); at != want {
		t.Errorf("copy: got %+v, want %+v", at, want)
	}
	for key, want := range map[string]string{"mrkdwn": "false", "parse": "none", "link_names": "false", "unfurl_links": "false", "unfurl_media": "false"} {
		if got := strings.Join(m.Form[key], ","); got != want {
			t.Errorf("posted with %s %q, want %q", key, got, want)
		}
	}
	card := sample()
	card.Offers, card.Token, card.Status = nil, "", "Approved by Bob Okafor."
	card.Brief.Deciders.Choices = choices("approve", "Looks right.")
	card.NewChoices = 1
	for range 2 { // an edit may come twice
		if err := c.Edit(t.Context(), at, card); err != nil {
			t.Fatal(err)
		}
		card.NewChoices = 0
	}
	m = s.UntilEdited(m, 2)
	if _, ok := m.Button(blockkit.ActionApprove); ok {
		t.Error("the settled card still offers Approve")
	}
	all := s.Messages()
	if len(all) != 2 || all[1].Thread != at.Message || !strings.Contains(all[1].Text, "Bob Okafor approved it: Looks right.") {
		t.Errorf("thread: got %+v, want one note of the approval", all[1:])
	}
}

func TestASlackThatLimitsOrRefusesIsToldOf(t *testing.T) {
	s, c := workspace(t)
	_, at := posted(t, s, c, nil)
	s.Limit("chat.update", 7)
	err := c.Edit(t.Context(), at, sample())
	if told, ok := errors.AsType[*channel.RetryError](err); !ok || told.After != 7*time.Second {
		t.Errorf("429: got %v, want to try again in 7 s", err)
	}
	s.Refuse("chat.update", "message_not_found")
	if err := c.Edit(t.Context(), at, sample()); !errors.Is(err, channel.ErrGone) {
		t.Errorf("a deleted message: got %v, want ErrGone", err)
	}
	s.Refuse("chat.postMessage", "not_in_channel")
	if _, err := c.Post(t.Context(), "#payments", sample()); err == nil || errors.Is(err, channel.ErrGone) || !strings.Contains(err.Error(), "invite") {
		t.Errorf("a channel without the app: got %v, want an error that says to invite it", err)
	}
	at.Workspace = "T0OTHER"
	if err := c.Edit(t.Context(), at, sample()); !errors.Is(err, channel.ErrGone) {
		t.Errorf("a copy elsewhere: got %v, want ErrGone", err)
	}
}

func TestACardThatSlackFindsTooLongIsPostedAsALink(t *testing.T) {
	s, c := workspace(t)
	s.Refuse("chat.postMessage", "msg_blocks_too_long")
	m, _ := posted(t, s, c, nil)
	if _, ok := m.Button(blockkit.ActionApprove); ok {
		t.Error("the short card offers Approve")
	}
	if _, ok := m.Button(blockkit.ActionReject); !ok {
		t.Error("the short card does not offer Reject")
	}
}

func TestAnEnvelopeIsAcknowledgedOnlyOnceItIsKept(t *testing.T) {
	s, c := workspace(t)
	desk := newNotes()
	desk.broken = errors.New("the disk is full")
	listen(t, c, desk)
	s.UntilListening(1)
	m, _ := posted(t, s, c, nil)
	press := s.Press("U0BOB", m, blockkit.ActionApprove, nil)
	name := s.Send(press)
	<-desk.received
	desk.mu.Lock()
	desk.broken = nil
	desk.mu.Unlock()
	s.Again(press, name, 1)
	s.UntilAcked(name, 1)
	s.Again(press, name, 2)
	s.UntilAcked(name, 2)
	if n := s.Acked(name); n != 2 {
		t.Errorf("acknowledged %d times, want 2 of 3: not the one that could not be kept", n)
	}
	if got := desk.deliveries(); len(got) != 1 || got[0].ID != name {
		t.Errorf("kept %d deliveries, want one, %s", len(got), name)
	}
	if len(desk.choices) != 0 {
		t.Error("it was worked on before it was asked for")
	}
}

func TestASocketThatSlackEndsIsOpenedAgain(t *testing.T) {
	s, c := workspace(t)
	desk := newNotes()
	listen(t, c, desk)
	s.UntilListening(1)
	opened := s.Calls("apps.connections.open")
	s.Hangup()
	s.UntilOpened(opened + 1)
	name := s.Send(s.Type("U0BOB", "help"))
	s.UntilAcked(name, 1)
}

func TestATokenOfAnotherAppOrWorkspaceIsRefusedAtTheStart(t *testing.T) {
	s, c := workspace(t)
	if home, err := c.Check(t.Context()); err != nil || home != (slack.Home{Workspace: slacktest.Workspace, Name: "Acme", App: slacktest.App, Bot: slacktest.Bot}) {
		t.Errorf("Check: got %+v and %v, want the workspace, the app and the bot", home, err)
	}
	for name, change := range map[string]func(*slack.Config){
		"no bot token":      func(c *slack.Config) { c.BotToken = "" },
		"nothing arrives":   func(c *slack.Config) { c.AppToken, c.SigningSecret = "", "" },
		"an unknown token":  func(c *slack.Config) { c.BotToken = "xoxb-other" },
		"another workspace": func(c *slack.Config) { c.Workspace = "T0OTHER" },
		"a revoked socket":  func(c *slack.Config) { c.AppToken = "xapp-other" },
	} {
		cfg := slack.Config{BotToken: slacktest.BotToken, AppToken: slacktest.AppToken, API: s.URL, Log: slog.New(slog.DiscardHandler)}
		change(&cfg)
		c, err := slack.New(cfg)
		if err == nil {
			if _, err := c.Check(t.Context()); err == nil {
				t.Errorf("%s: Check finds nothing", name)
			}
			err = c.Listen(t.Context(), newNotes())
		}
		if err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
