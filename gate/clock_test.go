package gate_test

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func TestNothingBeginsBeforeItIsOnRecordWhenTheClockGoesBack(t *testing.T) {
	for name, seat := range map[string]func(*world) (person string){
		"a person and a membership": func(w *world) string {
			w.people("zoe")
			w.group("platform", "alice", "bob", "carol", "zoe")
			return "zoe"
		},
		"a membership": func(w *world) string { w.group("platform", "alice", "bob", "carol", "dave"); return "dave" },
		"a stand-in":   func(w *world) string { w.away("bob", "dave"); return "dave" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.held("write_file", `{}`)
			w.clock.Advance(-time.Hour)
			person := seat(w)
			w.refused(w.decide(person, countersign.Approve, r.ID), countersign.CodeNotAReviewer)
			w.clock.Advance(time.Hour + time.Second)
			w.approve(person, w.held("write_file", `{"path":"/later"}`).ID)
			w.holds()
		})
	}
}

func TestAPasskeyCountsForNothingOlderWhenTheClockGoesBack(t *testing.T) {
	h := newWorld(t).house()
	h.enrol("carol", "erin")
	r := h.held("write_file", `{}`)
	h.clock.Advance(-time.Hour)
	bob := h.enrolled("bob", "operator")
	must(t, h.gate.ConfirmCredential(t.Context(), h.person("carol"), bob.Credential.ID))
	if d := h.directory(); d.Credentials[bob.Credential.ID].CountsFor(r.CreatedAt) {
		t.Error("a passkey counts for what was asked before it was enrolled")
	}
	h.holds()
}

func TestWhatIsRecordedLateIsDrawnUpAgain(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol", "erin")
	late := func() { h.clock.Advance(2 * time.Minute) }
	h.store.Faults().BeforeCommit(late)
	must(t, h.gate.SetAway(t.Context(), h.person("erin"), "per_erin", countersign.Away{Until: h.clock.Now().Add(day)}, "holiday"))
	r := h.waits(h.gate.SetGroup(t.Context(), operator(), "dba", []string{"per_dave"}))
	must(t, h.signs("bob", countersign.Approve, r.ID))
	h.atCommit(3, late) // after the second approval and the release
	must(t, h.signs("carol", countersign.Approve, r.ID))
	if got := h.state(r.ID).Execution; got != countersign.ExecutionSucceeded {
		t.Errorf("got %s, want the group changed", got)
	}
	h.holds()
}

func TestWhatIsDueIsNotRecordedBeforeItsTimeWhenTheClockGoesBack(t *testing.T) {
	tick := func(w *world, _ countersign.RequestID) { must(w.t, w.gate.Tick(w.t.Context())) }
	approve := func(w *world, id countersign.RequestID) { w.approve("bob", id) }
	for name, c := range map[string]struct {
		before func(*world, countersign.RequestID)
		wait   time.Duration
		due    func(*world, countersign.RequestID)
		want   countersign.DecisionState
		stages string
	}{
		"an approval that lives for ten minutes": {nil, 14 * time.Minute, approve, countersign.DecisionApproved, "platform session"},
		"the end of an approval":                 {approve, 10 * time.Minute, tick, countersign.DecisionApproved, "platform session"},
		"an expiry":                              {nil, time.Hour, tick, countersign.DecisionPending, "platform session, dba session"},
		"a step of the ladder":                   {nil, 15 * time.Minute, tick, countersign.DecisionPending, "platform session"},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := laddered(t)
			if c.before != nil {
				c.before(w, r.ID)
			}
			w.clock.Advance(c.wait)
			w.store.Faults().BeforeCommit(func() { w.clock.Advance(-5 * time.Minute) })
			c.due(w, r.ID)
			if got := w.state(r.ID).Decision; got != c.want || w.stages(r.ID) != c.stages {
				t.Errorf("it is %s and needs %s, want %s and %s", got, w.stages(r.ID), c.want, c.stages)
			}
			w.holds()
			w.clock.Advance(2 * time.Hour)
			must(t, w.gate.Tick(t.Context()))
			if got := w.state(r.ID).Decision; got != countersign.DecisionExpired {
				t.Errorf("later it is %s, want it expired", got)
			}
			w.holds()
		})
	}
}

func TestTheAuditorFindsWhatBeginsBeforeItIsOnRecord(t *testing.T) {
	for name, c := range map[string]struct {
		says string
		do   func(h *house, since time.Time)
	}{
		"a membership": {"per_dave is a member of platform since", func(h *house, since time.Time) {
			g := h.directory().Groups["platform"]
			g.Members = append(g.Members, countersign.Member{Person: "per_dave", Since: since})
			h.forge(operator(), "grp:platform", countersign.GroupChanged{Group: g, Solo: true})
		}},
		"an older membership": {"per_bob is a member of platform since", func(h *house, since time.Time) {
			h.forge(operator(), "grp:platform", countersign.GroupChanged{Solo: true, Group: countersign.Group{Name: "platform", Members: []countersign.Member{{Person: "per_bob", Since: since}}}})
		}},
		"a person": {"per_zoe is here since", func(h *house, since time.Time) {
			h.forge(operator(), "per_zoe", countersign.PersonChanged{Solo: true, Person: countersign.Person{ID: "per_zoe", Name: "zoe", Issuer: "local", Subject: "zoe", Since: since}})
		}},
		"an older person": {"per_bob is here since", func(h *house, since time.Time) {
			bob := h.directory().People["per_bob"]
			bob.Since = since
			h.forge(operator(), "per_bob", countersign.PersonChanged{Solo: true, Person: bob})
		}},
		"an absence": {"the absence of per_bob is on record since", func(h *house, since time.Time) {
			bob := h.directory().People["per_bob"]
			bob.Away = &countersign.Away{StandIn: "per_dave", Until: h.clock.Now().Add(day), Since: since}
			h.forge(operator(), "per_bob", countersign.PersonChanged{Solo: true, Person: bob})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).house()
			c.do(h, h.clock.Now().Add(-time.Hour))
			h.finds(c.says)
		})
	}
}
