// Package doortest is what every door must pass. A door's own test says how its
// agents ask and read (Door) and calls Test; New gives a House, a gate over a
// memory store with a person who decides and an upstream that only remembers,
// for what a door tests besides.
package doortest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

// A House is a gate and who lives around it.
type House struct {
	Gate     *gate.Gate
	Store    *memory.Store
	Upstream *Upstream
	// Agent is Alice's and asks. Other is another agent of hers.
	Agent, Other countersign.Agent
	// Bob decides.
	Bob countersign.Person

	clock *clock
}

// clock is the time, a minute behind until everybody has moved in: a member of
// a group decides only what is asked after the membership.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// New returns a house whose gate guards the resource under the policy, the text
// of one PolicySet in which the group "reviewers" decides.
func New(t testing.TB, r countersign.Resource, policy string) *House {
	t.Helper()
	up := &Upstream{name: r.Name}
	h := Around(t, r, policy, func(trust ledger.Trust) gate.Executor {
		up.trust = trust
		return up
	})
	h.Upstream = up
	return h
}

// Around is New with an upstream of the test's own, which make returns; the House
// has no Upstream that remembers.
func Around(t testing.TB, r countersign.Resource, policy string, make func(ledger.Trust) gate.Executor) *House {
	t.Helper()
	const origin = "doortest.example/log"
	private, public, err := ledger.NewKey(origin)
	check(t, err)
	signer, err := ledger.NewSigner(private)
	check(t, err)
	verifier, err := ledger.NewVerifier(public)
	check(t, err)
	clock := &clock{offset: -time.Minute}
	s, err := memory.New(memory.Config{Origin: origin, Signer: signer, Now: clock.now})
	check(t, err)
	trust := ledger.Trust{Origin: origin, Keys: note.VerifierList(verifier)}
	h := &House{
		Store: s, clock: clock,
		Bob: countersign.Person{ID: countersign.NewID("per"), Name: "Bob", Issuer: "local", Subject: "bob"},
	}
	executor := make(trust)
	if up, ok := executor.(*Upstream); ok {
		up.now = clock.now
	}
	h.Gate, err = gate.New(t.Context(), s, trust, gate.Config{
		Executors: map[string]gate.Executor{r.Name: executor}, Now: clock.now, Log: slog.New(slog.DiscardHandler),
	})
	check(t, err)
	h.moveIn(t, r, policy)
	clock.advance(time.Minute)
	return h
}

func (h *House) moveIn(t testing.TB, r countersign.Resource, policy string) {
	t.Helper()
	ctx, who := t.Context(), countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	alice := countersign.Person{ID: countersign.NewID("per"), Name: "Alice", Issuer: "local", Subject: "alice"}
	for _, p := range []countersign.Person{alice, h.Bob} {
		_, err := h.Gate.SetPerson(ctx, who, p)
		check(t, err)
	}
	check(t, h.Gate.SetGroup(ctx, who, "reviewers", []string{h.Bob.ID}))
	for i, a := range []*countersign.Agent{&h.Agent, &h.Other} {
		*a = countersign.Agent{ID: countersign.NewID("agt"), Name: []string{"deploy-bot", "other-bot"}[i], Owner: alice.ID, CreatedBy: countersign.Operator()}
		check(t, h.Gate.SetAgent(ctx, who, *a))
	}
	r.Owners = []string{"reviewers"}
	check(t, h.Gate.SetResource(ctx, who, r))
	check(t, h.Gate.SetPolicy(ctx, who, map[string]string{"policy.yaml": policy}))
}

// Held waits until a request other than those given waits for a decision, and
// returns it.
func (h *House) Held(t testing.TB, but ...countersign.RequestID) countersign.Request {
	t.Helper()
	return h.Until(t, func(r countersign.Request) bool {
		for _, id := range but {
			if r.ID == id {
				return false
			}
		}
		return r.Decision == countersign.DecisionPending && r.Verdict.Effect == countersign.Hold
	})
}

// Until waits until there is a request of which the condition is true.
func (h *House) Until(t testing.TB, is func(countersign.Request) bool) countersign.Request {
	t.Helper()
	changed, done := h.Gate.Changes()
	defer done()
	for {
		for _, r := range h.Requests(t) {
			if is(r) {
				return r
			}
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatal("the test ended while it waited for a request")
		case <-time.After(20 * time.Second):
			t.Fatalf("no request became what the test waits for; there are %+v", h.states(t))
		}
	}
}

// Requests are all there are, newest first.
func (h *House) Requests(t testing.TB) []countersign.Request {
	t.Helper()
	all, _, err := h.Gate.Search(t.Context(), store.Query{Limit: 500})
	check(t, err)
	return all
}

func (h *House) states(t testing.TB) map[countersign.RequestID]countersign.State {
	states := map[countersign.RequestID]countersign.State{}
	for _, r := range h.Requests(t) {
		states[r.ID] = r.State
	}
	return states
}

// Approve has Bob approve the request.
func (h *House) Approve(t testing.TB, id countersign.RequestID) {
	t.Helper()
	h.decide(t, id, countersign.Approve, "")
}

// Reject has Bob reject it.
func (h *House) Reject(t testing.TB, id countersign.RequestID, reason string) {
	t.Helper()
	h.decide(t, id, countersign.Reject, reason)
}

func (h *House) decide(t testing.TB, id countersign.RequestID, c countersign.Choice, reason string) {
	t.Helper()
	r, err := h.Gate.Get(t.Context(), id)
	check(t, err)
	dir, err := h.Gate.Directory(t.Context())
	check(t, err)
	_, err = h.Gate.Decide(t.Context(), gate.Decision{
		Request: id, Origin: countersign.Origin{Door: "console"},
		Decision: countersign.Decision{
			By: h.Bob.Principal(), Choice: c, Digest: r.Digest, View: brief.Build(r, dir).Digest(),
			Reason: reason, Assurance: countersign.Session, Channel: "console", Method: "link", AuthTime: h.clock.now(),
		},
	})
	check(t, err)
}

// Pass lets time go by, and does what is then due.
func (h *House) Pass(t testing.TB, d time.Duration) {
	t.Helper()
	h.clock.advance(d)
	check(t, h.Gate.Tick(t.Context()))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An Upstream opens the permit of every release, as a real one does, and
// remembers what it was to run.
type Upstream struct {
	name  string
	trust ledger.Trust
	now   func() time.Time

	mu     sync.Mutex
	ran    []countersign.Command
	do     func(c countersign.Command, out io.Writer) (countersign.Outcome, error)
	passed func(method string, params []byte) ([]byte, error)
}

// Do says what running a command does from now on.
func (u *Upstream) Do(do func(c countersign.Command, out io.Writer) (countersign.Outcome, error)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.do = do
}

// Answer has every command succeed with the bytes.
func (u *Upstream) Answer(b []byte) {
	u.Do(func(_ countersign.Command, out io.Writer) (countersign.Outcome, error) {
		_, err := out.Write(b)
		return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
	})
}

// Passing says what the methods that are no commands answer.
func (u *Upstream) Passing(passed func(method string, params []byte) ([]byte, error)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.passed = passed
}

// Ran are the commands that ran, in their order.
func (u *Upstream) Ran() []countersign.Command {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]countersign.Command(nil), u.ran...)
}

// Run implements gate.Executor.
func (u *Upstream) Run(_ context.Context, r ledger.Release, out gate.Sink) (countersign.Outcome, error) {
	permit, err := ledger.OpenPermit(r, u.trust, u.name, u.now())
	if err != nil {
		return countersign.Outcome{Execution: countersign.ExecutionFailed}, err
	}
	c, err := permit.Command()
	if err != nil {
		return countersign.Outcome{Execution: countersign.ExecutionFailed}, err
	}
	u.mu.Lock()
	u.ran = append(u.ran, c)
	do := u.do
	u.mu.Unlock()
	if do == nil {
		return countersign.Outcome{Execution: countersign.ExecutionFailed}, errors.New("the test gave the upstream no answer")
	}
	return do(c, out)
}

// Pass implements gate.Passer.
func (u *Upstream) Pass(_ context.Context, method string, params []byte) ([]byte, error) {
	u.mu.Lock()
	passed := u.passed
	u.mu.Unlock()
	if passed == nil {
		return nil, errors.New("the test gave the upstream no listing")
	}
	return passed(method, params)
}
