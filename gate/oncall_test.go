package gate_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
)

// rotaPolicy has whoever of platform is on duty decide every write, and whoever of
// dba is as well after a while.
const rotaPolicy = `apiVersion: countersign/v1
kind: PolicySet
defaults: {effect: hold, reviewers: ["oncall:platform"], expires: 2h}
rules:
- id: write
  why: Every write gets a second pair of eyes.
  match: {verbs: [mcp.write]}
  effect: hold
  require: {reviewers: ["oncall:platform"], expires: 2h, run_within: 10m, escalate: [{after: 15m, to: ["oncall:dba"]}]}
`

// rostered is a world in which bob is on duty for platform, and erin for dba.
func rostered(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for pool, person := range map[string]string{"platform": "per_bob", "dba": "per_erin"} {
		must(t, w.gate.SetOnCall(t.Context(), operator(), countersign.OnCallPrefix+pool, pool))
		_, err := w.gate.SetDuty(t.Context(), countersign.OnCallPrefix+pool, []string{person})
		must(t, err)
	}
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": rotaPolicy}))
	w.clock.Advance(time.Second)
	return w
}

func (w *world) onDuty(group string, people ...string) {
	w.t.Helper()
	_, err := w.gate.SetDuty(w.t.Context(), countersign.OnCallPrefix+group, people)
	must(w.t, err)
}

// now is what the brief says of who decides at the moment.
func (w *world) now(id countersign.RequestID) string {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	d, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	var all []string
	for _, says := range brief.Build(r, d).Deciders.Now {
		all = append(all, says.String())
	}
	return strings.Join(all, "; ")
}

func TestAPolicyNamesWhoeverIsOnDuty(t *testing.T) {
	w := rostered(t)
	r := w.held("write_file", `{"path":"a"}`)
	w.refused(w.decide("carol", countersign.Approve, r.ID), countersign.CodeNotAReviewer)
	w.clock.Advance(16 * time.Minute)
	must(t, w.gate.Tick(t.Context())) // the ladder
	w.approve("bob", r.ID)
	w.approve("erin", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
	w.holds()
}

func TestAnApprovalStandsWhileItsPersonIsOnDuty(t *testing.T) {
	w := rostered(t)
	r := w.held("write_file", `{"path":"a"}`)
	w.approve("bob", r.ID)
	w.onDuty("platform", "per_carol")
	w.run(r.ID)
	w.ran(r.ID, 0)
	if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
		t.Errorf("after the hand-over it is %s, want pending: whoever is on duty now decides", got)
	}
	w.approve("carol", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
	w.holds()
}

func TestAStandInSitsInTheSeatOfWhoIsOnDuty(t *testing.T) {
	w := rostered(t)
	w.away("bob", "dave")
	r := w.held("write_file", `{"path":"a"}`)
	if got, want := w.now(r.ID), "on duty for platform: bob; dave stands in for bob until 2026-11-24 09:00 UTC"; got != want {
		t.Errorf("the brief says %q, want %q", got, want)
	}
	w.approve("dave", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
	if got := w.now(r.ID); got != "" {
		t.Errorf("when nobody is asked any more the brief says %q", got)
	}
	w.holds()
}

func TestWhoIsOnDutyAndWhoIsAwayIsNoPartOfTheView(t *testing.T) {
	w := rostered(t)
	r := w.held("write_file", `{"path":"a"}`)
	before := w.shown(r).View
	w.away("carol", "dave")
	w.onDuty("platform")
	if got := w.shown(r).View; got != before {
		t.Error("an absence and a hand-over changed the digest of what people see")
	}
	if got, want := w.now(r.ID), "nobody is on duty for platform"; got != want {
		t.Errorf("the brief says %q, want %q", got, want)
	}
}

func TestASettledRequestShowsItsSignaturesWhoeverIsOnDutyNow(t *testing.T) {
	w := rostered(t)
	r := w.held("write_file", `{"path":"a"}`)
	w.approve("bob", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
	w.onDuty("platform", "per_carol")
	r, err := w.gate.Get(t.Context(), r.ID)
	must(t, err)
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	if got := brief.Build(r, d).Deciders.Signed; got != 1 {
		t.Errorf("the brief shows %d signatures, want 1", got)
	}
}

func TestWhoComesOnDutyOrBackIsAskedToo(t *testing.T) {
	w := rostered(t)
	g, err := gate.New(context.Background(), w.store, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w.upstream}, Now: w.clock.Now, Cards: true,
	})
	must(t, err)
	w.gate = g
	must(t, w.gate.Tick(t.Context()))
	r := w.held("write_file", `{"path":"a"}`)
	w.queued()
	asked := func(what string) {
		t.Helper()
		if got := w.queued(); !slices.Equal(got, []string{string(r.ID)}) {
			t.Errorf("%s queues the cards of %v, want %s", what, got, r.ID)
		}
	}
	w.onDuty("platform", "per_carol")
	asked("a hand-over")
	must(t, w.gate.SetAway(t.Context(), operator(), "per_carol", countersign.Away{From: w.clock.Now().Add(time.Minute), Until: w.clock.Now().Add(time.Hour), StandIn: "per_dave"}, ""))
	must(t, w.gate.Tick(t.Context()))
	if got := w.queued(); len(got) != 0 {
		t.Errorf("an absence that is still to come queues the cards of %v", got)
	}
	w.clock.Advance(time.Minute)
	must(t, w.gate.Tick(t.Context()))
	asked("an absence that begins")
	w.back("carol")
	asked("an absence that ends early")
}

func TestOnceTwoPeopleHavePasskeysTheyDeclareAnOnCallGroupAndTheScheduleGoesOnAlone(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	r := h.waits(h.gate.SetOnCall(t.Context(), operator(), "oncall:platform", "platform"))
	h.onDuty("platform", "per_bob") // it is not declared yet
	if _, ok := h.directory().Groups["oncall:platform"]; ok {
		t.Fatal("the group is there before anybody approved it")
	}
	for _, person := range []string{"bob", "carol"} {
		must(t, h.signs(person, countersign.Approve, r.ID))
	}
	h.onDuty("platform", "per_bob", "per_dave")
	h.onDuty("platform", "per_carol")
	if got := h.directory().Groups["oncall:platform"].Members; len(got) != 1 || got[0].Person != "per_carol" {
		t.Errorf("on duty are %v, want carol", got)
	}
	h.waits(h.gate.SetOnCall(t.Context(), operator(), "oncall:platform", "dba"))
	h.holds()
}
