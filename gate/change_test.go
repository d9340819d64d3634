package gate_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/policy"
)

// loose lets everything through that a bundle can let through.
const loose = `apiVersion: countersign/v1
kind: PolicySet
defaults: {effect: hold, reviewers: [platform], expires: 30m}
rules:
- {id: all, why: Everything goes., match: {verbs: [control.policy, control.person, control.group, control.agent, control.resource, mcp.read, mcp.write]}, effect: allow}
`

func (h *house) setPolicy(text string) error {
	return h.gate.SetPolicy(h.t.Context(), operator(), map[string]string{"policy/test.yaml": text})
}

// last is the newest recorded event of the entity.
func (h *house) last(id countersign.RequestID) countersign.Event {
	h.t.Helper()
	entries, err := h.store.Events(h.t.Context(), id)
	must(h.t, err)
	e, err := entries[len(entries)-1].Event()
	must(h.t, err)
	return e
}

func TestOneEnrolledPersonChangesEverythingAloneAndItIsSaid(t *testing.T) {
	h := newWorld(t).enrol("bob")
	must(t, h.setPolicy(loose))
	if b := h.last(countersign.PolicyID).Body.(countersign.PolicyChanged); !b.Solo {
		t.Errorf("got solo %t for what one person changed, want true", b.Solo)
	}
	if _, applied, err := h.gate.Propose(t.Context(), h.person("bob").Actor, countersign.Origin{Door: "console"}, countersign.GroupID("night"),
		countersign.GroupChanged{Group: countersign.Group{Name: "night", Members: []countersign.Member{{Person: "per_carol"}}}}, ""); err != nil || !applied {
		t.Errorf("got applied %t, %v for the one with a passkey, want it made at once", applied, err)
	}
	_, _, err := h.gate.Propose(t.Context(), h.person("carol").Actor, countersign.Origin{Door: "console"}, countersign.GroupID("night"),
		countersign.GroupChanged{Group: countersign.Group{Name: "night"}}, "")
	h.refused(err, countersign.CodeForbidden)
	h.holds()
}

func TestOnceTwoAreEnrolledEveryKindOfChangeWaitsForTwo(t *testing.T) {
	relabelled := files()
	relabelled.Environment = "staging"
	for what, ask := range map[string]func(*house) error{
		"policy": func(h *house) error { return h.setPolicy(loose) },
		"person": func(h *house) error {
			_, err := h.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_new", Name: "new", Issuer: "local", Subject: "new"})
			return err
		},
		"group": func(h *house) error {
			return h.gate.SetGroup(t.Context(), operator(), "dba", []string{"per_bob", "per_dave"})
		},
		"agent": func(h *house) error {
			return h.gate.SetAgent(t.Context(), operator(), countersign.Agent{ID: "agt_new", Name: "new", Owner: "per_alice", CreatedBy: countersign.Operator()})
		},
		"resource": func(h *house) error { return h.gate.SetResource(t.Context(), operator(), relabelled) },
		"removal":  func(h *house) error { return h.gate.RemoveResource(t.Context(), operator(), "mcp/files") },
		"activate": func(h *house) error {
			p := h.directory().People["per_dave"]
			p.Inactive = true
			_, err := h.gate.SetPerson(t.Context(), operator(), p)
			must(t, err)
			p.Inactive = false
			_, err = h.gate.SetPerson(t.Context(), operator(), p)
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			h := newWorld(t).enrol("bob", "carol")
			before := h.directory()
			err := ask(h)
			r := h.waits(err)
			if v := r.Verdict; v.Effect != countersign.Hold || len(v.Rules) == 0 || v.Rules[len(v.Rules)-1].ID != countersign.TwoPeople {
				t.Errorf("got %+v, want it held by the built-in rule", v)
			}
			if what != "activate" { // it deactivates first, which moves the person
				if again := h.waits(ask(h)); again.ID != r.ID {
					t.Errorf("got %s for the same change asked again, want %s", again.ID, r.ID)
				}
			}
			must(t, h.signs("bob", countersign.Approve, r.ID))
			if now := h.directory(); what != "activate" && now.Version != before.Version {
				t.Errorf("the directory moved from %d to %d on one approval", before.Version, now.Version)
			}
			must(t, h.signs("carol", countersign.Approve, r.ID))
			if got := h.state(r.ID); got.Execution != countersign.ExecutionSucceeded {
				t.Fatalf("got %v after two people approved it, want it made", got)
			}
			e := h.last(r.Command.(countersign.Control).Entity)
			if e.Who.Actor.Kind != countersign.KindOperator || e.Who.Request != r.ID {
				t.Errorf("the change is recorded as by %s for %q, want the operator for %s", e.Who.Actor.ID, e.Who.Request, r.ID)
			}
			h.proven(r.ID)
		})
	}
}

func TestNobodyApprovesTheirOwnChange(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol", "alice")
	r, applied, err := h.gate.Propose(t.Context(), h.person("bob").Actor, countersign.Origin{Door: "console"}, countersign.GroupID("dba"),
		countersign.GroupChanged{Group: countersign.Group{Name: "dba", Members: []countersign.Member{{Person: "per_bob", Since: h.directory().Groups["dba"].Members[0].Since}}}}, "fewer is enough")
	must(t, err)
	if applied {
		t.Fatal("the change was made at once")
	}
	h.clock.Advance(time.Second)
	must(t, h.signs("carol", countersign.Approve, r.ID))
	h.refused(h.signs("bob", countersign.Approve, r.ID), countersign.CodeSelfApproval)
	if got := h.state(r.ID).Decision; got != countersign.DecisionPending {
		t.Errorf("got %s with one approval of another and one's own, want pending", got)
	}
	h.holds()
}

func TestAChangeNobodyCouldLetThroughIsRefusedAtOnce(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	_, _, err := h.gate.Propose(t.Context(), h.person("bob").Actor, countersign.Origin{Door: "console"}, countersign.GroupID("new"),
		countersign.GroupChanged{Group: countersign.Group{Name: "new", Members: []countersign.Member{}}}, "")
	h.refused(err, countersign.CodeCannotApprove)
	p := h.directory().People["per_carol"]
	p.Inactive = true
	_, err = h.gate.SetPerson(t.Context(), operator(), p)
	must(t, err)
	h.refused(h.setPolicy(loose), countersign.CodeCannotApprove)
}

func TestAnEntityThatMovedMeanwhileIsLeftAsItIs(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	one := h.waits(h.setPolicy(loose))
	other := h.waits(h.setPolicy(strings.Replace(loose, "Everything goes", "Nearly everything goes", 1)))
	for _, r := range []countersign.Request{one, other} {
		must(t, h.signs("bob", countersign.Approve, r.ID))
		must(t, h.signs("carol", countersign.Approve, r.ID))
	}
	if h.state(one.ID).Execution != countersign.ExecutionSucceeded {
		t.Errorf("got %v for the first, want it made", h.state(one.ID))
	}
	r, err := h.gate.Get(t.Context(), other.ID)
	must(t, err)
	if r.Execution != countersign.ExecutionFailed || !strings.Contains(r.Outcome.Detail, "changed meanwhile") {
		t.Errorf("got %v, %+v for the second, want it failed because of the first", r.State, r.Outcome)
	}
	h.holds()
}

func TestWhatOnlyTakesRightsAwayIsMadeAtOnce(t *testing.T) {
	w := newWorld(t)
	bot := w.bot
	bot.Tokens = []countersign.Token{{ID: "tok_1", Hash: countersign.Digest{1}, IssuedBy: countersign.Operator(), IssuedAt: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour)}}
	must(t, w.gate.SetAgent(t.Context(), operator(), bot))
	h := w.enrol("bob", "carol", "alice")
	dave := h.directory().People["per_dave"]
	dave.Inactive = true
	_, err := h.gate.SetPerson(t.Context(), operator(), dave)
	must(t, err)
	bot.Tokens[0].Revoked = true
	_, applied, err := h.gate.Propose(t.Context(), h.person("alice").Actor, countersign.Origin{Door: "console"}, "agt_bot", countersign.AgentChanged{Agent: bot}, "stolen")
	if err != nil || !applied {
		t.Errorf("got applied %t, %v for the owner who revokes a token, want it made at once", applied, err)
	}
	bot.Inactive = true
	must(t, h.gate.SetAgent(t.Context(), operator(), bot))
	must(t, h.gate.RemoveCredential(t.Context(), operator(), h.keys["carol"].Credential.ID, "lost"))

	renamed := dave
	renamed.Name = "dave the second"
	_, err = h.gate.SetPerson(t.Context(), operator(), renamed)
	h.waits(err)
	bot.Inactive = false
	h.waits(h.gate.SetAgent(t.Context(), operator(), bot))
	erin := h.directory().People["per_erin"]
	erin.Inactive = true
	r, applied, err := h.gate.Propose(t.Context(), h.person("carol").Actor, countersign.Origin{Door: "console"}, "per_erin", countersign.PersonChanged{Person: erin}, "")
	if applied || err != nil {
		t.Errorf("got %s, applied %t, %v for somebody who deactivates another, want it held", r.ID, applied, err)
	}
	h.holds()
}

func TestNoBundleLowersTheBuiltInRule(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	if got := h.through(h.setPolicy(loose), "bob", "carol"); got.Execution != countersign.ExecutionSucceeded {
		t.Fatalf("got %v, want the loose policy active", got.State)
	}
	r := h.waits(h.setPolicy(testPolicy))
	if s := r.Verdict.Requirement.Stages; len(s) != 1 || s[0].Quorum != 2 || s[0].Assurance != countersign.Passkey {
		t.Errorf("got stages %+v under a policy that allows control.*, want two people with passkeys", s)
	}
	h.refused(h.decide("bob", countersign.Approve, r.ID), countersign.CodeAssuranceTooLow)
	h.holds()
}

func TestABundleThatWouldLockTheHouseIsRefused(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	err := h.setPolicy(strings.Replace(loose, "effect: allow", "effect: deny", 1))
	h.refused(err, countersign.CodeBadRequest)
	_, _, err = h.gate.Propose(t.Context(), countersign.Operator(), countersign.Origin{Door: "admin"}, countersign.PolicyID, countersign.PolicyChanged{Files: map[string]string{"a.yaml": "kind: x"}}, "")
	h.refused(err, countersign.CodeBadRequest)
	wrong, ok := errors.AsType[*policy.LoadError](h.setPolicy(loose + "- {id: x, effect: dney}\n"))
	if !ok || h.last(countersign.CandidateID).Kind() != countersign.KindPolicyRefused {
		t.Errorf("got %v, want what is wrong with the bundle, on record", wrong)
	}
	h.holds()
}

func TestNoAgentAsksForAChange(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	c, err := countersign.Changing(countersign.GroupID("new"), 0, countersign.GroupChanged{Group: countersign.Group{Name: "new", Members: []countersign.Member{}}})
	must(t, err)
	_, err = h.gate.Submit(ended(), gate.Ask{By: h.bot.Principal(), Command: c}, io.Discard)
	h.refused(err, countersign.CodeForbidden)
}

func TestT9APolicyOfTwoPeopleStopsWhatWasApprovedBefore(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	r := h.held("write_file", `{"path":"/a"}`)
	h.approve("bob", r.ID)
	deny := strings.Replace(testPolicy, "effect: hold\n  require: {reviewers: [platform], quorum: 1, expires: 30m, run_within: 10m}\n- id: mass", "effect: deny\n- id: mass", 1)
	h.through(h.setPolicy(deny), "bob", "carol")
	if refused, ok := h.run(r.ID).(gate.Refused); !ok || refused.Err.Rule != "write" {
		t.Errorf("got %T, want it denied by the rule of the new policy", h.run(r.ID))
	}
	h.ran(r.ID, 0)
	h.holds()
}

func TestTheBriefOfAChangeShowsWhatChanges(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	r := h.waits(h.setPolicy(strings.Replace(testPolicy, "quorum: 1", "quorum: 2", 1)))
	b := brief.Build(r, h.directory())
	if got, want := b.Sentence.String(), "operator (local) would change the policy."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var text strings.Builder
	for _, l := range b.Command.Lines {
		text.WriteString(l.Value.String() + "\n")
	}
	for _, want := range []string{"policy/test.yaml\n", "\n-  require: {reviewers: [platform], quorum: 1", "\n+  require: {reviewers: [platform], quorum: 2"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the brief does not show %q:\n%s", want, text.String())
		}
	}
	if !b.Approvable {
		t.Errorf("nobody can approve it: %v", b.Obstacles)
	}
}

// atCommit has arm done before the commit that comes n commits from now.
func (w *world) atCommit(n int, arm func()) {
	if n == 0 {
		arm()
		return
	}
	w.store.Faults().BeforeCommit(func() { w.atCommit(n-1, arm) })
}

func TestAChangeWhoseAnswerWasLostIsLookedFor(t *testing.T) {
	const change = 3 // after the second approval and the release
	for name, test := range map[string]struct {
		arm  func(*house)
		want countersign.ExecutionState
	}{
		"made, and nobody heard":     {func(h *house) { h.store.Faults().LoseAnswer() }, countersign.ExecutionSucceeded},
		"not made, and nobody heard": {func(h *house) { h.store.Faults().LoseCommit() }, countersign.ExecutionFailed},
		"a crash before it":          {func(h *house) { h.store.Faults().CrashBefore(errCrashed) }, countersign.ExecutionFailed},
		"a crash after it":           {func(h *house) { h.store.Faults().CrashAfter(errCrashed) }, countersign.ExecutionSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).enrol("bob", "carol")
			r := h.waits(h.setPolicy(loose))
			must(t, h.signs("bob", countersign.Approve, r.ID))
			h.atCommit(change, func() { test.arm(h) })
			if err := h.signs("carol", countersign.Approve, r.ID); err != nil && !h.store.Faults().Crashed() {
				t.Fatal(err)
			}
			if h.store.Faults().Crashed() {
				h.store = h.store.Restart()
				h.open()
			}
			if got := h.state(r.ID).Execution; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			made := h.directory().Policy.Files["policy/test.yaml"] == loose
			if made != (test.want == countersign.ExecutionSucceeded) {
				t.Errorf("the policy is the new one: %t, and the outcome says %s", made, test.want)
			}
			h.holds()
		})
	}
}
