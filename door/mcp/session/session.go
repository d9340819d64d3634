// Package session keeps the sessions of one MCP door, and what clients without
// sessions have in flight. New makes the Table; Begin and Find are what a door
// does first with a message, Enter what it does with a call.
//
// They are kept in memory. After a restart a client comes with the id of a session
// that is not there any more; the id says what the session was, so it is begun
// again, without its stream and its subscriptions.
package session

import (
	"context"
	"sync"
	"time"

	"github.com/countersignhq/countersign/door/mcp/state"
)

// Sizes of what one gateway keeps for its clients. A flood of one agent costs
// that agent alone.
const (
	maxSessions      = 10_000
	maxAgentSessions = 100
)

// A Session is one client that has said who it is.
type Session struct {
	ID string
	// Of is who alone may use it, and where.
	Of state.Holder
	state.Session

	used  time.Time                        // under Table.mu
	waits map[string][]*context.CancelFunc // by the bytes of the JSON-RPC id; under Table.mu
	calls int                              // in flight; under Table.mu
	peers map[string]bool                  // by address, whether of the server's account; under Table.mu

	stream     *context.CancelFunc // of its GET; under Table.mu
	subscribed map[string]bool     // by URI; under Table.mu
}

// A Table has the sessions of one door.
type Table struct {
	key   []byte
	idle  time.Duration
	now   func() time.Time
	began time.Time

	mu    sync.Mutex
	byID  map[string]*Session
	again map[string]map[string]bool // by agent, the ids that were begun again
	calls map[string]int             // in flight, by agent
	swept time.Time
}

// New makes an empty table. Its key seals the ids; sessions that were not used for
// the idle time end.
func New(key []byte, idle time.Duration, now func() time.Time) *Table {
	return &Table{
		key: key, idle: idle, now: now, began: now().Round(0),
		byID: map[string]*Session{}, again: map[string]map[string]bool{}, calls: map[string]int{},
	}
}

// Begin begins a session, now. When there are too many, the agent's own that was
// longest unused ends; false if there is none to end.
func (t *Table) Begin(of state.Holder, s state.Session) (*Session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// However the clock is set: what this table began is never begun again.
	if s.Began = t.now().Round(0); s.Began.Before(t.began) {
		s.Began = t.began
	}
	return t.add(state.SealSession(t.key, of, s), of, s)
}

// Sender is what is kept of a client without sessions: what is in flight, and
// whose account it was last found to be.
func (t *Table) Sender(of state.Holder, s state.Session) (*Session, bool) {
	id := "sender:" + of.Agent + " " + of.Resource + " " + s.Client + "/" + s.Version + " " + of.Chain
	t.mu.Lock()
	defer t.mu.Unlock()
	if x, ok := t.byID[id]; ok {
		x.used = t.now()
		return x, true
	}
	return t.add(id, of, s)
}

// add is called with mu held.
func (t *Table) add(id string, of state.Holder, s state.Session) (*Session, bool) {
	now := t.now()
	if now.Sub(t.swept) > time.Minute {
		t.swept = now
		for id, old := range t.byID {
			if t.ended(old, now) {
				delete(t.byID, id)
			}
		}
	}
	own := 0
	var oldest *Session
	for _, old := range t.byID {
		if old.Of.Agent != of.Agent {
			continue
		}
		own++
		if old.calls == 0 && (oldest == nil || old.used.Before(oldest.used)) {
			oldest = old
		}
	}
	if own >= maxAgentSessions || len(t.byID) >= maxSessions {
		if oldest == nil {
			return nil, false
		}
		delete(t.byID, oldest.ID)
	}
	x := &Session{ID: id, Of: of, Session: s, used: now, waits: map[string][]*context.CancelFunc{}}
	t.byID[id] = x
	return x, true
}

func (t *Table) ended(x *Session, now time.Time) bool {
	return x.calls == 0 && now.Sub(x.used) > t.idle
}

// Find returns the holder's session. Another's is not found.
func (t *Table) Find(id string, of state.Holder) (*Session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x, ok := t.byID[id]
	if !ok {
		return t.restore(id, of)
	}
	if x.Of != of || t.ended(x, t.now()) {
		return nil, false
	}
	x.used = t.now()
	return x, true
}

// restore begins a session again that was there before this table was, once: what
// ends afterwards stays ended. One that is younger than the idle time has not ended
// for want of use. It is called with mu held.
func (t *Table) restore(id string, of state.Holder) (*Session, bool) {
	s, ok := state.OpenSession(t.key, of, id)
	if !ok || !s.Began.Before(t.began) || t.now().Sub(s.Began) > t.idle {
		return nil, false
	}
	own := t.again[of.Agent]
	if own[id] || len(own) >= maxAgentSessions {
		return nil, false
	}
	x, ok := t.add(id, of, s)
	if ok && own == nil {
		t.again[of.Agent] = map[string]bool{id: true}
	} else if ok {
		own[id] = true
	}
	return x, ok
}

// End ends a session and every wait of it.
func (t *Table) End(x *Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, x.ID)
	if x.stream != nil {
		(*x.stream)()
	}
	for _, calls := range x.waits {
		for _, cancel := range calls {
			(*cancel)()
		}
	}
}
