// Package wake tells whoever waits for a key that something happened to it. A
// wake is a hint: the waiter registers first, then reads the truth, then waits.
package wake

import "sync"

// A Hub fans wakes out to waiters. Its zero value is ready.
type Hub[K comparable] struct {
	mu      sync.Mutex
	waiting map[K]map[chan struct{}]bool
}

// Register returns a channel that receives once the key is woken, and a func
// that must be called when the waiter is done with it.
func (h *Hub[K]) Register(key K) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[K]map[chan struct{}]bool{}
	}
	if h.waiting[key] == nil {
		h.waiting[key] = map[chan struct{}]bool{}
	}
	h.waiting[key][c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[key], c)
		if len(h.waiting[key]) == 0 {
			delete(h.waiting, key)
		}
	}
}

// Waiting is how many wait, whatever for.
func (h *Hub[K]) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, waiters := range h.waiting {
		n += len(waiters)
	}
	return n
}

// Wake wakes the waiters of the keys. It never blocks.
func (h *Hub[K]) Wake(keys ...K) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys {
		for c := range h.waiting[key] {
			select {
			case c <- struct{}{}:
			default: // a wake is already on its way
			}
		}
	}
}
