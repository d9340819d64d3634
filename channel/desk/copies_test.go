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
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/chat"
)

// unlink has the operator break the account's link.
func unlink(t *testing.T, h *channeltest.House, who channel.Account) {
	t.Helper()
	operator := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	if err := h.Gate.Unlink(t.Context(), operator, countersign.LinkID(channeltest.ChatName, who.Workspace, who.ID), "stolen"); err != nil {
		t.Fatal(err)
	}
}

// link links the account to the person, as they would.
func link(t *testing.T, h *channeltest.House, who channel.Account, person string) {
	t.Helper()
	code, _, err := h.Desk.Code(t.Context(), channeltest.ChatName, chat.Proof{Person: person, Method: "link", AuthTime: h.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := h.Desk.At(channeltest.ChatName).Link(t.Context(), who, code); err != nil || a.Code != "" {
		t.Fatalf("got %+v, %v, want %s linked", a, err, person)
	}
}

// decide has the person choose in the console.
func decide(t *testing.T, h *channeltest.House, id countersign.RequestID, person string, c channel.Choice) {
	t.Helper()
	if _, err := h.Gate.Decide(t.Context(), gate.Decision{Request: id, Decision: countersign.Decision{
		By: countersign.Principal{Kind: countersign.KindPerson, ID: person}, Choice: c.Choice, To: c.To, Digest: h.Now(id).Digest, View: h.Brief(id).Digest(),
		Reason: c.Reason, Assurance: countersign.Session, Method: "link", Channel: "console",
	}}); err != nil {
		t.Fatal(err)
	}
}

// copiesIn are the copies that stand in the account's own conversation.
func copiesIn(room *channeltest.Room, who channel.Account) []channel.Copy {
	return slices.DeleteFunc(room.Copies(), func(at channel.Copy) bool { return at.Place != who.ID })
}

func TestACardThatIsLateIsNotPostedToAnAccountThatWasUnlinkedMeanwhile(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	h.Linked("carol")
	var down atomic.Bool
	down.Store(true)
	failing(room, "post", func() error {
		if down.Load() {
			return errors.New("the chat is down")
		}
		return nil
	})
	h.Asked("one", "read /srv/hidden")
	unlink(t, h, bob)
	down.Store(false)
	h.Clock.Move(time.Minute)
	h.Work()
	if got := len(copiesIn(room, bob)); got != 0 || len(room.Copies()) != 2 {
		t.Errorf("%d of %d cards were posted to an account that was unlinked before, want none of 2", got, len(room.Copies()))
	}
}

func TestACopyIsTakenBackFromWhoDecidesNoMoreAndPostedAnewToWhoDoesAgain(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	operator := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	for name, lose := range map[string]func() (back func()){
		"unlinked": func() func() {
			unlink(t, h, bob)
			return func() { link(t, h, bob, "per_bob") }
		},
		"out of the group": func() func() {
			set := func(people ...string) {
				if err := h.Gate.SetGroup(t.Context(), operator, "reviewers", people); err != nil {
					t.Fatal(err)
				}
			}
			set("per_alice", "per_carol")
			return func() { set("per_alice", "per_bob", "per_carol") }
		},
		"deactivated": func() func() {
			set := func(inactive bool) {
				p := countersign.Person{ID: "per_bob", Name: "Bob", Issuer: "local", Subject: "bob", Inactive: inactive}
				if _, err := h.Gate.SetPerson(t.Context(), operator, p); err != nil {
					t.Fatal(err)
				}
			}
			set(true)
			return func() { set(false); link(t, h, bob, "per_bob") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(copiesIn(room, bob))
			r := h.Asked("two", "read /srv/"+strings.ReplaceAll(name, " ", "-"))
			his := func() []channel.Copy { return copiesIn(room, bob)[before:] }
			if len(his()) != 1 {
				t.Fatalf("Bob has %d copies, want one", len(his()))
			}
			back := lose()
			decide(t, h, r.ID, "per_carol", channel.Choice{Choice: countersign.Approve})
			h.Work()
			line := room.Shown(his()[0])
			if len(his()) != 1 || strings.Contains(line, "Carol") || strings.Contains(line, "/srv/") {
				t.Errorf("Bob, who decides no more, has %d copies, and reads\n%s", len(his()), line)
			}
			back()
			want := 2
			if name == "out of the group" {
				want = 1 // who joins after it was asked does not decide it
			}
			decide(t, h, r.ID, "per_carol", channel.Choice{Choice: countersign.Escalate, To: "security", Reason: "look"})
			h.Work()
			all := his()
			if len(all) != want || room.Shown(all[0]) != line || want == 2 && !slices.Contains(room.Buttons(all[1]), countersign.Approve) {
				t.Errorf("Bob, who is back, has %d copies, want %d; the one that was taken back shows\n%s", len(all), want, room.Shown(all[0]))
			}
			h.Clock.Move(time.Second)
		})
	}
}

func TestAReminderSaysNothingInAnAccountThatWasUnlinked(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	h.Asked("nag", "read /srv/a")
	unlink(t, h, bob)
	told := len(room.Told(bob))
	h.Clock.Move(5 * time.Minute)
	asksAgain(t, h)
	if his := copiesIn(room, bob); len(his) != 1 || len(room.Noted(his[0])) > 0 || len(room.Told(bob)) != told {
		t.Errorf("an account that was unlinked was told %q, and below its card stands %q", room.Told(bob)[told:], room.Noted(his[0]))
	}
}

func TestACopyIsTakenBackByTheUnlinkItself(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	h.Linked("carol")
	h.Asked("two", "read /srv/hidden")
	tick(t, h)
	h.Work()
	his := copiesIn(room, bob)[0]
	unlink(t, h, bob)
	tick(t, h)
	h.Work()
	if line := room.Shown(his); strings.Contains(line, "/srv/hidden") || !strings.Contains(line, "not for this account any more") {
		t.Errorf("nothing else has changed, and an account that was unlinked reads\n%s", line)
	}
}

func TestACopyIsTakenBackFromWhoIsUnlinkedWhileTheCardsAreEdited(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	h.Linked("carol")
	r := h.Asked("two", "read /srv/hidden")
	tick(t, h)
	h.Work()
	his := copiesIn(room, bob)[0]
	var edits atomic.Int64
	failing(room, "edit", func() error {
		if edits.Add(1) == 1 {
			unlink(t, h, bob)
			tick(t, h)
		}
		return nil
	})
	decide(t, h, r.ID, "per_carol", channel.Choice{Choice: countersign.Approve})
	h.Work()
	if line := room.Shown(his); edits.Load() == 0 || strings.Contains(line, "/srv/hidden") {
		t.Errorf("after %d edits an account that was unlinked during the first reads\n%s", edits.Load(), line)
	}
}

func TestTheCardsOfWhatIsApprovedAndHasNotRunSayWhoseApprovalIsVoid(t *testing.T) {
	h, room := open(t)
	bob := h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	place := room.Copies()[0]
	h.Press(bob, place, countersign.Approve)
	tick(t, h)
	h.Work()
	if got := room.Shown(place); h.Now(r.ID).Decision != countersign.DecisionApproved || !strings.Contains(got, "Approved by Bob") {
		t.Fatalf("it is %s, and its card shows\n%s", h.Now(r.ID).Decision, got)
	}
	unlink(t, h, bob)
	tick(t, h)
	h.Work()
	if got := room.Shown(place); strings.Contains(got, "Approved by Bob") {
		t.Errorf("Bob's approval is void, and the card shows\n%s", got)
	}
}

func tick(t *testing.T, h *channeltest.House) {
	t.Helper()
	if err := h.Gate.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
}
