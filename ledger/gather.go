package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// EventsFunc reads the entries of one request or entity, in the order of versions.
type EventsFunc func(context.Context, countersign.RequestID) ([]Entry, error)

// ReceiptOf makes the receipt of a request from a log. The events are those that
// its holder may see: whatever opening is nil stays sealed. The enrolments of the
// passkeys whose signatures are among them are read by more, which shows their
// contexts. The checkpoint covers the events: read it after them.
func ReceiptOf(ctx context.Context, events []Entry, more EventsFunc, read TileFunc, cp Checkpoint) (Receipt, error) {
	var enrolments []Entry
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
				enrolments = append(enrolments, Entry{Index: e.Index, Leaf: e.Leaf, Open: Disclosure{Context: e.Open.Context}})
			}
		}
	}
	slices.SortFunc(enrolments, func(a, b Entry) int { return cmp.Compare(a.Index, b.Index) })
	proven, err := prove(ctx, read, cp, events)
	if err != nil {
		return Receipt{}, err
	}
	provenEnrolments, err := prove(ctx, read, cp, enrolments)
	if err != nil {
		return Receipt{}, err
	}
	return BuildReceipt(proven, provenEnrolments, cp)
}

func prove(ctx context.Context, read TileFunc, cp Checkpoint, entries []Entry) (Leaves, error) {
	l := Leaves{Entries: entries}
	for _, e := range entries {
		p, err := Prove(ctx, read, cp, e.Index)
		if err != nil {
			return Leaves{}, err
		}
		l.Proofs = append(l.Proofs, p)
	}
	return l, nil
}

// signersOf returns the ids, each once, of the credentials whose signatures over
// decisions that counted are disclosed.
func signersOf(entries []Entry) ([]countersign.RequestID, error) {
	var ids []countersign.RequestID
	for _, entry := range entries {
		st, err := ParseLeaf(entry.Leaf)
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", entry.Index, err)
		}
		if k := st.Event.Kind; k != countersign.KindDecided && k != countersign.KindEscalated {
			continue
		}
		e, err := st.open(entry.Open)
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
func checkEnrolments(events []Entry, enrolments Leaves, cp Checkpoint) error {
	want, err := signersOf(events)
	if err != nil {
		return err
	}
	if len(enrolments.Entries) != len(enrolments.Proofs) {
		return fmt.Errorf("%d enrolments with %d proofs", len(enrolments.Entries), len(enrolments.Proofs))
	}
	var got []countersign.RequestID
	for i, e := range enrolments.Entries {
		st, err := ParseLeaf(e.Leaf)
		if err == nil {
			err = st.enrolling()
		}
		if err == nil {
			_, err = st.open(e.Open)
		}
		if err != nil {
			return fmt.Errorf("leaf %d: %w", e.Index, err)
		}
		if err := CheckProof(cp, e.Index, LeafHash(e.Leaf), enrolments.Proofs[i]); err != nil {
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
