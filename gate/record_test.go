package gate_test

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/ledger"
)

// TestT11TheAuditorFindsAChangedLog changes the log of a whole request in the
// ways in which somebody with the database could, and expects the auditor to
// take none of them for the log that was signed.
func TestT11TheAuditorFindsAChangedLog(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{"path":"/a"}`)
	w.approve("bob", r.ID)
	w.run(r.ID)
	head, err := w.store.Head(t.Context())
	must(t, err)
	h := &history{world: w}
	var whole []ledger.Entry
	for e, err := range h.entries(t.Context()) {
		must(t, err)
		whole = append(whole, e)
	}
	run := func(entries []ledger.Entry) (audit.Report, error) {
		return audit.Run(t.Context(), audit.Source{Trust: w.trust, Checkpoint: head.Note,
			Entries: func(context.Context) iter.Seq2[ledger.Entry, error] {
				return func(yield func(ledger.Entry, error) bool) {
					for _, e := range entries {
						if !yield(e, nil) {
							return
						}
					}
				}
			}})
	}
	report, err := run(whole)
	must(t, err)
	if !report.Holds() || report.Requests != 1 || report.Released != 1 {
		t.Fatalf("got %+v of the log as it is, want one request released and nothing against it", report)
	}

	last := len(whole) - 1
	for name, change := range map[string]func([]ledger.Entry) []ledger.Entry{
		"a leaf is missing":      func(e []ledger.Entry) []ledger.Entry { return slices.Delete(e, 3, 4) },
		"the end is cut":         func(e []ledger.Entry) []ledger.Entry { return e[:last] },
		"two leaves are swapped": func(e []ledger.Entry) []ledger.Entry { e[1].Leaf, e[2].Leaf = e[2].Leaf, e[1].Leaf; return e },
		"one byte of a leaf": func(e []ledger.Entry) []ledger.Entry {
			e[last].Leaf = bytes.Replace(e[last].Leaf, []byte("succeeded"), []byte("failed"), 1)
			return e
		},
	} {
		if _, err := run(change(slices.Clone(whole))); err == nil {
			t.Errorf("%s: the auditor took it for the signed log", name)
		}
	}

	lied := slices.Clone(whole)
	who := *lied[last].Open.Who
	who.Value = bytes.Replace(slices.Clone(who.Value), []byte("gateway"), []byte("operator"), 1)
	lied[last].Open.Who = &who
	if report, err := run(lied); err == nil && report.Holds() {
		t.Error("an actor that was changed in the vault went unnoticed")
	}
	lied[last].Open.Who = nil
	if report, err := run(lied); err != nil || report.Holds() || report.Sealed != 1 {
		t.Errorf("got %+v, %v; want what cannot be opened counted and not taken to hold", report, err)
	}
}
