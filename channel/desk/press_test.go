package desk_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel/channeltest"
)

func TestAPressOfACardThatIsBehindTheDirectoryBringsItUpToDate(t *testing.T) {
	operator := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	for name, changed := range map[string]func(h *channeltest.House) error{
		"the owner is renamed": func(h *channeltest.House) error {
			_, err := h.Gate.SetPerson(t.Context(), operator, countersign.Person{ID: "per_alice", Name: "Alice Moreau", Issuer: "local", Subject: "alice"})
			return err
		},
		"the agent has another owner": func(h *channeltest.House) error {
			return h.Gate.SetAgent(t.Context(), operator, countersign.Agent{ID: "agt_bot", Name: "deploy-bot", Owner: "per_erin", CreatedBy: countersign.Operator()})
		},
	} {
		for _, choice := range []countersign.Choice{countersign.Approve, countersign.Reject} {
			t.Run(name+", "+string(choice), func(t *testing.T) {
				h, room := open(t)
				bob := h.Linked("bob")
				r := h.Asked("one", "read /srv/a")
				at := h.Copy()
				before := room.Shown(at)
				if err := changed(h); err != nil {
					t.Fatal(err)
				}
				h.Press(bob, at, choice)
				if told := room.Told(bob); len(told) == 0 || !strings.Contains(told[len(told)-1], "read it again") || len(h.Now(r.ID).Decisions) > 0 {
					t.Fatalf("Bob was told %q, want to read it again and nothing on record", told)
				}
				if room.Shown(at) == before {
					t.Errorf("Bob is to read it again, and the card still shows\n%s", before)
				}
				h.Press(bob, at, countersign.Approve)
				if got := h.Now(r.ID).Decision; got != countersign.DecisionApproved {
					t.Errorf("it is %s after Bob read it again, want it approved; he was told %q", got, room.Told(bob))
				}
			})
		}
	}
}

func TestAClickThatIsRefusedIsOnRecordOnceHoweverOftenItsAnswerFails(t *testing.T) {
	h, room := open(t)
	alice := h.Linked("alice") // the agent is hers
	r := h.Asked("one", "read /srv/a")
	var down atomic.Bool
	down.Store(true)
	failing(room, "tell", func() error {
		if down.Load() {
			return errors.New("the chat is down")
		}
		return nil
	})
	h.Press(alice, h.Copy(), countersign.Approve)
	for range 5 {
		h.Clock.Move(time.Minute)
		h.Work()
	}
	if n := h.Recorded(r.ID, countersign.KindRefused); n != 1 {
		t.Errorf("one click is on record as %d refused attempts, want 1", n)
	}
	down.Store(false)
	h.Clock.Move(time.Minute)
	h.Work()
	if told := room.Told(alice); len(told) != 1 || !strings.Contains(told[0], "cannot decide it") {
		t.Errorf("Alice was told %q, want once that she cannot decide it", told)
	}
	h.Press(alice, h.Copy(), countersign.Approve)
	if n := h.Recorded(r.ID, countersign.KindRefused); n != 2 {
		t.Errorf("two clicks are on record as %d refused attempts, want 2", n)
	}
}
