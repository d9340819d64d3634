package desk_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/channel/channeltest"
	"github.com/countersignhq/countersign/channel/desk"
	"github.com/countersignhq/countersign/gate"
)

// asksAgain has the gate and the desk do what is due of reminders.
func asksAgain(t *testing.T, h *channeltest.House) {
	t.Helper()
	if err := h.Gate.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := h.Desk.WorkReminders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func reminded(room channeltest.Chat, who channel.Account) int {
	return len(slices.DeleteFunc(slices.Clone(room.Told(who)), func(s string) bool { return !strings.Contains(s, "still waits for your decision") }))
}

func TestAReminderGoesToThoseWhoHaveNotDecidedOnceARound(t *testing.T) {
	h, room := open(t)
	bob, erin := h.Linked("bob"), h.Linked("erin")
	r := h.Asked("nag", "read /srv/a")
	place := room.Copies()[0]
	other := h.NewDesk()
	for round := 1; round <= 2; round++ {
		h.Clock.Move(5 * time.Minute)
		for range 3 {
			asksAgain(t, h)
			h.Clock.Move(time.Second)
		}
		if _, err := other.WorkReminders(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := reminded(room, bob); got != round {
			t.Errorf("by round %d Bob was reminded %d times", round, got)
		}
		// Carol has linked no account: below the card it is said that she is waited for.
		if got := room.Noted(place); len(got) != round || !strings.Contains(got[0], "1 person who has not decided") {
			t.Errorf("by round %d below the card stands %q, want a line a round", round, got)
		}
	}
	if got := reminded(room, erin); got != 0 {
		t.Errorf("Erin, whom nobody asks, was reminded %d times", got)
	}
	h.Press(bob, place, countersign.Approve)
	carol := h.Linked("carol")
	h.Clock.Move(5 * time.Minute)
	asksAgain(t, h)
	if got := reminded(room, bob); got != 2 {
		t.Errorf("Bob, who has decided, was reminded %d times, want the 2 of before", got)
	}
	if got := reminded(room, carol); got != 1 {
		t.Errorf("Carol, who is waited for, was reminded %d times, want 1", got)
	}
	h.Clock.Move(5 * time.Minute)
	if err := h.Gate.Tick(t.Context()); err != nil { // the reminder is on its way
		t.Fatal(err)
	}
	decide(t, h, r.ID, "per_carol", channel.Choice{Choice: countersign.Approve, Reason: "seen"})
	asksAgain(t, h)
	if got := h.Now(r.ID).Decision; got != countersign.DecisionApproved || reminded(room, carol) != 1 {
		t.Errorf("it is %s and Carol was reminded %d times, want it approved and nobody reminded after it", got, reminded(room, carol))
	}
}

func TestAReminderThatFailsReachesWhoHasNotHeardItAndNobodyTwice(t *testing.T) {
	h, room := open(t)
	bob, carol := h.Linked("bob"), h.Linked("carol")
	h.Asked("nag", "read /srv/a")
	var tries atomic.Int64
	failing(room, "tell", func() error {
		if tries.Add(1) == 2 {
			return errors.New("the chat is down")
		}
		return nil
	})
	h.Clock.Move(5 * time.Minute)
	for range 4 {
		asksAgain(t, h)
		h.Clock.Move(10 * time.Second)
	}
	if reminded(room, bob) != 1 || reminded(room, carol) != 1 || tries.Load() != 3 {
		t.Errorf("after %d tries Bob was reminded %d times and Carol %d, want 3 tries and once each", tries.Load(), reminded(room, bob), reminded(room, carol))
	}
}

func TestNobodyIsRemindedOfWhatWasSettledAMomentAgo(t *testing.T) {
	h, room := open(t)
	bob, carol := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("nag", "read /srv/a")
	var told atomic.Int64
	failing(room, "tell", func() error {
		if told.Add(1) > 1 {
			return nil
		}
		_, err := h.Gate.Decide(t.Context(), gate.Decision{Request: r.ID, Decision: countersign.Decision{
			By: countersign.Principal{Kind: countersign.KindPerson, ID: "per_carol"}, Choice: countersign.Reject, Digest: r.Digest, View: h.Brief(r.ID).Digest(),
			Reason: "no", Assurance: countersign.Session, Method: "link", Channel: "console",
		}})
		return err
	})
	h.Clock.Move(5 * time.Minute)
	asksAgain(t, h)
	if reminded(room, bob) != 1 || reminded(room, carol) != 0 {
		t.Errorf("Bob was reminded %d times and Carol, who decided meanwhile, %d, want 1 and 0", reminded(room, bob), reminded(room, carol))
	}
}

func TestAReminderSaysNothingOfWhatMayNotLeaveItsRegion(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	h.AskedOn("mcp/abroad", "nag", "something of ours")
	h.Clock.Move(5 * time.Minute)
	asksAgain(t, h)
	if reminded(room, bob) != 1 {
		t.Fatalf("Bob was told %q, want a reminder", room.Told(bob))
	}
	for _, told := range append(room.Told(bob), room.Noted(room.Copies()[0])...) {
		for _, word := range []string{"something of ours", "mcp/abroad", "deploy-bot"} {
			if strings.Contains(told, word) {
				t.Errorf("a reminder says %q: %s", word, told)
			}
		}
	}
}

func TestALinkIsToldToItsPersonAndToThoseWhoDecideBesideThem(t *testing.T) {
	h, room := open(t)
	carol, erin := h.Linked("carol"), h.Linked("erin")
	first := h.Linked("bob")
	notices(t, h.Desk)
	second := h.Linked("bob") // perhaps of somebody else
	notices(t, h.Desk)
	for who, want := range map[string][]string{
		"Bob":       {"You are linked to the testchat account " + second.ID + " of the workspace T1"},
		"Bob's new": {"You are linked to the testchat account " + second.ID},
		"Carol":     {"Bob, who decides with you, is linked to the testchat account " + second.ID},
	} {
		account := map[string]channel.Account{"Bob": first, "Bob's new": second, "Carol": carol}[who]
		told := room.Told(account)
		if len(told) == 0 || !strings.Contains(told[len(told)-1], want[0]) {
			t.Errorf("%s was told %q, want %q last", who, told, want[0])
		}
	}
	for _, told := range room.Told(erin) {
		if strings.Contains(told, "Bob") {
			t.Errorf("Erin, who decides nothing with Bob, was told %q", told)
		}
	}
	who := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	if err := h.Gate.Unlink(t.Context(), who, countersign.LinkID(channeltest.ChatName, second.Workspace, second.ID), "not his"); err != nil {
		t.Fatal(err)
	}
	notices(t, h.NewDesk())
	notices(t, h.Desk)
	for _, account := range []channel.Account{first, second, carol} {
		n := len(slices.DeleteFunc(slices.Clone(room.Told(account)), func(s string) bool {
			return !strings.Contains(s, "no more") || !strings.Contains(s, "(not his)") || !strings.Contains(s, "void")
		}))
		if n != 1 {
			t.Errorf("%s was told of the broken link %d times, want once: %q", account.Name, n, room.Told(account))
		}
	}
}

func notices(t *testing.T, d *desk.Desk) {
	t.Helper()
	for {
		n, err := d.WorkNotices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func TestWhatWasGivenUpIsTriedAgainOnDemandAndThenForgotten(t *testing.T) {
	h, room := open(t)
	var down atomic.Bool
	down.Store(true)
	failing(room, "post", func() error {
		if down.Load() {
			return errors.New("the chat is down")
		}
		return nil
	})
	given := h.Asked("nag", "read /srv/a")
	for range 40 {
		h.Clock.Move(10 * time.Minute)
		h.Work()
	}
	if got := deadOf(t, h.Desk); len(got) != 1 {
		t.Fatalf("given up is %v, want the cards of %s", got, given.ID)
	}
	down.Store(false)
	if n, err := h.Desk.Retry(t.Context()); n != 1 || err != nil {
		t.Errorf("tried again: %d, %v; want 1", n, err)
	}
	if got := deadOf(t, h.Desk); len(got) != 0 {
		t.Errorf("given up is still %v", got)
	}
	h.Work()

	down.Store(true)
	r := h.Asked("one", "read /srv/b")
	for range 40 {
		h.Clock.Move(10 * time.Minute)
		h.Work()
	}
	if got := deadOf(t, h.Desk); len(got) != 1 || got[0].Key != string(r.ID) {
		t.Fatalf("given up is %v, want the cards of %s", got, r.ID)
	}
	down.Store(false)
	if err := h.Gate.Tick(t.Context()); err != nil { // it expires, and its cards are due anew
		t.Fatal(err)
	}
	h.Work()
	if got := deadOf(t, h.Desk); len(got) != 0 {
		t.Errorf("a later change brought the cards up to date, and given up is still %v", got)
	}
}
