package api

import (
	"fmt"
	"mime"
	"net/http"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/wire"
)

// receipt answers the proof of the request, as it stands now.
func (a *api) receipt(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	found, d, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	entries, err := a.store.Events(r.Context(), found.ID)
	if err != nil {
		return fmt.Errorf("read the events of %s: %w", found.ID, err)
	}
	// The head is read after the events, so it covers all of them.
	head, err := a.store.Head(r.Context())
	if err != nil {
		return fmt.Errorf("read the head of the log: %w", err)
	}
	if c.Kind != countersign.KindAgent && !found.RevealedTo(c.ID) && brief.Build(found, d).Digest() != brief.Reveal(found, d).Digest() {
		if err := withhold(entries, found.Command); err != nil {
			return err
		}
	}
	made, err := receipt.Of(r.Context(), entries, a.store.Events, a.store.Tile, head)
	if err != nil {
		return fmt.Errorf("make the receipt of %s: %w", found.ID, err)
	}
	b, err := made.Marshal()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": string(found.ID) + ".receipt.json"}))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(b); err != nil {
		return rest.ErrGone
	}
	return nil
}

// withhold keeps from a receipt what may hold a secret that its holder has not
// revealed: the command, what its asker and its upstream said, and whatever else
// says the secret again, such as the reason of a decision. That they are there,
// and have not changed, still shows.
func withhold(entries []ledger.Entry, c countersign.Command) error {
	entries[0].Open.Command = nil
	for i, e := range entries {
		if e.Open.Context == nil {
			continue
		}
		said, err := ledger.ParseLeaf(e.Leaf)
		if err != nil {
			return err
		}
		outside := []countersign.EventKind{countersign.KindRequested, countersign.KindCompleted, countersign.KindResolved}
		if slices.Contains(outside, said.Event.Kind) || wire.Says(e.Open.Context.Value, c) {
			entries[i].Open.Context = nil
		}
	}
	return nil
}
