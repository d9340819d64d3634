package sqlite

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store/batch"
)

// before is how things stood, as far as a batch will ask.
type before struct {
	heads   map[countersign.RequestID]batch.Head
	holders map[string]countersign.RequestID
}

func (b before) Head(id countersign.RequestID) (batch.Head, bool) {
	h, ok := b.heads[id]
	return h, ok
}

func (b before) Holder(openKey string) (countersign.RequestID, bool) {
	id, ok := b.holders[openKey]
	return id, ok
}

// look reads the heads that the changes are checked against. That no request
// has a new one's id, and that nobody holds the open key it asks for, is first
// taken for granted: the unique indexes find out, and then the group is looked
// at again with care.
func (w *writer) look(ctx context.Context, g *group, changes []*op) (before, error) {
	b := before{map[countersign.RequestID]batch.Head{}, map[string]countersign.RequestID{}}
	var ids, keys []any
	plain := map[string]string{} // open keys by what stands for them at rest
	for _, o := range changes {
		d := o.change.draft
		if h, ok := w.s.heads.get(d.Subject()); ok {
			b.heads[d.Subject()] = h
		} else if d.Change.Row == nil || g.careful {
			ids = append(ids, string(d.Subject()))
		}
		if o.change.openKey != nil && g.careful {
			keys = append(keys, o.change.openKey)
			plain[string(o.change.openKey)] = d.Change.Row.OpenKey
		}
	}
	if err := w.readHeads(ctx, b, "id", ids, plain); err != nil {
		return b, err
	}
	return b, w.readHeads(ctx, b, "open_key", keys, plain)
}

// readHeads reads the heads of the subjects whose column is one of the values.
// What a head says is taken from the last leaf, not from the row.
func (w *writer) readHeads(ctx context.Context, b before, column string, values []any, plain map[string]string) error {
	for len(values) > 0 {
		n := min(64, 1<<(bits.Len(uint(len(values)))-1))
		if err := w.readSome(ctx, b, column, values[:n], plain); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

func (w *writer) readSome(ctx context.Context, b before, column string, values []any, plain map[string]string) error {
	st, err := w.prepared(ctx, w.text(many{
		"SELECT s.first, s.last, s.open_key, l.leaf FROM subjects s JOIN leaves l ON l.idx = s.last WHERE s." + column + " IN ", len(values), "",
	}, 1))
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h batch.Head
		var openKey, leaf []byte
		if err := rows.Scan(&h.First, &h.Last, &openKey, &leaf); err != nil {
			return err
		}
		said, err := ledger.ParseLeaf(leaf)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", h.Last, err)
		}
		h.Hash, h.Command = ledger.LeafHash(leaf), said.Command
		h.Version, h.State = said.Event.Version, said.Event.State
		b.heads[said.Event.Request] = h
		if key, asked := plain[string(openKey)]; asked {
			b.holders[key] = said.Event.Request
		}
	}
	return rows.Err()
}
