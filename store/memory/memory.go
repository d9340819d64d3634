// Package memory keeps everything in memory, and fails on demand. It is the
// store of tests and of the simulation: it has no goroutine and waits for
// nothing, its clock is given, and Faults says which commit fails and how.
// Leaves, tree and checkpoints are real.
package memory

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
	"golang.org/x/mod/sumdb/note"
)

// Config says whose record it is. Its zero value works.
type Config struct {
	// Origin names the log; Signer signs its checkpoints. Without a Signer they
	// are not signed, and have no note.
	Origin string
	Signer note.Signer
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Wake is told what changed after each commit.
	Wake func(ids []countersign.RequestID)
}

// A Store is a store.Store in memory. All methods may be called at the same
// time.
type Store struct {
	cfg    Config
	faults Faults

	mu   sync.Mutex
	data *data // guarded by mu
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Wake == nil {
		cfg.Wake = func([]countersign.RequestID) {}
	}
	tip, err := batch.Tip{Directory: countersign.NewDirectory()}.Signed(cfg.Origin, cfg.Signer)
	if err != nil {
		return nil, err
	}
	return &Store{cfg: cfg, data: newData(tip)}, nil
}

// Faults are what goes wrong with the store. At first nothing does.
func (s *Store) Faults() *Faults { return &s.faults }

// Restart ends this store, as a crash would, and returns one over what was
// durable, without faults.
func (s *Store) Restart() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.faults.Crashed() {
		s.faults.Crash(errRestarted)
	}
	return &Store{cfg: s.cfg, data: s.data}
}

var errRestarted = errors.New("the store was restarted; use the one that Restart returned")

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// Commit implements store.Log.
func (s *Store) Commit(ctx context.Context, c store.Change) (store.Committed, error) {
	if err := ctx.Err(); err != nil {
		return store.Committed{}, err
	}
	if before := s.faults.takeBefore(); before != nil {
		before()
	}
	d, err := batch.NewDraft(c)
	if err != nil {
		return store.Committed{}, err
	}
	done, err := s.commit(d)
	if err == nil {
		s.cfg.Wake([]countersign.RequestID{d.Subject()})
	}
	return done, err
}

func (s *Store) commit(d *batch.Draft) (store.Committed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.faults.crashed(); err != nil {
		return store.Committed{}, err
	}
	b, err := batch.Begin(s.data.tip, s.data, s.cfg.Now(), s.faults.freeBytes)
	if err != nil {
		return store.Committed{}, err
	}
	done, err := b.Add(d)
	if err != nil {
		return store.Committed{}, err
	}
	what, fault := s.faults.strike()
	switch what {
	case fails, lost, crashesFirst:
		return store.Committed{}, fault
	}
	next, tiles := b.Grow()
	next, err = next.Signed(s.cfg.Origin, s.cfg.Signer)
	if err != nil {
		return store.Committed{}, err
	}
	s.data.keep(b, d, tiles, next)
	b.Finish(&done, d, next.Checkpoint)
	if fault != nil {
		return store.Committed{}, fault
	}
	return done, nil
}

// enter locks the store for a read, unless it fails. The caller unlocks.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	err := s.faults.crashed()
	if err != nil {
		s.mu.Unlock()
	}
	return err
}

// Head implements store.Log.
func (s *Store) Head(ctx context.Context) (ledger.Checkpoint, error) {
	if err := s.enter(ctx); err != nil {
		return ledger.Checkpoint{}, err
	}
	defer s.mu.Unlock()
	return s.data.tip.Checkpoint, nil
}

// Snapshot implements store.Directory.
func (s *Store) Snapshot(ctx context.Context) (*countersign.Directory, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return s.data.tip.Directory, nil
}

// Vault implements store.Store.
func (s *Store) Vault() store.Vault { return vault{s} }

// Ephemeral implements store.Store.
func (s *Store) Ephemeral() store.Ephemeral { return ephemeral{s} }
