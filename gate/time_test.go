package gate_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"github.com/countersignhq/countersign/store"
)

const ladderPolicy = `apiVersion: countersign/v1
kind: PolicySet
defaults: {effect: hold, reviewers: [platform], expires: 2h}
rules:
- id: write
  why: Every write gets a second pair of eyes.
  match: {verbs: [mcp.write]}
  effect: hold
  require:
    reviewers: [platform]
    assurance: session
    expires: 1h
    run_within: 10m
    escalate: [{after: 15m, to: [dba]}, {after: 30m, to: [leads]}]
    remind: {after: 5m, every: 10m}
`

// timely is a world in a bubble, whose gate keeps time until the test ends.
func timely(t *testing.T, policy string) *world {
	t.Helper()
	w := newLawlessWorld(t, &clock{})
	w.group("leads", "dave")
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": policy}))
	time.Sleep(time.Second)
	w.cards()
	go w.gate.KeepTime(t.Context())
	return w
}

func (w *world) stages(id countersign.RequestID) string {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	var all []string
	for _, s := range r.Verdict.Requirement.Stages {
		all = append(all, strings.Join(s.Reviewers, "|")+" "+string(s.Assurance))
	}
	return strings.Join(all, ", ")
}

func TestTheLadderIsClimbedWhileNobodyDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := timely(t, ladderPolicy)
		r := w.held("write_file", `{"path":"a"}`)
		d, err := w.gate.Directory(t.Context())
		must(t, err)
		if next := brief.Build(r, d).Deciders.Next; next == nil || !next.At.Equal(r.CreatedAt.Add(15*time.Minute)) || next.Groups[0] != "dba" {
			t.Errorf("the brief says %+v is next, want dba after 15 minutes", next)
		}
		for _, c := range []struct {
			after time.Duration
			want  string
		}{
			{15*time.Minute - time.Second, "platform session"},
			{15*time.Minute + time.Second, "platform session, dba session"},
			{30*time.Minute + 2*time.Second, "platform session, dba session, leads session"},
			{59 * time.Minute, "platform session, dba session, leads session"},
		} {
			time.Sleep(time.Until(r.CreatedAt.Add(c.after)))
			synctest.Wait()
			if got := w.stages(r.ID); got != c.want {
				t.Errorf("after %s it needs %s, want %s", c.after, got, c.want)
			}
		}
		w.approve("bob", r.ID)
		w.approve("carol", r.ID)
		if got := w.state(r.ID).Decision; got != countersign.DecisionPending {
			t.Errorf("without the leads it is %s, want it pending: a step only adds", got)
		}
		w.approve("dave", r.ID)
		w.run(r.ID)
		w.ran(r.ID, 1)
		w.holds()
		w.verified(r.ID)
	})
}

func TestAReminderComesAgainUntilSomebodyDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := timely(t, ladderPolicy)
		r := w.held("write_file", `{"path":"a"}`)
		reminded := func(after time.Duration) int {
			time.Sleep(time.Until(r.CreatedAt.Add(after)))
			synctest.Wait()
			jobs, err := w.store.Claim(t.Context(), gate.JobReminders, time.Minute, 10)
			must(t, err)
			for _, j := range jobs {
				must(t, w.store.Finish(t.Context(), j))
			}
			return len(jobs)
		}
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{5*time.Minute - time.Second, 0}, {5*time.Minute + time.Second, 1}, {14 * time.Minute, 0}, {15*time.Minute + 2*time.Second, 1}, {26 * time.Minute, 1}} {
			if got := reminded(c.after); got != c.want {
				t.Errorf("by %s there are %d reminders, want %d", c.after, got, c.want)
			}
		}
		must(t, w.decide("bob", countersign.Reject, r.ID))
		if got := reminded(50 * time.Minute); got != 0 {
			t.Errorf("after it was rejected there are %d reminders, want none", got)
		}
	})
}

func TestOfManyWorkersEachTimerIsTheBusinessOfOne(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	w.group("leads", "dave")
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": ladderPolicy}))
	w.clock.Advance(time.Second)
	var held []countersign.RequestID
	for _, path := range []string{"a", "b", "c", "d", "e"} {
		held = append(held, w.held("write_file", `{"path":"`+path+`"}`).ID)
	}
	gates := []*gate.Gate{w.gate}
	for range 3 {
		w.open()
		gates = append(gates, w.gate)
	}
	for _, at := range []time.Duration{16 * time.Minute, 15 * time.Minute, 30 * time.Minute} {
		w.clock.Advance(at)
		var all sync.WaitGroup
		for _, g := range gates {
			all.Go(func() {
				if err := g.Tick(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	for _, id := range held {
		for kind, want := range map[countersign.EventKind]int{countersign.KindEscalated: 2, countersign.KindExpired: 1} {
			if got := w.recorded(id, kind); got != want {
				t.Errorf("%s has %d events %s, want %d", id, got, kind, want)
			}
		}
	}
	w.holds()
}

func TestATimerOfAWorkerThatDiedIsAnothersOnceItsLeaseIsOver(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	w.group("leads", "dave")
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": ladderPolicy}))
	w.clock.Advance(time.Second)
	r := w.held("write_file", `{}`)
	w.clock.Advance(15 * time.Minute)
	taken, err := w.store.Claim(t.Context(), "escalate", time.Minute, 10)
	if must(t, err); len(taken) != 1 {
		t.Fatalf("the worker that dies took %d timers, want 1", len(taken))
	}
	must(t, w.gate.Tick(t.Context()))
	if got := w.recorded(r.ID, countersign.KindEscalated); got != 0 {
		t.Errorf("under another's lease it was escalated %d times, want 0", got)
	}
	w.clock.Advance(time.Minute)
	must(t, w.gate.Tick(t.Context()))
	if got := w.recorded(r.ID, countersign.KindEscalated); got != 1 {
		t.Errorf("after the lease it was escalated %d times, want 1", got)
	}
}

func TestALateVoteIsRefusedHoweverLateTheTimersAre(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	w.group("leads", "dave")
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": ladderPolicy}))
	w.clock.Advance(time.Second)
	r := w.held("write_file", `{}`)
	late := w.says("bob", countersign.Approve, r.ID)
	w.clock.Advance(time.Hour + time.Second) // no timer has run
	_, err := w.gate.Decide(t.Context(), late)
	w.refused(err, countersign.CodeAlreadySettled)
	must(t, w.gate.Tick(t.Context()))
	if got := w.state(r.ID).Decision; got != countersign.DecisionExpired {
		t.Errorf("it is %s, want expired", got)
	}
	if got := w.recorded(r.ID, countersign.KindEscalated); got != 0 {
		t.Errorf("what has expired was escalated %d times", got)
	}
	w.holds()
}

func TestWhatAnEscalationAddedStaysWhenThePolicyGetsStricter(t *testing.T) {
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	w.group("leads", "dave")
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": ladderPolicy}))
	w.clock.Advance(time.Second)
	r := w.held("write_file", `{}`)
	w.clock.Advance(16 * time.Minute)
	must(t, w.gate.Tick(t.Context()))
	w.approve("bob", r.ID)
	w.approve("carol", r.ID)
	stricter := strings.Replace(ladderPolicy, "reviewers: [platform]\n", "reviewers: [platform]\n    quorum: 2\n", 1)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": stricter}))
	w.run(r.ID)
	if got := w.stages(r.ID); got != "platform session, dba session" {
		t.Errorf("held again it needs %s, want platform and, as added, dba", got)
	}
	w.clock.Advance(20 * time.Minute)
	must(t, w.gate.Tick(t.Context()))
	if got := w.stages(r.ID); got != "platform session, dba session" {
		t.Errorf("the step that was taken is taken again: %s", got)
	}
	w.holds()
}

// verified makes the request's receipt and verifies it, as the auditor would.
func (w *world) verified(id countersign.RequestID) {
	w.t.Helper()
	entries, err := w.store.Events(w.t.Context(), id)
	must(w.t, err)
	head, err := w.store.Head(w.t.Context())
	must(w.t, err)
	made, err := receipt.Of(w.t.Context(), entries, w.store.Events, w.store.Tile, head)
	must(w.t, err)
	file, err := made.Marshal()
	must(w.t, err)
	for _, step := range receipt.Verify(file, w.trust).Steps {
		if step.Result != receipt.OK {
			w.t.Errorf("the receipt fails at %s: %s %v", step.Name, step.Detail, step.Lines)
		}
	}
}

// cards has the gate queue what channels deliver.
func (w *world) cards() {
	w.t.Helper()
	g, err := gate.New(context.Background(), w.store, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w.upstream}, Now: w.clock.Now, Cards: true,
	})
	must(w.t, err)
	w.gate = g
}

// escalated records a step of the gateway's past the gate.
func (w *world) escalated(r countersign.Request, to string, assurance countersign.Assurance) {
	w.t.Helper()
	e, err := ledger.Encode(countersign.Event{
		Request: r.ID, Version: r.Version + 1, State: r.State,
		Who: countersign.Who{Actor: countersign.Gateway(), Origin: countersign.Origin{Door: "gateway"}},
		Body: countersign.Escalated{
			Decision: countersign.Decision{Choice: countersign.Escalate, Digest: r.Digest, To: to},
			Stage:    countersign.Stage{Reviewers: []string{to}, Quorum: 1, Assurance: assurance},
		},
	})
	must(w.t, err)
	_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(w.t, err)
}

// laddered is a world in which a request is held that climbs a ladder.
func laddered(t *testing.T) (*world, countersign.Request) {
	t.Helper()
	w := newLawlessWorld(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	w.group("leads", "dave")
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": ladderPolicy}))
	w.clock.Advance(time.Second)
	return w, w.held("write_file", `{}`)
}

func TestTheAuditorFindsWhatTheGatewayMayNotEscalate(t *testing.T) {
	for name, c := range map[string]struct {
		after     time.Duration
		to        string
		assurance countersign.Assurance
		says      string
	}{
		"before its time":     {14 * time.Minute, "dba", countersign.Session, "before its time"},
		"to somebody else":    {16 * time.Minute, "leads", countersign.Session, "and the next rung is [dba]"},
		"for less":            {16 * time.Minute, "dba", countersign.Chat, "less than what it needs"},
		"as the ladder says":  {16 * time.Minute, "dba", countersign.Session, ""},
		"with a higher proof": {16 * time.Minute, "dba", countersign.Passkey, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := laddered(t)
			w.clock.Advance(c.after)
			w.escalated(r, c.to, c.assurance)
			if c.says == "" {
				w.holds()
			} else {
				w.finds(c.says)
			}
		})
	}
}
