// Package sqlite keeps everything in one SQLite database. It is the default.
//
// One writes at a time: it takes whatever changes are waiting, up to 256, into
// one transaction with one signed checkpoint, and answers them once the disk has
// it, while the next is being written. Readers stand beside on connections of
// their own, and see what is durable. Start with Open; a change takes
// the way of Store.Commit, writer.go and insert.go.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
	"golang.org/x/mod/sumdb/note"
)

// Config says whose record it is and with what keys it is kept.
type Config struct {
	// Origin names the log; Signer signs its checkpoints and Keys verify them.
	Origin string
	Signer note.Signer
	Keys   note.Verifiers
	// VaultKey wraps the keys of sealed blobs. It is kept outside the database.
	VaultKey [32]byte
	// Pin is a file that keeps the highest checkpoint seen, best on another disk
	// than the database: Open refuses a record that is below it or another.
	// Empty keeps none.
	Pin string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Wake is told what changed after each durable commit, of two at the same time
	// perhaps. It must not block, nor write to the store.
	Wake func(ids []countersign.RequestID)
	// Measure is told what each commit took, of two at the same time perhaps. It
	// must not block. Defaults to nothing.
	Measure func(store.Cost)
}

// ErrClosed is returned by a store after Close.
var ErrClosed = errors.New("the store is closed")

// A Store is a store.Store over one database. All methods may be called at the
// same time.
type Store struct {
	cfg   Config
	path  string
	lock  *fileLock
	seal  *store.Sealer
	read  *reader
	write *writer
	keys  *keyring
	heads *heads
	asked *asked
	pin   *pinner
	tip   atomic.Pointer[batch.Tip] // as of the last durable commit
	still *state                    // of a database that nobody may write to; nil otherwise
	once  sync.Once
}

var _ store.Store = (*Store)(nil)

// Open opens the database at the path, or makes it. It refuses one that another
// process holds, that is damaged, or whose right edge, signed checkpoint and pin
// do not agree, each in one line that says what to do. Close it when done.
func Open(ctx context.Context, path string, cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Wake == nil {
		cfg.Wake = func([]countersign.RequestID) {}
	}
	if cfg.Measure == nil {
		cfg.Measure = func(store.Cost) {}
	}
	s := &Store{cfg: cfg, path: path}
	if err := s.open(ctx); err != nil {
		s.shut()
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if err := checkPlace(s.path); err != nil {
		return err
	}
	if s.lock, err = lockFile(s.path + ".lock"); err != nil {
		return err
	}
	if s.seal, err = store.NewSealer(s.cfg.VaultKey); err != nil {
		return err
	}
	own, err := s.connect(ctx)
	if err != nil {
		return err
	}
	s.keys, s.heads = newKeyring(s.seal, s.read), newHeads()
	if err := s.checkVault(ctx, own); err != nil {
		own.Close()
		return err
	}
	tip, err := s.start(ctx)
	if err != nil {
		own.Close()
		return err
	}
	s.tip.Store(&tip)
	if s.pin, err = startPin(ctx, s.cfg, tip.Checkpoint, s.Tile); err != nil {
		own.Close()
		return err
	}
	if err := freeLeases(ctx, own); err != nil {
		own.Close()
		return err
	}
	if s.write, err = newWriter(ctx, s, own); err != nil {
		own.Close()
		return err
	}
	s.asked = newAsked(s.read, tip.Checkpoint.Size)
	return nil
}

// publish makes what is durable visible.
func (s *Store) publish(tip batch.Tip) {
	if tip.Checkpoint.Size > s.tip.Load().Checkpoint.Size {
		s.tip.Store(&tip)
		s.pin.see(tip.Checkpoint)
	}
}

// Close waits for the commits that are under way, and closes the database.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() { err = s.shut() })
	return err
}

func (s *Store) shut() error {
	var errs []error
	if s.write != nil {
		s.write.stop()
	}
	if s.asked != nil {
		s.asked.close()
	}
	if s.pin != nil {
		errs = append(errs, s.pin.close())
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	// The last to close folds the write-ahead log into the database, which the
	// readers could not.
	if s.write != nil {
		errs = append(errs, s.write.close())
	}
	if s.lock == nil {
		errs = append(errs, s.checkStill())
	} else {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

// Head implements store.Log.
func (s *Store) Head(ctx context.Context) (ledger.Checkpoint, error) {
	return s.tip.Load().Checkpoint, ctx.Err()
}

// Snapshot implements store.Directory.
func (s *Store) Snapshot(ctx context.Context) (*countersign.Directory, error) {
	return s.tip.Load().Directory, ctx.Err()
}

// Vault implements store.Store.
func (s *Store) Vault() store.Vault { return vault{s} }

// Ephemeral implements store.Store.
func (s *Store) Ephemeral() store.Ephemeral { return ephemeral{s} }
