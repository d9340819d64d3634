package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/metrics"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

const rules = `apiVersion: countersign/v1
kind: PolicySet
metadata: {name: tests, owner: tests}
defaults: {effect: hold, reviewers: [reviewers], expires: 30m}
rules:
- {id: reads, why: Reads run., match: {verbs: [mcp.read]}, effect: allow}
- id: writes
  why: Writes wait.
  match: {verbs: [mcp.write]}
  effect: hold
  require: {reviewers: [reviewers], quorum: 1, assurance: session, expires: 30m, run_within: 10m}
- {id: never, why: Nobody touches personal data., match: {data_classes: [pii]}, effect: deny}
`

// A world is a gate whose every step the metrics hear of.
type world struct {
	t       *testing.T
	metrics *metrics.Metrics
	gate    *gate.Gate
	store   *memory.Store
	alice   countersign.Person // owns the agents
	bob     countersign.Person // decides
	now     time.Time
	ends    countersign.ExecutionState // of what runs
}

func newWorld(t *testing.T) *world {
	t.Helper()
	const origin = "metrics.example/log"
	private, public, err := ledger.NewKey(origin)
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(public)
	must(t, err)
	w := &world{
		t: t, metrics: metrics.New("v1.2.3"), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), ends: countersign.ExecutionSucceeded,
		alice: countersign.Person{ID: countersign.NewID("per"), Name: "Alice", Issuer: "local", Subject: "alice"},
		bob:   countersign.Person{ID: countersign.NewID("per"), Name: "Bob", Issuer: "local", Subject: "bob"},
	}
	clock := func() time.Time { return w.now }
	w.store, err = memory.New(memory.Config{Origin: origin, Signer: signer, Now: clock})
	must(t, err)
	w.gate, err = gate.New(t.Context(), w.store, ledger.Trust{Origin: origin, Keys: note.VerifierList(verifier)}, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w}, Now: clock, Log: slog.New(slog.DiscardHandler), Recorded: w.metrics.Recorded,
	})
	must(t, err)
	w.metrics.Begin("mcp/files")
	w.metrics.Look(w.store, w.gate.Waiting, clock)
	for _, p := range []countersign.Person{w.alice, w.bob} {
		_, err = w.gate.SetPerson(t.Context(), operator(), p)
		must(t, err)
	}
	must(t, w.gate.SetGroup(t.Context(), operator(), "reviewers", []string{w.bob.ID}))
	must(t, w.gate.SetResource(t.Context(), operator(), countersign.Resource{
		Name: "mcp/files", Environment: "test", DataClasses: []string{"internal"}, Owners: []string{"reviewers"},
		Tools: map[string]countersign.Tool{
			"read_file": {Verbs: []string{"mcp.read"}}, "write_file": {Verbs: []string{"mcp.write"}},
			"drop_all": {Verbs: []string{"mcp.write"}, Classes: []string{"pii"}},
		},
	}))
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy.yaml": rules}))
	w.now = w.now.Add(time.Minute)
	return w
}

func operator() countersign.Who {
	return countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
}

// Run implements gate.Executor: it takes 40 milliseconds.
func (w *world) Run(_ context.Context, _ ledger.Release, out gate.Sink) (countersign.Outcome, error) {
	w.now = w.now.Add(40 * time.Millisecond)
	if w.ends == countersign.ExecutionFailed {
		return countersign.Outcome{Execution: w.ends}, errors.New("the upstream says: no such row " + secret)
	}
	_, err := out.Write([]byte(`{"result":{}}`))
	return countersign.Outcome{Execution: w.ends}, err
}

// agent adds one.
func (w *world) agent(name string) countersign.Principal {
	w.t.Helper()
	a := countersign.Agent{ID: countersign.NewID("agt"), Name: name, Owner: w.alice.ID, CreatedBy: countersign.Operator()}
	must(w.t, w.gate.SetAgent(w.t.Context(), operator(), a))
	return a.Principal()
}

// ask has the agent ask for a tool and does not wait.
func (w *world) ask(by countersign.Principal, tool, argument string) (gate.Result, countersign.Command) {
	w.t.Helper()
	ended, end := context.WithCancel(w.t.Context())
	end()
	c := countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Params: fmt.Appendf(nil, `{"name":%q,"arguments":{"path":%q}}`, tool, argument)}
	result, err := w.gate.Submit(ended, gate.Ask{By: by, Command: c, Reason: "because " + argument, Origin: countersign.Origin{Door: "mcp", Client: "client-of-" + by.Name}}, discard{})
	must(w.t, err)
	return result, c
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// decide has Bob decide it.
func (w *world) decide(r countersign.Request, c countersign.Choice, to string) {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), r.ID)
	must(w.t, err)
	dir, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	_, err = w.gate.Decide(w.t.Context(), gate.Decision{
		Request: r.ID, Origin: countersign.Origin{Door: "console", Peer: "10.1.2.3:55555"},
		Decision: countersign.Decision{
			By: w.bob.Principal(), Choice: c, To: to, Digest: r.Digest, View: brief.Build(r, dir).Digest(),
			Reason: "reason " + secret, Assurance: countersign.Session, Channel: "console", Method: "link", AuthTime: w.now,
		},
	})
	must(w.t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
