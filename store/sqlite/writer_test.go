package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
)

var errDisk = errors.New("disk I/O error")

// onWriter runs do as the leader.
func onWriter(t *testing.T, s *Store, do func(context.Context, *writer) error) {
	t.Helper()
	if _, err := s.write.do(t.Context(), &op{beside: do}); err != nil {
		t.Fatal(err)
	}
}

// failCommit has the next commit end as told; honest is how it would have ended.
func failCommit(t *testing.T, s *Store, end func(ctx context.Context, w *writer, honest func(context.Context) error) error) {
	t.Helper()
	onWriter(t, s, func(_ context.Context, w *writer) error {
		honest := w.commit
		armed := func(ctx context.Context) error {
			w.commit = honest
			return end(ctx, w, honest)
		}
		w.commit = func(ctx context.Context) error { // of this transaction
			w.commit = armed
			return honest(ctx)
		}
		return nil
	})
}

func TestACommitThatWentThroughIsAcknowledgedWhateverItSaid(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	failCommit(t, s, func(ctx context.Context, _ *writer, honest func(context.Context) error) error {
		return errors.Join(errDisk, honest(ctx))
	})
	life := storetest.NewLife("/srv/a")
	done, err := s.Commit(t.Context(), life.Requested())
	if err != nil || done.Checkpoint.Size != 1 {
		t.Fatalf("got size %d, %v; want 1: the head in the database is the new one", done.Checkpoint.Size, err)
	}
	if _, err := s.Commit(t.Context(), life.Joined()); err != nil {
		t.Error(err)
	}
}

func TestACommitThatFailedIsNotOnRecord(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	for size := range int64(2) {
		failCommit(t, s, func(context.Context, *writer, func(context.Context) error) error { return errDisk })
		life := storetest.NewLife("/srv/a")
		before := *life
		if _, err := s.Commit(t.Context(), life.Requested()); !errors.Is(err, errDisk) || errors.Is(err, store.ErrUnknown) {
			t.Fatalf("got %v, want the disk's error", err)
		}
		if done, err := s.Commit(t.Context(), before.Requested()); err != nil || done.First != size {
			t.Errorf("the same again is leaf %d, %v; want %d", done.First, err, size)
		}
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWhenNobodyCanTellTheWriterStops(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	s, err := Open(t.Context(), path, config(set))
	if err != nil {
		t.Fatal(err)
	}
	life := storetest.NewLife("/srv/a")
	failCommit(t, s, func(ctx context.Context, w *writer, honest func(context.Context) error) error {
		return errors.Join(honest(ctx), w.exec(ctx, "UPDATE leaves SET note = cast(note || '!' AS BLOB)"), errDisk)
	})
	if _, err := s.Commit(t.Context(), life.Requested()); !errors.Is(err, store.ErrUnknown) {
		t.Fatalf("got %v, want ErrUnknown", err)
	}
	for range 2 {
		if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/b").Requested()); err == nil || !strings.Contains(err.Error(), "check the record") {
			t.Fatalf("the next change: got %v, want to be told to check the record", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, path, "UPDATE leaves SET note = cast(substr(note, 1, length(note) - 1) AS BLOB)")
	again := openAt(t, set, path)
	if r, err := again.Get(t.Context(), life.ID); err != nil || r.Version != 1 {
		t.Errorf("after the restart: version %d, %v; want 1", r.Version, err)
	}
}

func TestAFullDiskRefusesAndGoesOnWhenThereIsRoom(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	pages := func(n int) {
		onWriter(t, s, func(ctx context.Context, w *writer) error {
			return w.exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n))
		})
	}
	pages(1)
	var full error
	recorded := int64(0)
	for full == nil && recorded < 1000 {
		if _, full = s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); full == nil {
			recorded++
		}
	}
	if full == nil || !strings.Contains(full.Error(), "the disk is full") {
		t.Fatalf("got %v, want to be told that the disk is full", full)
	}
	pages(1 << 20)
	done, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested())
	if err != nil || done.First != recorded {
		t.Errorf("with room again: leaf %d, %v; want %d", done.First, err, recorded)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARightEdgeThatIsNotWhatWasSignedStopsTheWriter(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
		t.Fatal(err)
	}
	onWriter(t, s, func(_ context.Context, w *writer) error {
		w.tip.Checkpoint.Root[3] ^= 1
		return nil
	})
	for range 2 {
		if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/b").Requested()); err == nil || !strings.Contains(err.Error(), "right edge") {
			t.Errorf("got %v, want to be told of the right edge", err)
		}
	}
}

func TestCloseAnswersWhoeverWaits(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for {
				if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/a").Requested()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// together has the changes wait for one commit, and returns their errors.
func together(t *testing.T, s *Store, changes []store.Change) []error {
	t.Helper()
	holding, held, answers := make(chan struct{}), make(chan struct{}), make([]error, len(changes))
	var wg sync.WaitGroup
	wg.Go(func() {
		onWriter(t, s, func(context.Context, *writer) error {
			close(holding)
			<-held
			return nil
		})
	})
	<-holding
	for i, c := range changes {
		wg.Go(func() { _, answers[i] = s.Commit(t.Context(), c) })
	}
	for waiting := 0; waiting < len(changes); { // the leader is held, so they only become more
		runtime.Gosched()
		s.write.mu.Lock()
		waiting = len(s.write.queue)
		s.write.mu.Unlock()
	}
	close(held)
	wg.Wait()
	return answers
}

func TestWritersShareACommit(t *testing.T) {
	set := storetest.NewSetting(t)
	signer := &countingSigner{Signer: set.Signer}
	set.Signer = signer
	s := open(t, set).(*Store)
	signer.n.Store(0)
	changes := make([]store.Change, 40)
	for i := range changes {
		changes[i] = storetest.NewLife("/srv/a").Requested()
	}
	for _, err := range together(t, s, changes) {
		if err != nil {
			t.Error(err)
		}
	}
	if n := signer.n.Load(); n != 1 {
		t.Errorf("40 changes that waited took %d signed commits, want 1", n)
	}
}

func TestOneOpenKeyInOneCommit(t *testing.T) {
	s := open(t, storetest.NewSetting(t)).(*Store)
	ask := func(key string) *storetest.Life {
		l := storetest.NewLife("/srv/a")
		l.Row.OpenKey = key
		return l
	}
	var changes []store.Change
	for i := range 12 { // the first of each key is on record before any other knows of it
		l := ask("settled")
		c := l.Requested()
		c.Events = append(c.Events, l.Rejected().Events...)
		changes = append(changes, c, ask([]string{"a", "b"}[i%2]).Requested(), storetest.NewLife("/srv/a").Requested())
	}
	refused := 0
	for i, err := range together(t, s, changes) {
		_, open := errors.AsType[*store.OpenError](err)
		if open && i%3 != 2 {
			refused++
		} else if err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if refused != 21 {
		t.Errorf("%d were refused for their open keys, want 21: 24 asked for 3", refused)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheKeyOfOneWhoActsIsMadeOnce(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, set, path)
	lives := make([]*storetest.Life, 24)
	var wg sync.WaitGroup
	for i := range lives {
		lives[i] = storetest.NewLife("/srv/a")
		wg.Go(func() {
			c := lives[i].Requested()
			if i%3 == 0 {
				c.NotAfter = set.Clock.Now().Add(-1)
			}
			if _, err := s.Commit(t.Context(), c); (err != nil) != (i%3 == 0) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, set, path)
	for i, l := range lives {
		if _, err := again.Get(t.Context(), l.ID); (err != nil) != (i%3 == 0) {
			t.Errorf("request %d: %v", i, err)
		}
	}
}
