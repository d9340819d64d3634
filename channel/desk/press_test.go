package desk_test

import (
	"strings"
	"testing"

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
