package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
)

func TestACommandOfAnotherBucketIsFound(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, set, path)
	first := storetest.NewLife("/srv/first")
	commit := func(l *storetest.Life) {
		if _, err := s.Commit(t.Context(), l.Requested()); err != nil {
			t.Error(err)
		}
	}
	commit(first)
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := range 65 { // 2,080: more than a bucket
				commit(storetest.NewLife(fmt.Sprintf("/srv/%d/%d", w, i)))
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, set, path)
	<-s.asked.done
	for _, full := range []bool{true, false} {
		s.asked.full.Store(full)
		of := func(d countersign.Digest) store.Query { return store.Query{Requester: "agt_bot", Digest: d} }
		if got, err := s.Last(t.Context(), of(first.Row.Digest)); err != nil || got.Request != first.ID {
			t.Errorf("filter full %v: the last ask is %v (%v), want %s", full, got.Request, err, first.ID)
		}
		if list, _, err := s.Search(t.Context(), of(first.Row.Digest)); err != nil || len(list) != 1 || list[0].ID != first.ID {
			t.Errorf("filter full %v: found %v (%v), want only %s", full, list, err, first.ID)
		}
		if got, err := s.Last(t.Context(), of(countersign.Digest{1})); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("filter full %v: what nobody asked for was asked for in %v (%v)", full, got.Request, err)
		}
	}
}

func TestTheFilterForgetsNoDigest(t *testing.T) {
	s := openAt(t, storetest.NewSetting(t), filepath.Join(t.TempDir(), "record.db"))
	<-s.asked.done
	surely := 0
	for i := range 1000 {
		d := s.blindDigest(countersign.Digest{1, byte(i), byte(i >> 8)})
		if s.asked.never(d) {
			surely++
		}
		s.asked.add(d)
		if s.asked.never(d) {
			t.Fatalf("digest %d was added and is said to be new", i)
		}
	}
	if surely < 990 {
		t.Errorf("%d of 1000 new digests are known to be new, want nearly all", surely)
	}
}
