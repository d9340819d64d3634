// Package gate is the path that every action takes: open submit.go and read it
// from top to bottom. decide.go takes what people say, release.go spends an
// approval, watch.go waits, expire.go keeps time, control.go changes people,
// agents, resources and policy, change.go has others let such a change through. Whatever fails, nothing runs off the record.
package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/amend"
	"github.com/countersignhq/countersign/internal/wake"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// A Gate takes asks and decisions. It is safe for concurrent use.
type Gate struct {
	store store.Store
	trust ledger.Trust
	cfg   Config
	// control makes the changes of the control plane that people let through.
	control amend.Executor

	hub     wake.Hub[countersign.RequestID] // the empty id is woken by every change
	active  atomic.Pointer[lens]
	running sync.WaitGroup
	drained chan struct{} // closed by Drain
	drain   sync.Once

	quotas quotas
	// turned is the last turn of an absence, or beginning of a freeze, in milliseconds
	// since 1970, that the record's clock is known to have passed.
	turned atomic.Int64
	// looked is the directory as it was when turn last looked; nil: it never did.
	looked atomic.Pointer[countersign.Directory]

	listing sync.Mutex
	newer   map[string]map[string]listed // by resource and tool, once read; under listing, and never changed in place

	mu         sync.Mutex
	unrecorded []unrecorded         // outcomes that could not be recorded yet; under mu
	learnt     map[string]time.Time // when a listing was last recorded, by resource; under mu
}

// Config is what a gate may be told. Its zero value works, and holds everything.
type Config struct {
	// Executors run released commands, by resource name.
	Executors map[string]Executor
	// Sinks say where data can go.
	Sinks []countersign.Sink
	// Languages read the texts that tools are given, such as SQL. What none reads
	// is held.
	Languages mcptool.Languages
	// Now is the clock that the store also has. Defaults to time.Now.
	Now func() time.Time
	// Log defaults to slog.Default. Payloads never reach it.
	Log *slog.Logger
	// RunFor is how long one command may run. Defaults to five minutes.
	RunFor time.Duration
	// Limits are what one agent may ask. Without any there are none.
	Limits Limits
	// Cards queues a job of JobCards with every change to what people are asked.
	// False: nobody posts cards.
	Cards bool
	// Demo lets approvals come from where the agents run. Only demo sets it.
	Demo bool
	// Recorded is told of each change of a request that this gate has put on record.
	// It must not block. Defaults to nothing.
	Recorded func(Step)
}

// A Step is what one commit did to a request.
type Step struct {
	Before countersign.State // zero of a new request
	After  countersign.Request
	// Events are those that led there; At is the time that they carry.
	Events []countersign.Event
	At     time.Time
}

// Sink takes a result's bytes. A door's sink writes to its agent.
type Sink = io.Writer

// An Executor runs released commands with the credential it holds. It opens the
// permit itself: without a proof of release it runs nothing.
type Executor interface {
	Run(ctx context.Context, r ledger.Release, out Sink) (countersign.Outcome, error)
}

// A Passer also answers the short list of methods that are no commands.
type Passer interface {
	Pass(ctx context.Context, method string, params []byte) ([]byte, error)
}

// An Ask is an agent asking for one command.
type Ask struct {
	By         countersign.Principal
	OnBehalfOf []countersign.Principal
	// Command is what would run. Its target and definition digest are the
	// resource's, whatever it says.
	Command countersign.Command
	Reason  string // a claim
	Origin  countersign.Origin
	// Key, if not empty, names the request that this ask makes (Idempotency-Key): the
	// same command with the same key is that request until a day after it was
	// settled, and another command with it is refused.
	Key string
	// Method tells how the asker proved who they are. Defaults to "token".
	Method string
	// Via runs the command in place of the resource's executor.
	Via Executor
}

// A Result is what became of an ask: Done, Pending, Refused or Unknown.
type Result interface{ result() }

type (
	// Done: it ran, and its result has been written to the sink. The outcome in
	// the request says whether it succeeded.
	Done struct{ Request countersign.Request }
	// Pending: it waits for people, or was approved and waits to be run.
	Pending struct{ Request countersign.Request }
	// Refused: it did not run and will not.
	Refused struct {
		Request countersign.Request
		Err     *countersign.Error
	}
	// Unknown: it was released, and nobody can tell whether it ran.
	Unknown struct {
		Request countersign.Request
		Err     *countersign.Error
	}
)

func (Done) result()    {}
func (Pending) result() {}
func (Refused) result() {}
func (Unknown) result() {}

// New returns a gate over the store, which opens no permit but by the trust.
// What a gate that stopped left running is recorded as unknown first.
func New(ctx context.Context, s store.Store, t ledger.Trust, cfg Config) (*Gate, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Recorded == nil {
		cfg.Recorded = func(Step) {}
	}
	if cfg.RunFor == 0 {
		cfg.RunFor = 5 * time.Minute
	}
	g := &Gate{store: s, trust: t, cfg: cfg, drained: make(chan struct{}), learnt: map[string]time.Time{}, newer: map[string]map[string]listed{}}
	g.quotas.Limits = cfg.Limits
	g.control = amend.Executor{Store: s, Trust: t, Checker: amend.Checker{Sinks: cfg.Sinks, Now: g.now}}
	if err := g.recover(ctx); err != nil {
		return nil, fmt.Errorf("recover what was running: %w", err)
	}
	return g, nil
}

// Drain ends every wait: whoever waits for people is told that it is pending, and
// may ask again elsewhere or later.
func (g *Gate) Drain() { g.drain.Do(func() { close(g.drained) }) }

// Close waits for what runs to be recorded, at most until the context ends.
func (g *Gate) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() { g.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("commands still run and will be recorded as unknown: %w", ctx.Err())
	}
}

// lens is what verdicts are given with: the compiled policy and the digests of
// the resources, as of one version of the directory.
type lens struct {
	version   uint64
	bundle    countersign.Digest
	policy    *policy.Policy
	resources map[string]countersign.Digest
}

// lens returns the lens of the directory. Its policy is nil if none is on
// record, or if the one on record does not compile: a nil policy holds everything.
func (g *Gate) lens(d *countersign.Directory) *lens {
	old := g.active.Load()
	if old != nil && old.version == d.Version {
		return old
	}
	l := &lens{version: d.Version, resources: map[string]countersign.Digest{}}
	for name, r := range d.Resources {
		l.resources[name], _ = policy.DigestOfResource(r) // zero has the policy compute it, and hold
	}
	switch {
	case d.Policy == nil:
	case old != nil && old.bundle == d.Policy.Bundle:
		l.bundle, l.policy = old.bundle, old.policy
	default:
		l.bundle = d.Policy.Bundle
		var err error
		if l.policy, err = policy.Reload(texts(d.Policy.Files)); err != nil {
			g.cfg.Log.Error("the policy on record does not compile; everything is held", "bundle", l.bundle, "err", err)
			l.policy = nil
		}
	}
	g.active.Store(l)
	return l
}

func texts(files map[string]string) map[string][]byte {
	b := make(map[string][]byte, len(files))
	for name, text := range files {
		b[name] = []byte(text)
	}
	return b
}

// record commits one change about a request, and returns the request as it then
// stands.
func (g *Gate) record(ctx context.Context, r countersign.Request, c change) (countersign.Request, store.Committed, error) {
	notAfter, turn := c.by()
	sc := store.Change{Row: c.row, NotAfter: notAfter, NotBefore: c.notBefore, Jobs: append(c.jobs, g.cards(r, c.events)...), Keep: c.keep}
	if c.seen != nil {
		sc.Directory = c.seen.Version
	}
	for i := range c.events {
		c.events[i].Request, c.events[i].Version = r.ID, r.Version+uint64(i)+1
		e, err := ledger.Encode(c.events[i])
		if err != nil {
			return r, store.Committed{}, err
		}
		sc.Events = append(sc.Events, e)
	}
	done, err := g.store.Commit(ctx, sc)
	if errors.Is(err, store.ErrUnknown) {
		done, err = g.lookAgain(ctx, sc, err)
	}
	if err != nil {
		return r, done, fmt.Errorf("record %s of %s: %w", c.events[0].Kind(), r.ID, g.missed(turn, err))
	}
	before := r.State
	defer func() { g.quotas.moved(before, r) }()
	for _, e := range c.events {
		e.At = done.At
		if err := r.Apply(e); err != nil {
			return r, done, err
		}
	}
	g.hub.Wake(r.ID, "")
	g.cfg.Recorded(Step{before, r, c.events, done.At})
	return r, done, nil
}

// lookAgain reads whether a change whose commit was not answered is on record. If
// that cannot be read either, a release among its events is looked for later.
func (g *Gate) lookAgain(ctx context.Context, sc store.Change, lost error) (store.Committed, error) {
	done, found, err := g.find(ctx, sc)
	switch {
	case err != nil:
		g.remember(unrecorded{lost: &sc})
		return done, errors.Join(lost, err)
	case !found:
		return done, lost
	}
	return done, nil
}

// find finds a change on record, by what its events say.
func (g *Gate) find(ctx context.Context, sc store.Change) (store.Committed, bool, error) {
	head, err := g.store.Head(ctx)
	if err != nil {
		return store.Committed{}, false, err
	}
	entries, err := g.store.Events(ctx, sc.Events[0].Request)
	if errors.Is(err, store.ErrNotFound) {
		return store.Committed{}, false, nil
	}
	if err != nil {
		return store.Committed{}, false, err
	}
	from := int(sc.Events[0].Version) - 1
	if len(entries) < from+len(sc.Events) {
		return store.Committed{}, false, nil
	}
	entries = entries[from : from+len(sc.Events)]
	for i, want := range sc.Events {
		open := entries[i].Open
		if open.Context == nil || open.Who == nil || entries[i].Index >= head.Size ||
			!bytes.Equal(open.Context.Value, want.Sealed.Context) || !bytes.Equal(open.Who.Value, want.Sealed.Who) {
			return store.Committed{}, false, nil
		}
	}
	said, err := ledger.ParseLeaf(entries[0].Leaf)
	return store.Committed{First: entries[0].Index, At: said.Event.At, Entries: entries, Checkpoint: head}, err == nil, err
}

// change is what record commits; request and versions are filled in.
type change struct {
	events    []countersign.Event
	seen      *countersign.Directory // what it was decided on; nil if on nothing of it
	row       *store.Row
	notAfter  time.Time
	notBefore time.Time
	freeze    time.Time // the next to begin after it was judged, zero for what does not run
	jobs      []store.Job
	keep      []store.Entry
}

// step makes an event of the body, leading to the state.
func step(who countersign.Who, d countersign.DecisionState, x countersign.ExecutionState, b countersign.Body) countersign.Event {
	return countersign.Event{Who: who, State: countersign.State{Decision: d, Execution: x}, Body: b}
}

// unavailable turns a fault of the store into what the asker is told.
func unavailable(err error) error {
	if err == nil || errors.Is(err, store.ErrConflict) {
		return err
	}
	if _, ok := errors.AsType[*countersign.Error](err); ok {
		return err
	}
	return fmt.Errorf("%w (%w)", &countersign.Error{
		Code: countersign.CodeUnavailable, Detail: "nothing runs: the record cannot be written",
		Hint: "nothing was executed; ask again in a moment",
	}, err)
}
