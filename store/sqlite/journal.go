package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/countersignhq/countersign/store"
)

// A journal is SQLite's write-ahead log, and how far the disk has it. A commit only
// appends to it (synchronous=NORMAL), so that the next group is written while the
// disk takes the last, and one sync is for all that are there when it begins.
// Nobody is told of a commit before that, and no reader shows what stands in it.
type journal struct {
	file *os.File
	sync func() error // waits until the disk has what was appended; tests replace it

	appending sync.RWMutex // is held while a commit is appended
	syncing   sync.Mutex   // is held while the disk is waited for

	appended, synced atomic.Uint64         // commits
	failed           atomic.Pointer[error] // why nobody can tell what the disk has
}

// openJournal opens the log of a database that the writer has open, and so keeps.
// It stands where the database does, whatever link leads there.
func openJournal(database string) (*journal, error) {
	place, err := filepath.EvalSymlinks(database)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(place+"-wal", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the write-ahead log: %w", err)
	}
	return &journal{file: f, sync: f.Sync}, nil
}

// append has commit append to the log, and returns which commit it is.
func (j *journal) append(commit func() error) (uint64, error) {
	j.appending.Lock()
	defer j.appending.Unlock()
	err := commit()
	return j.appended.Add(1), err
}

// settle returns once all is durable that a read which has begun can see.
func (j *journal) settle() error {
	j.appending.RLock() // that of a commit which is being appended may be seen, too
	seen := j.appended.Load()
	j.appending.RUnlock()
	return j.wait(seen)
}

// wait returns once the commit is durable.
func (j *journal) wait(commit uint64) error {
	if j.synced.Load() >= commit {
		return nil
	}
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced.Load() >= commit {
		return nil
	}
	if err := j.failure(); err != nil {
		return err
	}
	covered := j.appended.Load()
	if err := j.sync(); err != nil {
		err = fmt.Errorf("%w: the disk did not take what was written (%w); check it, and restart", store.ErrUnknown, err)
		j.failed.Store(&err)
		return err
	}
	j.synced.Store(covered)
	return nil
}

// failure is why nothing becomes durable any more: a disk that failed to take
// what it was given may have dropped it. It is nil as long as none failed.
func (j *journal) failure() error {
	if err := j.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (j *journal) close() error { return j.file.Close() }
