package gate_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

// A world is a gate over a store in memory, with people, an agent and one
// resource whose upstream counts what it runs.
type world struct {
	t        testing.TB
	gate     *gate.Gate
	store    *memory.Store
	trust    ledger.Trust
	upstream *recorder
	clock    *clock
	bot      countersign.Agent
}

const testPolicy = `apiVersion: countersign/v1
kind: PolicySet
metadata: {name: test, owner: security}
defaults: {effect: hold, reviewers: [platform], expires: 30m}
rules:
- id: read
  why: Listed reads run without a person.
  match: {resources: ["mcp/*"], verbs: [mcp.read], data_classes: [internal]}
  when: "ind_max() <= LOW"
  effect: allow
- id: write
  why: Every write gets a second pair of eyes.
  match: {verbs: [mcp.write]}
  effect: hold
  require: {reviewers: [platform], quorum: 1, expires: 30m, run_within: 10m}
- id: mass
  why: A mass change needs two.
  match: {verbs: [k8s.write]}
  effect: hold
  require: {stages: [{reviewers: [platform, dba], quorum: 2, assurance: session}], expires: 30m, run_within: 10m}
- id: never
  why: Nobody switches it off.
  match: {verbs: [sql.ddl]}
  effect: deny
`

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldAt(t, &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
}

func newWorldAt(t testing.TB, c *clock) *world {
	t.Helper()
	w := newLawlessWorld(t, c)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": testPolicy}))
	c.Advance(time.Second)
	return w
}

// newLawlessWorld is a world without a policy.
func newLawlessWorld(t testing.TB, c *clock) *world {
	t.Helper()
	private, vkey, err := ledger.NewKey("test.example/log")
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(t, err)
	w := &world{t: t, clock: c, trust: ledger.Trust{Origin: "test.example/log", Keys: note.VerifierList(verifier)}}
	w.store, err = memory.New(memory.Config{Origin: w.trust.Origin, Signer: signer, Now: c.Now})
	must(t, err)
	w.upstream = &recorder{trust: w.trust, now: c.Now, ran: map[countersign.RequestID]int{}}
	w.open()
	w.people("alice", "bob", "carol", "dave", "erin")
	w.group("platform", "alice", "bob", "carol")
	w.group("dba", "bob", "carol", "erin")
	must(t, w.gate.SetResource(t.Context(), operator(), files()))
	w.bot = w.agent("bot", "alice")
	c.Advance(time.Second)
	return w
}

// open starts a gate over the store, as a process does.
func (w *world) open() {
	w.t.Helper()
	g, err := gate.New(context.Background(), w.store, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w.upstream}, Now: w.clock.Now,
	})
	must(w.t, err)
	w.gate = g
}

func files() countersign.Resource {
	pins := map[string]countersign.Digest{}
	claims := map[string]countersign.ToolClaim{}
	for _, tool := range []string{"read_file", "write_file", "grant", "wipe"} {
		pins[tool] = countersign.Digest{1}
		claims[tool] = countersign.ToolClaim{Annotated: true}
	}
	return countersign.Resource{
		Name: "mcp/files", Environment: "prod", Regions: []string{"eu-west-1"}, DataClasses: []string{"internal"},
		Owners: []string{"platform"}, Target: countersign.Digest{9}, Pins: pins, Claims: claims,
		Tools: map[string]countersign.Tool{
			"read_file": {Verbs: []string{"mcp.read"}}, "write_file": {Verbs: []string{"mcp.write"}},
			"grant": {Verbs: []string{"k8s.write"}}, "wipe": {Verbs: []string{"sql.ddl"}},
		},
	}
}

func operator() countersign.Who {
	return countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
}

func (w *world) people(names ...string) {
	w.t.Helper()
	for _, name := range names {
		_, err := w.gate.SetPerson(w.t.Context(), operator(), countersign.Person{ID: "per_" + name, Name: name, Issuer: "local", Subject: name})
		must(w.t, err)
	}
}

func (w *world) group(name string, people ...string) {
	w.t.Helper()
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = "per_" + p
	}
	must(w.t, w.gate.SetGroup(w.t.Context(), operator(), name, ids))
}

func (w *world) agent(name, owner string) countersign.Agent {
	w.t.Helper()
	a := countersign.Agent{ID: "agt_" + name, Name: name, Owner: "per_" + owner, CreatedBy: countersign.Operator()}
	must(w.t, w.gate.SetAgent(w.t.Context(), operator(), a))
	return a
}

// ask is the bot calling a tool.
func (w *world) ask(tool, args string) gate.Ask {
	return gate.Ask{
		By:      w.bot.Principal(),
		Command: countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Params: []byte(`{"name":"` + tool + `","arguments":` + args + `}`)},
		Reason:  "because", Origin: countersign.Origin{Door: "mcp", Peer: "10.0.0.9:4000"},
	}
}

// submit asks without waiting for people.
func (w *world) submit(a gate.Ask) gate.Result {
	w.t.Helper()
	result, err := w.gate.Submit(ended(), a, io.Discard)
	must(w.t, err)
	return result
}

// held asks for something that is held, and returns the request.
func (w *world) held(tool, args string) countersign.Request {
	w.t.Helper()
	p, ok := w.submit(w.ask(tool, args)).(gate.Pending)
	if !ok {
		w.t.Fatalf("%s was not held", tool)
	}
	return p.Request
}

// run is the bot coming back for a request.
func (w *world) run(id countersign.RequestID) gate.Result {
	w.t.Helper()
	result, err := w.gate.Wait(ended(), w.bot.Principal(), id, io.Discard)
	must(w.t, err)
	return result
}

// says is the person's choice, with what they are shown now.
func (w *world) says(person string, choice countersign.Choice, id countersign.RequestID) gate.Decision {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	d := w.shown(r)
	d.By, d.Choice = countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + person}, choice
	return d
}

// shown is a choice still to be made by somebody who looks at the request.
func (w *world) shown(r countersign.Request) gate.Decision {
	w.t.Helper()
	d, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	return gate.Decision{Request: r.ID, Origin: countersign.Origin{Door: "console"}, Decision: countersign.Decision{
		Digest: r.Digest, View: brief.Build(r, d).Digest(), Reason: "seen", Assurance: countersign.Session, Method: "link", Channel: "console",
	}}
}

func (w *world) decide(person string, choice countersign.Choice, id countersign.RequestID) error {
	w.t.Helper()
	_, err := w.gate.Decide(w.t.Context(), w.says(person, choice, id))
	return err
}

func (w *world) approve(person string, id countersign.RequestID) {
	w.t.Helper()
	must(w.t, w.decide(person, countersign.Approve, id))
}

func (w *world) state(id countersign.RequestID) countersign.State {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	return r.State
}

// refused fails unless the error has the code.
func (w *world) refused(err error, want countersign.Code) {
	w.t.Helper()
	if got := countersign.CodeOf(err); err == nil || got != want {
		w.t.Errorf("got %v (%s), want it refused as %s", err, got, want)
	}
}

// recorded returns how many events of the kind the request has.
func (w *world) recorded(id countersign.RequestID, kind countersign.EventKind) int {
	w.t.Helper()
	entries, err := w.store.Events(w.t.Context(), id)
	must(w.t, err)
	n := 0
	for _, entry := range entries {
		said, err := ledger.ParseLeaf(entry.Leaf)
		must(w.t, err)
		if said.Event.Kind == kind {
			n++
		}
	}
	return n
}

func (w *world) ran(id countersign.RequestID, want int) {
	w.t.Helper()
	if got := w.upstream.count(id); got != want {
		w.t.Errorf("%s ran %d times upstream, want %d", id, got, want)
	}
}

// ended is a context that has ended: the asker does not wait.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// A recorder is an upstream that opens its permits itself and counts.
type recorder struct {
	trust ledger.Trust
	now   func() time.Time
	// run, if set, says what happens instead of success.
	run func(countersign.RequestID) (countersign.Outcome, error)

	mu    sync.Mutex
	ran   map[countersign.RequestID]int
	last  ledger.Release
	bytes []byte
}

func (u *recorder) Run(_ context.Context, r ledger.Release, out io.Writer) (countersign.Outcome, error) {
	p, err := ledger.OpenPermit(r, u.trust, "mcp/files", u.now())
	if err != nil {
		return countersign.Outcome{Execution: countersign.ExecutionFailed}, err
	}
	u.mu.Lock()
	u.ran[p.Request()]++
	u.last, u.bytes = r, p.Canonical()
	u.mu.Unlock()
	if u.run != nil {
		return u.run(p.Request())
	}
	_, err = fmt.Fprintf(out, `{"result":{"ran":%q}}`, p.Request())
	return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
}

func (u *recorder) count(id countersign.RequestID) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ran[id]
}

// A clock is moved by hand. One without a time is that of a synctest bubble.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		time.Sleep(d)
		return
	}
	c.at = c.at.Add(d)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
