// Package storetest is what every store must do, one suite an interface. The
// test of a new store is a few lines:
//
//	func TestLog(t *testing.T) { storetest.TestLog(t, open) }
//
// with an Open that opens an empty store with what a Setting says.
package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/note"
)

// Open opens an empty store, which is closed when the test ends.
type Open func(t *testing.T, s *Setting) store.Store

// A Setting is what a store under test is opened with.
type Setting struct {
	Origin string
	Signer note.Signer
	Keys   note.Verifiers
	Clock  *Clock
	// Woken receives what Wake is told.
	Woken chan countersign.RequestID
}

// NewSetting returns a setting with a fresh key and a clock that stands.
func NewSetting(t testing.TB) *Setting {
	t.Helper()
	const origin = "storetest.example/log"
	private, public, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	s := &Setting{
		Origin: origin, Clock: &Clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)},
		Woken: make(chan countersign.RequestID, 1<<16),
	}
	if s.Signer, err = ledger.NewSigner(private); err != nil {
		t.Fatal(err)
	}
	verifier, err := ledger.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	s.Keys = note.VerifierList(verifier)
	return s
}

// Wake is for the store's configuration.
func (s *Setting) Wake(ids []countersign.RequestID) {
	for _, id := range ids {
		select {
		case s.Woken <- id:
		default: // nobody looks
		}
	}
}

// A Clock stands until it is moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now returns the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Move moves the clock, back if d is negative.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A Life makes the changes of one request, in order. It does not look whether
// they were recorded.
type Life struct {
	ID      countersign.RequestID
	Row     store.Row
	Text    string // stands in the command
	Version uint64
	State   countersign.State
}

// NewLife returns the life of a new request for a command with the text in it.
func NewLife(text string) *Life {
	return &Life{
		ID: countersign.NewRequestID(), Text: text,
		Row: store.Row{Requester: "agt_bot", Resource: "mcp/files"},
	}
}

// Bot is who asks in a Life.
func Bot() countersign.Principal {
	return countersign.Principal{Kind: countersign.KindAgent, ID: "agt_bot", Name: "deploy-bot of Lovelace", Owner: "per_ada"}
}

func none(d countersign.DecisionState) countersign.State {
	return countersign.State{Decision: d, Execution: countersign.ExecutionNone}
}

func at(d countersign.DecisionState, e countersign.ExecutionState) countersign.State {
	return countersign.State{Decision: d, Execution: e}
}

// Event is the next event of the life.
func (l *Life) Event(to countersign.State, body countersign.Body) ledger.Event {
	return l.by(Bot(), to, body)
}

func (l *Life) by(who countersign.Principal, to countersign.State, body countersign.Body) ledger.Event {
	l.Version++
	l.State = to
	e := countersign.Event{Request: l.ID, Version: l.Version, State: to, Body: body,
		Who: countersign.Who{Actor: who, Origin: countersign.Origin{Door: "mcp", Peer: "127.0.0.1:51234"}}}
	if l.Version == 1 {
		command, err := countersign.Canonical(countersign.MCPRequest{
			Resource: "mcp/files", Method: "tools/call",
			Params: fmt.Appendf(nil, `{"arguments":{"path":%q},"name":"write_file"}`, l.Text),
		})
		if err != nil {
			panic(err)
		}
		e.Command, l.Row.Digest = command, countersign.DigestOfCanonical(command)
	}
	encoded, err := ledger.Encode(e)
	if err != nil {
		panic(err)
	}
	return encoded
}

func requested() countersign.Requested {
	return countersign.Requested{
		Resource: countersign.Resource{Name: "mcp/files", Environment: "prod"},
		Facts:    countersign.Facts{Tool: "write_file", Verbs: []string{"mcp.write"}, Certainty: countersign.Known, Understanding: "1"},
		Reason:   "rotate the keys",
	}
}

func verdict(e countersign.Effect) countersign.Verdict {
	return countersign.Verdict{Effect: e, Understanding: "1", Rules: []countersign.RuleTrace{
		{ID: "prod-write", Value: countersign.RuleTrue, Effect: e, Counts: true, Why: "writes to production"},
	}}
}

// Requested is the change of one event with which the life begins.
func (l *Life) Requested() store.Change {
	e := l.Event(none(countersign.DecisionPending), requested())
	row := l.Row
	return store.Change{Events: []ledger.Event{e}, Row: &row}
}

// Released is requested, allowed and released in one change.
func (l *Life) Released() store.Change {
	c := l.Requested()
	c.Events = append(c.Events,
		l.Event(none(countersign.DecisionAllowed), countersign.Allowed{Verdict: verdict(countersign.Allow)}),
		l.Event(at(countersign.DecisionAllowed, countersign.ExecutionRunning), countersign.Released{Executor: "mcp/files"}))
	return c
}

// Completed is the change that ends a released life.
func (l *Life) Completed() store.Change {
	return l.Then(at(countersign.DecisionAllowed, countersign.ExecutionSucceeded), countersign.Completed{
		Outcome: countersign.Outcome{Execution: countersign.ExecutionSucceeded, Bytes: "412"},
	})
}

// Rejected is the change in which a person rejects the request.
func (l *Life) Rejected() store.Change {
	ada := countersign.Principal{Kind: countersign.KindPerson, ID: "per_ada", Name: "Ada Lovelace"}
	return store.Change{Events: []ledger.Event{l.by(ada, none(countersign.DecisionRejected), countersign.Decided{
		Decision: countersign.Decision{Choice: countersign.Reject, Digest: l.Row.Digest, Assurance: countersign.Session},
	})}}
}

// Joined is a change that changes no state.
func (l *Life) Joined() store.Change { return l.Then(l.State, countersign.Joined{}) }

// Then is a change of one event after the others.
func (l *Life) Then(to countersign.State, body countersign.Body) store.Change {
	return store.Change{Events: []ledger.Event{l.Event(to, body)}}
}

// PersonChange is version v of a person on record.
func PersonChange(id, name string, v uint64) store.Change {
	e, err := ledger.Encode(countersign.Event{
		Request: countersign.RequestID(id), Version: v, Who: countersign.Who{Actor: countersign.Operator()},
		Body: countersign.PersonChanged{Person: countersign.Person{ID: id, Name: name, Issuer: "local", Subject: name}},
	})
	if err != nil {
		panic(err)
	}
	return store.Change{Events: []ledger.Event{e}}
}

// commit records the change, or ends the test.
func commit(t testing.TB, s store.Store, c store.Change) store.Committed {
	t.Helper()
	done, err := s.Commit(t.Context(), c)
	if err != nil {
		t.Fatalf("commit %s of %s: %v", c.Events[0].Kind, c.Events[0].Request, err)
	}
	return done
}
