package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/tlog"
)

// TestLog is the suite of store.Log.
func TestLog(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *Setting, store.Store)
	}{
		{"AnEmptyLogHasASignedHead", emptyHead},
		{"WhatIsAcknowledgedIsInTheSignedCheckpoint", acknowledged},
		{"AChangeOnAnOldVersionConflicts", oldVersion},
		{"OfManyChangesOnOneVersionOneIsRecorded", oneWinner},
		{"ARefusedChangeFailsAlone", poisoned},
		{"AMalformedChangeIsRefused", malformed},
		{"AMoveThatIsNotInTheTableIsRefused", noSuchMove},
		{"AReleaseComesWithItsProof", releases},
		{"OneUnsettledRequestHoldsAnOpenKey", openKey},
		{"OfManyRequestsWithOneOpenKeyOneIsRecorded", openKeyRace},
		{"ALateChangeIsRefused", late},
		{"AnEarlyChangeIsRefused", early},
		{"TimeNeverGoesBack", clockBack},
		{"ReleasesStopWhenTheClockIsFarBehind", clockFarBehind},
		{"AChangeDecidedOnAnOldDirectoryConflicts", oldDirectory},
		{"AContextThatHasEndedRecordsNothing", endedContext},
		{"WhoWaitsIsWoken", woken},
		{"LeavesTilesAndProofsAgreeAtEverySize", proofs},
		{"WhatIsNotThereIsNotFound", notFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			setting := NewSetting(t)
			c.test(t, setting, open(t, setting))
		})
	}
}

func emptyHead(t *testing.T, set *Setting, s store.Store) {
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ledger.OpenCheckpoint(head.Note, set.Origin, set.Keys)
	if err != nil || cp.Size != 0 || cp.Root != (ledger.Edge{}).Root() {
		t.Errorf("got head of size %d, root %v, %v; want that of an empty log", cp.Size, cp.Root, err)
	}
}

func acknowledged(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	done := commit(t, s, life.Released())
	if done.First != 0 || len(done.Entries) != 3 || !done.At.Equal(set.Clock.Now()) {
		t.Errorf("got first leaf %d, %d entries at %s; want 0, 3 at %s", done.First, len(done.Entries), done.At, set.Clock.Now())
	}
	cp, err := ledger.OpenCheckpoint(done.Checkpoint.Note, set.Origin, set.Keys)
	if err != nil || cp.Size != 3 || cp.Root != done.Checkpoint.Root {
		t.Fatalf("checkpoint of size %d: %v, want one of size 3", cp.Size, err)
	}
	var prev ledger.Hash
	for i, entry := range done.Entries {
		if entry.Index != int64(i) {
			t.Errorf("entry %d has index %d", i, entry.Index)
		}
		inLog(t, s, cp, entry.Index, entry.Leaf)
		said, err := ledger.ParseLeaf(entry.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		if said.Prev != prev || said.Event.At != done.At || said.Command != ledger.Commit(ledger.SlotCommand, *done.Entries[0].Open.Command) {
			t.Errorf("leaf %d does not follow the one before, or is about another command: %s", i, entry.Leaf)
		}
		if _, err := entry.Event(); err != nil {
			t.Errorf("entry %d: %v", i, err)
		}
		prev = ledger.LeafHash(entry.Leaf)
	}
	later := commit(t, s, life.Completed())
	if said, err := ledger.ParseLeaf(later.Entries[0].Leaf); err != nil || said.Prev != prev || later.First != 3 {
		t.Errorf("completed at %d, %v, does not follow leaf 2", later.First, err)
	}
}

func oldVersion(t *testing.T, _ *Setting, s store.Store) {
	life := NewLife("/srv/a")
	commit(t, s, life.Requested())
	stale := *life
	commit(t, s, life.Joined())
	if _, err := s.Commit(t.Context(), stale.Joined()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a change on version 1 of 2: got %v, want ErrConflict", err)
	}
	life.Version++
	if _, err := s.Commit(t.Context(), life.Joined()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a change that skips a version: got %v, want ErrConflict", err)
	}
	again := NewLife("/srv/b")
	again.ID = life.ID
	if _, err := s.Commit(t.Context(), again.Requested()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second request of one id: got %v, want ErrConflict", err)
	}
	if _, err := s.Commit(t.Context(), (&Life{ID: "req_0nobody00000", Version: 1, State: life.State}).Joined()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a change of a request that is not there: got %v, want ErrConflict", err)
	}
	if r, err := s.Get(t.Context(), life.ID); err != nil || r.Version != 2 {
		t.Errorf("got version %d, %v; want 2", r.Version, err)
	}
}

func malformed(t *testing.T, _ *Setting, s store.Store) {
	whole := func() store.Change { return NewLife("/srv/a").Released() }
	for name, spoil := range map[string]func(*store.Change){
		"no event":          func(c *store.Change) { c.Events = nil },
		"two requests":      func(c *store.Change) { c.Events[1].Request = "req_000000000000" },
		"a gap":             func(c *store.Change) { c.Events[2].Version = 9 },
		"version 0":         func(c *store.Change) { c.Events = c.Events[:1]; c.Events[0].Version = 0 },
		"no row":            func(c *store.Change) { c.Row = nil },
		"no command":        func(c *store.Change) { c.Events[0].Sealed.Command = nil },
		"two commands":      func(c *store.Change) { c.Events[1].Sealed.Command = []byte("{}") },
		"no who":            func(c *store.Change) { c.Events[0].Sealed.Who = nil },
		"no context":        func(c *store.Change) { c.Events[1].Sealed.Context = nil },
		"an endless entry":  func(c *store.Change) { c.Keep = []store.Entry{{Key: "k"}} },
		"a leaf of 9 KiB":   func(c *store.Change) { c.Events[2].Public.Executor = string(make([]byte, 9<<10)) },
		"a time of half ms": func(c *store.Change) { c.Events[1].Public.RunBy = time.Unix(1, 500_000) },
	} {
		c := whole()
		spoil(&c)
		if _, err := s.Commit(t.Context(), c); err == nil {
			t.Errorf("%s: recorded, want an error", name)
		}
	}
	if head, err := s.Head(t.Context()); err != nil || head.Size != 0 {
		t.Errorf("got %d leaves, %v; want 0", head.Size, err)
	}
}

func noSuchMove(t *testing.T, _ *Setting, s store.Store) {
	life := NewLife("/srv/a")
	commit(t, s, life.Requested())
	wild := *life
	if _, err := s.Commit(t.Context(), wild.Completed()); err == nil {
		t.Error("completed from pending was recorded, want an error")
	}
	if _, err := s.Commit(t.Context(), PersonChange("per_ada", "ada", 2)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("version 2 of a person that is not there: got %v, want ErrConflict", err)
	}
	commit(t, s, life.Joined())
}

func openKey(t *testing.T, _ *Setting, s store.Store) {
	ask := func() *Life {
		l := NewLife("/srv/a")
		l.Row.OpenKey = "agt_bot wants /srv/a"
		return l
	}
	if _, err := s.Open(t.Context(), "agt_bot wants /srv/a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an open key that nobody holds: got %v, want ErrNotFound", err)
	}
	first := ask()
	commit(t, s, first.Requested())
	_, err := s.Commit(t.Context(), ask().Requested())
	if open, ok := errors.AsType[*store.OpenError](err); !ok || open.Holder != first.ID {
		t.Fatalf("a second request with the open key: got %v, want an OpenError that names %s", err, first.ID)
	}
	other := NewLife("/srv/b")
	other.Row.OpenKey = "agt_bot wants /srv/b"
	commit(t, s, other.Requested())

	commit(t, s, first.Rejected())
	if id, err := s.Open(t.Context(), "agt_bot wants /srv/a"); err != nil || id != first.ID {
		t.Errorf("got holder %s, %v; want the settled %s", id, err, first.ID)
	}
	var open *store.OpenError
	if _, err := s.Commit(t.Context(), ask().Requested()); !errors.As(err, &open) || open.Holder != first.ID {
		t.Errorf("a request that does not know of the settled one: got %v, want an OpenError that names %s", err, first.ID)
	}
	second := ask()
	second.Row.After = first.ID
	commit(t, s, second.Requested())
	if id, err := s.Open(t.Context(), "agt_bot wants /srv/a"); err != nil || id != second.ID {
		t.Errorf("got holder %s, %v; want %s, which took over", id, err, second.ID)
	}
	third := ask()
	third.Row.After = second.ID
	if _, err := s.Commit(t.Context(), third.Requested()); err == nil {
		t.Error("a third request got the key of the second, which is unsettled")
	}
	commit(t, s, second.Rejected())
	third = ask()
	third.Row.After = first.ID
	if _, err := s.Commit(t.Context(), third.Requested()); !errors.As(err, &open) || open.Holder != second.ID {
		t.Errorf("a request that knows of an earlier holder: got %v, want an OpenError that names %s", err, second.ID)
	}
	for range 2 {
		commit(t, s, NewLife("no key").Requested())
	}
}

func late(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	c := life.Requested()
	c.NotAfter = set.Clock.Now()
	commit(t, s, c)
	set.Clock.Move(time.Second)
	c = life.Joined()
	c.NotAfter = set.Clock.Now().Add(-time.Millisecond)
	if _, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrLate) {
		t.Errorf("a millisecond too late: got %v, want ErrLate", err)
	}
	commit(t, s, NewLife("/srv/b").Requested())
	set.Clock.Move(-10 * time.Second)
	if _, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrLate) {
		t.Errorf("too late by the record, if not by the clock: got %v, want ErrLate", err)
	}
}

func early(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	c := life.Requested()
	c.NotBefore = set.Clock.Now().Truncate(time.Millisecond)
	commit(t, s, c)
	c = life.Joined()
	c.NotBefore = set.Clock.Now().Add(time.Second)
	if _, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second too early: got %v, want ErrConflict", err)
	}
	set.Clock.Move(time.Second)
	if done := commit(t, s, c); done.At.Before(c.NotBefore.Truncate(time.Millisecond)) {
		t.Errorf("recorded at %s, before %s", done.At, c.NotBefore)
	}
	set.Clock.Move(-10 * time.Second)
	c = life.Joined()
	c.NotBefore = set.Clock.Now().Add(10 * time.Second).Truncate(time.Millisecond)
	commit(t, s, c) // the record's clock never goes back
}

func clockBack(t *testing.T, set *Setting, s store.Store) {
	set.Clock.Move(1234567 * time.Nanosecond)
	first := commit(t, s, NewLife("/srv/a").Requested())
	if want := set.Clock.Now().UTC().Truncate(time.Millisecond); first.At != want {
		t.Errorf("recorded at %s, want %s", first.At, want)
	}
	set.Clock.Move(-59 * time.Second)
	second := commit(t, s, NewLife("/srv/b").Released())
	if second.At != first.At {
		t.Errorf("recorded at %s after an event at %s", second.At, first.At)
	}
}

func clockFarBehind(t *testing.T, set *Setting, s store.Store) {
	commit(t, s, NewLife("/srv/a").Requested())
	set.Clock.Move(-61 * time.Second)
	if _, err := s.Commit(t.Context(), NewLife("/srv/b").Released()); !errors.Is(err, store.ErrClock) {
		t.Errorf("a release 61 s before the last event: got %v, want ErrClock", err)
	}
	commit(t, s, NewLife("/srv/c").Requested())
	set.Clock.Move(time.Second)
	commit(t, s, NewLife("/srv/d").Released())
}

func oldDirectory(t *testing.T, _ *Setting, s store.Store) {
	commit(t, s, PersonChange("per_ada", "ada", 1))
	c := NewLife("/srv/a").Requested()
	c.Directory = 1
	commit(t, s, c)
	commit(t, s, PersonChange("per_ada", "ada", 2))
	c = NewLife("/srv/b").Requested()
	c.Directory = 1
	if _, err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrConflict) {
		t.Errorf("decided on directory 1 of 2: got %v, want ErrConflict", err)
	}
}

func endedContext(t *testing.T, _ *Setting, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Commit(ctx, NewLife("/srv/a").Requested())
	head, headErr := s.Head(t.Context())
	if recorded := head.Size == 1; headErr != nil || recorded != (err == nil) {
		t.Errorf("the commit says %v and the log has %d leaves, %v", err, head.Size, headErr)
	}
}

func woken(t *testing.T, set *Setting, s store.Store) {
	life := NewLife("/srv/a")
	commit(t, s, life.Released())
	if got := <-set.Woken; got != life.ID {
		t.Errorf("woke %s, want %s", got, life.ID)
	}
	commit(t, s, PersonChange("per_ada", "ada", 1))
	if got := <-set.Woken; got != "per_ada" {
		t.Errorf("woke %s, want per_ada", got)
	}
}

func notFound(t *testing.T, _ *Setting, s store.Store) {
	commit(t, s, NewLife("/srv/a").Requested())
	ctx := t.Context()
	for name, err := range map[string]error{
		"a leaf beyond the end":   second(s.Leaves(ctx, 1, 2)),
		"a leaf before the start": second(s.Leaves(ctx, -1, 1)),
		"a tile beyond the end":   second(s.Tile(ctx, tlog.Tile{H: 8, L: 0, N: 1, W: 1})),
		"a tile too wide":         second(s.Tile(ctx, tlog.Tile{H: 8, L: 0, N: 0, W: 2})),
		"a tile of height 2":      second(s.Tile(ctx, tlog.Tile{H: 2, L: 0, N: 0, W: 1})),
		"a tile of level 1":       second(s.Tile(ctx, tlog.Tile{H: 8, L: 1, N: 0, W: 1})),
		"a request":               second(s.Get(ctx, "req_000000000000")),
		"the events of nothing":   second(s.Events(ctx, "req_000000000000")),
		"the events of nobody":    second(s.Events(ctx, "per_nobody")),
		"a sealed leaf":           second(s.Vault().Open(ctx, 1)),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if leaves, err := s.Leaves(ctx, 1, 1); err != nil || len(leaves) != 0 {
		t.Errorf("no leaves: got %d, %v", len(leaves), err)
	}
}

func second[T any](_ T, err error) error { return err }
