package receipt

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// EventsFunc reads the entries of one request or entity, in the order of versions.
type EventsFunc func(context.Context, countersign.RequestID) ([]ledger.Entry, error)

// Of makes the receipt of a request from a log. The events are those that
// its holder may see: whatever opening is nil stays sealed. The enrolments of the
// passkeys whose signatures are among them are read by more, which shows their
// contexts. The checkpoint covers the events: read it after them.
func Of(ctx context.Context, events []ledger.Entry, more EventsFunc, read ledger.TileFunc, cp ledger.Checkpoint) (Receipt, error) {
	var enrolments []ledger.Entry
	ids, err := signersOf(events)
	if err != nil {
		return Receipt{}, err
	}
	for _, id := range ids {
		entries, err := more(ctx, id)
		if err != nil {
			return Receipt{}, fmt.Errorf("read the enrolment %s: %w", id, err)
		}
		for _, e := range entries {
			if e.Index < cp.Size {
				enrolments = append(enrolments, ledger.Entry{Index: e.Index, Leaf: e.Leaf, Open: ledger.Disclosure{Context: e.Open.Context}})
			}
		}
	}
	slices.SortFunc(enrolments, func(a, b ledger.Entry) int { return cmp.Compare(a.Index, b.Index) })
	proven, err := prove(ctx, read, cp, events)
	if err != nil {
		return Receipt{}, err
	}
	provenEnrolments, err := prove(ctx, read, cp, enrolments)
	if err != nil {
		return Receipt{}, err
	}
	return Build(proven, provenEnrolments, cp)
}

func prove(ctx context.Context, read ledger.TileFunc, cp ledger.Checkpoint, entries []ledger.Entry) (Leaves, error) {
	l := Leaves{Entries: entries}
	for _, e := range entries {
		p, err := ledger.Prove(ctx, read, cp, e.Index)
		if err != nil {
			return Leaves{}, err
		}
		l.Proofs = append(l.Proofs, p)
	}
	return l, nil
}

// signersOf returns the ids, each once, of the credentials whose signatures over
// decisions that counted are disclosed.
func signersOf(entries []ledger.Entry) ([]countersign.RequestID, error) {
	var ids []countersign.RequestID
	for _, entry := range entries {
		st, err := ledger.ParseLeaf(entry.Leaf)
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", entry.Index, err)
		}
		if k := st.Event.Kind; k != countersign.KindDecided && k != countersign.KindEscalated {
			continue
		}
		e, err := st.Open(entry.Open)
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", entry.Index, err)
		}
		if a := e.Who.Assertion; a != nil {
			ids = append(ids, countersign.CredentialID(a.Credential))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// checkEnrolments returns an error unless the enrolments are proven and are those
// of the passkeys that signed, and no others.
func checkEnrolments(events []ledger.Entry, enrolments Leaves, cp ledger.Checkpoint) error {
	want, err := signersOf(events)
	if err != nil {
		return err
	}
	if len(enrolments.Entries) != len(enrolments.Proofs) {
		return fmt.Errorf("%d enrolments with %d proofs", len(enrolments.Entries), len(enrolments.Proofs))
	}
	var got []countersign.RequestID
	for i, e := range enrolments.Entries {
		st, err := ledger.ParseLeaf(e.Leaf)
		if err == nil {
			err = enrolling(st)
		}
		if err == nil {
			_, err = st.Open(e.Open)
		}
		if err != nil {
			return fmt.Errorf("leaf %d: %w", e.Index, err)
		}
		if err := ledger.CheckProof(cp, e.Index, ledger.LeafHash(e.Leaf), enrolments.Proofs[i]); err != nil {
			return err
		}
		got = append(got, st.Event.Request)
	}
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		return fmt.Errorf("the enrolments are of %v, and the decisions signed by %v", got, want)
	}
	return nil
}
