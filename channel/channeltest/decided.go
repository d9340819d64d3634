package channeltest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
)

func settled(t *testing.T, h *House) {
	bob, _ := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("one", "read /srv/a")
	copies := h.Chat.Copies()
	if len(copies) != 3 {
		t.Fatalf("%d copies were posted, want one for the place and one each for Bob and Carol", len(copies))
	}
	h.Press(bob, copies[0], countersign.Approve)
	if got := h.Now(r.ID).Decision; got != countersign.DecisionApproved {
		t.Fatalf("it is %s, want it approved; Bob was told %q", got, h.Chat.Told(bob))
	}
	if d := h.Now(r.ID).Decisions[0]; d.By.ID != "per_bob" || d.Assurance != countersign.Chat || d.Channel != ChatName || d.Method != "chat" {
		t.Errorf("on record is %+v, want Bob, chat, by this chat", d)
	}
	for _, at := range h.Chat.Copies() {
		if len(h.Chat.Buttons(at)) > 0 || h.Chat.Token(at) != "" || !strings.Contains(h.Chat.Shown(at), "Approved by Bob") {
			t.Errorf("a copy still offers %v and shows\n%s", h.Chat.Buttons(at), h.Chat.Shown(at))
		}
	}
	late := h.Asked("one", "read /srv/b")
	h.Clock.Move(time.Hour)
	check(t, h.Gate.Tick(t.Context()))
	h.Work()
	for _, at := range h.Chat.Copies() {
		if len(h.Chat.Buttons(at)) > 0 {
			t.Errorf("a copy of %s, which expired, still offers %v", late.ID, h.Chat.Buttons(at))
		}
	}
	if got := len(h.Chat.Copies()); got != 6 {
		t.Errorf("there are %d copies, want 6: no change posts another", got)
	}
}

func changed(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("two", "read /srv/a")
	at := h.Copy()
	before := h.Chat.Shown(at)
	h.Press(bob, at, countersign.Approve)
	if h.Chat.Shown(at) == before || !strings.Contains(h.Chat.Shown(at), "1 person more") || !h.offers(at, countersign.Approve) {
		t.Errorf("after one of two votes the card shows\n%s", h.Chat.Shown(at))
	}
	h.escalate(bob, at, "security")
	if got := len(h.Now(r.ID).Verdict.Requirement.Stages); got != 2 {
		t.Fatalf("it has %d stages, want 2; Bob was told %q", got, h.Chat.Told(bob))
	}
	if !strings.Contains(h.Chat.Shown(at), "security") {
		t.Errorf("after an escalation the card shows\n%s", h.Chat.Shown(at))
	}
}

func (h *House) escalate(by channel.Account, at channel.Copy, to string) {
	h.t.Helper()
	h.Press(by, at, countersign.Escalate)
	h.Fill(by, channel.Choice{Choice: countersign.Escalate, Reason: "have a look", To: to})
}

func twice(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("two", "read /srv/a")
	at := h.Copy()
	token := h.Chat.Token(at)
	click := h.Chat.Press(bob, at, token, string(countersign.Approve))
	desk := h.Desk.At(ChatName)
	check(t, desk.Receive(t.Context(), click))
	check(t, desk.Receive(t.Context(), click))
	h.Work()
	h.Deliver(click)
	told := len(h.Chat.Told(bob))
	if told != 1 {
		t.Errorf("one click was answered %d times: %q", told, h.Chat.Told(bob))
	}
	h.Deliver(h.Chat.Press(bob, at, token, string(countersign.Approve))) // another click on the same
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 1 {
		t.Errorf("%d decisions are on record, want 1", n)
	}
	if got := h.Now(r.ID).Decision; got != countersign.DecisionPending {
		t.Errorf("it is %s, want it pending: Bob counts once", got)
	}
}

func unknownAction(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	at := h.Copy()
	for _, action := range []string{"", "deny", "APPROVE", "approve ", "countersign_allow"} {
		h.Deliver(h.Chat.Press(bob, at, h.Chat.Token(at), action))
	}
	h.Deliver(channel.Delivery{ID: "garbage", Body: []byte("\x00{not json")})
	h.undecided(r.ID, "actions that nobody knows")
	if n := h.Recorded(r.ID, countersign.KindRefused); n != 0 {
		t.Errorf("%d of them were recorded as attempts, want none", n)
	}
}

func otherToken(t *testing.T, h *House) {
	bob := h.Linked("bob")
	one := h.Asked("one", "read /srv/a")
	at := h.Copy()
	other := h.Asked("one", "delete everything")
	for _, to := range h.Chat.Copies() {
		if h.Chat.Token(to) == h.Chat.Token(at) {
			continue
		}
		h.Deliver(h.Chat.Press(bob, at, h.Chat.Token(to), string(countersign.Approve)))
		h.Deliver(h.Chat.Press(bob, to, h.Chat.Token(at), string(countersign.Approve)))
	}
	elsewhere := at
	elsewhere.Place += "X"
	foreign := at
	foreign.Workspace += "X"
	h.Deliver(h.Chat.Press(bob, elsewhere, h.Chat.Token(at), string(countersign.Approve)))
	h.Deliver(h.Chat.Press(bob, foreign, h.Chat.Token(at), string(countersign.Approve)))
	h.undecided(one.ID, "a token on another card")
	h.undecided(other.ID, "a token of another request")
	h.toldOf(bob, "Nothing was recorded")
}

func staleToken(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	at := h.Copy()
	old := h.Chat.Token(at)
	h.escalate(bob, at, "security")
	if now := h.Chat.Token(at); now == old || now == "" {
		t.Errorf("the card that shows something else has the token %q, want a new one", now)
	}
	for _, token := range []string{old, "", strings.Repeat("A", 26)} {
		h.Deliver(h.Chat.Press(bob, at, token, string(countersign.Approve)))
	}
	if n := len(h.Now(r.ID).Approvals()); n != 0 {
		t.Errorf("%d approvals count, want none by a token that is stale or made up", n)
	}
	h.Deliver(h.Chat.Press(bob, at, old, string(countersign.Reject)))
	if d, ok := h.Chat.Fill(bob, channel.Choice{Choice: countersign.Reject, Reason: "no"}); ok {
		h.Deliver(d)
		t.Errorf("a dialog was opened by a stale token, and it is %s", h.Now(r.ID).Decision)
	}
	h.toldOf(bob, "has changed")
}

func strangers(t *testing.T, h *House) {
	h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	at := h.Copy()
	for _, s := range []Standing{Member, Guest, Stranger, Bot, Left} {
		who := h.Chat.Join("Bob", s) // a name is nobody
		h.Press(who, at, countersign.Approve)
		h.Press(who, at, countersign.Reject)
		if d, ok := h.Chat.Fill(who, channel.Choice{Choice: countersign.Reject, Reason: "no"}); ok {
			h.Deliver(d)
			t.Errorf("a dialog was opened for a %s who is linked to nobody", s)
		}
	}
	h.undecided(r.ID, "presses of those who are nobody here")
	guest := h.Chat.Join("guest", Guest)
	a, err := h.Desk.At(ChatName).Link(t.Context(), guest, "AAAA-BBBB-CCCC")
	check(t, err)
	if a.Code == "" {
		t.Errorf("a guest was linked: %s", a.Says)
	}
}

func unlinked(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("one", "read /srv/a")
	at := h.Copy()
	token := h.Chat.Token(at)
	clicked := h.Chat.Press(bob, at, token, string(countersign.Approve))
	check(t, h.Desk.At(ChatName).Receive(t.Context(), clicked))
	a, err := h.Desk.At(ChatName).Unlink(t.Context(), bob)
	check(t, err)
	h.Work() // the click came before, and is worked on after
	h.undecided(r.ID, "a click of who was unlinked; told: "+a.Says)

	who := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	gone := countersign.Person{ID: "per_carol", Name: "Carol", Issuer: "local", Subject: "carol", Inactive: true}
	_, err = h.Gate.SetPerson(t.Context(), who, gone)
	check(t, err)
	gone.Inactive = false
	_, err = h.Gate.SetPerson(t.Context(), who, gone)
	check(t, err)
	h.Deliver(h.Chat.Press(carol, at, token, string(countersign.Approve)))
	h.undecided(r.ID, "a click of who was deactivated and came back")
	if _, ok, err := h.Desk.At(ChatName).Person(t.Context(), carol); ok || err != nil {
		t.Errorf("the link came back with its person: %v", err)
	}
}

func linkedLate(t *testing.T, h *House) {
	r := h.Asked("one", "read /srv/a")
	bob := h.Linked("bob")
	at := h.Copy()
	h.Press(bob, at, countersign.Approve)
	h.undecided(r.ID, "an approval through an account that was linked after it was asked")
	h.toldOf(bob, "approve it in the browser")
	h.Press(bob, at, countersign.Reject)
	h.Fill(bob, channel.Choice{Choice: countersign.Reject, Reason: "not now"})
	if got := h.Now(r.ID).Decision; got != countersign.DecisionRejected {
		t.Errorf("it is %s, want it rejected through the same account", got)
	}
}

func ownRequest(t *testing.T, h *House) {
	alice := h.Linked("alice")
	r := h.Asked("one", "read /srv/a")
	h.Press(alice, h.Copy(), countersign.Approve)
	h.undecided(r.ID, "an approval by the owner of the agent")
	refusals := h.Now(r.ID).Refusals
	if len(refusals) != 1 || refusals[0].Code != countersign.CodeSelfApproval {
		t.Errorf("on record are %+v, want one refused self-approval", refusals)
	}
	h.toldOf(alice, "cannot decide it")

	bob := h.Linked("bob")
	r = h.submit("mcp/files", "one", "read /srv/for-bob", "bob")
	h.Work()
	h.Press(bob, h.Copy(), countersign.Approve)
	h.undecided(r.ID, "an approval by whom it is asked for")
	if refusals = h.Now(r.ID).Refusals; len(refusals) != 1 || refusals[0].Code != countersign.CodeSelfApproval {
		t.Errorf("on record are %+v, want one refused self-approval", refusals)
	}
}

func afterwards(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("one", "read /srv/a")
	at := h.Chat.Copies()[0]
	token := h.Chat.Token(at)
	h.Press(bob, at, countersign.Approve)
	for _, who := range []channel.Account{bob, carol} {
		for _, c := range []countersign.Choice{countersign.Approve, countersign.Reject, countersign.Escalate} {
			h.Deliver(h.Chat.Press(who, at, token, string(c)))
			if d, ok := h.Chat.Fill(who, channel.Choice{Choice: c, Reason: "late", To: "security"}); ok {
				h.Deliver(d)
				t.Errorf("a dialog to %s was opened on what is decided", c)
			}
		}
	}
	if n := h.Recorded(r.ID, countersign.KindDecided) + h.Recorded(r.ID, countersign.KindEscalated); n != 1 || h.Now(r.ID).Decision != countersign.DecisionApproved {
		t.Errorf("%d choices are on record and it is %s, want Bob's approval alone", n, h.Now(r.ID).Decision)
	}
	h.toldOf(carol, "Nothing was recorded")
}

func oneHuman(t *testing.T, h *House) {
	first, second, carol := h.Linked("bob"), h.Linked("bob"), h.Linked("carol")
	r := h.Asked("two", "read /srv/a")
	at := h.Chat.Copies()[0]
	h.Press(first, at, countersign.Approve)
	h.Press(second, at, countersign.Approve)
	if got := h.Now(r.ID).Decision; got != countersign.DecisionPending {
		t.Fatalf("one human with two accounts made it %s", got)
	}
	h.Press(carol, at, countersign.Approve)
	if got := h.Now(r.ID).Decision; got != countersign.DecisionApproved {
		t.Errorf("it is %s after a second human, want it approved; Carol was told %q", got, h.Chat.Told(carol))
	}
}

func reason(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("one", "read /srv/a")
	at := h.Chat.Copies()[0]
	h.Press(bob, at, countersign.Reject)
	h.undecided(r.ID, "a press of Reject alone")
	h.Fill(bob, channel.Choice{Choice: countersign.Reject, Reason: "  "})
	h.undecided(r.ID, "a rejection without a reason")
	h.Press(bob, at, countersign.Reject)
	stolen, ok := h.Chat.Fill(bob, channel.Choice{Choice: countersign.Reject, Reason: "wrong table"})
	if !ok {
		t.Fatal("no dialog is open for Bob")
	}
	h.Press(carol, at, countersign.Reject)
	h.Deliver(stolen)
	after := h.Now(r.ID)
	if after.Decision != countersign.DecisionRejected || after.Decisions[0].Reason != "wrong table" || after.Decisions[0].By.ID != "per_bob" {
		t.Errorf("it is %s with %+v, want it rejected by Bob with his reason", after.Decision, after.Decisions)
	}
	h.Fill(carol, channel.Choice{Choice: countersign.Reject, Reason: "me too"}) // opened before, sent after
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 1 {
		t.Errorf("%d decisions are on record, want 1", n)
	}
	h.toldOf(carol, "Bob")
}

func escalation(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("one", "read /srv/a")
	at := h.Copy()
	h.Press(bob, at, countersign.Escalate)
	h.Fill(bob, channel.Choice{Choice: countersign.Escalate, Reason: "look", To: "nobody-knows"})
	h.undecided(r.ID, "an escalation to a group that is not offered")
	h.escalate(bob, at, "security")
	if n := len(h.Now(r.ID).Verdict.Requirement.Stages); n != 2 {
		t.Errorf("it has %d stages, want 2; Bob was told %q", n, h.Chat.Told(bob))
	}
}

func loser(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("one", "read /srv/a")
	at := h.Chat.Copies()[0]
	token := h.Chat.Token(at)
	desk := h.Desk.At(ChatName)
	first := h.Chat.Press(bob, at, token, string(countersign.Approve))
	second := h.Chat.Press(carol, at, token, string(countersign.Approve))
	check(t, desk.Receive(t.Context(), first))
	h.Work()
	check(t, desk.Receive(t.Context(), second))
	h.Work()
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 1 {
		t.Errorf("%d decisions are on record, want 1", n)
	}
	h.toldOf(carol, "Bob")
}

func race(t *testing.T, h *House) {
	bob := h.Linked("bob")
	r := h.Asked("two", "read /srv/a")
	at := h.Copy()
	here, there := h.Desk, h.Replica()
	var each sync.WaitGroup
	for range 4 { // the same click, delivered to both and again
		click := h.Chat.Press(bob, at, h.Chat.Token(at), string(countersign.Approve))
		for _, d := range slices.Repeat([]interface {
			At(string) channel.Desk
		}{here, there}, 2) {
			each.Go(func() {
				if err := d.At(ChatName).Receive(t.Context(), click); err != nil {
					t.Error(err)
				}
			})
		}
	}
	each.Wait()
	for range 4 {
		each.Go(func() { _, err := here.WorkInbox(t.Context()); report(t, err) })
		each.Go(func() { _, err := there.WorkInbox(t.Context()); report(t, err) })
	}
	each.Wait()
	h.Clock.Move(time.Hour / 4)
	h.Work()
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 1 {
		t.Errorf("%d decisions are on record, want 1", n)
	}
}

func report(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func restart(t *testing.T, h *House) {
	bob, carol := h.Linked("bob"), h.Linked("carol")
	r := h.Asked("two", "read /srv/a")
	at := h.Copy()
	click := h.Chat.Press(bob, at, h.Chat.Token(at), string(countersign.Approve))
	check(t, h.Desk.At(ChatName).Receive(t.Context(), click))
	h.Store = h.Store.Restart()
	h.Open()
	h.Work()
	if n := len(h.Now(r.ID).Approvals()); n != 1 {
		t.Fatalf("%d approvals count after a restart, want the click that was acknowledged before it", n)
	}
	// The process ends after the decision is on record and before that is noted.
	second := h.Chat.Press(carol, at, h.Chat.Token(at), string(countersign.Approve))
	check(t, h.Desk.At(ChatName).Receive(t.Context(), second))
	h.Store.Faults().CrashAfter(errors.New("power cut"))
	if _, err := h.Desk.WorkInbox(t.Context()); err == nil {
		t.Log("the crash was not seen by who worked")
	}
	h.Store = h.Store.Restart()
	h.Open()
	h.Clock.Move(2 * time.Minute) // the lease of who crashed ends
	h.Work()
	if n := h.Recorded(r.ID, countersign.KindDecided); n != 2 {
		t.Errorf("%d decisions are on record, want Bob's and Carol's", n)
	}
	h.toldOf(carol, "You approved it")
}
