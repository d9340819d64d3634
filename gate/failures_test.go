package gate_test

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

// Ways in which approvals are known to fail elsewhere, each tried here. Every
// test says first what went wrong there.

// An approval of A was used to run B: the requester sent the command again after
// the approval, and nothing compared it with what was approved.
func TestFailureApprovedOneThingRanAnother(t *testing.T) {
	w := newWorld(t)
	a := w.held("write_file", `{"path":"/harmless"}`)
	w.approve("bob", a.ID)
	b := w.held("write_file", `{"path":"/etc/passwd"}`)
	if b.Decision != countersign.DecisionPending {
		t.Errorf("other bytes are %s under somebody else's approval", b.Decision)
	}
	w.run(b.ID)
	w.ran(b.ID, 0)
	w.run(a.ID)
	if !bytes.Contains(w.upstream.bytes, []byte("harmless")) {
		t.Errorf("got %s upstream, want the approved bytes", w.upstream.bytes)
	}
}

// An approval for one connection was accepted on another.
func TestFailureApprovalUsedOnAnotherResource(t *testing.T) {
	w := newWorld(t)
	other := files()
	other.Name = "mcp/other"
	must(t, w.gate.SetResource(t.Context(), operator(), other))
	a := w.held("write_file", `{}`)
	w.approve("bob", a.ID)
	elsewhere := w.ask("write_file", `{}`)
	elsewhere.Command = countersign.MCPRequest{Resource: "mcp/other", Method: "tools/call", Params: []byte(`{"name":"write_file","arguments":{}}`)}
	_, err := w.gate.Submit(ended(), elsewhere, io.Discard)
	w.refused(err, countersign.CodeUnavailable) // no upstream of its own, and none lent
	w.ran(a.ID, 0)
}

// After the run, the recorded command was empty: evidence followed the requester.
func TestFailureEvidenceIsWhatWasApproved(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{"path":"/a"}`)
	w.approve("bob", r.ID)
	w.run(r.ID)
	w.gate.Delivered(t.Context(), r.ID)
	w.held("write_file", `{"path":"/a"}`) // the same again, later
	entries, err := w.store.Events(t.Context(), r.ID)
	must(t, err)
	first, err := entries[0].Event()
	must(t, err)
	if !bytes.Equal(first.Command, r.Canonical) {
		t.Errorf("got %s on record, want %s", first.Command, r.Canonical)
	}
}

// One-time was not one-time: while the first run was under way, a second one
// passed the gate.
func TestFailureSecondRunWhileTheFirstIsUnderWay(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	inside, leave := make(chan bool), make(chan bool)
	w.upstream.run = func(countersign.RequestID) (countersign.Outcome, error) {
		inside <- true
		<-leave
		return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, nil
	}
	var wg sync.WaitGroup
	wg.Go(func() { w.gate.Wait(t.Context(), w.bot.Principal(), r.ID, io.Discard) })
	<-inside
	if _, ok := w.run(r.ID).(gate.Pending); !ok {
		t.Error("a second ask did not wait for the one execution")
	}
	if same := w.held("write_file", `{}`); same.ID != r.ID {
		t.Errorf("a repeat while it runs became %s, want it to join %s", same.ID, r.ID)
	}
	close(leave)
	wg.Wait()
	w.ran(r.ID, 1)
}

// A quorum of two groups was met by one click of one person who is in both.
func TestFailureOnePersonMeetsAQuorumOfTwo(t *testing.T) {
	w := newWorld(t)
	r := w.held("grant", `{}`)
	w.approve("bob", r.ID) // bob is of platform and of dba
	w.run(r.ID)
	w.ran(r.ID, 0)
}

// A quorum was compared with ==: whoever overshot it left the request pending
// for ever.
func TestFailureOvershootingDeadlocks(t *testing.T) {
	w := newWorld(t)
	r := w.held("grant", `{}`)
	e := w.says("erin", countersign.Escalate, r.ID)
	e.To = "platform"
	_, err := w.gate.Decide(t.Context(), e)
	must(t, err)
	for _, person := range []string{"erin", "carol", "bob"} {
		w.approve(person, r.ID)
	}
	w.run(r.ID)
	w.ran(r.ID, 1)
}

// Administrators could approve their own requests, and people their agents'.
func TestFailureAdministratorsAndAgentsOwnersApproveThemselves(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.refused(w.decide("alice", countersign.Approve, r.ID), countersign.CodeSelfApproval)
	d := w.says("bob", countersign.Approve, r.ID)
	d.By = countersign.Operator()
	_, err := w.gate.Decide(t.Context(), d)
	w.refused(err, countersign.CodeForbidden)
	w.ran(r.ID, 0)
}

// A later rejection overwrote an earlier decision: decisions were rows.
func TestFailureALaterDecisionRewritesAnEarlierOne(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	must(t, w.decide("carol", countersign.Reject, r.ID))
	after, err := w.gate.Get(t.Context(), r.ID)
	must(t, err)
	if len(after.Decisions) != 2 || after.Decisions[0].By.Name != "bob" || after.Decisions[0].Choice != countersign.Approve {
		t.Errorf("got %+v, want bob's approval still there before carol's rejection", after.Decisions)
	}
	w.run(r.ID)
	w.ran(r.ID, 0)
}

// Approvals and changes of the rules left no trace in the audit log.
func TestFailureApprovalsAndRulesAreNotAudited(t *testing.T) {
	w := newWorld(t)
	before, err := w.store.Head(t.Context())
	must(t, err)
	r := w.held("write_file", `{}`) // requested, held
	w.approve("bob", r.ID)          // decided
	w.run(r.ID)                     // released, completed
	w.group("dba", "erin")          // group.changed
	after, err := w.store.Head(t.Context())
	must(t, err)
	if got := after.Size - before.Size; got != 6 {
		t.Errorf("got %d leaves for six steps", got)
	}
}

// Outcomes were lost when the client went away as the command ended.
func TestFailureOutcomesAreLostWhenTheClientLeaves(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		r := w.held("write_file", `{"n":`+string(rune('0'+i%10))+`,"m":`+string(rune('0'+i/10))+`}`)
		w.approve("bob", r.ID)
		w.run(r.ID) // the asker's context has ended before it starts
		var out bytes.Buffer
		result, err := w.gate.Wait(t.Context(), w.bot.Principal(), r.ID, &out)
		must(t, err)
		if _, ok := result.(gate.Done); !ok || out.Len() == 0 {
			t.Fatalf("run %d: got %T and %d bytes, want the kept result", i, result, out.Len())
		}
		w.ran(r.ID, 1)
	}
}

// Approve and reject were read-modify-write: the last writer won.
func TestFailureTheLastWriterWins(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		r := w.held("grant", `{}`)
		var wg sync.WaitGroup
		for _, d := range []gate.Decision{
			w.says("bob", countersign.Approve, r.ID), w.says("carol", countersign.Approve, r.ID), w.says("erin", countersign.Reject, r.ID),
		} {
			wg.Go(func() { w.gate.Decide(t.Context(), d) })
		}
		wg.Wait()
		after, err := w.gate.Get(t.Context(), r.ID)
		must(t, err)
		if after.Decision != countersign.DecisionRejected || int(after.Version) != 2+len(after.Decisions)+len(after.Refusals) {
			t.Fatalf("got %s after %d decisions in %d events, want each on record and the rejection to stand",
				after.Decision, len(after.Decisions), after.Version)
		}
	}
}

// Pending requests never expired.
func TestFailurePendingForEver(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.clock.Advance(31 * time.Minute)
	must(t, w.gate.Tick(t.Context()))
	if refused, ok := w.run(r.ID).(gate.Refused); !ok || refused.Err.Code != countersign.CodeExpired {
		t.Errorf("got %+v, want expired", refused)
	}
}
