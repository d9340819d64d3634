package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
)

func TestNobodyCanApproveThisIsSaidWhenItIsAsked(t *testing.T) {
	rule := func(require string) string {
		return "apiVersion: countersign/v1\nkind: PolicySet\ndefaults: {effect: hold, reviewers: [platform], expires: 30m}\n" +
			"schedules: {night: {zone: UTC, hours: {sun: \"20:00-22:00\"}}}\n" +
			"rules: [{id: write, why: w, effect: hold, match: {verbs: [mcp.write]}, require: {" + require + "}}]\n"
	}
	for name, c := range map[string]struct{ require, want string }{
		"enough people":         {"reviewers: [platform], quorum: 2", ""},
		"the owner is one":      {"reviewers: [platform], quorum: 3", "it needs 3 people of platform, and 2 there can decide it"},
		"only the owner":        {"reviewers: [solo]", "it needs 1 person of solo, and nobody there can decide it"},
		"nobody has a passkey":  {"reviewers: [dba], assurance: passkey", "it needs a passkey of dba, and nobody there who can decide it has one that counts"},
		"one cannot sit twice":  {"stages: [{reviewers: [erins]}, {reviewers: [erins, solo]}]", "it needs 2 different people, and 1 can decide it"},
		"all hours are to come": {"reviewers: [platform], hours: night", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
			w.group("solo", "alice")
			w.group("erins", "erin")
			must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": rule(c.require)}))
			w.clock.Advance(time.Second)
			r := w.held("write_file", `{}`)
			if got := strings.Join(r.Verdict.Requirement.Blocked, "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			d, err := w.gate.Directory(t.Context())
			must(t, err)
			if b := brief.Build(r, d); b.Approvable != (c.want == "") {
				t.Errorf("the page says approvable %t", b.Approvable)
			}
			if strings.Contains(c.want, "platform") || strings.Contains(c.want, "dba") {
				w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeCannotApprove)
				must(t, w.decide("bob", countersign.Reject, r.ID))
			}
			w.holds()
		})
	}
}

func TestNobodyApprovesInAFreezeAndNothingApprovedBeforeItRuns(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": testPolicy +
		"freeze: [{id: move, why: The switches move., from: 2026-11-22T10:00:00Z, to: 2026-11-23T10:00:00Z, match: {environments: [prod]}}]\n"}))
	w.clock.Advance(time.Second)
	w.clock.Advance(59 * time.Minute)
	early := w.held("write_file", `{"path":"b"}`)
	w.approve("bob", early.ID)
	w.clock.Advance(2 * time.Minute)

	if p, ok := w.run(early.ID).(gate.Pending); !ok || !p.Request.Verdict.Requirement.Frozen || len(p.Request.Approvals()) > 0 {
		t.Errorf("what was approved before the freeze came to %+v, want it held again, to be approved anew", p)
	}
	w.ran(early.ID, 0)
	read := w.held("read_file", `{"path":"a"}`) // no rule would have held it
	w.refused(w.decide("bob", countersign.Approve, read.ID), countersign.CodeCannotApprove)
	w.clock.Advance(24 * time.Hour)
	w.approve("bob", read.ID)
	w.run(read.ID)
	w.ran(read.ID, 1)
	w.approve("bob", early.ID)
	w.run(early.ID)
	w.ran(early.ID, 1)
	w.holds()
}

func TestAFreezeThatBeginsWhilePeopleReadStopsTheirApproval(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 50, 0, 0, time.UTC)})
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": testPolicy +
		"freeze: [{id: move, why: w, from: 2026-11-22T10:00:00Z, to: 2026-11-23T10:00:00Z}]\n"}))
	w.clock.Advance(time.Second)
	r := w.held("write_file", `{}`)
	w.clock.Advance(15 * time.Minute)
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeCannotApprove)
	must(t, w.decide("bob", countersign.Reject, r.ID))
	w.holds()
}

func TestAFreezeThatBeginsWhileAReleaseIsRecordedStopsIt(t *testing.T) {
	begins := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		effect    string
		meanwhile func(*world)
		want      countersign.DecisionState
	}{
		"it holds":  {"hold", func(w *world) { w.store.Faults().BeforeCommit(func() { w.clock.Advance(2 * time.Second) }) }, countersign.DecisionPending},
		"it denies": {"deny", func(w *world) { w.store.Faults().BeforeCommit(func() { w.clock.Advance(2 * time.Second) }) }, countersign.DecisionDenied},
		"it has begun by the record's clock, which is ahead": {"hold", func(w *world) {
			w.clock.Advance(2 * time.Second)
			w.people("frank")
			w.clock.Advance(-2 * time.Second)
		}, countersign.DecisionPending},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLawlessWorld(t, &clock{at: begins.Add(-10 * time.Minute)})
			must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": testPolicy +
				"freeze: [{id: move, why: w, effect: " + c.effect + ", from: 2026-11-22T10:00:00Z, to: 2026-11-23T10:00:00Z}]\n"}))
			w.clock.Advance(time.Second)
			r := w.held("write_file", `{}`)
			w.approve("bob", r.ID)
			w.clock.Advance(begins.Add(-time.Second).Sub(w.clock.Now()))
			c.meanwhile(w)
			w.run(r.ID)
			w.ran(r.ID, 0)
			if got := w.state(r.ID).Decision; got != c.want {
				t.Errorf("what was approved before it is %s, want %s", got, c.want)
			}
			w.holds()
		})
		t.Run(name+", and the policy let it through", func(t *testing.T) {
			w := newLawlessWorld(t, &clock{at: begins.Add(-time.Second)})
			must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": testPolicy +
				"freeze: [{id: move, why: w, effect: " + c.effect + ", from: 2026-11-22T10:00:00Z, to: 2026-11-23T10:00:00Z}]\n"}))
			w.clock.Advance(begins.Add(-time.Millisecond).Sub(w.clock.Now()))
			c.meanwhile(w)
			if done, ok := w.submit(w.ask("read_file", `{}`)).(gate.Done); ok {
				t.Errorf("%s ran in the freeze", done.Request.ID)
			}
			w.holds()
		})
	}
}

func TestAFreezeThatIsLiftedEarlyLetsWhatWaitedForItRun(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 50, 0, 0, time.UTC)})
	freeze := func(to string) string {
		return testPolicy + "freeze: [{id: move, why: w, from: 2026-11-22T09:00:00Z, to: " + to + "}]\n"
	}
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": freeze("2026-11-23T10:00:00Z")}))
	w.clock.Advance(time.Second)
	r := w.held("write_file", `{}`)
	shown := w.says("bob", countersign.Approve, r.ID)
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeCannotApprove)

	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": freeze("2026-11-22T18:00:00Z")}))
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeViewChanged)
	if got := w.recorded(r.ID, countersign.KindHeld); got != 2 {
		t.Errorf("it is held %d times, want 2: again when its freeze became shorter", got)
	}
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeCannotApprove)

	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": testPolicy}))
	_, err := w.gate.Decide(t.Context(), shown)
	w.refused(err, countersign.CodeViewChanged)
	now, err := w.gate.Get(t.Context(), r.ID)
	must(t, err)
	if need := now.Verdict.Requirement; !need.NotBefore.IsZero() || need.Frozen || len(need.Closed) > 0 || !need.ExpiresAt.Equal(r.ExpiresAt()) || len(need.Stages) != 1 {
		t.Errorf("lifted, it needs %+v, want what it needed without the freeze, until the same end", need)
	}
	w.approve("bob", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
	w.holds()
	w.verified(r.ID)
}

func TestAHaltThatOutlivesAnApprovalLetsItLapse(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	must(t, w.gate.Halt(t.Context(), operator(), countersign.AllAgents, "look first"))
	w.run(r.ID)
	w.clock.Advance(11 * time.Minute)
	must(t, w.gate.Tick(t.Context()))
	if got := w.state(r.ID).Decision; got != countersign.DecisionExpired {
		t.Errorf("it is %s, want it lapsed: a halt stops no clock", got)
	}
	must(t, w.gate.Lift(t.Context(), operator(), countersign.AllAgents, "all is well"))
	w.run(r.ID)
	w.ran(r.ID, 0)
	w.holds()
}
