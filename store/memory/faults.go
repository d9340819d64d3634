package memory

import (
	"fmt"
	"sync"

	"github.com/countersignhq/countersign/store"
)

// Faults are what goes wrong, on demand. An armed fault strikes the next change
// that would be recorded, and is gone; a later one replaces it.
type Faults struct {
	mu     sync.Mutex
	before func()
	fate   fate
	err    error
	dead   error
	full   bool
	free   int64
}

// fate is what becomes of a commit.
type fate int

const (
	durable      fate = iota // recorded and acknowledged
	fails                    // not recorded, and the caller is told so
	unreported               // recorded, and the caller gets store.ErrUnknown
	lost                     // not recorded, and the caller gets store.ErrUnknown
	crashesFirst             // not recorded, and nothing works any more
	crashesAfter             // recorded, and nothing works any more
)

// FailCommit arms: the commit fails with err and nothing is recorded.
func (f *Faults) FailCommit(err error) { f.arm(fails, err) }

// LoseAnswer arms: the change is recorded, and its caller gets store.ErrUnknown.
func (f *Faults) LoseAnswer() { f.arm(unreported, store.ErrUnknown) }

// LoseCommit arms: nothing is recorded, and the caller gets store.ErrUnknown.
func (f *Faults) LoseCommit() { f.arm(lost, store.ErrUnknown) }

// CrashBefore arms: instead of the commit the store crashes.
func (f *Faults) CrashBefore(err error) { f.arm(crashesFirst, err) }

// CrashAfter arms: the change is recorded and the store crashes before it says
// so.
func (f *Faults) CrashAfter(err error) { f.arm(crashesAfter, err) }

func (f *Faults) arm(what fate, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fate, f.err = what, err
}

// BeforeCommit arms: do runs at the start of the next Commit, once, and may use
// the store as somebody would who was faster.
func (f *Faults) BeforeCommit(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = do
}

// Crash ends the store: every call fails with err, and Restart goes on.
func (f *Faults) Crash(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = err
}

// Crashed reports whether the store has crashed.
func (f *Faults) Crashed() bool { return f.crashed() != nil }

// Free sets how many bytes of disk are free; at first there are plenty.
func (f *Faults) Free(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full, f.free = true, bytes
}

// Clear disarms what is armed and frees the disk. It does not undo a crash.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.fate, f.err, f.full = nil, durable, nil, false
}

func (f *Faults) crashed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

func (f *Faults) freeBytes() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.full {
		return 1 << 40, nil
	}
	return f.free, nil
}

func (f *Faults) takeBefore() func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	do := f.before
	f.before = nil
	return do
}

// strike takes what is armed. A crash takes effect at once, apart from the
// commit that it comes after.
func (f *Faults) strike() (fate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what, err := f.fate, f.err
	f.fate, f.err = durable, nil
	switch what {
	case crashesFirst, crashesAfter:
		f.dead = err
	case fails, unreported, lost:
		err = fmt.Errorf("commit: %w", err)
	}
	return what, err
}
