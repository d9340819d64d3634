// Package batch decides what a group of changes does to the record: which are
// refused and why, what leaves the others become, and what the signed head of
// the log is then. Stores do the keeping; they make a Draft of each change on
// its caller's goroutine and put the drafts of one commit through a Batch.
package batch

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/pack"
)

// A Head is where a request or an entity stands: what the next change is checked
// against. The zero Head is of what is not on record.
type Head struct {
	First, Last int64 // indexes of its first and its last leaf
	Version     uint64
	State       countersign.State
	At          time.Time   // of the last leaf
	Hash        ledger.Hash // of the last leaf
	Command     ledger.Commitment
}

// A Draft is a change made ready for the writer: what can be checked of it alone
// is checked, its blobs are salted and committed to, and its leaves are written
// as they will stand if nothing comes between.
type Draft struct {
	Change store.Change
	// Open are the salted blobs, one Disclosure an event.
	Open    []ledger.Disclosure
	who     []ledger.Commitment
	context []ledger.Commitment
	command ledger.Commitment   // of a new request; zero otherwise
	entity  []countersign.Event // decoded; nil for a request

	at     time.Time
	after  Head
	leaves []leaf
}

type leaf struct {
	bytes  []byte
	hash   ledger.Hash
	packed []byte // once somebody wants it
}

// NewDraft checks the change's form and salts its blobs.
func NewDraft(c store.Change) (*Draft, error) {
	if err := checkForm(c); err != nil {
		return nil, err
	}
	d := &Draft{Change: c}
	for _, e := range c.Events {
		open, err := ledger.Salted(e.Sealed)
		if err != nil {
			return nil, err
		}
		if open.Who == nil || open.Context == nil {
			return nil, fmt.Errorf("%s of %s: who and context must both be there", e.Kind, e.Request)
		}
		d.Open = append(d.Open, open)
		d.who = append(d.who, ledger.Commit(ledger.SlotWho, *open.Who))
		d.context = append(d.context, ledger.Commit(ledger.SlotContext, *open.Context))
	}
	if first := d.Open[0].Command; first != nil {
		d.command = ledger.Commit(ledger.SlotCommand, *first)
	}
	if d.Subject().IsEntity() {
		return d, d.decode()
	}
	return d, nil
}

func checkForm(c store.Change) error {
	if len(c.Events) == 0 {
		return fmt.Errorf("a change without an event records nothing")
	}
	for _, e := range c.Keep {
		if e.Expires.IsZero() {
			return fmt.Errorf("entry %q never ends; set Expires", e.Key)
		}
	}
	first := c.Events[0]
	if first.Version == 0 {
		return fmt.Errorf("%s of %s has version 0; the first is 1", first.Kind, first.Request)
	}
	isNew := first.Version == 1 && !first.Request.IsEntity()
	if (c.Row != nil) != isNew {
		return fmt.Errorf("%s, version %d of %s: a new request comes with a row, and nothing else does", first.Kind, first.Version, first.Request)
	}
	for i, e := range c.Events {
		if e.Request != first.Request || e.Version != first.Version+uint64(i) {
			return fmt.Errorf("version %d of %s does not follow version %d of %s in one change", e.Version, e.Request, first.Version, first.Request)
		}
		if (e.Sealed.Command != nil) != (isNew && i == 0) {
			return fmt.Errorf("%s of %s: the command stands in the first event of a request, and in no other", e.Kind, e.Request)
		}
	}
	return nil
}

// decode reads an entity's events, which go into the directory.
func (d *Draft) decode() error {
	for _, e := range d.Change.Events {
		body, err := countersign.ParseBody(e.Kind, e.Sealed.Context)
		if err != nil {
			return err
		}
		var who countersign.Who
		if err := json.Unmarshal(e.Sealed.Who, &who); err != nil && len(e.Sealed.Who) > 0 {
			return err
		}
		d.entity = append(d.entity, countersign.Event{Request: e.Request, Version: e.Version, Who: who, Body: body})
	}
	return nil
}

// Subject is the request or entity that the change is about.
func (d *Draft) Subject() countersign.RequestID { return d.Change.Events[0].Request }

// openKey is the open key that the change asks for, empty if it asks for none.
func (d *Draft) openKey() string {
	if d.Change.Row == nil {
		return ""
	}
	return d.Change.Row.OpenKey
}

// At is the time that the leaves were last written for.
func (d *Draft) At() time.Time { return d.at }

// Write writes the leaves as they stand if they are recorded at the time (whole
// milliseconds, UTC) and follow the head.
func (d *Draft) Write(at time.Time, after Head) error {
	if d.leaves != nil && d.at.Equal(at) && d.after.Hash == after.Hash && d.after.Command == after.Command {
		return nil
	}
	d.at, d.after, d.leaves = at, after, nil
	prev, command := after.Hash, after.Command
	if d.Change.Row != nil {
		command = d.command
	}
	leaves := make([]leaf, 0, len(d.Change.Events))
	for i, e := range d.Change.Events {
		e.At = at
		b, err := ledger.Leaf(e, prev, command, d.who[i], d.context[i])
		if err != nil {
			return err
		}
		prev = ledger.LeafHash(b)
		leaves = append(leaves, leaf{bytes: b, hash: prev})
	}
	d.leaves = leaves
	return nil
}

// Packed is the leaf of the event, as it was last written, packed by pack.Append.
func (d *Draft) Packed(event int) []byte {
	l := &d.leaves[event]
	if l.packed == nil {
		l.packed = pack.Append(nil, l.bytes)
	}
	return l.packed
}

// entries are the events as recorded from the index on.
func (d *Draft) entries(first int64) []ledger.Entry {
	list := make([]ledger.Entry, len(d.leaves))
	for i, l := range d.leaves {
		list[i] = ledger.Entry{Index: first + int64(i), Leaf: l.bytes, Open: d.Open[i]}
	}
	return list
}

// releases reports whether the change lets a command run.
func (d *Draft) releases() bool {
	return slices.ContainsFunc(d.Change.Events, func(e ledger.Event) bool { return e.Kind == countersign.KindReleased })
}
