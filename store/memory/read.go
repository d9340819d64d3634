package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/tlog"
)

// Leaves implements store.Log.
func (s *Store) Leaves(ctx context.Context, from, to int64) ([][]byte, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if size := int64(len(s.data.leaves)); from < 0 || to < from || to > size {
		return nil, fmt.Errorf("leaves %d to %d of %d: %w", from, to, size, store.ErrNotFound)
	}
	var list [][]byte
	for _, r := range s.data.leaves[from:to] {
		list = append(list, slices.Clone(r.leaf))
	}
	return list, nil
}

// Tile implements store.Log.
func (s *Store) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if t.H != ledger.TileHeight || t.W < 1 || t.W > 1<<ledger.TileHeight {
		return nil, fmt.Errorf("tile %s: %w", t.Path(), store.ErrNotFound)
	}
	if hashes, ok := s.data.tip.Edge.Tile(t.L, t.N, t.W); ok {
		return slices.Clone(hashes), nil
	}
	hashes, ok := s.data.tiles[tileKey{t.L, t.N}]
	if !ok {
		return nil, fmt.Errorf("tile %s: %w", t.Path(), store.ErrNotFound)
	}
	return slices.Clone(hashes[:t.W*tlog.HashSize]), nil
}

// Get implements store.Requests.
func (s *Store) Get(ctx context.Context, id countersign.RequestID) (countersign.Request, error) {
	if err := s.enter(ctx); err != nil {
		return countersign.Request{}, err
	}
	defer s.mu.Unlock()
	return s.data.request(id)
}

// Open implements store.Requests.
func (s *Store) Open(ctx context.Context, key string) (countersign.RequestID, error) {
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	defer s.mu.Unlock()
	id, ok := s.data.holders[key]
	if !ok {
		return "", fmt.Errorf("a request that holds the open key: %w", store.ErrNotFound)
	}
	return id, nil
}

// Events implements store.Requests.
func (s *Store) Events(ctx context.Context, id countersign.RequestID) ([]ledger.Entry, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return s.data.entries(id, 0)
}

// Search implements store.Requests. The cursor is the first leaf of the last
// request of the page.
func (s *Store) Search(ctx context.Context, q store.Query) ([]countersign.Request, string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, "", err
	}
	defer s.mu.Unlock()
	before := int64(len(s.data.leaves))
	if q.Cursor != "" {
		var err error
		if before, err = strconv.ParseInt(q.Cursor, 10, 64); err != nil {
			return nil, "", fmt.Errorf("cursor %q is not one that a search gave; start again without", q.Cursor)
		}
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	limit = min(limit, 500)
	var found []countersign.Request
	cursor := ""
	for _, id := range slices.Backward(s.data.order) {
		sub := s.data.subjects[id]
		if sub.head.First >= before || !sub.matches(q) {
			continue
		}
		if len(found) == limit {
			return found, cursor, nil
		}
		r, err := s.data.request(id)
		if err != nil {
			return nil, "", err
		}
		found, cursor = append(found, r), strconv.FormatInt(sub.head.First, 10)
	}
	return found, "", nil
}

// Last implements store.Requests.
func (s *Store) Last(ctx context.Context, q store.Query) (countersign.Repeat, error) {
	q.Limit = 1
	found, _, err := s.Search(ctx, q)
	if err != nil {
		return countersign.Repeat{}, err
	}
	if len(found) == 0 {
		return countersign.Repeat{}, fmt.Errorf("a request that the query selects: %w", store.ErrNotFound)
	}
	r := found[0]
	return countersign.Repeat{Request: r.ID, At: r.UpdatedAt, Decision: r.Decision, Execution: r.Execution}, nil
}

func (s *subject) matches(q store.Query) bool {
	return (q.Decision == "" || q.Decision == s.head.State.Decision) &&
		(q.Execution == "" || q.Execution == s.head.State.Execution) &&
		(q.Resource == "" || q.Resource == s.row.Resource) &&
		(q.Requester == "" || q.Requester == s.row.Requester) &&
		(q.Digest.IsZero() || q.Digest == s.row.Digest) &&
		!s.created.Before(q.Since)
}

// Claim implements store.Jobs.
func (s *Store) Claim(ctx context.Context, kind string, lease time.Duration, max int) ([]store.Job, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.cfg.Now()
	var due []*job
	for _, j := range s.data.jobs {
		if j.Kind == kind && !j.Due.After(now) && !j.until.After(now) {
			due = append(due, j)
		}
	}
	slices.SortFunc(due, func(a, b *job) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Key, b.Key)) })
	var claimed []store.Job
	for _, j := range due[:min(len(due), max)] {
		s.data.leases++
		j.Lease, j.until, j.replaced = strconv.Itoa(s.data.leases), now.Add(lease), ""
		claim := j.Job
		claim.Body = slices.Clone(j.Body)
		claimed = append(claimed, claim)
	}
	return claimed, nil
}

// Finish implements store.Jobs.
func (s *Store) Finish(ctx context.Context, j store.Job) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, err := s.data.leased(j); err != nil {
		return err
	}
	delete(s.data.jobs, jobKey{j.Kind, j.Key})
	return nil
}

// Postpone implements store.Jobs.
func (s *Store) Postpone(ctx context.Context, j store.Job) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, err := s.data.leased(j); err != nil {
		return err
	}
	s.data.jobs[jobKey{j.Kind, j.Key}] = newJob(j)
	return nil
}

// Add implements store.Jobs.
func (s *Store) Add(ctx context.Context, j store.Job) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, ok := s.data.jobs[jobKey{j.Kind, j.Key}]; ok {
		return fmt.Errorf("job %s of %s: %w", j.Kind, j.Key, store.ErrExists)
	}
	s.data.jobs[jobKey{j.Kind, j.Key}] = newJob(j)
	return nil
}

type vault struct{ s *Store }

// Open implements store.Vault.
func (v vault) Open(ctx context.Context, index int64) (ledger.Disclosure, error) {
	if err := v.s.enter(ctx); err != nil {
		return ledger.Disclosure{}, err
	}
	defer v.s.mu.Unlock()
	if index < 0 || index >= int64(len(v.s.data.leaves)) {
		return ledger.Disclosure{}, fmt.Errorf("leaf %d: %w", index, store.ErrNotFound)
	}
	return v.s.data.leaves[index].open, nil
}

// ephemeral implements store.Ephemeral.
type ephemeral struct{ s *Store }

// Put implements store.Ephemeral. It also removes what has ended.
func (e ephemeral) Put(ctx context.Context, entry store.Entry) error {
	if entry.Expires.IsZero() {
		return fmt.Errorf("entry %q never ends; set Expires", entry.Key)
	}
	if err := e.s.enter(ctx); err != nil {
		return err
	}
	defer e.s.mu.Unlock()
	e.s.data.put(entry)
	now := e.s.cfg.Now()
	for key, kept := range e.s.data.kept {
		if !kept.Expires.After(now) {
			delete(e.s.data.kept, key)
		}
	}
	return nil
}

// Get implements store.Ephemeral.
func (e ephemeral) Get(ctx context.Context, key string) (store.Entry, error) {
	if err := e.s.enter(ctx); err != nil {
		return store.Entry{}, err
	}
	defer e.s.mu.Unlock()
	return e.find(key)
}

func (e ephemeral) find(key string) (store.Entry, error) {
	kept, ok := e.s.data.kept[key]
	if !ok || !kept.Expires.After(e.s.cfg.Now()) {
		return store.Entry{}, store.ErrNotFound
	}
	kept.Value = slices.Clone(kept.Value)
	return kept, nil
}

// Take implements store.Ephemeral.
func (e ephemeral) Take(ctx context.Context, key string) (store.Entry, error) {
	if err := e.s.enter(ctx); err != nil {
		return store.Entry{}, err
	}
	defer e.s.mu.Unlock()
	kept, err := e.find(key)
	if err == nil {
		delete(e.s.data.kept, key)
	}
	return kept, err
}

// DropSubject implements store.Ephemeral.
func (e ephemeral) DropSubject(ctx context.Context, subject string) error {
	if err := e.s.enter(ctx); err != nil {
		return err
	}
	defer e.s.mu.Unlock()
	for key, kept := range e.s.data.kept {
		if kept.Subject == subject {
			delete(e.s.data.kept, key)
		}
	}
	return nil
}
