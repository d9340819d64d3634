// Package notice carries what upstreams say unasked to the clients that listen:
// that a list has changed, or a resource. Tell puts in, a Listener takes out. A
// notice says that something is not as it was, not what it is, so that of several
// alike a listener that is slow gets the last.
package notice

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/countersignhq/countersign/internal/canon"
)

// The notices there are (MCP 2025-11-25, 2026-07-28).
const (
	ToolsChanged     = "notifications/tools/list_changed"
	PromptsChanged   = "notifications/prompts/list_changed"
	ResourcesChanged = "notifications/resources/list_changed"
	ResourceUpdated  = "notifications/resources/updated"
)

// A Notice is one of them.
type Notice struct {
	Method string
	// Params are the upstream's bytes, an object or nil.
	Params []byte
}

// URI is the resource that was updated; empty if it is another notice.
func (n Notice) URI() string {
	if n.Method != ResourceUpdated {
		return ""
	}
	raw, _ := canon.Member(n.Params, "uri")
	var uri string
	if json.Unmarshal(raw, &uri) != nil {
		return ""
	}
	return uri
}

// A Hub is where upstreams and listeners meet. Its zero value is ready.
type Hub struct {
	mu        sync.Mutex
	listeners map[string]map[*Listener]bool // by the name of the protected resource
}

// Tell gives every listener of the resource the notice, if it wants it. It does
// not block.
func (h *Hub) Tell(resource string, n Notice) {
	h.mu.Lock()
	listeners := slices.Collect(maps.Keys(h.listeners[resource]))
	h.mu.Unlock()
	for _, l := range listeners {
		if l.wants(n) {
			l.put(n)
		}
	}
}

// Listen begins to listen on a resource for what is wanted. The Listener must be
// closed.
func (h *Hub) Listen(resource string, wants func(Notice) bool) *Listener {
	l := &Listener{hub: h, resource: resource, wants: wants, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners == nil {
		h.listeners = map[string]map[*Listener]bool{}
	}
	if h.listeners[resource] == nil {
		h.listeners[resource] = map[*Listener]bool{}
	}
	h.listeners[resource][l] = true
	return l
}

// mostWaiting is how many different notices wait for one listener; more are lost.
const mostWaiting = 256

// A Listener is one client that listens.
type Listener struct {
	hub      *Hub
	resource string
	wants    func(Notice) bool
	wake     chan struct{}

	mu      sync.Mutex
	waiting []Notice
}

func (l *Listener) put(n Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := func(n Notice) string { return n.Method + " " + n.URI() }
	l.waiting = slices.DeleteFunc(l.waiting, func(old Notice) bool { return key(old) == key(n) })
	if len(l.waiting) == mostWaiting {
		return
	}
	l.waiting = append(l.waiting, n)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Wake receives once there may be something to take.
func (l *Listener) Wake() <-chan struct{} { return l.wake }

// Take returns what waits, oldest first.
func (l *Listener) Take() []Notice {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.waiting
	l.waiting = nil
	return all
}

// Close ends the listening.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	delete(l.hub.listeners[l.resource], l)
	if len(l.hub.listeners[l.resource]) == 0 {
		delete(l.hub.listeners, l.resource)
	}
}
