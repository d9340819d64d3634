package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// poisoned commits good, stale and impossible changes at the same time.
func poisoned(t *testing.T, set *Setting, s store.Store) {
	const writers, rounds = 16, 12
	taken := NewLife("/srv/taken")
	taken.Row.OpenKey = "taken"
	commit(t, s, taken.Requested())
	var wg sync.WaitGroup
	var recorded atomic.Int64
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				life := NewLife(fmt.Sprintf("/srv/%d/%d", w, r))
				c, want := life.Released(), ""
				switch r % 6 {
				case 1:
					c.Events[2].Public.Executor = strings.Repeat("x", 9<<10)
					want = "8192"
				case 2:
					c.Events[1].Public.RunBy = set.Clock.Now().Add(1)
					want = "milliseconds"
				case 3:
					stale := *taken
					stale.Version = 7
					c, want = stale.Joined(), store.ErrConflict.Error()
				case 4:
					c.Row.OpenKey, want = "taken", "holds the open key"
				}
				done, err := s.Commit(t.Context(), c)
				if want == "" && err == nil {
					recorded.Add(int64(len(done.Entries)))
				}
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("change %d of writer %d: got %v, want %q", r, w, err, want)
				}
			}
		})
	}
	wg.Wait()
	head, err := s.Head(t.Context())
	if want := 1 + recorded.Load(); err != nil || head.Size != want {
		t.Fatalf("got %d leaves, %v; want %d", head.Size, err, want)
	}
	checkLog(t, set, s, []ledger.Checkpoint{head})
}

// oneWinner races changes on the same version of one request.
func oneWinner(t *testing.T, _ *Setting, s store.Store) {
	const writers, rounds = 8, 10
	life := NewLife("/srv/a")
	commit(t, s, life.Requested())
	for range rounds {
		var wg sync.WaitGroup
		var won, lost atomic.Int64
		for range writers {
			mine := *life
			wg.Go(func() { count(t, second(s.Commit(t.Context(), mine.Joined())), &won, &lost) })
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != writers-1 {
			t.Fatalf("%d were recorded and %d refused, want 1 and %d", won.Load(), lost.Load(), writers-1)
		}
		life.Joined()
	}
	if r, err := s.Get(t.Context(), life.ID); err != nil || r.Version != life.Version {
		t.Errorf("got version %d, %v; want %d", r.Version, err, life.Version)
	}
}

func count(t *testing.T, err error, won, lost *atomic.Int64) {
	_, open := errors.AsType[*store.OpenError](err)
	switch {
	case err == nil:
		won.Add(1)
	case errors.Is(err, store.ErrConflict) || open:
		lost.Add(1)
	default:
		t.Error(err)
	}
}

// openKeyRace races new requests for one key, which the last winner then frees.
func openKeyRace(t *testing.T, _ *Setting, s store.Store) {
	const writers, rounds = 8, 6
	var last countersign.RequestID
	for round := range rounds {
		var wg sync.WaitGroup
		var won, lost atomic.Int64
		lives := make([]*Life, writers)
		for i := range lives {
			lives[i] = NewLife("/srv/a")
			lives[i].Row.OpenKey, lives[i].Row.After = "one", last
			wg.Go(func() { count(t, second(s.Commit(t.Context(), lives[i].Requested())), &won, &lost) })
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != writers-1 {
			t.Fatalf("round %d: %d got the key and %d did not, want 1 and %d", round, won.Load(), lost.Load(), writers-1)
		}
		holder, err := s.Open(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		last = holder
		for _, l := range lives {
			if l.ID == holder {
				commit(t, s, l.Rejected())
			}
		}
	}
	found, _, err := s.Search(t.Context(), store.Query{Decision: countersign.DecisionRejected})
	if err != nil || len(found) != rounds {
		t.Errorf("got %d settled requests, %v; want %d", len(found), err, rounds)
	}
}
