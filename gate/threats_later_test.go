package gate_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

func TestT7NothingRunsWhenTheRecordCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	w.store.Faults().FailCommit(errors.New("no space left on device"))
	_, err := w.gate.Submit(t.Context(), w.ask("read_file", `{}`), io.Discard)
	w.refused(err, countersign.CodeUnavailable)
	if n := len(w.upstream.ran); n != 0 {
		t.Errorf("%d commands ran off the record", n)
	}
}

func TestT7ABrokenPolicyHoldsEverything(t *testing.T) {
	w := newWorld(t)
	err := w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": strings.Replace(testPolicy, "platform", "platfrom", 1)})
	if err == nil {
		t.Fatal("a policy that names no known group was taken")
	}
	if _, ok := w.submit(w.ask("read_file", `{}`)).(gate.Done); !ok {
		t.Error("the policy before the broken one is no longer in force")
	}
}

func TestT7NoPolicyHoldsEverything(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Now()})
	w.clock.Advance(time.Second)
	r := w.held("read_file", `{}`)
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeNotAReviewer)
}

func TestT7AClockFarBehindStopsReleases(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	w.clock.Advance(-2 * time.Minute)
	_, err := w.gate.Wait(ended(), w.bot.Principal(), r.ID, io.Discard)
	if !errors.Is(err, store.ErrClock) {
		t.Errorf("got %v, want ErrClock", err)
	}
	w.ran(r.ID, 0)
}

func TestT8LateVotesAreRefusedByTheTransaction(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	d := w.says("bob", countersign.Approve, r.ID)
	w.clock.Advance(31 * time.Minute) // and no timer has run
	_, err := w.gate.Decide(t.Context(), d)
	w.refused(err, countersign.CodeAlreadySettled)
	must(t, w.gate.Tick(t.Context()))
	if got := w.state(r.ID).Decision; got != countersign.DecisionExpired {
		t.Errorf("got %s, want expired", got)
	}
	w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeAlreadySettled)
}

func TestT8ApproveAfterRejectIsToldWhoWasFaster(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	d := w.says("carol", countersign.Approve, r.ID)
	must(t, w.decide("bob", countersign.Reject, r.ID))
	_, err := w.gate.Decide(t.Context(), d)
	w.refused(err, countersign.CodeAlreadySettled)
	if err == nil || !strings.Contains(err.Error(), "bob") {
		t.Errorf("got %q, want it to say that bob decided", err)
	}
}

func TestT8TwoReviewersRace(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	yes, no := w.says("bob", countersign.Approve, r.ID), w.says("carol", countersign.Reject, r.ID)
	var wg sync.WaitGroup
	for _, d := range []gate.Decision{yes, no} {
		wg.Go(func() { w.gate.Decide(t.Context(), d) })
	}
	wg.Wait()
	if got := w.state(r.ID).Decision; got != countersign.DecisionRejected {
		t.Errorf("got %s; a rejection before the release always wins", got)
	}
	w.run(r.ID)
	w.ran(r.ID, 0)
}

func TestT9APolicyThatWouldDenyNowDeniesAtRelease(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	stricter := strings.Replace(testPolicy, "[sql.ddl]", "[mcp.write]", 1)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": stricter}))
	refused, ok := w.run(r.ID).(gate.Refused)
	if !ok || refused.Err.Code != countersign.CodeDenied || refused.Err.Rule != "never" {
		t.Errorf("got %+v, want it denied by rule never", refused)
	}
	w.ran(r.ID, 0)
}

func TestT9AStricterPolicyAsksPeopleAgain(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	stricter := strings.Replace(testPolicy, "quorum: 1", "quorum: 2", 1)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": stricter}))
	if _, ok := w.run(r.ID).(gate.Pending); !ok {
		t.Error("an approval by one ran where two are needed now")
	}
	w.approve("bob", r.ID) // the first approval no longer counts
	w.approve("carol", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
}

func TestT10ADeactivatedReviewersVoteIsVoid(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	_, err := w.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_bob", Name: "bob", Issuer: "local", Subject: "bob", Inactive: true})
	must(t, err)
	if _, ok := w.run(r.ID).(gate.Pending); !ok {
		t.Fatal("a void vote released a command")
	}
	if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
		t.Errorf("got %s, want pending", got)
	}
	w.approve("carol", r.ID)
	w.run(r.ID)
	w.ran(r.ID, 1)
}

func TestT10WhoLeavesTheGroupNoLongerCounts(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	w.group("platform", "alice", "carol")
	if _, ok := w.run(r.ID).(gate.Pending); !ok {
		t.Error("a vote of somebody who left the group released a command")
	}
}

func TestWhoJoinsAGroupAfterTheAskDoesNotDecideIt(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.clock.Advance(time.Second)
	w.group("platform", "alice", "bob", "carol", "dave")
	w.refused(w.decide("dave", countersign.Approve, r.ID), countersign.CodeNotAReviewer)
}

func TestT15AnAgentsPrincipalCanAskAndNotDecide(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	other := w.agent("other", "dave")
	if _, err := w.gate.Wait(ended(), other.Principal(), r.ID, io.Discard); countersign.CodeOf(err) != countersign.CodeNotFound {
		t.Errorf("got %v, want another agent's request not found", err)
	}
	if _, err := w.gate.Withdraw(t.Context(), r.ID, countersign.Who{Actor: other.Principal()}, "x"); countersign.CodeOf(err) != countersign.CodeForbidden {
		t.Errorf("got %v, want forbidden", err)
	}
}

func TestT26AChangedToolIsANewOneAndHeld(t *testing.T) {
	w := newWorld(t)
	if _, ok := w.submit(w.ask("read_file", `{}`)).(gate.Done); !ok {
		t.Fatal("a listed read was not allowed")
	}
	changed := files()
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	changed = d.Resources["mcp/files"]
	changed.Changed = map[string]countersign.Digest{"read_file": {2}}
	must(t, w.gate.Change(t.Context(), operator(), func(*countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		return countersign.ResourceID("mcp/files"), countersign.ResourceChanged{Resource: changed}, nil
	}))
	r := w.held("read_file", `{}`)
	if !slices.ContainsFunc(r.Facts.Indicators, func(i countersign.Indicator) bool { return i.ID == "mcp.tool-changed" }) {
		t.Errorf("got %+v, want mcp.tool-changed", r.Facts.Indicators)
	}
	must(t, w.gate.Repin(t.Context(), operator(), "mcp/files", "read_file"))
	for tool, says := range map[string]string{"": "no tool of mcp/files differs from its pin", "read_file": "tool read_file of mcp/files does not differ from its pin"} {
		err := w.gate.Repin(t.Context(), operator(), "mcp/files", tool)
		if e, ok := errors.AsType[*countersign.Error](err); !ok || e.Detail != says {
			t.Errorf("repinning %q again says %v, want %q", tool, err, says)
		}
	}
	if _, ok := w.submit(w.ask("read_file", `{"path":"/x"}`)).(gate.Done); !ok {
		t.Error("a repinned read is not allowed")
	}
}

func TestT28AnOldPermitIsRefused(t *testing.T) {
	w := newWorld(t)
	w.submit(w.ask("read_file", `{}`))
	if _, err := ledger.OpenPermit(w.upstream.last, w.trust, "mcp/files", w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenPermit(w.upstream.last, w.trust, "mcp/other", w.clock.Now()); err == nil {
		t.Error("a permit for one executor opened for another")
	}
	if _, err := ledger.OpenPermit(w.upstream.last, w.trust, "mcp/files", w.clock.Now().Add(2*time.Minute)); err == nil {
		t.Error("a permit opened two minutes after its release")
	}
}

func TestT31ApprovalsLapse(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	w.clock.Advance(11 * time.Minute)
	if refused, ok := w.run(r.ID).(gate.Refused); !ok || refused.Err.Code != countersign.CodeLapsed {
		t.Errorf("got %+v, want lapsed", refused)
	}
	w.ran(r.ID, 0)
}

func TestT31ASettledRequestIsJoinedUntilItsAnswerIsDelivered(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	w.run(r.ID)
	if again := w.submit(w.ask("write_file", `{}`)).(gate.Done); again.Request.ID != r.ID {
		t.Errorf("got %s, want the undelivered answer of %s", again.Request.ID, r.ID)
	}
	w.gate.Delivered(t.Context(), r.ID)
	fresh := w.held("write_file", `{}`)
	if fresh.ID == r.ID || fresh.Repeats == nil || fresh.Repeats.Request != r.ID {
		t.Errorf("got %s repeating %+v, want a new request that repeats %s", fresh.ID, fresh.Repeats, r.ID)
	}
	w.ran(r.ID, 1)
}

func TestAfterAnUnknownOutcomeTheSameChangeIsHeldUntilResolved(t *testing.T) {
	w := newWorld(t)
	loose := strings.Replace(testPolicy, "verbs: [mcp.write]}\n  effect: hold\n  require: {reviewers: [platform], quorum: 1, expires: 30m, run_within: 10m}", "verbs: [mcp.write], data_classes: [internal]}\n  effect: allow", 1)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": loose}))
	w.upstream.run = func(countersign.RequestID) (countersign.Outcome, error) {
		return countersign.Outcome{Execution: countersign.ExecutionUnknown, Detail: "the connection broke"}, nil
	}
	lost := w.submit(w.ask("write_file", `{}`)).(gate.Unknown)
	w.upstream.run = nil
	held := w.held("write_file", `{}`)
	if held.Repeats == nil || held.Repeats.Execution != countersign.ExecutionUnknown {
		t.Errorf("got %+v, want it to say what it repeats", held.Repeats)
	}
	_, err := w.gate.Resolve(t.Context(), lost.Request.ID, operator(), countersign.ExecutionFailed, "looked: nothing was written")
	must(t, err)
}

func TestRepeatsJoinOnlyTheSameAgentAndChain(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	if same := w.held("write_file", `{}`); same.ID != r.ID {
		t.Errorf("got %s, want the same ask to join %s", same.ID, r.ID)
	}
	if got := w.recorded(r.ID, countersign.KindJoined); got != 1 {
		t.Errorf("got %d joins on record, want 1", got)
	}
	other := w.ask("write_file", `{}`)
	other.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: "x", Issuer: "idp", Subject: "zoe"}}
	if p := w.submit(other).(gate.Pending); p.Request.ID == r.ID {
		t.Error("an ask on somebody's behalf joined one that is not")
	}
}
