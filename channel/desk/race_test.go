package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
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
	var early atomic.Int64
	var told atomic.Value // when it said to wait
	failing(room, "post", func() error {
		if last, ok := told.Load().(time.Time); ok && h.Clock.Now().After(last) && h.Clock.Now().Before(last.Add(5*time.Second)) {
			early.Add(1)
		}
		if tries.Add(1) <= 40 {
			told.Store(h.Clock.Now())
			return fmt.Errorf("post: %w", &channel.RetryError{After: 5 * time.Second, Err: errors.New("429")})
		}
		return nil
	})
	const cards = 12
	for i := range cards {
		h.AskedQuietly("one", "read /srv/"+strings.Repeat("x", i))
	}
	for range 250 {
		h.Work()
		h.Clock.Move(time.Second)
	}
	if got := len(room.Copies()); got != cards || tries.Load() != 40+cards || early.Load() != 0 {
		t.Errorf("%d copies after %d tries, want %d after %d: each once; %d were before their time", got, tries.Load(), cards, 40+cards, early.Load())
	}
	if dead := deadOf(t, h.Desk); len(dead) != 0 {
		t.Errorf("given up are %v, want none", dead)
	}
}

// oneASecond is how much a chat takes in one place; beyond it says to wait.
func oneASecond(now func() time.Time) func() error {
	var mu sync.Mutex
	var last time.Time
	return func() error {
		mu.Lock()
		defer mu.Unlock()
		if at := now(); at.Sub(last) >= time.Second {
			last = at
			return nil
		}
		return fmt.Errorf("post: %w", &channel.RetryError{After: time.Second, Err: errors.New("429")})
	}
}

func TestABurstIsPostedAsFastAsTheChatTakesItAndNothingIsGivenUp(t *testing.T) {
	h, room := open(t)
	failing(room, "post", oneASecond(h.Clock.Now))
	const cards = 45
	for i := range cards {
		h.AskedQuietly("one", "read /srv/"+strings.Repeat("x", i))
	}
	for range 60 {
		h.Work()
		h.Clock.Move(time.Second)
	}
	if got, dead := len(room.Copies()), len(deadOf(t, h.Desk)); got != cards || dead != 0 {
		t.Errorf("posted %d of %d, given up %d", got, cards, dead)
	}
}

func TestWhatAChatSaidAboutWaitingHoldsForALaterChangeAndForNoOtherPlace(t *testing.T) {
	h, room := open(t)
	carol := h.Linked("carol")
	var posts atomic.Int64
	failing(room, "post", func() error {
		if posts.Add(1) == 1 { // the place is the first
			return &channel.RetryError{After: time.Minute, Err: errors.New("429")}
		}
		return nil
	})
	r := h.Asked("two", "read /srv/a")
	if got := len(copiesIn(room, carol)); got != 1 || len(room.Copies()) != 1 {
		t.Fatalf("%d copies, %d of them Carol's; want hers alone: only the place said to wait", len(room.Copies()), got)
	}
	decide(t, h, r.ID, "per_carol", channel.Choice{Choice: countersign.Approve})
	h.Asked("two", "read /srv/b")
	h.Clock.Move(59 * time.Second)
	h.Work()
	if got := len(room.Copies()); posts.Load() != 3 || got != 2 {
		t.Errorf("%d copies after %d tries within the minute, want Carol's 2 after 3", got, posts.Load())
	}
	h.Clock.Move(2 * time.Second)
	h.Work()
	if got := len(room.Copies()); got != 4 {
		t.Errorf("%d copies after the minute, want 4", got)
	}
}

func TestAClickOutlivesTwentyAnswersToWaitAndTwoHoursOfThemAreTheEnd(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	var limited atomic.Bool
	limited.Store(true)
	failing(room, "handle", func() error {
		if limited.Load() {
			return &channel.RetryError{After: 20 * time.Second, Err: errors.New("429")}
		}
		return nil
	})
	one := h.Asked("one", "read /srv/a")
	h.Press(bob, h.Copy(), countersign.Approve)
	waited := func(rounds int) {
		for range rounds {
			h.Clock.Move(20 * time.Second)
			h.Work()
		}
	}
	waited(60)
	if dead := deadOf(t, h.Desk); len(dead) != 0 {
		t.Fatalf("after 20 minutes of being told to wait, given up is %v", dead)
	}
	limited.Store(false)
	waited(1)
	if got := h.Now(one.ID).Decision; got != countersign.DecisionApproved {
		t.Errorf("it is %s, want it approved by the click of 20 minutes ago", got)
	}
	limited.Store(true)
	h.Asked("one", "read /srv/b")
	h.Press(bob, h.Copy(), countersign.Approve)
	waited(3*60*2 + 1)
	if dead := deadOf(t, h.Desk); len(dead) != 1 || !strings.Contains(dead[0].String(), "told to wait for 2h0m0s") {
		t.Errorf("after two hours of being told to wait, given up is %v, want the click", dead)
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
