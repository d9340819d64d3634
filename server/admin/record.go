package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/store"
)

// RecordType is the content type of the record: JSON, an object a line, first a
// Head and then a Line for each leaf.
const RecordType = "application/x-ndjson"

// A Head is the signed head that the lines are audited up to.
type Head struct {
	Checkpoint []byte `json:"checkpoint"`
}

// A Line is one leaf with what can be opened of it.
type Line struct {
	Index int64             `json:"index,string"`
	Leaf  []byte            `json:"leaf"`
	Open  ledger.Disclosure `json:"open"`
	// Error ends the record: it could not be read further.
	Error string `json:"error,omitempty"`
}

// record sends the whole record.
func (a *admin) record(w http.ResponseWriter, r *http.Request) {
	head, err := a.store.Head(r.Context())
	if err != nil {
		problem.Write(w, &countersign.Error{Code: countersign.CodeUnavailable, Detail: "the record cannot be read"}, "")
		return
	}
	w.Header().Set("Content-Type", RecordType)
	e := json.NewEncoder(w)
	e.Encode(Head{head.Note}) // an error here and below is a caller who is gone
	for entry, err := range Entries(r.Context(), a.store, head.Size) {
		if err != nil {
			e.Encode(Line{Error: err.Error()})
			return
		}
		if e.Encode(Line{Index: entry.Index, Leaf: entry.Leaf, Open: entry.Open}) != nil {
			return
		}
	}
}

// Entries reads the first size leaves of the store, each with what can be opened
// of it.
func Entries(ctx context.Context, s store.Store, size int64) iter.Seq2[ledger.Entry, error] {
	const page = 256
	return func(yield func(ledger.Entry, error) bool) {
		for from := int64(0); from < size; from += page {
			leaves, err := s.Leaves(ctx, from, min(from+page, size))
			if err != nil {
				yield(ledger.Entry{}, err)
				return
			}
			for i, leaf := range leaves {
				index := from + int64(i)
				open, err := s.Vault().Open(ctx, index)
				if err != nil {
					err = fmt.Errorf("open leaf %d: %w", index, err)
				}
				if !yield(ledger.Entry{Index: index, Leaf: leaf, Open: open}, err) || err != nil {
					return
				}
			}
		}
	}
}

// ReadRecord reads what record sent: the checkpoint, and the entries one by one
// as they are asked for.
func ReadRecord(body io.Reader) (checkpoint []byte, entries iter.Seq2[ledger.Entry, error], err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var head Head
	if err := d.Decode(&head); err != nil {
		return nil, nil, fmt.Errorf("read the record: %w", err)
	}
	return head.Checkpoint, func(yield func(ledger.Entry, error) bool) {
		for d.More() {
			var l Line
			err := d.Decode(&l)
			if err == nil && l.Error != "" {
				err = fmt.Errorf("the server could not go on: %s", l.Error)
			}
			if !yield(ledger.Entry{Index: l.Index, Leaf: l.Leaf, Open: l.Open}, err) || err != nil {
				return
			}
		}
	}, nil
}
