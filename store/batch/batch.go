package batch

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/note"
)

const (
	// maxBehind is how far the clock may be behind the last event before releases
	// stop.
	maxBehind = time.Minute
	// minFree is how much disk must be free for a release: its outcome has to
	// find room too.
	minFree = 64 << 20
	// maxAge is how long a written leaf may wait for its commit and still carry
	// the time at which it was written.
	maxAge = time.Second
)

// A Tip is the whole state that the next batch starts from, apart from the
// heads.
type Tip struct {
	Edge       ledger.Edge
	Checkpoint ledger.Checkpoint
	Last       time.Time // of the last event
	Directory  *countersign.Directory
}

// Before is how requests and entities stood before the batch.
type Before interface {
	Head(id countersign.RequestID) (Head, bool)
	// Holder is the request that holds the open key, settled or not.
	Holder(openKey string) (countersign.RequestID, bool)
}

// A Batch is one commit in the making. Its exported fields are what there is to
// keep, and are only read.
type Batch struct {
	// Records are the new leaves, the first of index Tip.Edge.Size().
	Records []Record
	// Heads are where each touched request and entity stands afterwards.
	Heads map[countersign.RequestID]Head
	// New are the new requests and entities, in the order of their first leaves.
	New []New
	// Freed are open keys that their settled holder loses.
	Freed []string

	before  Before
	tip     Tip
	now     time.Time
	free    func() (int64, error)
	holders map[string]countersign.RequestID
	hashes  []ledger.Hash // of the leaves, once they are in the tree
}

// A Record is one new leaf. Before is the index of the leaf before it of the
// same subject, -1 for the first.
type Record struct {
	Index, Before int64
	Leaf          []byte
	Hash          ledger.Hash
	Draft         *Draft
	Event         int // which of the draft's
}

// New is a new request, or a new entity, which has no row.
type New struct {
	ID  countersign.RequestID
	Row *store.Row
	// OpenKey is the open key that it still holds at the end of the batch.
	OpenKey string
	Created time.Time
	Draft   *Draft
}

// Begin starts a batch at the time now. free tells how many bytes of disk are
// free; it is asked only before a release. A tip whose edge does not fold to its
// checkpoint is refused: nothing may be signed on top of it.
func Begin(tip Tip, before Before, now time.Time, free func() (int64, error)) (*Batch, error) {
	if tip.Edge.Size() != tip.Checkpoint.Size || tip.Edge.Root() != tip.Checkpoint.Root {
		return nil, fmt.Errorf("the right edge of the tree, %d leaves with root %v, is not what was signed last, %d with root %v; stop and check the record",
			tip.Edge.Size(), tip.Edge.Root(), tip.Checkpoint.Size, tip.Checkpoint.Root)
	}
	return &Batch{
		Heads: map[countersign.RequestID]Head{}, before: before, tip: tip, now: now, free: free,
		holders: map[string]countersign.RequestID{},
	}, nil
}

// Add takes one change in, or refuses it and is as it was before. Finish completes
// what it returns.
func (b *Batch) Add(d *Draft) (store.Committed, error) {
	id := d.Subject()
	head, exists := b.head(id)
	if want := d.Change.Events[0].Version; head.Version+1 != want {
		return store.Committed{}, fmt.Errorf("%s has version %d, the change was made for version %d: %w", id, head.Version, want-1, store.ErrConflict)
	}
	if seen := d.Change.Directory; seen != 0 && seen != b.tip.Directory.Version {
		return store.Committed{}, fmt.Errorf("the directory is at version %d, the change was decided on version %d: %w", b.tip.Directory.Version, seen, store.ErrConflict)
	}
	if err := b.checkOpenKey(d); err != nil {
		return store.Committed{}, err
	}
	at, err := b.time(d)
	if err != nil {
		return store.Committed{}, err
	}
	dir, err := b.fold(d, head.State, at)
	if err != nil {
		return store.Committed{}, err
	}
	if err := d.Write(at, head); err != nil {
		return store.Committed{}, err
	}
	first := b.append(d, head, exists)
	b.tip.Last, b.tip.Directory = at, dir
	return store.Committed{First: first, At: at, Entries: d.entries(first)}, nil
}

func (b *Batch) head(id countersign.RequestID) (Head, bool) {
	if h, ok := b.Heads[id]; ok {
		return h, true
	}
	return b.before.Head(id)
}

func (b *Batch) checkOpenKey(d *Draft) error {
	key := d.openKey()
	if key == "" {
		return nil
	}
	holder, ok := b.holders[key]
	if !ok {
		holder, ok = b.before.Holder(key)
	}
	if !ok {
		return nil
	}
	if h, ok := b.head(holder); ok && (!h.State.Settled() || holder != d.Change.Row.After) {
		return &store.OpenError{Holder: holder}
	}
	return nil
}

// time is when the change is recorded: now, or when its leaves were written if
// that is as good, and never before the last event.
func (b *Batch) time(d *Draft) (time.Time, error) {
	now := b.now.UTC().Truncate(time.Millisecond)
	behind := b.tip.Last.Sub(now)
	if behind > 0 {
		now = b.tip.Last
	}
	if late := d.Change.NotAfter; !late.IsZero() && now.After(late) {
		return now, fmt.Errorf("%s of %s at %s, which had to be by %s: %w", d.Change.Events[0].Kind, d.Subject(),
			now.Format(time.RFC3339Nano), late.UTC().Format(time.RFC3339Nano), store.ErrLate)
	}
	early := d.Change.NotBefore
	if now.Before(early) {
		return now, fmt.Errorf("%s of %s at %s, before %s: %w", d.Change.Events[0].Kind, d.Subject(),
			now.Format(time.RFC3339Nano), early.UTC().Format(time.RFC3339Nano), store.ErrConflict)
	}
	if d.releases() {
		if behind > maxBehind {
			return now, fmt.Errorf("release %s: %s behind: %w", d.Subject(), behind, store.ErrClock)
		}
		if free, err := b.free(); err != nil {
			return now, fmt.Errorf("release %s: how much disk is free: %w", d.Subject(), err)
		} else if free < minFree {
			return now, fmt.Errorf("release %s: %w", d.Subject(), store.ErrSpace)
		}
	}
	if d.leaves != nil && !d.at.Before(b.tip.Last) && !d.at.Before(early) && !d.at.After(now) && now.Sub(d.at) < maxAge {
		return d.at, nil
	}
	return now, nil
}

// fold checks the moves of a request, or takes an entity's events into the
// directory, so that nothing is recorded that cannot be read back.
func (b *Batch) fold(d *Draft, from countersign.State, at time.Time) (*countersign.Directory, error) {
	dir := b.tip.Directory
	if d.entity == nil {
		for _, e := range d.Change.Events {
			if err := countersign.CheckMove(countersign.Move{From: from, Kind: e.Kind, To: e.State}); err != nil {
				return nil, fmt.Errorf("%s: %w", e.Request, err)
			}
			from = e.State
		}
		return dir, nil
	}
	for _, e := range d.entity {
		// The clock went back after it was drawn up: it is drawn up again.
		if begins := countersign.Begins(e.Body); begins.After(at.Add(maxBehind)) {
			return nil, fmt.Errorf("%s begins at %s and is recorded at %s: %w", d.Subject(), begins.Format(time.RFC3339Nano), at.Format(time.RFC3339Nano), store.ErrConflict)
		}
		e.At = at
		next, err := dir.With(e)
		if err != nil {
			return nil, err
		}
		dir = next
	}
	return dir, nil
}

func (b *Batch) append(d *Draft, head Head, exists bool) int64 {
	id, first := d.Subject(), b.tip.Edge.Size()+int64(len(b.Records))
	before := head.Last
	if !exists {
		before = -1
		head.First, head.Command = first, d.command
		b.takeKey(d.openKey(), id)
		b.New = append(b.New, New{ID: id, Row: d.Change.Row, OpenKey: d.openKey(), Created: d.at, Draft: d})
	}
	for i, l := range d.leaves {
		index := first + int64(i)
		b.Records = append(b.Records, Record{Index: index, Before: before, Leaf: l.bytes, Hash: l.hash, Draft: d, Event: i})
		before = index
	}
	last := d.Change.Events[len(d.Change.Events)-1]
	head.Last, head.Hash = before, d.leaves[len(d.leaves)-1].hash
	head.Version, head.State, head.At = last.Version, last.State, d.at
	b.Heads[id] = head
	return first
}

// takeKey gives the open key to the request. Whoever held it is settled.
func (b *Batch) takeKey(key string, id countersign.RequestID) {
	if key == "" {
		return
	}
	if last, ok := b.holders[key]; ok {
		i := slices.IndexFunc(b.New, func(n New) bool { return n.ID == last })
		b.New[i].OpenKey = ""
	} else if _, held := b.before.Holder(key); held {
		b.Freed = append(b.Freed, key)
	}
	b.holders[key] = id
}

// Grow appends the leaves to the tree. It returns the tip after the batch, still
// to be signed, and the tiles that became full.
func (b *Batch) Grow() (Tip, []ledger.Tile) {
	b.hashes = make([]ledger.Hash, len(b.Records))
	for i, r := range b.Records {
		b.hashes[i] = r.Hash
	}
	next := b.tip
	edge, full := b.tip.Edge.Append(b.hashes)
	next.Edge, next.Checkpoint = edge, ledger.Checkpoint{}
	return next, full
}

// Finish fills in what Add could not know: the checkpoint, and the proof of a release.
func (b *Batch) Finish(c *store.Committed, d *Draft, cp ledger.Checkpoint) {
	c.Checkpoint = cp
	if d.releases() {
		last := c.Entries[len(c.Entries)-1].Index
		c.Proof = b.tip.Edge.ProveAppended(b.hashes, int(last-b.tip.Edge.Size()))
	}
}

// Signed returns the tip with the checkpoint of its edge. Without a signer the
// checkpoint has no note.
func (t Tip) Signed(origin string, s note.Signer) (Tip, error) {
	if s == nil {
		t.Checkpoint = ledger.Checkpoint{Origin: origin, Size: t.Edge.Size(), Root: t.Edge.Root()}
		return t, nil
	}
	cp, err := ledger.SignCheckpoint(origin, t.Edge, s)
	if err != nil {
		return Tip{}, err
	}
	t.Checkpoint = cp
	return t, nil
}

// Touched are the ids of what the batch changes, in no order.
func (b *Batch) Touched() []countersign.RequestID {
	ids := make([]countersign.RequestID, 0, len(b.Heads))
	for id := range b.Heads {
		ids = append(ids, id)
	}
	return ids
}

// FoldDirectory returns the directory that the events of entities make.
func FoldDirectory(entries []ledger.Entry) (*countersign.Directory, error) {
	slices.SortFunc(entries, func(a, b ledger.Entry) int { return cmp.Compare(a.Index, b.Index) })
	events := make([]countersign.Event, 0, len(entries))
	for _, entry := range entries {
		e, err := entry.Event()
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return countersign.FoldDirectory(events)
}
