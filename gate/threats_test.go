package gate_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

// The rows of docs/threat-model.md that the gate answers for, in their order.

func TestT1NobodyApprovesWhatTheyStandBehind(t *testing.T) {
	w := newWorld(t)
	w.agent("teambot", "alice")
	id := w.held("write_file", `{"path":"/a"}`).ID

	w.refused(w.decide("alice", countersign.Approve, id), countersign.CodeSelfApproval) // owns the agent
	if got := w.recorded(id, countersign.KindRefused); got != 1 {
		t.Errorf("got %d refused attempts on record, want 1", got)
	}
	w.refused(w.decide("alice", countersign.Reject, id), countersign.CodeSelfApproval)

	// An agent's own principal, or the operator's, is nobody who decides.
	for _, by := range []countersign.Principal{w.bot.Principal(), countersign.Operator()} {
		d := w.says("bob", countersign.Approve, id)
		d.By = by
		_, err := w.gate.Decide(t.Context(), d)
		w.refused(err, countersign.CodeForbidden)
	}
	w.ran(id, 0)
}

func TestT1AnAgentOfATeamBarsEveryMember(t *testing.T) {
	w := newWorld(t)
	w.bot.Owner = "platform"
	must(t, w.gate.SetAgent(t.Context(), operator(), w.bot))
	id := w.held("grant", `{}`).ID
	for _, member := range []string{"alice", "bob", "carol"} {
		w.refused(w.decide(member, countersign.Approve, id), countersign.CodeSelfApproval)
	}
}

func TestT1WhoIssuedATokenIsBarred(t *testing.T) {
	w := newWorld(t)
	w.bot.Tokens = []countersign.Token{{ID: "tok_1", Hash: countersign.Digest{7}, Expires: w.clock.Now().Add(time.Hour),
		IssuedBy: countersign.Principal{Kind: countersign.KindPerson, ID: "per_bob"}}}
	must(t, w.gate.SetAgent(t.Context(), operator(), w.bot))
	id := w.held("write_file", `{}`).ID
	w.refused(w.decide("bob", countersign.Approve, id), countersign.CodeSelfApproval)
	w.approve("carol", id)
}

func TestT1WhoeverItIsForIsBarred(t *testing.T) {
	w := newWorld(t)
	ask := w.ask("write_file", `{}`)
	// The chain names a person by issuer and subject, as an identity provider does.
	ask.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: "okta|1", Issuer: "local", Subject: "bob"}}
	id := w.submit(ask).(gate.Pending).Request.ID
	w.refused(w.decide("bob", countersign.Approve, id), countersign.CodeSelfApproval)
}

func TestT1ReowningDoesNotUnbar(t *testing.T) {
	w := newWorld(t)
	id := w.held("write_file", `{}`).ID
	w.bot.Owner = "per_dave"
	must(t, w.gate.SetAgent(t.Context(), operator(), w.bot))
	w.refused(w.decide("alice", countersign.Approve, id), countersign.CodeSelfApproval)
}

func TestT2OnePersonInTwoGroupsCountsOnce(t *testing.T) {
	w := newWorld(t)
	id := w.held("grant", `{}`).ID // two of platform or dba; bob is in both
	w.approve("bob", id)
	w.refused(w.decide("bob", countersign.Approve, id), countersign.CodeAlreadyDecided)
	if got := w.state(id).Decision; got != countersign.DecisionPending {
		t.Fatalf("got %s after one person, want pending", got)
	}
	w.approve("erin", id)
	if got := w.state(id).Decision; got != countersign.DecisionApproved {
		t.Errorf("got %s after two people, want approved", got)
	}
}

func TestT3OvershootingTheQuorumStillApproves(t *testing.T) {
	w := newWorld(t)
	r := w.held("grant", `{}`)
	w.approve("bob", r.ID)
	// A second stage of one: carol and erin complete both, whoever comes first.
	must(t, w.decide("bob", countersign.Reject, r.ID))

	r = w.held("grant", `{"again":1}`)
	e := w.says("bob", countersign.Escalate, r.ID)
	e.To = "dba"
	_, err := w.gate.Decide(t.Context(), e)
	must(t, err)
	for _, p := range []string{"bob", "carol", "erin"} {
		w.approve(p, r.ID)
	}
	if got := w.state(r.ID).Decision; got != countersign.DecisionApproved {
		t.Errorf("got %s, want approved", got)
	}
}

func TestT4OtherBytesAreAnotherRequest(t *testing.T) {
	w := newWorld(t)
	a := w.held("write_file", `{"path":"/a"}`)
	w.approve("bob", a.ID)
	for _, args := range []string{`{"path":"/b"}`, `{"path": "/a"}`, `{"path":"/a","x":9007199254740993}`, `{"path":"/a","x":9007199254740992}`} {
		b := w.held("write_file", args)
		if b.ID == a.ID || b.Digest == a.Digest {
			t.Errorf("%s shares the request of other bytes", args)
		}
		w.ran(b.ID, 0)
	}
	d := w.says("bob", countersign.Approve, a.ID)
	d.Digest = countersign.Digest{1}
	d.Request = w.held("write_file", `{"path":"/c"}`).ID
	_, err := w.gate.Decide(t.Context(), d)
	w.refused(err, countersign.CodeDigestMismatch)
}

func TestT4WhatRunsIsWhatWasShown(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{"path":"/a" ,"n":1e2}`)
	w.approve("bob", r.ID)
	w.run(r.ID)
	if !bytes.Equal(w.upstream.bytes, r.Canonical) {
		t.Errorf("got %s upstream, want %s", w.upstream.bytes, r.Canonical)
	}
}

func TestT4AChangedResourceTargetIsNotWhatWasApproved(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	moved := files()
	moved.Target = countersign.Digest{10}
	must(t, w.gate.SetResource(t.Context(), operator(), moved))
	if _, ok := w.run(r.ID).(gate.Refused); !ok {
		t.Error("an approval for one upstream was not refused for another")
	}
	w.ran(r.ID, 0)
}

func TestT5AnApprovalIsSpentOnce(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var out bytes.Buffer
			if _, err := w.gate.Wait(t.Context(), w.bot.Principal(), r.ID, &out); err != nil {
				t.Error(err)
			}
			if want := `{"result":{"ran":"` + string(r.ID) + `"}}`; out.String() != want {
				t.Errorf("got %s, want the one stored result %s", out.String(), want)
			}
		})
	}
	wg.Wait()
	w.ran(r.ID, 1)
}

func TestT6WhatWasRunningAtACrashIsUnknownAndNeverRunAgain(t *testing.T) {
	w := newWorld(t)
	crashed := errors.New("the process is gone")
	w.upstream.run = func(countersign.RequestID) (countersign.Outcome, error) {
		w.store.Faults().Crash(crashed)
		return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, nil
	}
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	if _, ok := w.run(r.ID).(gate.Unknown); !ok {
		t.Error("an outcome that is not on record was given out as known")
	}
	w.store = w.store.Restart()
	w.upstream.run = nil
	w.open()
	if got := w.state(r.ID).Execution; got != countersign.ExecutionUnknown {
		t.Errorf("got %s after the restart, want unknown", got)
	}
	if _, ok := w.run(r.ID).(gate.Unknown); !ok {
		t.Error("asking again did not say unknown")
	}
	w.ran(r.ID, 1)
}
