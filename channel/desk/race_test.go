package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/channeltest"
	"github.com/countersignhq/countersign/gate"
)

func TestAChatThatKeepsSayingWaitGetsEveryCardOnce(t *testing.T) {
	h, room := open(t)
	var tries atomic.Int64
	failing(room, "post", func() error {
		if tries.Add(1) <= 40 {
			return fmt.Errorf("post: %w", &channel.RetryError{After: 5 * time.Second, Err: errors.New("429")})
		}
		return nil
	})
	const cards = 12
	for i := range cards {
		h.AskedQuietly("one", "read /srv/"+strings.Repeat("x", i))
	}
	for range 12 {
		h.Work()
		h.Clock.Move(5 * time.Second)
	}
	if got := len(room.Copies()); got != cards || tries.Load() != 40+cards {
		t.Errorf("%d copies after %d tries, want %d after %d: each once, and none tried before its time", got, tries.Load(), cards, 40+cards)
	}
	if dead := deadOf(t, h.Desk); len(dead) != 0 {
		t.Errorf("given up are %v, want none", dead)
	}
}

func TestADecisionWhileACardIsBeingPostedTakesItsButtonsAway(t *testing.T) {
	h, room := open(t)
	h.Linked("bob")
	r := h.AskedQuietly("one", "read /srv/a")
	var once atomic.Bool
	failing(room, "post", func() error {
		if once.CompareAndSwap(false, true) { // Bob is faster, in the console
			_, err := h.Gate.Decide(t.Context(), gate.Decision{Request: r.ID, Decision: countersign.Decision{
				By: countersign.Principal{Kind: countersign.KindPerson, ID: "per_bob"}, Choice: countersign.Reject, Digest: r.Digest, View: h.Brief(r.ID).Digest(),
				Reason: "no", Assurance: countersign.Session, Method: "link", Channel: "console",
			}})
			return err
		}
		return nil
	})
	h.Work()
	if !once.Load() || h.Now(r.ID).Decision != countersign.DecisionRejected {
		t.Fatalf("it is %s; this test tests nothing", h.Now(r.ID).Decision)
	}
	for _, at := range room.Copies() {
		if b := room.Buttons(at); len(b) > 0 || !strings.Contains(room.Shown(at), "Rejected by Bob") {
			t.Errorf("a copy offers %v and shows\n%s", b, room.Shown(at))
		}
	}
}

func TestAWorkerThatOutlivesItsLeaseAndTheOneAfterItAreOneDecision(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	r := h.Asked("two", "read /srv/a")
	other := h.Replica()
	var slow atomic.Bool
	failing(room, "tell", func() error {
		if slow.CompareAndSwap(false, true) { // decided, and not noted when the lease ends
			h.Clock.Move(2 * time.Minute)
			if n, err := other.WorkInbox(t.Context()); n != 1 || err != nil {
				t.Errorf("another worker took %d clicks, %v; want the one that is overdue", n, err)
			}
		}
		return nil
	})
	h.Press(bob, room.Copies()[0], countersign.Approve)
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 1 || !slow.Load() {
		t.Errorf("%d decisions are on record, want 1", n)
	}
}

func TestATokenOfACardThatIsTooOldDecidesNothing(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	at := room.Copies()[0]
	h.Clock.Move(91 * 24 * time.Hour)
	a, err := h.Desk.At(channeltest.ChatName).Decide(t.Context(), channel.Press{By: bob, Token: room.Token(at), At: at}, channel.Choice{Choice: countersign.Approve})
	if err != nil || a.Code != countersign.CodeViewChanged || len(h.Now(r.ID).Decisions) > 0 {
		t.Errorf("got %+v, %v; want it refused as out of date", a, err)
	}
}
