package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
)

// A slowDisk takes what it is given only once it may.
type slowDisk struct {
	asked chan struct{} // receives when a sync begins
	may   chan error    // ends one
}

// slow has the journal wait for a slow disk until the end of the test.
func slow(t *testing.T, s *Store) slowDisk {
	d := slowDisk{make(chan struct{}, 16), make(chan error)}
	t.Cleanup(func() { close(d.may) })
	onWriter(t, s, func(context.Context, *writer) error { return nil }) // none is under way
	s.write.journal.sync = func() error {
		d.asked <- struct{}{}
		return <-d.may
	}
	return d
}

func TestNothingIsToldOrShownBeforeTheDiskHasIt(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	disk := slow(t, s)
	first, second := storetest.NewLife("/srv/a"), storetest.NewLife("/srv/b")
	answers, shown := make(chan error, 2), make(chan error, 1)
	go func() {
		_, err := s.Commit(t.Context(), first.Requested())
		answers <- err
	}()
	<-disk.asked
	// The next is written meanwhile, on top of what the disk does not have yet.
	go func() {
		_, err := s.Commit(t.Context(), second.Requested())
		answers <- err
	}()
	for tries := 0; s.write.journal.appended.Load() < 3; tries++ {
		if tries == 10_000 {
			t.Fatal("the next change is not written while the disk takes the first")
		}
		time.Sleep(time.Millisecond)
	}
	go func() {
		_, err := s.Get(t.Context(), second.ID)
		shown <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if head, err := s.Head(t.Context()); err != nil || head.Size != 0 {
		t.Errorf("the head is of %d leaves, %v; want 0: the disk has none", head.Size, err)
	}
	select {
	case err := <-answers:
		t.Fatalf("a change was answered with %v that the disk does not have", err)
	case err := <-shown:
		t.Fatalf("a request was shown, %v, that the disk does not have", err)
	default:
	}
	disk.may <- nil
	if err := <-answers; err != nil {
		t.Error(err)
	}
	<-disk.asked
	if head, err := s.Head(t.Context()); err != nil || head.Size != 1 {
		t.Errorf("the head is of %d leaves, %v; want 1: that is what the disk has", head.Size, err)
	}
	s.write.journal.sync = func() error { return nil }
	disk.may <- nil
	if err := errors.Join(<-answers, <-shown); err != nil {
		t.Error(err)
	}
	if head, err := s.Head(t.Context()); err != nil || head.Size != 2 {
		t.Errorf("the head is of %d leaves, %v; want 2", head.Size, err)
	}
}

func TestADiskThatFailedIsNotAskedAgain(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	s, err := Open(t.Context(), path, config(set))
	if err != nil {
		t.Fatal(err)
	}
	kept := storetest.NewLife("/srv/a")
	if _, err := s.Commit(t.Context(), kept.Requested()); err != nil {
		t.Fatal(err)
	}
	disk := slow(t, s)
	go func() {
		<-disk.asked
		disk.may <- errDisk
	}()
	lost := storetest.NewLife("/srv/b")
	if _, err := s.Commit(t.Context(), lost.Requested()); !errors.Is(err, store.ErrUnknown) || !errors.Is(err, errDisk) {
		t.Fatalf("got %v, want ErrUnknown and the disk's error", err)
	}
	s.write.journal.sync = func() error { return nil }
	for range 2 {
		if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/c").Requested()); !errors.Is(err, errDisk) {
			t.Fatalf("the next change: got %v, want the disk's error", err)
		}
	}
	if _, err := s.Get(t.Context(), lost.ID); !errors.Is(err, errDisk) {
		t.Errorf("what the disk may not have was shown: %v", err)
	}
	if head, err := s.Head(t.Context()); err != nil || head.Size != 1 {
		t.Errorf("the head is of %d leaves, %v; want 1", head.Size, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, set, path)
	if r, err := again.Get(t.Context(), kept.ID); err != nil || r.Version != 1 {
		t.Errorf("after the restart: version %d, %v; want 1", r.Version, err)
	}
}

// TestAPowerCutLosesNothingAcknowledged copies, in the midst of writing, what the
// disk surely has: the database, and the log as far as it went when the last
// finished sync began.
func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	set := storetest.NewSetting(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "record.db")
	s := openAt(t, set, path)
	var safe atomic.Int64
	honest := s.write.journal.sync
	s.write.journal.sync = func() error {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			return err
		}
		if err := honest(); err != nil {
			return err
		}
		safe.Store(info.Size())
		return nil
	}
	var mu sync.Mutex
	var told []countersign.RequestID
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 40 {
				life := storetest.NewLife("/srv/a")
				if _, err := s.Commit(t.Context(), life.Requested()); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				told = append(told, life.ID)
				mu.Unlock()
			}
		})
	}
	for cut := range 8 {
		time.Sleep(time.Duration(cut) * time.Millisecond)
		mu.Lock()
		acknowledged := told[:len(told):len(told)]
		mu.Unlock()
		kept := filepath.Join(folder, fmt.Sprint("cut ", cut))
		if err := os.Mkdir(kept, 0o700); err != nil {
			t.Fatal(err)
		}
		copyFile(t, path, filepath.Join(kept, "record.db"), -1)
		copyFile(t, path+"-wal", filepath.Join(kept, "record.db-wal"), safe.Load())
		after := openAt(t, set, filepath.Join(kept, "record.db"))
		for _, id := range acknowledged {
			if _, err := after.Get(t.Context(), id); err != nil {
				t.Fatalf("cut %d: %s was acknowledged, and is gone: %v", cut, id, err)
			}
		}
		if err := after.Scrub(t.Context()); err != nil {
			t.Errorf("cut %d: %v", cut, err)
		}
	}
	writers.Wait()
}

// copyFile copies the first n bytes, all if n is -1.
func copyFile(t *testing.T, from, to string, n int64) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if n >= 0 {
		b = b[:n]
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
