package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// scrubStep is how many leaves are read at a time.
const scrubStep = 256

// Scrub reads the whole record again and derives everything from the leaves: the
// tree and its tiles, the chain of each request, the blobs behind the
// commitments, and the rows that requests are found by. It returns the first
// mismatch. It reads one snapshot beside the commits that go on.
func (s *Store) Scrub(ctx context.Context) error {
	tx, err := s.read.snapshot(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	note, err := headNote(ctx, tx)
	if err != nil {
		return err
	}
	var head ledger.Checkpoint
	if note != nil {
		if head, err = ledger.OpenCheckpoint(note, s.cfg.Origin, s.cfg.Keys); err != nil {
			return fmt.Errorf("the signed head: %w", err)
		}
	}
	c := scrub{s: s, tx: tx}
	for c.edge.Size() < head.Size {
		if err := c.step(ctx, min(head.Size, c.edge.Size()+scrubStep)); err != nil {
			return err
		}
	}
	if note != nil && c.edge.Root() != head.Root {
		return fmt.Errorf("the %d leaves hash to root %v, and the signed head says %v", head.Size, c.edge.Root(), head.Root)
	}
	return c.rest(ctx, head.Size)
}

// A scrub is one walk over the record.
type scrub struct {
	s    *Store
	tx   *sql.Tx
	edge ledger.Edge
}

func (c *scrub) step(ctx context.Context, to int64) error {
	from := c.edge.Size()
	rows, err := readSealed(ctx, c.tx, "SELECT idx, leaf, actor, who, context, command FROM leaves WHERE idx >= $1 AND idx < $2 ORDER BY idx", from, to)
	if err != nil {
		return err
	}
	if int64(len(rows)) != to-from {
		return fmt.Errorf("%d of the leaves %d to %d are there", len(rows), from, to)
	}
	hashes := make([]ledger.Hash, len(rows))
	for i, r := range rows {
		if err := c.leaf(ctx, r); err != nil {
			return fmt.Errorf("leaf %d: %w", r.index, err)
		}
		hashes[i] = ledger.LeafHash(r.leaf)
	}
	var full []ledger.Tile
	c.edge, full = c.edge.Append(hashes)
	for _, t := range full {
		var stored []byte
		if err := c.tx.QueryRowContext(ctx, "SELECT hashes FROM tiles WHERE level = $1 AND n = $2", t.Level, t.N).Scan(&stored); err != nil {
			return fmt.Errorf("tile %d of level %d: %w", t.N, t.Level, explain(err))
		}
		if !bytes.Equal(stored, t.Hashes) {
			return fmt.Errorf("tile %d of level %d is not what its leaves hash to", t.N, t.Level)
		}
	}
	return nil
}

// leaf checks one leaf, its blobs and its link to the leaf before it.
func (c *scrub) leaf(ctx context.Context, r sealedRow) error {
	said, err := ledger.ParseLeaf(r.leaf)
	if err != nil {
		return err
	}
	e := said.Event
	open, err := c.s.unseal(ctx, c.tx, r, store.Place{Request: e.Request, Version: e.Version})
	if err != nil {
		return err
	}
	for _, b := range []struct {
		slot ledger.Slot
		open *ledger.Opening
		want ledger.Commitment
	}{{ledger.SlotWho, open.Who, said.Who}, {ledger.SlotContext, open.Context, said.Context}, {ledger.SlotCommand, open.Command, said.Command}} {
		if b.open != nil && ledger.Commit(b.slot, *b.open) != b.want {
			return fmt.Errorf("a sealed blob does not open its commitment (%s)", b.slot)
		}
	}
	return c.link(ctx, r.index, said)
}

func (c *scrub) link(ctx context.Context, index int64, said ledger.Statement) error {
	var before sql.NullInt64
	var leaf packedLeaf
	err := c.tx.QueryRowContext(ctx, "SELECT l.before, b.leaf FROM leaves l LEFT JOIN leaves b ON b.idx = l.before WHERE l.idx = $1", index).Scan(&before, &leaf)
	if err != nil {
		return explain(err)
	}
	e := said.Event
	if !before.Valid {
		if e.Version != 1 || said.Prev != (ledger.Hash{}) {
			return fmt.Errorf("version %d of %s names no leaf before it", e.Version, e.Request)
		}
		return nil
	}
	prev, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return fmt.Errorf("the leaf before it, %d: %w", before.Int64, err)
	}
	p := prev.Event
	if before.Int64 >= index || p.Request != e.Request || p.Version+1 != e.Version || said.Prev != ledger.LeafHash(leaf) || said.Command != prev.Command {
		return fmt.Errorf("version %d of %s does not follow leaf %d, version %d of %s", e.Version, e.Request, before.Int64, p.Version, p.Request)
	}
	return nil
}

// rest checks what is beside the leaves: that there are no more of them, and
// that each subject's row leads to its last leaf and says what that says.
func (c *scrub) rest(ctx context.Context, size int64) error {
	var leaves, onChains int64
	if err := c.tx.QueryRowContext(ctx, "SELECT count(*) FROM leaves").Scan(&leaves); err != nil {
		return explain(err)
	}
	rows, err := c.tx.QueryContext(ctx, `SELECT s.id, coalesce(s.decision, ''), coalesce(s.execution, ''), l.leaf
		FROM subjects s JOIN leaves l ON l.idx = s.last`)
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id countersign.RequestID
		var at countersign.State
		var leaf packedLeaf
		if err := rows.Scan(&id, &at.Decision, &at.Execution, &leaf); err != nil {
			return explain(err)
		}
		said, err := ledger.ParseLeaf(leaf)
		if err != nil {
			return fmt.Errorf("the last leaf of %s: %w", id, err)
		}
		if said.Event.Request != id || said.Event.State != at {
			return fmt.Errorf("the row of %s says %v, and its last leaf says %v of %s", id, at, said.Event.State, said.Event.Request)
		}
		onChains += int64(said.Event.Version)
	}
	if err := rows.Err(); err != nil {
		return explain(err)
	}
	if leaves != size || onChains != size {
		return fmt.Errorf("%d leaves are there, %d of them are led to by the rows of requests and entities, and the signed head is of %d", leaves, onChains, size)
	}
	return nil
}
