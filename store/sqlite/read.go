package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/tlog"
)

// Leaves implements store.Log.
func (s *Store) Leaves(ctx context.Context, from, to int64) ([][]byte, error) {
	if size := s.tip.Load().Checkpoint.Size; from < 0 || to < from || to > size {
		return nil, fmt.Errorf("leaves %d to %d of %d: %w", from, to, size, store.ErrNotFound)
	}
	return s.leaves(ctx, s.read, from, to)
}

func (s *Store) leaves(ctx context.Context, q queryer, from, to int64) ([][]byte, error) {
	list, err := column[packedLeaf](ctx, q, "SELECT leaf FROM leaves WHERE idx >= $1 AND idx < $2 ORDER BY idx", from, to)
	if err == nil && int64(len(list)) != to-from {
		err = fmt.Errorf("the database has %d of the leaves %d to %d; it was changed: restore a backup", len(list), from, to)
	}
	leaves := make([][]byte, len(list))
	for i, l := range list {
		leaves[i] = l
	}
	return leaves, err
}

// Tile implements store.Log.
func (s *Store) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if t.H != ledger.TileHeight || t.L < 0 || t.N < 0 || t.W < 1 || t.W > 1<<ledger.TileHeight {
		return nil, fmt.Errorf("tile %s: %w", t.Path(), store.ErrNotFound)
	}
	if hashes, ok := s.tip.Load().Edge.Tile(t.L, t.N, t.W); ok {
		return slices.Clone(hashes), nil
	}
	hashes, err := s.fullTile(ctx, t.L, t.N)
	if err != nil {
		return nil, err
	}
	return hashes[:t.W*tlog.HashSize], nil
}

func (s *Store) fullTile(ctx context.Context, level int, n int64) ([]byte, error) {
	var hashes []byte
	err := row(ctx, s.read, "SELECT hashes FROM tiles WHERE level = $1 AND n = $2", []any{level, n}, &hashes)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("tile %d of level %d: %w", n, level, store.ErrNotFound)
	case err != nil:
		return nil, explain(err)
	case len(hashes) != tlog.HashSize<<ledger.TileHeight:
		return nil, fmt.Errorf("tile %d of level %d has %d bytes; the database was changed: restore a backup", n, level, len(hashes))
	}
	return hashes, nil
}

// Get implements store.Requests.
func (s *Store) Get(ctx context.Context, id countersign.RequestID) (countersign.Request, error) {
	return s.get(ctx, s.read, id)
}

func (s *Store) get(ctx context.Context, q queryer, id countersign.RequestID) (countersign.Request, error) {
	if id.IsEntity() {
		return countersign.Request{}, fmt.Errorf("request %s: %w", id, store.ErrNotFound)
	}
	entries, err := s.entries(ctx, q, id)
	if err != nil {
		return countersign.Request{}, err
	}
	events := make([]countersign.Event, len(entries))
	for i, entry := range entries {
		if events[i], err = entry.Event(); err != nil {
			return countersign.Request{}, fmt.Errorf("request %s: %w", id, err)
		}
	}
	return countersign.Fold(events)
}

// Open implements store.Requests.
func (s *Store) Open(ctx context.Context, key string) (countersign.RequestID, error) {
	ids, err := column[countersign.RequestID](ctx, s.read, "SELECT id FROM subjects WHERE open_key = $1", s.seal.Blind("open key", key))
	if err == nil && len(ids) == 0 {
		err = fmt.Errorf("a request that holds the open key: %w", store.ErrNotFound)
	}
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// Events implements store.Requests.
func (s *Store) Events(ctx context.Context, id countersign.RequestID) ([]ledger.Entry, error) {
	return s.entries(ctx, s.read, id)
}

// entries walks from the last leaf of the subject to its first. The leaves name
// each other backwards; an index that does not fall ends the walk.
func (s *Store) entries(ctx context.Context, q queryer, id countersign.RequestID) ([]ledger.Entry, error) {
	sealed, err := readSealed(ctx, q, `
		WITH RECURSIVE chain AS (
			SELECT l.* FROM subjects s JOIN leaves l ON l.idx = s.last WHERE s.id = $1
			UNION ALL
			SELECT l.* FROM chain c JOIN leaves l ON l.idx = c.before AND c.before < c.idx
		) SELECT idx, leaf, actor, who, context, command FROM chain`, string(id))
	if err != nil {
		return nil, err
	}
	if len(sealed) == 0 {
		return nil, fmt.Errorf("%s: %w", id, store.ErrNotFound)
	}
	slices.Reverse(sealed)
	entries := make([]ledger.Entry, len(sealed))
	for i, r := range sealed {
		open, err := s.unseal(ctx, q, r, store.Place{Request: id, Version: uint64(i) + 1})
		if err != nil {
			return nil, err
		}
		entries[i] = ledger.Entry{Index: r.index, Leaf: r.leaf, Open: open}
	}
	return entries, nil
}

// sealedRow is a leaf with its blobs as they are kept.
type sealedRow struct {
	index int64
	leaf  packedLeaf
	sealedBlobs
}

func readSealed(ctx context.Context, q queryer, query string, args ...any) ([]sealedRow, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain(err)
	}
	defer rows.Close()
	var list []sealedRow
	for rows.Next() {
		var r sealedRow
		if err := rows.Scan(&r.index, &r.leaf, &r.actor, &r.who, &r.context, &r.command); err != nil {
			return nil, explain(err)
		}
		list = append(list, r)
	}
	return list, explain(rows.Err())
}

// unseal opens the blobs. One whose key was destroyed is not disclosed.
func (s *Store) unseal(ctx context.Context, q queryer, r sealedRow, p store.Place) (ledger.Disclosure, error) {
	var d ledger.Disclosure
	for _, b := range []struct {
		slot    ledger.Slot
		subject string
		sealed  []byte
		to      **ledger.Opening
	}{
		{ledger.SlotWho, r.actor, r.who, &d.Who},
		{ledger.SlotContext, string(p.Request), r.context, &d.Context},
		{ledger.SlotCommand, string(p.Request), r.command, &d.Command},
	} {
		if b.sealed == nil {
			continue
		}
		key, err := s.keys.find(ctx, q, b.subject)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return d, err
		}
		p.Slot = b.slot
		o, err := key.Open(p, b.sealed)
		if err != nil {
			return d, fmt.Errorf("leaf %d: %w", r.index, err)
		}
		*b.to = &o
	}
	return d, nil
}

// Search implements store.Requests. The cursor is the first leaf of the last
// request of the page.
func (s *Store) Search(ctx context.Context, q store.Query) ([]countersign.Request, string, error) {
	where, args, err := s.conditions(q)
	if err != nil {
		return nil, "", err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 500)
	tx, err := s.read.snapshot(ctx)
	if err != nil {
		return nil, "", err
	}
	defer tx.Rollback()
	args = append(args, limit+1)
	firsts, err := column[int64](ctx, tx, "SELECT first FROM subjects WHERE "+where+" ORDER BY first DESC LIMIT $"+strconv.Itoa(len(args)), args...)
	if err != nil {
		return nil, "", err
	}
	cursor := ""
	if len(firsts) > limit {
		firsts = firsts[:limit]
		cursor = strconv.FormatInt(firsts[limit-1], 10)
	}
	var found []countersign.Request
	for _, first := range firsts {
		ids, err := column[countersign.RequestID](ctx, tx, "SELECT id FROM subjects WHERE first = $1", first)
		if err != nil {
			return nil, "", err
		}
		r, err := s.get(ctx, tx, ids[0])
		if err != nil {
			return nil, "", err
		}
		found = append(found, r)
	}
	return found, cursor, nil
}

var errNeverAsked = fmt.Errorf("a request that the query selects: %w", store.ErrNotFound)

func (s *Store) blindDigest(d countersign.Digest) []byte { return s.seal.Blind("digest", string(d[:])) }

// Last implements store.Requests. Where a request stands is in its last leaf, or
// known from when that was written.
func (s *Store) Last(ctx context.Context, q store.Query) (countersign.Repeat, error) {
	same := store.Query{Requester: q.Requester, Digest: q.Digest, Since: q.Since}
	if id, head, ok := s.heads.last(wanted{q.Requester, q.Digest}); ok && q == same && head.At.After(q.Since) {
		if head.Last >= s.tip.Load().Checkpoint.Size {
			if err := s.read.settle(); err != nil {
				return countersign.Repeat{}, err
			}
		}
		return countersign.Repeat{Request: id, At: head.At, Decision: head.State.Decision, Execution: head.State.Execution}, nil
	}
	if !q.Digest.IsZero() && s.asked.never(s.blindDigest(q.Digest)) {
		return countersign.Repeat{}, errNeverAsked
	}
	where, args, err := s.conditions(q)
	if err != nil {
		return countersign.Repeat{}, err
	}
	leaves, err := column[packedLeaf](ctx, s.read, "SELECT leaf FROM subjects JOIN leaves ON idx = last WHERE "+where+" ORDER BY first DESC LIMIT 1", args...)
	if err != nil {
		return countersign.Repeat{}, err
	}
	if len(leaves) == 0 {
		return countersign.Repeat{}, errNeverAsked
	}
	said, err := ledger.ParseLeaf(leaves[0])
	if err != nil {
		return countersign.Repeat{}, err
	}
	e := said.Event
	return countersign.Repeat{Request: e.Request, At: e.At, Decision: e.State.Decision, Execution: e.State.Execution}, nil
}

// conditions are the WHERE of a query. States that are under way stand in the text, as
// their indexes want it.
func (s *Store) conditions(q store.Query) (string, []any, error) {
	where, args := []string{"decision IS NOT NULL"}, []any{}
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" $"+strconv.Itoa(len(args)))
	}
	switch {
	case q.Decision == countersign.DecisionPending:
		where = append(where, "decision = 'pending'")
	case q.Decision == countersign.DecisionApproved:
		where = append(where, "decision = 'approved'")
	case q.Decision != "":
		add("decision =", string(q.Decision))
	}
	switch {
	case q.Execution == countersign.ExecutionRunning:
		where = append(where, "execution = 'running'")
	case q.Execution == countersign.ExecutionNone:
		where = append(where, "execution = 'none'")
	case q.Execution != "":
		add("execution =", string(q.Execution))
	}
	if q.Resource != "" {
		add("resource =", q.Resource)
	}
	if q.Requester != "" {
		add("requester =", q.Requester)
	}
	if !q.Digest.IsZero() {
		add(ofDigest, s.blindDigest(q.Digest))
		where[len(where)-1] += ")"
	}
	if !q.Since.IsZero() {
		add("created >=", q.Since.Add(time.Millisecond-1).UnixMilli())
	}
	if q.Cursor != "" {
		before, err := strconv.ParseInt(q.Cursor, 10, 64)
		if err != nil {
			return "", nil, fmt.Errorf("cursor %q is not one that a search gave; start again without", q.Cursor)
		}
		add("first <", before)
	}
	return strings.Join(where, " AND "), args, nil
}

type vault struct{ s *Store }

// Open implements store.Vault.
func (v vault) Open(ctx context.Context, index int64) (ledger.Disclosure, error) {
	rows, err := readSealed(ctx, v.s.read, "SELECT idx, leaf, actor, who, context, command FROM leaves WHERE idx = $1", index)
	if err != nil {
		return ledger.Disclosure{}, err
	}
	if len(rows) == 0 {
		return ledger.Disclosure{}, fmt.Errorf("leaf %d: %w", index, store.ErrNotFound)
	}
	said, err := ledger.ParseLeaf(rows[0].leaf)
	if err != nil {
		return ledger.Disclosure{}, fmt.Errorf("leaf %d: %w", index, err)
	}
	return v.s.unseal(ctx, v.s.read, rows[0], store.Place{Request: said.Event.Request, Version: said.Event.Version})
}
