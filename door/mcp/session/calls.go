package session

import (
	"context"
	"slices"
)

const (
	maxSessionCalls = 64
	maxAgentCalls   = 128
	mostPeers       = 32 // connections of one session that are remembered
)

// Enter counts a call in, false if the session or its agent has too many. The
// call's wait can be ended by its id until leave, and counts until done.
func (t *Table) Enter(x *Session, id []byte, cancel context.CancelFunc) (leave, done func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.calls >= maxSessionCalls || t.calls[x.Of.Agent] >= maxAgentCalls {
		return nil, nil, false
	}
	x.calls++
	t.calls[x.Of.Agent]++
	key, mine := string(id), &cancel
	x.waits[key] = append(x.waits[key], mine)
	leave = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if x.waits[key] = slices.DeleteFunc(x.waits[key], func(c *context.CancelFunc) bool { return c == mine }); len(x.waits[key]) == 0 {
			delete(x.waits, key)
		}
	}
	done = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		x.calls--
		x.used = t.now()
		if t.calls[x.Of.Agent]--; t.calls[x.Of.Agent] == 0 {
			delete(t.calls, x.Of.Agent)
		}
	}
	return leave, done, true
}

// Account says whether the peer runs under the server's own account, looking it
// up once for each connection of the session: the system's table is slow to
// read. Whoever could take over the address of an earlier connection has the
// other account as well, and could ask from there.
func (t *Table) Account(x *Session, peer string, look func() bool) bool {
	t.mu.Lock()
	ours, known := x.peers[peer]
	t.mu.Unlock()
	if known {
		return ours
	}
	ours = look()
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.peers == nil || len(x.peers) >= mostPeers {
		x.peers = map[string]bool{}
	}
	x.peers[peer] = ours
	return ours
}

// Cancel ends the waits of the id. What was asked for stays asked for.
func (t *Table) Cancel(x *Session, id []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, cancel := range x.waits[string(id)] {
		(*cancel)()
	}
}
