package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/countersignhq/countersign/store/batch"
)

// A journal is SQLite's write-ahead log, and how far the disk has it. A commit only
// appends to it (synchronous=NORMAL), so that the next group is written while the
// disk takes the last, and one sync is for all that are there when it begins.
// Nobody is told of a commit before that, and no reader shows what stands in it.
type journal struct {
	file    *os.File
	sync    func() error    // waits until the disk has what was appended; tests replace it
	publish func(batch.Tip) // is told what is durable before anybody who waits for it

	appending sync.RWMutex // is held while a commit is appended
	syncing   sync.Mutex   // is held while the disk is waited for

	newest atomic.Pointer[appended]
	synced atomic.Uint64         // commits
	failed atomic.Pointer[error] // why nobody can tell what the disk has
}

// appended is a commit in the log: the how manieth, and how the record stands with
// it.
type appended struct {
	commit uint64
	tip    batch.Tip
}

// openJournal opens the log of a database that the writer has open, and so keeps.
// It stands where the database does, whatever link leads there.
func openJournal(database string, tip batch.Tip, publish func(batch.Tip)) (*journal, error) {
	place, err := filepath.EvalSymlinks(database)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(place+"-wal", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the write-ahead log: %w", err)
	}
	if err := makeRoom(f); err != nil {
		return nil, errors.Join(fmt.Errorf("make room in the write-ahead log: %w", err), f.Close())
	}
	j := &journal{file: f, sync: func() error { return syncData(f) }, publish: publish}
	j.newest.Store(&appended{tip: tip})
	return j, nil
}

// journalRoom is how many bytes the log may have before SQLite copies it into the
// database and begins it anew, which it does after the commit that fills it.
const journalRoom = (checkpointPages + 256) * (4096 + 24)

// makeRoom appends zeros to the log, which nobody writes meanwhile. What is written
// over needs no new size and no new place on the disk, for which each sync would have
// to wait. SQLite reads a log up to the first page that is not one of its own.
func makeRoom(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<18)
	for at := end; at < journalRoom; at += int64(len(zeros)) {
		if _, err := f.Write(zeros); err != nil {
			return f.Truncate(end) // it is slower without, and that is all
		}
	}
	return syncData(f)
}

// append has commit append to the log what makes the tip, and returns which commit
// it is. One that failed may be in the log all the same.
func (j *journal) append(tip batch.Tip, commit func() error) (uint64, error) {
	j.appending.Lock()
	defer j.appending.Unlock()
	was := j.newest.Load()
	err := commit()
	if err != nil {
		tip = was.tip
	}
	j.newest.Store(&appended{was.commit + 1, tip})
	return was.commit + 1, err
}

// settle returns once all is durable that a read which has begun can see.
func (j *journal) settle() error {
	j.appending.RLock() // what is being appended may be seen, too
	seen := j.newest.Load().commit
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
	covered := j.newest.Load()
	if err := j.sync(); err != nil {
		err = fmt.Errorf("the disk did not take what was written (%w); check it, and restart", err)
		j.failed.Store(&err)
		return err
	}
	j.publish(covered.tip)
	j.synced.Store(covered.commit)
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
