package slack_test

import (
	"context"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/channeltest"
	"github.com/countersignhq/countersign/channel/slack/blockkit"
)

// house is a gate and a desk with Slack, Bob linked in it.
func house(t *testing.T) (*channeltest.House, *chat, channel.Account) {
	t.Helper()
	s, c := workspace(t)
	h := channeltest.New(t, &chat{t: t, server: s, channel: c, filled: map[string]int{}})
	return h, h.Chat.(*chat), h.Linked("bob")
}

func TestTwoReplicasOnSocketsAndOneClickAreOneDecision(t *testing.T) {
	h, c, bob := house(t)
	r := h.Asked("one", "read /srv/a")
	one, two := h.Desk, h.NewDesk()
	for _, d := range []channel.Desk{one.At(channeltest.ChatName), two.At(channeltest.ChatName)} {
		listen(t, connect(t, c.server, nil), d)
	}
	c.server.UntilListening(2)
	press := c.server.Press(bob.ID, c.message(h.Copy()), blockkit.ActionApprove, nil)
	name := c.server.Send(press)
	c.server.UntilAcked(name, 1)
	c.server.Again(press, name, 1) // by the other socket
	c.server.UntilAcked(name, 2)
	done := make(chan error, 2)
	for _, work := range []func(context.Context) (int, error){one.WorkInbox, two.WorkInbox} {
		go func() {
			_, err := work(t.Context())
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	h.Work()
	if got := h.Now(r.ID); got.Decision != countersign.DecisionApproved || len(got.Decisions) != 1 || h.Recorded(r.ID, countersign.KindDecided) != 1 {
		t.Errorf("it is %s with %d decisions and %d events, want it approved, once", got.Decision, len(got.Decisions), h.Recorded(r.ID, countersign.KindDecided))
	}
}

func TestAClickThatWasAcknowledgedSurvivesARestart(t *testing.T) {
	h, c, bob := house(t)
	r := h.Asked("one", "read /srv/a")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- connect(t, c.server, nil).Listen(ctx, h.Desk.At(channeltest.ChatName)) }()
	c.server.UntilListening(1)
	name := c.server.Send(c.server.Press(bob.ID, c.message(h.Copy()), blockkit.ActionApprove, nil))
	c.server.UntilAcked(name, 1)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := h.Now(r.ID); len(got.Decisions) != 0 {
		t.Fatalf("%d decisions before anybody worked on the click, want none", len(got.Decisions))
	}
	h.Open() // another process over the same store
	h.Work()
	if got := h.Now(r.ID).Decision; got != countersign.DecisionApproved {
		t.Errorf("it is %s after the restart, want it approved", got)
	}
}
