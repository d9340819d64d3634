package gate_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"github.com/countersignhq/countersign/store"
)

// judge ends the history: the auditor finds nothing, nothing acknowledged is
// missing, and the upstream ran each request at most once and none unreleased.
func (h *history) judge() error {
	ctx := context.Background()
	head, err := h.store.Head(ctx)
	if err != nil {
		return err
	}
	report, err := audit.Run(ctx, audit.Source{Trust: h.trust, Checkpoint: head.Note, Entries: h.entries})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if len(report.Violations) > 0 {
		return fmt.Errorf("audit: %s", report.Violations[0])
	}
	blind, err := audit.Run(ctx, audit.Source{Trust: h.trust, Checkpoint: head.Note, Entries: h.leaves})
	if err != nil || len(blind.Violations) > 0 || blind.Released != report.Released || int64(blind.Sealed) != head.Size {
		return fmt.Errorf("an audit of the leaves alone: %v, %+v; want nothing found, and %d released", err, blind, report.Released)
	}
	if len(report.Running) > 0 {
		return fmt.Errorf("%s is still running when all is over", report.Running[0])
	}
	if err := h.nothingMissing(head.Size); err != nil {
		return err
	}
	if err := h.signaturesHold(head); err != nil {
		return err
	}
	return h.countsMatch()
}

// signaturesHold verifies the receipt of every request that a passkey decided.
func (h *history) signaturesHold(head ledger.Checkpoint) error {
	ctx := context.Background()
	for _, id := range slices.Compact(slices.Sorted(slices.Values(h.requests))) {
		entries, err := h.store.Events(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(entries, signed) {
			continue
		}
		made, err := receipt.Of(ctx, entries, h.store.Events, h.store.Tile, head)
		if err != nil {
			return fmt.Errorf("receipt of %s: %w", id, err)
		}
		b, err := made.Marshal()
		if err != nil {
			return err
		}
		if report := receipt.Verify(b, h.trust); !report.Holds {
			return fmt.Errorf("the receipt of %s does not hold: %+v", id, report.Steps)
		}
		h.did["receipt with a signature"]++
	}
	return nil
}

// signed says whether a passkey signed the decision that the entry records.
func signed(e ledger.Entry) bool {
	said, err := ledger.ParseLeaf(e.Leaf)
	return err != nil || said.Event.Kind == countersign.KindDecided && said.Event.Public.Assurance == countersign.Passkey
}

func (h *history) nothingMissing(size int64) error {
	leaves, err := h.store.Leaves(context.Background(), 0, size)
	if err != nil {
		return err
	}
	var edge ledger.Edge
	roots := []ledger.Hash{edge.Root()}
	for _, leaf := range leaves {
		edge, _ = edge.Append([]ledger.Hash{ledger.LeafHash(leaf)})
		roots = append(roots, edge.Root())
	}
	for _, told := range h.witness.told {
		if told.Checkpoint.Size > size || roots[told.Checkpoint.Size] != told.Checkpoint.Root {
			return fmt.Errorf("a checkpoint of size %d that was given out is not of this log", told.Checkpoint.Size)
		}
		for _, e := range told.Entries {
			if e.Index >= size || string(leaves[e.Index]) != string(e.Leaf) {
				return fmt.Errorf("leaf %d was acknowledged and is missing", e.Index)
			}
		}
	}
	return nil
}

func (h *history) countsMatch() error {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(h.requests))) {
		r, err := h.gate.Get(context.Background(), id)
		if err != nil {
			return err
		}
		ran, released := h.upstream.count(id), h.recorded(id, countersign.KindReleased)
		switch {
		case ran > 1:
			return fmt.Errorf("%s ran %d times", id, ran)
		case ran > released:
			return fmt.Errorf("%s ran and was never released", id)
		case ran == 0 && r.Execution == countersign.ExecutionSucceeded && !resolved(r):
			return fmt.Errorf("%s is said to have succeeded and never ran", id)
		case r.Execution == countersign.ExecutionRunning:
			return fmt.Errorf("%s is still running when all is over", id)
		}
	}
	return nil
}

func resolved(r countersign.Request) bool { return r.ResolvedBy != nil }

// tally counts what the histories did, so that a simulation that tries nothing
// cannot pass.
type tally struct {
	mu                  sync.Mutex
	did                 map[string]int
	histories, ran, lvs int
}

func (t *tally) add(h *history) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.did == nil {
		t.did = map[string]int{}
	}
	for what, n := range h.did {
		t.did[what] += n
	}
	t.histories++
	t.ran += len(h.upstream.ran)
	t.lvs += len(h.witness.told)
}

// String implements fmt.Stringer.
func (t *tally) String() string {
	return fmt.Sprintf("%d histories, %d commands run, %d commits; %v", t.histories, t.ran, t.lvs, t.did)
}

func (t *tally) mustHaveTried(tb testing.TB) {
	for _, what := range []string{
		"submit gate.Done", "submit gate.Pending", "submit gate.Refused", "submit gate.Unknown",
		"wait gate.Done", "wait gate.Pending", "wait gate.Refused", "wait gate.Unknown",
		"decide ok", "decide self_approval", "decide not_a_reviewer", "decide already_settled", "decide view_changed",
		"decide assurance_too_low", "sign ok", "receipt with a signature", "sign passkey_invalid", "ceremony passkey_invalid", "decide already_decided", "decide digest_mismatch",
		"stint ok", "away ok", "decide in another's seat", "decide on duty",
		"restart", "race", "fail commit", "lose answer", "crash before commit", "crash after commit",
	} {
		if t.did[what] == 0 {
			tb.Errorf("no history had %q: the simulation does not try it", what)
		}
	}
}

// entries is the log as the auditor reads it.
func (h *history) entries(ctx context.Context) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for e, err := range h.leaves(ctx) {
			if err == nil {
				e.Open, err = h.store.Vault().Open(ctx, e.Index)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// leaves is the log as somebody reads it who may open nothing.
func (h *history) leaves(ctx context.Context) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		head, err := h.store.Head(ctx)
		if err != nil {
			yield(ledger.Entry{}, err)
			return
		}
		leaves, err := h.store.Leaves(ctx, 0, head.Size)
		if err != nil {
			yield(ledger.Entry{}, err)
			return
		}
		for i, leaf := range leaves {
			if !yield(ledger.Entry{Index: int64(i), Leaf: leaf}, nil) {
				return
			}
		}
	}
}
