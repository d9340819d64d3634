package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
)

func TestWhatACommitTookIsTold(t *testing.T) {
	set := storetest.NewSetting(t)
	var told []store.Cost
	cfg := config(set)
	cfg.Measure = func(c store.Cost) { told = append(told, c) }
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "record.db"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	life := storetest.NewLife("/srv/a")
	if _, err := s.Commit(t.Context(), life.Released()); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 {
		t.Fatalf("told of %d commits, want 1", len(told))
	}
	if c := told[0]; c.Changes != 1 || c.Leaves != 3 || c.Err != nil || c.Sync <= 0 || c.Took < c.Sync {
		t.Errorf("got %+v, want one change of three leaves, and a sync that is part of the whole", c)
	}
	stale := storetest.NewLife("/srv/b")
	stale.Version = 7
	if _, err := s.Commit(t.Context(), stale.Joined()); err == nil {
		t.Fatal("a change of nothing was recorded")
	}
	if err := s.Ephemeral().Put(t.Context(), store.Entry{Key: "k", Expires: set.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 {
		t.Errorf("told of %d commits, want none of what was refused or is beside the record", len(told))
	}
	failCommit(t, s, func(context.Context, *writer, func(context.Context) error) error { return errDisk })
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/c").Requested()); err == nil {
		t.Fatal("a commit that failed was acknowledged")
	}
	if len(told) != 2 || told[1].Err == nil {
		t.Errorf("got %+v, want to be told of the commit that failed", told)
	}
}
