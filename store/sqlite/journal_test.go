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
	for tries := 0; s.write.journal.newest.Load().commit < 3; tries++ {
		if tries == 10_000 {
			t.Fatal("the next change is not written while the disk takes the first")
		}
		time.Sleep(time.Millisecond)
	}
	go func() {
		_, err := s.Get(t.Context(), second.ID)
		shown <- err
	}()
	last := make(chan error, 1)
	go func() {
		_, err := s.Last(t.Context(), store.Query{Requester: second.Row.Requester, Digest: second.Row.Digest})
		last <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if head, err := s.Head(t.Context()); err != nil || head.Size != 0 {
		t.Errorf("the head is of %d leaves, %v; want 0: the disk has none", head.Size, err)
	}
	select {
	case err := <-last:
		t.Fatalf("a repeat of what the disk does not have was told, %v", err)
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
	if err := errors.Join(<-answers, <-shown, <-last); err != nil {
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
		if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/c").Requested()); !errors.Is(err, errDisk) || errors.Is(err, store.ErrUnknown) {
			t.Fatalf("the next change: got %v, want the disk's error, and that it was surely not written", err)
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
	cuts := 8
	if testing.Short() {
		cuts = 2
	}
	for cut := range cuts {
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

// TestWhatIsAcknowledgedAfterARestartDoesNotRestOnAHole restarts on a log whose end
// can be read and is not on the disk, as after a sync that failed, and then cuts
// the power.
func TestWhatIsAcknowledgedAfterARestartDoesNotRestOnAHole(t *testing.T) {
	set := storetest.NewSetting(t)
	folder := t.TempDir()
	place := func(name string) string {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(folder, name, "record.db")
	}
	first, again, cut := place("first"), place("again"), place("cut")
	s := openAt(t, set, first)
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
		t.Fatal(err)
	}
	from := size(t, first+"-wal")
	disk := slow(t, s)
	go func() {
		<-disk.asked
		disk.may <- errDisk
	}()
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/b").Requested()); !errors.Is(err, store.ErrUnknown) {
		t.Fatal(err)
	}
	to := size(t, first+"-wal")
	copyFile(t, first, again, -1)
	copyFile(t, first+"-wal", again+"-wal", -1)
	restarted := openAt(t, set, again)
	acknowledged := storetest.NewLife("/srv/c")
	if _, err := restarted.Commit(t.Context(), acknowledged.Requested()); err != nil {
		t.Fatal(err)
	}
	copyFile(t, again, cut, -1)
	log, err := os.ReadFile(again + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if n := int64(len(log)); n > to {
		clear(log[from:to]) // what the disk never took
	}
	if err := os.WriteFile(cut+"-wal", log, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(t, set, cut).Get(t.Context(), acknowledged.ID); err != nil {
		t.Errorf("acknowledged, and gone: %v", err)
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestTheHeadCoversWhatIsShown(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	honest := s.write.journal.sync
	s.write.journal.sync = func() error {
		time.Sleep(time.Millisecond)
		return honest()
	}
	var writers sync.WaitGroup
	ids := make(chan countersign.RequestID, 1000)
	for range 6 {
		writers.Go(func() {
			for range 40 {
				life := storetest.NewLife("/srv/a")
				ids <- life.ID
				if _, err := s.Commit(t.Context(), life.Requested()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		writers.Wait()
		close(ids)
	}()
	for id := range ids {
		for range 4 {
			entries, err := s.Events(t.Context(), id)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			head, headErr := s.Head(t.Context())
			if err := errors.Join(err, headErr); err != nil {
				t.Fatal(err)
			}
			if last := entries[len(entries)-1].Index; last >= head.Size {
				t.Fatalf("leaf %d was shown, and the head is of %d", last, head.Size)
			}
		}
	}
}

func TestARefusalDoesNotRestOnWhatIsNotOnRecord(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	ask := func() store.Change {
		l := storetest.NewLife("/srv/a")
		l.Row.OpenKey = "k"
		return l.Requested()
	}
	honest, commits := s.write.commit, 0
	s.write.commit = func(ctx context.Context) error {
		if commits++; commits == 2 { // the first is of the writer that holds them together
			return errDisk
		}
		return honest(ctx)
	}
	for _, err := range together(t, s, []store.Change{ask(), ask()}) {
		if !errors.Is(err, errDisk) {
			t.Errorf("got %v, want the disk's error: nothing of the commit is on record", err)
		}
	}
}

// TestReadersAndWritersDoNotWaitForEachOther has more searches at once than there
// are connections, right after a start, when no key is known yet.
func TestReadersAndWritersDoNotWaitForEachOther(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	s, err := Open(t.Context(), path, config(set))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
			t.Fatal(err)
		}
	}
	rounds := 15
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(t.Context(), path, config(set)); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if _, _, err := s.Search(t.Context(), store.Query{}); err != nil {
					t.Error(err)
				}
			})
		}
		for range 3 {
			all.Go(func() {
				if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
					t.Error(err)
				}
			})
		}
		done := make(chan struct{})
		go func() {
			all.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatal("readers and writers wait for each other")
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
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
