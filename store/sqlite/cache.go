package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
)

// maxCached is how many heads, and how many keys, are kept in memory.
const maxCached = 1 << 14

// heads keeps where requests and entities stand as of the last commit, which the
// disk may not have yet, and which request is the newest of an asker for a
// command. Only the writer puts; callers look to draft their leaves.
type heads struct {
	mu     sync.Mutex
	m      map[countersign.RequestID]batch.Head
	newest map[wanted]countersign.RequestID
}

// wanted is what somebody asks for.
type wanted struct {
	requester string
	digest    countersign.Digest
}

func newHeads() *heads {
	return &heads{m: map[countersign.RequestID]batch.Head{}, newest: map[wanted]countersign.RequestID{}}
}

func (h *heads) get(id countersign.RequestID) (batch.Head, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	head, ok := h.m[id]
	return head, ok
}

// last is the newest request for the same, if that is known here.
func (h *heads) last(w wanted) (countersign.RequestID, batch.Head, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := h.newest[w]
	head, ok := h.m[id]
	return id, head, ok
}

func (h *heads) put(b *batch.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, head := range b.Heads {
		h.m[id] = head
	}
	for _, n := range b.New {
		if n.Row != nil {
			h.newest[wanted{n.Row.Requester, n.Row.Digest}] = n.ID
		}
	}
	dropSome(h.m, func(batch.Head) bool { return true })
	dropSome(h.newest, func(countersign.RequestID) bool { return true })
}

// dropSome drops an eighth of a full cache, any that may go.
func dropSome[K comparable, V any](m map[K]V, may func(V) bool) {
	if len(m) <= maxCached {
		return
	}
	n := maxCached / 8
	for k, v := range m {
		if may(v) {
			delete(m, k)
			n--
		}
		if n == 0 {
			return
		}
	}
}

// A keyring keeps unwrapped keys. A key that is not stored yet is one for all
// who need it at the same time, and stays for as long as one of them does: two
// keys of one subject would make what the second sealed unreadable.
type keyring struct {
	seal *store.Sealer
	read *reader

	mu      sync.Mutex
	keys    map[string]*ringKey
	evicted int // how often stored keys were dropped: one that was not found may be stored since
}

type ringKey struct {
	*store.SubjectKey
	stored bool
	users  int // changes on their way that sealed with it
}

func newKeyring(seal *store.Sealer, read *reader) *keyring {
	return &keyring{seal: seal, read: read, keys: map[string]*ringKey{}}
}

// find returns the stored key of the subject; ErrNotFound if there is none, or
// it was destroyed.
func (r *keyring) find(ctx context.Context, q queryer, subject string) (*store.SubjectKey, error) {
	r.mu.Lock()
	k := r.keys[subject]
	r.mu.Unlock()
	if k != nil {
		return k.SubjectKey, nil
	}
	found, err := r.load(ctx, q, subject)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[subject] == nil {
		r.add(&ringKey{SubjectKey: found, stored: true})
	}
	return found, nil
}

// hold returns the key of one who acts, or of an entity, and makes it if there
// is none. It is held until drop.
func (r *keyring) hold(ctx context.Context, subject string) (*ringKey, error) {
	for {
		r.mu.Lock()
		k, evicted := r.keys[subject], r.evicted
		if k != nil {
			k.users++
		}
		r.mu.Unlock()
		if k != nil {
			return k, nil
		}
		// Not under the lock: this waits for a connection, and who has one may wait
		// for the lock.
		found, err := r.load(ctx, r.read, subject)
		stored := err == nil
		if errors.Is(err, store.ErrNotFound) {
			found, err = r.seal.NewKey(subject)
		}
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		if r.keys[subject] == nil && (stored || r.evicted == evicted) {
			r.add(&ringKey{SubjectKey: found, stored: stored})
		}
		r.mu.Unlock()
	}
}

// drop lets go of held keys.
func (r *keyring) drop(held []*ringKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range held {
		k.users--
		if k.users == 0 && !k.stored {
			delete(r.keys, k.Subject)
		}
	}
}

// missing returns those of the held keys that are not stored yet.
func (r *keyring) missing(held []*ringKey) []*ringKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*ringKey
	for _, k := range held {
		if !k.stored {
			list = append(list, k)
		}
	}
	return list
}

// stored tells the ring what a commit has stored.
func (r *keyring) stored(held []*ringKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range held {
		k.stored = true
	}
}

// made takes in the key of a new request, which is on record.
func (r *keyring) made(k *store.SubjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(&ringKey{SubjectKey: k, stored: true})
}

func (r *keyring) add(k *ringKey) {
	r.keys[k.Subject] = k
	if len(r.keys) > maxCached {
		r.evicted++
	}
	dropSome(r.keys, func(k *ringKey) bool { return k.stored && k.users == 0 })
}

func (r *keyring) load(ctx context.Context, q queryer, subject string) (*store.SubjectKey, error) {
	query := "SELECT wrapped FROM keys WHERE subject = $1"
	if !countersign.RequestID(subject).IsEntity() {
		query = "SELECT key FROM subjects WHERE id = $1"
	}
	var wrapped []byte
	err := row(ctx, q, query, []any{subject}, &wrapped)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && wrapped == nil) {
		return nil, fmt.Errorf("key of %s: %w", subject, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of %s: %w", subject, explain(err))
	}
	return r.seal.OpenKey(subject, wrapped)
}
