package memory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
)

// data is what survives a restart.
type data struct {
	tip      batch.Tip
	leaves   []record
	tiles    map[tileKey][]byte
	subjects map[countersign.RequestID]*subject
	order    []countersign.RequestID          // of requests, by their first leaf
	holders  map[string]countersign.RequestID // by open key
	jobs     map[jobKey]*job
	kept     map[string]store.Entry
	leases   int
}

type record struct {
	before int64
	leaf   []byte
	open   ledger.Disclosure
}

type tileKey struct {
	level int
	n     int64
}

type jobKey struct{ kind, key string }

type job struct {
	store.Job
	until time.Time
	// replaced is the lease of the job that this one replaced; until is its end.
	replaced string
}

type subject struct {
	head    batch.Head
	row     *store.Row
	created time.Time
	// folded is the request as of some version, brought up to date by reads.
	folded countersign.Request
}

func newData(tip batch.Tip) *data {
	return &data{
		tip: tip, tiles: map[tileKey][]byte{}, subjects: map[countersign.RequestID]*subject{},
		holders: map[string]countersign.RequestID{}, jobs: map[jobKey]*job{}, kept: map[string]store.Entry{},
	}
}

// Head implements batch.Before.
func (d *data) Head(id countersign.RequestID) (batch.Head, bool) {
	s, ok := d.subjects[id]
	if !ok {
		return batch.Head{}, false
	}
	return s.head, true
}

// Holder implements batch.Before.
func (d *data) Holder(openKey string) (countersign.RequestID, bool) {
	id, ok := d.holders[openKey]
	return id, ok
}

// keep takes in what a batch of one change came to.
func (d *data) keep(b *batch.Batch, draft *batch.Draft, tiles []ledger.Tile, next batch.Tip) {
	for _, r := range b.Records {
		d.leaves = append(d.leaves, record{r.Before, slices.Clone(r.Leaf), draft.Open[r.Event]})
	}
	for _, t := range tiles {
		d.tiles[tileKey{t.Level, t.N}] = t.Hashes
	}
	for _, n := range b.New {
		d.subjects[n.ID] = &subject{row: n.Row, created: n.Created}
		if n.Row != nil {
			d.order = append(d.order, n.ID)
		}
		if n.OpenKey != "" {
			d.holders[n.OpenKey] = n.ID
		}
	}
	for id, head := range b.Heads {
		d.subjects[id].head = head
	}
	for _, j := range draft.Change.Jobs {
		made := newJob(j)
		if old, ok := d.jobs[jobKey{j.Kind, j.Key}]; ok {
			made.until, made.replaced = old.until, cmp.Or(old.Lease, old.replaced)
		}
		d.jobs[jobKey{j.Kind, j.Key}] = made
	}
	for _, e := range draft.Change.Keep {
		d.put(e)
	}
	d.tip = next
}

func newJob(j store.Job) *job {
	return &job{Job: store.Job{Kind: j.Kind, Key: j.Key, Due: j.Due, Body: slices.Clone(j.Body)}}
}

// leased returns the job that the claim is of. If another has replaced it, that
// one is free from now on.
func (d *data) leased(claim store.Job) (*job, error) {
	j, ok := d.jobs[jobKey{claim.Kind, claim.Key}]
	switch {
	case ok && claim.Lease != "" && j.Lease == claim.Lease:
		return j, nil
	case ok && claim.Lease != "" && j.replaced == claim.Lease:
		j.until, j.replaced = time.Time{}, ""
	}
	return nil, fmt.Errorf("job %s of %s was claimed by another, or replaced: %w", claim.Kind, claim.Key, store.ErrConflict)
}

func (d *data) put(e store.Entry) {
	e.Value = slices.Clone(e.Value)
	d.kept[e.Key] = e
}

// entries are the events of the subject above the version, in order.
func (d *data) entries(id countersign.RequestID, above uint64) ([]ledger.Entry, error) {
	s, ok := d.subjects[id]
	if !ok {
		return nil, fmt.Errorf("%s: %w", id, store.ErrNotFound)
	}
	list := make([]ledger.Entry, s.head.Version-above)
	at := s.head.Last
	for i := range slices.Backward(list) {
		r := d.leaves[at]
		list[i] = ledger.Entry{Index: at, Leaf: slices.Clone(r.leaf), Open: r.open}
		at = r.before
	}
	return list, nil
}

// request returns the request as it stands. What Apply may write to is a copy.
func (d *data) request(id countersign.RequestID) (countersign.Request, error) {
	if id.IsEntity() {
		return countersign.Request{}, fmt.Errorf("request %s: %w", id, store.ErrNotFound)
	}
	s, ok := d.subjects[id]
	if !ok {
		return countersign.Request{}, fmt.Errorf("request %s: %w", id, store.ErrNotFound)
	}
	news, err := d.entries(id, s.folded.Version)
	if err != nil {
		return countersign.Request{}, err
	}
	for _, entry := range news {
		e, err := entry.Event()
		if err != nil {
			return countersign.Request{}, err
		}
		if err := s.folded.Apply(e); err != nil {
			return countersign.Request{}, err
		}
	}
	r := s.folded
	r.Decisions, r.Refusals = slices.Clone(r.Decisions), slices.Clone(r.Refusals)
	return r, nil
}
