package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A fileLock keeps a second process away for as long as this one lives.
type fileLock struct{ f *os.File }

func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the lock file: %w; check that the folder exists and is yours", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(f, 20))
		f.Close()
		return nil, fmt.Errorf("process %s is using it; stop that one first", holderName(string(holder)))
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &fileLock{f}, nil
}

func holderName(text string) string {
	if pid, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return strconv.Itoa(pid)
	}
	return "(unknown)"
}

// release gives the lock back itself: a child that is just being started has the
// file open too, until it is another program.
func (l *fileLock) release() error {
	return errors.Join(unix.Flock(int(l.f.Fd()), unix.LOCK_UN), l.f.Close())
}

func checkPlace(path string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &fs); err != nil {
		return fmt.Errorf("look at the folder: %w; make it first", err)
	}
	if name := networkFS(&fs); name != "" {
		return fmt.Errorf("the folder is on a network file system (%s), which can lose what it said it kept; use a local disk", name)
	}
	return nil
}

// freeBytes is how much disk is left for the database.
func freeBytes(path string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &fs); err != nil {
		return 0, err
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil
}

// notUnique reports whether a unique index refused a row.
func notUnique(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

// explain says of an error of the database what to do about it.
func explain(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk is full; free some space: %w", err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("the database is damaged; restore a backup: %w", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH:
		return fmt.Errorf("the database cannot be opened or written; check who owns the folder and its mode: %w", err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("another program holds the database locked; close it: %w", err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("the disk does not work as it should; check it: %w", err)
	}
	return err
}

// pinEvery is how often the pin is written at most: a rename at each commit
// would be in the way of the next sync.
const pinEvery = time.Second

// A pinner keeps the highest checkpoint seen in a file apart from the database,
// so that an older copy of it is not taken for the record.
type pinner struct {
	path string
	news chan struct{}
	quit chan struct{}
	done chan struct{}

	mu    sync.Mutex
	last  ledger.Checkpoint // seen
	wrote int64             // its size as of the last write; -1 for none
}

// startPin checks the record against the pin, and begins to keep it. There is
// none before the first start.
func startPin(ctx context.Context, cfg Config, head ledger.Checkpoint, read ledger.TileFunc) (*pinner, error) {
	p := &pinner{
		path: cfg.Pin, news: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		last: head, wrote: -1,
	}
	if p.path == "" {
		close(p.done)
		return p, nil
	}
	if err := checkPin(ctx, cfg, head, read); err != nil {
		return nil, err
	}
	if err := p.write(); err != nil {
		return nil, err
	}
	go p.run()
	return p, nil
}

// A PinError says that a record is not the one that its pin has seen, whole: an
// older copy, or another one.
type PinError struct{ detail string }

// Error implements error.
func (e *PinError) Error() string { return e.detail }

func checkPin(ctx context.Context, cfg Config, head ledger.Checkpoint, read ledger.TileFunc) error {
	b, err := os.ReadFile(cfg.Pin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the pin: %w", err)
	}
	pinned, err := ledger.OpenCheckpoint(b, cfg.Origin, cfg.Keys)
	if err != nil {
		return &PinError{fmt.Sprintf("the pin %s: %v; it is of another record, or was changed", cfg.Pin, err)}
	}
	if head.Size < pinned.Size {
		return &PinError{fmt.Sprintf("the record has %d leaves and the pin %s has seen %d: this is an older copy; find the newer one", head.Size, cfg.Pin, pinned.Size)}
	}
	proof, err := ledger.ProveExtension(ctx, read, pinned, head)
	if err != nil {
		return fmt.Errorf("compare the record with the pin %s: %w", cfg.Pin, err)
	}
	if err := ledger.CheckExtension(pinned, head, proof); err != nil {
		return &PinError{fmt.Sprintf("the record does not begin with the %d leaves that the pin %s has seen: it is another one, or was changed: %v", pinned.Size, cfg.Pin, err)}
	}
	return nil
}

// see is told of a checkpoint that is durable.
func (p *pinner) see(cp ledger.Checkpoint) {
	p.mu.Lock()
	p.last = cp
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default: // the news before are not read yet
	}
}

// run writes the pin some time after each commit. An error shows at close, and
// is tried again with the next commit: a pin that is behind is still a pin.
func (p *pinner) run() {
	defer close(p.done)
	for {
		select {
		case <-p.news:
			_ = p.write()
		case <-p.quit:
			return
		}
		select {
		case <-time.After(pinEvery):
		case <-p.quit:
			return
		}
	}
}

func (p *pinner) close() error {
	close(p.quit)
	<-p.done
	if p.path == "" {
		return nil
	}
	return p.write()
}

// write replaces the file in one step.
func (p *pinner) write() error {
	p.mu.Lock()
	cp := p.last
	p.mu.Unlock()
	if cp.Size == p.wrote {
		return nil
	}
	next := filepath.Join(filepath.Dir(p.path), "."+filepath.Base(p.path)+".next")
	if err := writeSynced(next, cp.Note); err != nil {
		return fmt.Errorf("write the pin: %w; check that its folder exists and is yours", err)
	}
	if err := os.Rename(next, p.path); err != nil {
		return fmt.Errorf("write the pin: %w", err)
	}
	p.wrote = cp.Size
	return nil
}

// writeSynced makes a file that a power cut leaves whole once it has its name.
func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
