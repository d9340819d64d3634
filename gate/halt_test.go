package gate_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

func (w *world) by(person string) countersign.Who {
	return countersign.Who{
		Actor:  countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + person, Name: person},
		Origin: countersign.Origin{Door: "console"}, Method: "link",
	}
}

func TestEverythingOfAnAgentIsHeldAtOnceAndNothingIsLost(t *testing.T) {
	w := newWorld(t)
	approved := w.held("write_file", `{"path":"a"}`)
	w.approve("bob", approved.ID)
	must(t, w.gate.Halt(t.Context(), w.by("dave"), w.bot.ID, "it deletes what it should not"))
	must(t, w.gate.Halt(t.Context(), w.by("erin"), w.bot.ID, "again")) // it is on already

	read := w.held("read_file", `{"path":"a"}`)
	lead := read.Verdict.Leading()
	if len(lead) != 1 || lead[0].ID != countersign.HoldEverything {
		t.Errorf("a read is held by %+v, want %s", lead, countersign.HoldEverything)
	}
	if p, ok := w.run(approved.ID).(gate.Pending); !ok || p.Request.Decision != countersign.DecisionApproved {
		t.Errorf("what was approved came to %+v, want it approved and waiting", p)
	}
	w.approve("bob", read.ID)
	if _, ok := w.run(read.ID).(gate.Pending); !ok {
		t.Error("a read that was approved meanwhile ran")
	}
	w.ran(approved.ID, 0)
	w.ran(read.ID, 0)

	other := w.agent("other", "alice")
	ask := w.ask("read_file", `{"path":"b"}`)
	ask.By = other.Principal()
	if _, ok := w.submit(ask).(gate.Done); !ok {
		t.Error("another agent's read is held too")
	}
	must(t, w.gate.Lift(t.Context(), operator(), w.bot.ID, "repaired"))
	w.run(approved.ID)
	w.run(read.ID)
	w.ran(approved.ID, 1)
	w.ran(read.ID, 1)
	if _, ok := w.submit(w.ask("read_file", `{"path":"c"}`)).(gate.Done); !ok {
		t.Error("after it was lifted a read is held")
	}
	w.holds()
}

func TestEverythingOfAllAgentsIsHeldAndTheControlPlaneIsNot(t *testing.T) {
	w := newWorld(t)
	must(t, w.gate.Halt(t.Context(), operator(), countersign.AllAgents, ""))
	other := w.agent("other", "alice") // the control plane still moves
	for _, agent := range []countersign.Agent{w.bot, other} {
		ask := w.ask("read_file", `{"path":"`+agent.ID+`"}`)
		ask.By = agent.Principal()
		if _, ok := w.submit(ask).(gate.Pending); !ok {
			t.Errorf("a read of %s is not held", agent.Name)
		}
	}
	must(t, w.gate.Lift(t.Context(), operator(), countersign.AllAgents, ""))
	w.refused(w.gate.Lift(t.Context(), operator(), countersign.AllAgents, ""), countersign.CodeConflict)
	w.holds()
}

func TestWhoeverWaitsIsServedWhenTheHoldIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := timely(t, testPolicy)
		r := w.held("write_file", `{"path":"a"}`)
		must(t, w.gate.Halt(t.Context(), operator(), w.bot.ID, "wait"))
		done := make(chan gate.Result, 1)
		go func() {
			result, _ := w.gate.Wait(t.Context(), w.bot.Principal(), r.ID, io.Discard)
			done <- result
		}()
		w.approve("bob", r.ID)
		time.Sleep(5 * time.Minute)
		w.ran(r.ID, 0)
		must(t, w.gate.Lift(t.Context(), operator(), w.bot.ID, "go on"))
		if _, ok := (<-done).(gate.Done); !ok {
			t.Error("the waiting call was not served")
		}
		w.ran(r.ID, 1)
		w.holds()
	})
}

func TestWhoMayHoldEverythingAndWhoMayNot(t *testing.T) {
	w := newWorld(t)
	agent := countersign.Who{Actor: w.bot.Principal(), Origin: countersign.Origin{Door: "api"}}
	w.refused(w.gate.Halt(t.Context(), agent, w.bot.ID, ""), countersign.CodeForbidden)
	w.refused(w.gate.Halt(t.Context(), w.by("nobody"), w.bot.ID, ""), countersign.CodeForbidden)
	w.refused(w.gate.Halt(t.Context(), w.by("bob"), "agt_none", ""), countersign.CodeNotFound)
	must(t, w.gate.Halt(t.Context(), w.by("alice"), w.bot.ID, "mine"))
	w.refused(w.gate.Lift(t.Context(), w.by("alice"), w.bot.ID, ""), countersign.CodeForbidden) // she has no passkey
	w.refused(w.gate.Lift(t.Context(), agent, w.bot.ID, ""), countersign.CodeForbidden)
	w.holds()
}

func TestOnceTwoPeopleHavePasskeysLiftingTakesTwo(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	must(t, h.gate.Halt(t.Context(), h.person("dave"), h.bot.ID, "it runs wild")) // nobody else is asked
	r := h.through(h.gate.Lift(t.Context(), operator(), h.bot.ID, "repaired"), "bob")
	if h.directory().Halts[h.bot.ID].On != true {
		t.Error("one person lifted it")
	}
	must(t, h.signs("carol", countersign.Approve, r.ID))
	if h.directory().Halts[h.bot.ID].On {
		t.Error("two people approved it, and everything is still held")
	}
	h.holds()
}

func TestTheAuditorFindsWhatRanWhileEverythingWasHeld(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	must(t, w.gate.Halt(t.Context(), operator(), w.bot.ID, ""))
	w.releases(r.ID)
	w.finds("it was released while everything of agt_bot was held")
}

// releases puts a release of what was approved on record past the gate.
func (w *world) releases(id countersign.RequestID) {
	w.t.Helper()
	now, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	e, err := ledger.Encode(countersign.Event{
		Request: id, Version: now.Version + 1,
		State: countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionRunning},
		Who:   countersign.Who{Actor: countersign.Gateway()},
		Body: countersign.Released{
			Executor: "mcp/files", Attempt: "rel_1", Target: files().Target, Policy: now.Verdict.Policy, Verdict: &now.Verdict, Approvals: []int{3},
		},
	})
	must(w.t, err)
	_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(w.t, err)
}
