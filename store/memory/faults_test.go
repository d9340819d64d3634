package memory_test

import (
	"errors"
	"testing"

	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/memory"
	"github.com/countersignhq/countersign/store/storetest"
)

var errDisk = errors.New("disk I/O error")

func TestAnArmedFaultStrikesOneCommit(t *testing.T) {
	for name, c := range map[string]struct {
		arm      func(*memory.Faults)
		want     error
		recorded bool
		crashed  bool
	}{
		"fail commit":  {func(f *memory.Faults) { f.FailCommit(errDisk) }, errDisk, false, false},
		"lose answer":  {(*memory.Faults).LoseAnswer, store.ErrUnknown, true, false},
		"lose commit":  {(*memory.Faults).LoseCommit, store.ErrUnknown, false, false},
		"crash before": {func(f *memory.Faults) { f.CrashBefore(errDisk) }, errDisk, false, true},
		"crash after":  {func(f *memory.Faults) { f.CrashAfter(errDisk) }, errDisk, true, true},
	} {
		s := open(t, storetest.NewSetting(t)).(*memory.Store)
		life := storetest.NewLife("/srv/a")
		if _, err := s.Commit(t.Context(), life.Requested()); err != nil {
			t.Fatal(err)
		}
		c.arm(s.Faults())
		stale := storetest.Life{ID: life.ID, Version: 5, State: life.State}
		if _, err := s.Commit(t.Context(), stale.Joined()); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: a change that is refused anyway got %v, want ErrConflict", name, err)
		}
		before := *life
		if _, err := s.Commit(t.Context(), life.Joined()); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if s.Faults().Crashed() != c.crashed {
			t.Errorf("%s: crashed is %t, want %t", name, !c.crashed, c.crashed)
		}
		if _, err := s.Head(t.Context()); (err != nil) != c.crashed {
			t.Errorf("%s: reading the head gives %v", name, err)
		}
		if c.crashed {
			s = s.Restart()
		}
		next := life
		if !c.recorded {
			next = &before
		}
		if _, err := s.Commit(t.Context(), next.Joined()); err != nil {
			t.Errorf("%s: the next change: %v", name, err)
		}
	}
}

func TestSomebodyElseIsFaster(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*memory.Store)
	life := storetest.NewLife("/srv/a")
	if _, err := s.Commit(t.Context(), life.Requested()); err != nil {
		t.Fatal(err)
	}
	rival := *life
	s.Faults().BeforeCommit(func() {
		if _, err := s.Commit(t.Context(), rival.Joined()); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Commit(t.Context(), life.Joined()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the slower one got %v, want ErrConflict", err)
	}
}

func TestReleasesStopOnAFullDisk(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*memory.Store)
	s.Faults().Free(64<<20 - 1)
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Released()); !errors.Is(err, store.ErrSpace) {
		t.Errorf("got %v, want ErrSpace", err)
	}
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
		t.Errorf("what is no release: %v", err)
	}
	s.Faults().Clear()
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Released()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestARestartedStoreIsOfNoMoreUse(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*memory.Store)
	next := s.Restart()
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err == nil {
		t.Error("the old store recorded a change")
	}
	if _, err := next.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
		t.Error(err)
	}
}
