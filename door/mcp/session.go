package mcp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// Sizes of what one gateway keeps for its clients. A flood of one agent costs
// that agent alone.
const (
	maxSessions      = 10_000
	maxAgentSessions = 100
	maxSessionCalls  = 64
	maxAgentCalls    = 128
	mostSubscribed   = 1000 // resources that one session wants to hear of
)

// A session is one client that has said who it is. It is kept in memory: after
// a restart the client is told that its session is gone and begins another,
// while what it has asked for lives on in the store.
type session struct {
	id       string
	agent    string // id of the principal, the only one that may use it
	chain    string // on whose behalf alone it may be used
	resource string
	client   string // what the client says it is, cleaned
	patience Budget
	toolless bool // the upstream has no tools of its own

	used  time.Time                        // under sessions.mu
	waits map[string][]*context.CancelFunc // by the bytes of the JSON-RPC id; under sessions.mu
	calls int                              // in flight; under sessions.mu
	peers map[string]bool                  // by address, whether of the server's account; under sessions.mu

	stream     *context.CancelFunc // of its GET; under sessions.mu
	subscribed map[string]bool     // by URI; under sessions.mu
}

// sessions are those of one door.
type sessions struct {
	idle time.Duration
	now  func() time.Time

	mu    sync.Mutex
	byID  map[string]*session
	calls map[string]int // in flight, by agent
	swept time.Time
}

// open begins a session. When there are too many, the agent's own that was
// longest unused ends; false if there is none to end.
func (s *sessions) open(n session) (*session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(n, rand.Text())
}

// sender is what is kept of a client without sessions: what is in flight, and
// whose account it was last found to be.
func (s *sessions) sender(n session) (*session, bool) {
	id := "sender:" + n.agent + " " + n.resource + " " + n.client + " " + n.chain
	s.mu.Lock()
	defer s.mu.Unlock()
	if x, ok := s.byID[id]; ok {
		x.used = s.now()
		return x, true
	}
	return s.add(n, id)
}

// add is called with mu held.
func (s *sessions) add(n session, id string) (*session, bool) {
	now := s.now()
	if now.Sub(s.swept) > time.Minute {
		s.swept = now
		for id, old := range s.byID {
			if s.ended(old, now) {
				delete(s.byID, id)
			}
		}
	}
	own := 0
	var oldest *session
	for _, old := range s.byID {
		if old.agent != n.agent {
			continue
		}
		own++
		if old.calls == 0 && (oldest == nil || old.used.Before(oldest.used)) {
			oldest = old
		}
	}
	if own >= maxAgentSessions || len(s.byID) >= maxSessions {
		if oldest == nil {
			return nil, false
		}
		delete(s.byID, oldest.id)
	}
	n.id, n.used, n.waits = id, now, map[string][]*context.CancelFunc{}
	s.byID[n.id] = &n
	return &n, true
}

func (s *sessions) ended(x *session, now time.Time) bool {
	return x.calls == 0 && now.Sub(x.used) > s.idle
}

// find returns the agent's session on the resource. Another's is not found.
func (s *sessions) find(id string, by countersign.Who, resource string) (*session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.byID[id]
	if !ok || x.agent != by.Actor.ID || x.chain != chainOf(by) || x.resource != resource || s.ended(x, s.now()) {
		return nil, false
	}
	x.used = s.now()
	return x, true
}

// chainOf is on whose behalf somebody asks, as a text that no other chain has.
func chainOf(by countersign.Who) string {
	var parts []string
	for _, p := range by.OnBehalfOf {
		parts = append(parts, p.ID, p.Issuer, p.Subject)
	}
	return fmt.Sprintf("%q", parts)
}

// end ends a session and every wait of it.
func (s *sessions) end(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, x.id)
	if x.stream != nil {
		(*x.stream)()
	}
	for _, calls := range x.waits {
		for _, cancel := range calls {
			(*cancel)()
		}
	}
}

// enter counts a call in, false if the session or its agent has too many. The
// call's wait can be ended by its id until leave, and counts until done.
func (s *sessions) enter(x *session, id []byte, cancel context.CancelFunc) (leave, done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.calls >= maxSessionCalls || s.calls[x.agent] >= maxAgentCalls {
		return nil, nil, false
	}
	x.calls++
	s.calls[x.agent]++
	key, mine := string(id), &cancel
	x.waits[key] = append(x.waits[key], mine)
	leave = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if x.waits[key] = slices.DeleteFunc(x.waits[key], func(c *context.CancelFunc) bool { return c == mine }); len(x.waits[key]) == 0 {
			delete(x.waits, key)
		}
	}
	done = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		x.calls--
		x.used = s.now()
		if s.calls[x.agent]--; s.calls[x.agent] == 0 {
			delete(s.calls, x.agent)
		}
	}
	return leave, done, true
}

// mostPeers is how many connections of one session are remembered.
const mostPeers = 32

// account says whether the peer runs under the server's own account, looking it
// up once for each connection of the session: the system's table is slow to
// read. Whoever could take over the address of an earlier connection has the
// other account as well, and could ask from there.
func (s *sessions) account(x *session, peer string, look func() bool) bool {
	s.mu.Lock()
	ours, known := x.peers[peer]
	s.mu.Unlock()
	if known {
		return ours
	}
	ours = look()
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.peers == nil || len(x.peers) >= mostPeers {
		x.peers = map[string]bool{}
	}
	x.peers[peer] = ours
	return ours
}

// cancel ends the waits of the id. What was asked for stays asked for.
func (s *sessions) cancel(x *session, id []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range x.waits[string(id)] {
		(*cancel)()
	}
}

// streams notes the session's stream in place of the one before, which it ends,
// and returns what forgets it.
func (s *sessions) streams(x *session, stop *context.CancelFunc) (forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.stream != nil {
		(*x.stream)()
	}
	x.stream = stop
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if x.stream == stop {
			x.stream = nil
		}
	}
}

// subscribe notes that the session is to hear of the resource.
func (s *sessions) subscribe(x *session, uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.subscribed == nil {
		x.subscribed = map[string]bool{}
	}
	if len(x.subscribed) < mostSubscribed {
		x.subscribed[uri] = true
	}
}

// unsubscribe forgets it, and reports whether another session of the same
// upstream still wants to hear of it: they share the upstream's one subscription.
func (s *sessions) unsubscribe(x *session, uri string) (others bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(x.subscribed, uri)
	for _, other := range s.byID {
		if other.resource == x.resource && other.subscribed[uri] {
			return true
		}
	}
	return false
}

// subscribed reports whether the session is to hear of the resource.
func (s *sessions) subscribed(x *session, uri string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return x.subscribed[uri]
}

// guidance is what an agent is told of holding, after the upstream's own
// instructions.
const guidance = `Some calls here are held until a person approves them. A held call answers with status "pending_approval" and a request_id: nothing has run yet. ` +
	`Call countersign_wait with that request_id to wait for the answer, or make the same call again; it never runs twice. A refused call says why and what to do next; do not try to reach the same end in another way.`

// initialize begins a session and tells the client what is there.
func (d *door) initialize(p *reply, r *http.Request, by countersign.Who, name string, m message) {
	asked := textAt(m.params, "protocolVersion")
	if asked == "" {
		p.message(failure(m.id, encode(rpcError{Code: codeBadParams, Message: "initialize names no protocolVersion; send " + revisions[0]})))
		return
	}
	if !slices.Contains(revisions[:], asked) {
		asked = revisions[0]
	}
	said, err := d.describe(r.Context(), name)
	if err != nil {
		d.cfg.Log.Warn("an upstream does not describe itself", "resource", name, "err", err)
		p.message(tell(m.id, m.method, false, word{unavailable, name + " does not answer; nothing was executed", note{Code: countersign.CodeUnavailable, Hint: "try again in a moment, or ask the operator"}}))
		return
	}
	client, version := textAt(m.params, "clientInfo", "name"), textAt(m.params, "clientInfo", "version")
	x, ok := d.sessions.open(session{
		agent: by.Actor.ID, chain: chainOf(by), resource: name, patience: d.cfg.patience(client, version), toolless: said.toolless,
		client: claimed(client, version),
	})
	if !ok {
		p.message(tell(m.id, m.method, false, d.tooMany()))
		return
	}
	p.w.Header().Set("Mcp-Session-Id", x.id)
	var hello bytes.Buffer // the capabilities keep their bytes
	fmt.Fprintf(&hello, `{"protocolVersion":%s,"capabilities":%s,"serverInfo":%s,"instructions":%s}`, encode(asked), said.capabilities,
		encode(serverInfo{"countersign", name + " through Countersign", d.cfg.Version}), encode(said.instructions))
	p.message(result(m.id, hello.Bytes()))
}

type serverInfo struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version"`
}

// description is what a client is told of a resource.
type description struct {
	capabilities json.RawMessage
	instructions string
	toolless     bool
}

// describe is what the upstream says of itself, less what this door does not
// carry, plus our own tools.
func (d *door) describe(ctx context.Context, name string) (description, error) {
	said := description{capabilities: json.RawMessage(`{"tools":{}}`), instructions: guidance}
	if d.cfg.Describe == nil {
		return said, nil
	}
	capabilities, instructions, err := d.cfg.Describe(ctx, name)
	if err != nil {
		return said, err
	}
	if instructions != "" {
		said.instructions = instructions + "\n\n" + guidance
	}
	// An answer to a task would be a task, and a held call has none.
	if capabilities, err = canon.Without(capabilities, []string{"tasks"}); err != nil {
		return said, fmt.Errorf("capabilities of %s: %w", name, err)
	}
	if _, ok := canon.Member(capabilities, "tools"); ok {
		said.capabilities = capabilities
		return said, nil
	}
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(capabilities), []byte("{"))
	if !ok {
		return said, fmt.Errorf("capabilities of %s are no object: %.80s", name, capabilities)
	}
	if rest = bytes.TrimSpace(rest); rest[0] != '}' {
		rest = append([]byte(","), rest...)
	}
	said.capabilities, said.toolless = append([]byte(`{"tools":{}`), rest...), true
	return said, nil
}
