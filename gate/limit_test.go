package gate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/store"
)

// limited opens the gate again with the limits, as a process that starts does.
func (w *world) limited(l gate.Limits) {
	w.t.Helper()
	g, err := gate.New(context.Background(), w.store, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w.upstream}, Now: w.clock.Now, Limits: l,
	})
	must(w.t, err)
	w.gate = g
}

// asks submits for the agent, and returns when it is told to ask again.
func (w *world) asks(by countersign.Agent, tool, path string) (after int) {
	w.t.Helper()
	ask := w.ask(tool, `{"path":"`+path+`"}`)
	ask.By = by.Principal()
	_, err := w.gate.Submit(ended(), ask, io.Discard)
	refused, ok := errors.AsType[*countersign.Error](err)
	if ok && refused.Code == countersign.CodeRateLimited {
		return refused.RetryAfterSeconds
	}
	must(w.t, err)
	return 0
}

func TestAnAgentThatAsksTooOftenIsToldWhenToAskAgainAndOthersAreServed(t *testing.T) {
	w := newWorld(t)
	other := w.agent("other", "alice")
	w.limited(gate.Limits{PerMinute: 6})
	for i := range 6 {
		if after := w.asks(w.bot, "read_file", fmt.Sprint(i)); after != 0 {
			t.Fatalf("ask %d of 6 a minute is refused", i+1)
		}
	}
	size := func() int64 {
		head, err := w.store.Head(t.Context())
		must(t, err)
		return head.Size
	}
	before := size()
	if after := w.asks(w.bot, "read_file", "7"); after != 10 {
		t.Errorf("the seventh is told to ask again in %d s, want 10", after)
	}
	if got := size(); got != before {
		t.Errorf("a refused ask left %d leaves on record, want none", got-before)
	}
	if after := w.asks(other, "read_file", "a"); after != 0 {
		t.Error("another agent is refused too")
	}
	w.clock.Advance(10 * time.Second)
	if after := w.asks(w.bot, "read_file", "8"); after != 0 {
		t.Error("after the time it was told, it is refused again")
	}
	if after := w.asks(w.bot, "read_file", "9"); after == 0 {
		t.Error("it may ask more than was left")
	}
}

func TestOnlySoMuchOfAnAgentWaitsForPeople(t *testing.T) {
	w := newWorld(t)
	other := w.agent("other", "alice")
	first := w.held("write_file", `{"path":"first"}`)
	w.limited(gate.Limits{Pending: 3}) // what waits is counted on record at first
	for _, path := range []string{"a", "b"} {
		if after := w.asks(w.bot, "write_file", path); after != 0 {
			t.Fatalf("%s is refused, want 3 to wait", path)
		}
	}
	if after := w.asks(w.bot, "write_file", "c"); after != 30 {
		t.Errorf("the fourth is told to ask again in %d s, want 30", after)
	}
	if after := w.asks(w.bot, "write_file", "a"); after != 0 {
		t.Error("the same ask cannot join what waits")
	}
	if after := w.asks(w.bot, "read_file", "c"); after != 0 {
		t.Error("what needs no people is refused")
	}
	if after := w.asks(other, "write_file", "c"); after != 0 {
		t.Error("another agent is refused too")
	}
	must(t, w.decide("bob", countersign.Reject, first.ID))
	if after := w.asks(w.bot, "write_file", "c"); after != 0 {
		t.Error("after one was decided, the next is refused")
	}
	// Another gate over the same record decides: this one looks before it refuses.
	mine := w.gate
	w.open()
	for _, r := range w.pendingOf(w.bot) {
		_, err := w.gate.Withdraw(t.Context(), r, operator(), "")
		must(t, err)
	}
	w.gate = mine
	w.clock.Advance(2 * time.Second)
	if after := w.asks(w.bot, "write_file", "d"); after != 0 {
		t.Error("what another gate settled still counts")
	}
}

func TestNoMoreWaitThanMayWhenManyAskAtOnce(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		w.limited(gate.Limits{Pending: 3})
		start := make(chan struct{})
		var asks sync.WaitGroup
		for i := range 50 {
			ask := w.ask("write_file", fmt.Sprintf(`{"path":"%d"}`, i))
			asks.Go(func() {
				<-start
				_, err := w.gate.Submit(ended(), ask, io.Discard)
				if err != nil && countersign.CodeOf(err) != countersign.CodeRateLimited {
					t.Error(err)
				}
			})
		}
		close(start)
		asks.Wait()
		if n := len(w.pendingOf(w.bot)); n == 0 || n > 3 {
			t.Fatalf("%d wait for people, want some and at most 3", n)
		}
	}
}

func TestAnAskThatIsNotOnRecordTakesNoPlace(t *testing.T) {
	w := newWorld(t)
	w.limited(gate.Limits{Pending: 1})
	w.store.Faults().FailCommit(errors.New("no space left on device"))
	_, err := w.gate.Submit(ended(), w.ask("write_file", `{}`), io.Discard)
	w.refused(err, countersign.CodeUnavailable)
	if after := w.asks(w.bot, "write_file", "a"); after != 0 {
		t.Error("the next ask is refused, though nothing waits")
	}
}

func (w *world) pendingOf(a countersign.Agent) []countersign.RequestID {
	w.t.Helper()
	found, _, err := w.gate.Search(w.t.Context(), store.Query{Requester: a.ID, Decision: countersign.DecisionPending})
	must(w.t, err)
	var ids []countersign.RequestID
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	return ids
}

// A request that waits lives in the store; what the gate keeps of it is a count. A
// live call that waits for it is a goroutine and its registration.
func BenchmarkPendingRequest(b *testing.B) {
	w := newWorld(b)
	w.limited(gate.Limits{PerMinute: 1_000_000, Pending: 1_000_000})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before, n := heap(), 0
	for b.Loop() {
		w.held("write_file", fmt.Sprintf(`{"path":"%d"}`, n))
		n++
	}
	stored := heap()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var waiting sync.WaitGroup
	r := w.held("write_file", `{}`)
	const calls = 1000
	for range calls {
		waiting.Add(1)
		go func() {
			waiting.Done()
			_, _ = w.gate.Watch(ctx, r.ID, r.Version)
		}()
	}
	waiting.Wait()
	b.ReportMetric(float64(heap()-stored)/calls, "B/waiting-call")
	b.ReportMetric(float64(stored-before)/float64(n), "B/pending-in-memory-store")
}
