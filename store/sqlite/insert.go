package sqlite

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store/batch"
)

// insert writes what the group keeps.
func (w *writer) insert(ctx context.Context, g *group) error {
	for _, step := range []func(context.Context, *group) error{
		w.freeKeys, w.insertSubjects, w.moveSubjects, w.insertKeys, w.insertTiles, w.insertBeside, w.insertLeaves,
	} {
		if err := step(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// insertLeaves writes the leaves, the last with the signed checkpoint.
func (w *writer) insertLeaves(ctx context.Context, g *group) error {
	const columns = 8
	args := make([]any, 0, len(g.batch.Records)*columns)
	for _, r := range g.batch.Records {
		var before any
		if r.Before >= 0 {
			before = r.Before
		}
		s := g.taken[r.Draft].sealed[r.Event]
		args = append(args, r.Index, before, r.Draft.Packed(r.Event), s.actor, s.who, s.context, orNull(s.command), nil)
	}
	args[len(args)-1] = g.tip.Checkpoint.Note
	return w.insertMany(ctx, many{"INSERT OR FAIL INTO leaves (idx, before, leaf, actor, who, context, command, note) VALUES ", columns, ""}, args)
}

func (w *writer) freeKeys(ctx context.Context, g *group) error {
	for _, key := range g.batch.Freed {
		if err := w.exec(ctx, "UPDATE subjects SET open_key = NULL WHERE open_key = $1", w.s.seal.Blind("open key", key)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertSubjects(ctx context.Context, g *group) error {
	const columns = 11
	args := make([]any, 0, len(g.batch.New)*columns)
	for _, n := range g.batch.New {
		h, c := g.batch.Heads[n.ID], g.taken[n.Draft]
		args = append(args, h.First, string(n.ID), h.Last)
		if n.Row == nil {
			args = append(args, nil, nil, nil, nil, nil, nil, n.Created.UnixMilli(), nil)
			continue
		}
		var openKey any
		if n.OpenKey != "" {
			openKey = c.openKey
		}
		args = append(args, string(h.State.Decision), string(h.State.Execution), n.Row.Requester, n.Row.Resource,
			c.digest, openKey, n.Created.UnixMilli(), c.fresh.Wrapped)
	}
	return w.insertMany(ctx, many{
		"INSERT OR FAIL INTO subjects (first, id, last, decision, execution, requester, resource, digest, open_key, created, key) VALUES ", columns, "",
	}, args)
}

// moveSubjects updates what was on record before the batch.
func (w *writer) moveSubjects(ctx context.Context, g *group) error {
	from := g.batch.Records[0].Index
	for id, h := range g.batch.Heads {
		if h.First >= from {
			continue
		}
		var err error
		if id.IsEntity() {
			err = w.exec(ctx, "UPDATE subjects SET last = $1 WHERE first = $2", h.Last, h.First)
		} else {
			err = w.exec(ctx, "UPDATE subjects SET last = $1, decision = $2, execution = $3 WHERE first = $4",
				h.Last, string(h.State.Decision), string(h.State.Execution), h.First)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertKeys(ctx context.Context, g *group) error {
	done := map[*ringKey]bool{}
	for _, c := range g.taken {
		for _, k := range w.s.keys.missing(c.held) {
			if done[k] {
				continue
			}
			done[k] = true
			if err := w.exec(ctx, "INSERT INTO keys (subject, wrapped) VALUES ($1, $2)", k.Subject, k.Wrapped); err != nil {
				return fmt.Errorf("store the key of %s: %w", k.Subject, err)
			}
		}
	}
	return nil
}

func (w *writer) insertTiles(ctx context.Context, g *group) error {
	for _, t := range g.tiles {
		if err := w.exec(ctx, "INSERT INTO tiles (level, n, hashes) VALUES ($1, $2, $3)", int64(t.Level), t.N, t.Hashes); err != nil {
			return err
		}
	}
	return nil
}

// insertBeside writes the jobs and the ephemeral values of the changes.
func (w *writer) insertBeside(ctx context.Context, g *group) error {
	var jobs, kept []any
	for _, r := range g.batch.Records {
		if r.Event == 0 {
			c := g.taken[r.Draft]
			jobs, kept = append(jobs, c.jobs...), append(kept, c.kept...)
		}
	}
	err := w.insertMany(ctx, many{
		"INSERT INTO jobs (kind, key, due, body) VALUES ", 4,
		" ON CONFLICT (kind, key) DO UPDATE SET due = excluded.due, body = excluded.body," +
			" lease = CASE WHEN lease = '' OR substr(lease, -1) = '" + replaced + "' THEN lease ELSE lease || '" + replaced + "' END",
	}, jobs)
	if err != nil {
		return err
	}
	return w.putKept(ctx, kept)
}

// orNull keeps an absent blob from being kept as an empty one.
func orNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

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
		var openKey []byte
		var leaf packedLeaf
		if err := rows.Scan(&h.First, &h.Last, &openKey, &leaf); err != nil {
			return err
		}
		said, err := ledger.ParseLeaf(leaf)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", h.Last, err)
		}
		h.Hash, h.Command = ledger.LeafHash(leaf), said.Command
		h.Version, h.State, h.At = said.Event.Version, said.Event.State, said.Event.At
		b.heads[said.Event.Request] = h
		if key, asked := plain[string(openKey)]; asked {
			b.holders[key] = said.Event.Request
		}
	}
	return rows.Err()
}
