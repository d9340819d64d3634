package batch_test

import (
	"errors"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
	"github.com/countersignhq/countersign/store/storetest"
)

// before is a batch.Before of maps.
type before struct {
	heads   map[countersign.RequestID]batch.Head
	holders map[string]countersign.RequestID
}

func (b before) Head(id countersign.RequestID) (batch.Head, bool) {
	h, ok := b.heads[id]
	return h, ok
}

func (b before) Holder(key string) (countersign.RequestID, bool) {
	id, ok := b.holders[key]
	return id, ok
}

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func begin(t *testing.T, last, now time.Time, from before) *batch.Batch {
	t.Helper()
	tip, err := batch.Tip{Last: last, Directory: countersign.NewDirectory()}.Signed("batch.example/log", nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := batch.Begin(tip, from, now, func() (int64, error) { return 1 << 40, nil })
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func draft(t *testing.T, c store.Change) *batch.Draft {
	t.Helper()
	d, err := batch.NewDraft(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestALeafWrittenAheadStandsIfItsTimeIsAsGood(t *testing.T) {
	for name, c := range map[string]struct{ last, now, want time.Time }{
		"at once":                   {start.Add(-time.Hour), start, start},
		"a little later":            {start.Add(-time.Hour), start.Add(900 * time.Millisecond), start},
		"much later":                {start.Add(-time.Hour), start.Add(2 * time.Second), start.Add(2 * time.Second)},
		"an event came between":     {start.Add(time.Millisecond), start.Add(2 * time.Millisecond), start.Add(2 * time.Millisecond)},
		"the clock went back":       {start.Add(-time.Hour), start.Add(-time.Second), start.Add(-time.Second)},
		"the record is far ahead":   {start.Add(time.Hour), start, start.Add(time.Hour)},
		"the clock has half a msec": {start.Add(-time.Hour), start.Add(5*time.Second + 500*time.Microsecond), start.Add(5 * time.Second)},
	} {
		d := draft(t, storetest.NewLife("/srv/a").Requested())
		if err := d.Write(start, batch.Head{}); err != nil {
			t.Fatal(err)
		}
		done, err := begin(t, c.last, c.now, before{}).Add(d)
		if err != nil || done.At != c.want {
			t.Errorf("%s: recorded at %s, %v; want %s", name, done.At, err, c.want)
			continue
		}
		if said, err := ledger.ParseLeaf(done.Entries[0].Leaf); err != nil || said.Event.At != c.want {
			t.Errorf("%s: the leaf says %s, %v; want %s", name, said.Event.At, err, c.want)
		}
	}
}

func TestALeafWrittenAheadOnAnotherHeadIsWrittenAgain(t *testing.T) {
	life := storetest.NewLife("/srv/a")
	b := begin(t, start, start, before{})
	if _, err := b.Add(draft(t, life.Requested())); err != nil {
		t.Fatal(err)
	}
	first, second := draft(t, life.Joined()), draft(t, life.Joined())
	if err := second.Write(start, b.Heads[life.ID]); err != nil { // on version 1, and it will be 2
		t.Fatal(err)
	}
	if _, err := b.Add(first); err != nil {
		t.Fatal(err)
	}
	after := b.Heads[life.ID].Hash
	done, err := b.Add(second)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := ledger.ParseLeaf(done.Entries[0].Leaf); err != nil || said.Prev != after {
		t.Errorf("the leaf follows %v, %v; want %v", said.Prev, err, after)
	}
}

func TestAnOpenKeyPassesOnWithinABatch(t *testing.T) {
	old := storetest.NewLife("/srv/old")
	from := before{
		map[countersign.RequestID]batch.Head{old.ID: {Version: 2, State: countersign.State{Decision: countersign.DecisionRejected, Execution: countersign.ExecutionNone}}},
		map[string]countersign.RequestID{"key": old.ID},
	}
	b := begin(t, start, start, from)
	last := old
	for range 3 {
		after := last.ID
		last = storetest.NewLife("/srv/a")
		last.Row.OpenKey, last.Row.After = "key", after
		c := last.Requested()
		c.Events = append(c.Events, last.Rejected().Events...)
		if _, err := b.Add(draft(t, c)); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range b.New {
		if want := map[bool]string{true: "key"}[i == 2]; n.OpenKey != want {
			t.Errorf("request %d keeps key %q, want %q", i, n.OpenKey, want)
		}
	}
	if len(b.Freed) != 1 || b.Freed[0] != "key" {
		t.Errorf("freed %v, want the key of the old one, once", b.Freed)
	}
}

func TestARefusedChangeLeavesNoTrace(t *testing.T) {
	b := begin(t, start, start, before{})
	c := storetest.NewLife("/srv/a").Released()
	c.Events[2].Public.Executor = string(make([]byte, 9<<10))
	if _, err := b.Add(draft(t, c)); err == nil {
		t.Fatal("a leaf of 9 KiB was taken in")
	}
	if _, err := b.Add(draft(t, storetest.PersonChange("per_ada", "ada", 2))); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
	if len(b.Records)+len(b.Heads)+len(b.New) != 0 {
		t.Errorf("got %d records, %d heads, %d new; want none", len(b.Records), len(b.Heads), len(b.New))
	}
	if next, tiles := b.Grow(); next.Edge.Size() != 0 || len(tiles) != 0 || next.Directory.Version != 0 {
		t.Errorf("the tip is of %d leaves and directory %d, want 0", next.Edge.Size(), next.Directory.Version)
	}
}
