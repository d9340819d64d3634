package gate_test

import (
	"context"
	"flag"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger/ledgertest"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/memory"
)

var (
	simHistories = flag.Int("histories", 2000, "how many histories to simulate")
	simSeed      = flag.Uint64("seed", 1, "the first history's seed; each next is one more")
)

// TestSimulatedHistoriesHoldTheSentence plays histories of many agents and
// reviewers doing right and wrong things while the store, the clock and the
// process fail, and lets the auditor judge each from the log alone. A history is
// one goroutine and one seed: -seed N -histories 1 replays it exactly.
func TestSimulatedHistoriesHoldTheSentence(t *testing.T) {
	histories := *simHistories
	if testing.Short() {
		histories = min(histories, 60) // the race detector looks at these
	}
	var did tally
	var next atomic.Int64
	var players sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			for i := next.Add(1) - 1; i < int64(histories) && !t.Failed(); i = next.Add(1) - 1 {
				seed := *simSeed + uint64(i)
				h := newHistory(t, seed)
				h.play(30 + h.rng.IntN(40))
				if err := h.judge(); err != nil {
					t.Errorf("seed %d: %v\n%s", seed, err, strings.Join(h.log, "\n"))
				}
				did.add(h)
				if i%100_000 == 99_999 {
					t.Logf("%d histories so far", i+1)
				}
			}
		})
	}
	players.Wait()
	t.Log(&did)
	if histories >= 200 {
		did.mustHaveTried(t)
	}
}

// A history is one simulated run.
type history struct {
	*world
	rng      *rand.Rand
	witness  *witness
	agents   []countersign.Agent
	phones   []*ledgertest.Passkey // bob's
	requests []countersign.RequestID
	stale    map[countersign.RequestID]gate.Decision // what somebody was shown earlier
	log      []string
	crashed  bool
	did      map[string]int
}

// A witness is what the outside has been told is on record.
type witness struct {
	*memory.Store
	told []store.Committed
}

// Commit implements store.Log and remembers what was acknowledged.
func (w *witness) Commit(ctx context.Context, c store.Change) (store.Committed, error) {
	done, err := w.Store.Commit(ctx, c)
	if err == nil {
		w.told = append(w.told, done)
	}
	return done, err
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{
		world: newWorldAt(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}),
		rng:   rand.New(rand.NewPCG(seed, 0)), stale: map[countersign.RequestID]gate.Decision{}, did: map[string]int{},
	}
	h.agents = []countersign.Agent{h.bot, h.agent("sweeper", "dave"), h.agent("mixed", "carol")}
	h.witness = &witness{Store: h.store}
	h.upstream.run = h.behave
	h.start()
	h.phones = []*ledgertest.Passkey{h.enrolled("bob", "operator")}
	must(t, h.gate.SetOnCall(t.Context(), operator(), simDuty, "platform"))
	h.clock.Advance(time.Second)
	return h
}

// start starts a gate as a fresh process does, if the store lets it.
func (h *history) start() {
	g, err := gate.New(context.Background(), h.witness, h.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": h.upstream}, Now: h.clock.Now,
		Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		h.gate = g
		return
	}
	h.note("start: %v", err)
	h.crashed = true
}
