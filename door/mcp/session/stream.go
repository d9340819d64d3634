package session

import "context"

// mostSubscribed is how many resources one session may want to hear of.
const mostSubscribed = 1000

// Streams notes the session's stream in place of the one before, which it ends,
// and returns what forgets it.
func (t *Table) Streams(x *Session, stop *context.CancelFunc) (forget func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.stream != nil {
		(*x.stream)()
	}
	x.stream = stop
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if x.stream == stop {
			x.stream = nil
		}
	}
}

// Subscribe notes that the session is to hear of the resource.
func (t *Table) Subscribe(x *Session, uri string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.subscribed == nil {
		x.subscribed = map[string]bool{}
	}
	if len(x.subscribed) < mostSubscribed {
		x.subscribed[uri] = true
	}
}

// Unsubscribe forgets it, and reports whether another session of the same
// upstream still wants to hear of it: they share the upstream's one subscription.
func (t *Table) Unsubscribe(x *Session, uri string) (others bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(x.subscribed, uri)
	for _, other := range t.byID {
		if other.Of.Resource == x.Of.Resource && other.subscribed[uri] {
			return true
		}
	}
	return false
}

// Subscribed reports whether the session is to hear of the resource.
func (t *Table) Subscribed(x *Session, uri string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return x.subscribed[uri]
}
