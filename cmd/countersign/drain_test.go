package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// idle is an executor that nothing may reach.
type idle struct{ t *testing.T }

func (i idle) Run(context.Context, ledger.Release, gate.Sink) (countersign.Outcome, error) {
	i.t.Error("a command ran")
	return countersign.Outcome{Execution: countersign.ExecutionFailed}, nil
}

// inProcess runs a server in the folder until stop is called, which drains it.
func inProcess(t *testing.T, data string) (s *server, stop func()) {
	t.Helper()
	cfg := config.Defaults(data)
	cfg.Data, cfg.Listen, cfg.Doors = data, "127.0.0.1:0", "127.0.0.1:0"
	cfg.Keys = config.Keys{Log: filepath.Join(data, "log.key"), Vault: filepath.Join(data, "vault.key")}
	s, err := build(t.Context(), cfg, options{
		executors: map[string]gate.Executor{"mcp/desk": idle{t}},
		resources: []countersign.Resource{{Name: "mcp/desk", DataClasses: []string{"internal"}, Owners: []string{"payments"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() { served <- s.serve(ctx, func() { close(ready) }) }()
	<-ready
	return s, func() {
		cancel()
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer done()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := s.close(closing); err != nil {
			t.Error(err)
		}
	}
}

// agentOf adds a person and an agent of theirs, and returns its token.
func agentOf(t *testing.T, s *server, name string) string {
	t.Helper()
	p, err := s.gate.SetPerson(t.Context(), configuration(), countersign.Person{ID: countersign.NewID("per"), Name: name, Issuer: "local", Subject: name})
	if err != nil {
		t.Fatal(err)
	}
	text, hash := token.New()
	err = s.gate.SetAgent(t.Context(), configuration(), countersign.Agent{
		ID: countersign.NewID("agt"), Name: name + "-bot", Owner: p.ID, CreatedBy: countersign.Operator(),
		Tokens: []countersign.Token{{ID: countersign.NewID("tok"), Hash: hash, IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatWaitsWhenTheServerStopsGoesOnWaiting(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s, stop := inProcess(t, data)
	agent := &mcpAgent{url: "http://" + s.doors.Addr().String() + "/mcp/desk", token: agentOf(t, s, "alice")}
	if err := agent.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	changed, done := s.gate.Changes()
	defer done()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		agent.send(t.Context(), "tools/call", map[string]any{"name": "sweep", "arguments": struct{}{}}) // whatever it is told
	}()
	<-changed // it is on record and waits
	stop()
	<-ended
	s, stop = inProcess(t, data)
	defer stop()
	left, _, err := s.gate.Search(t.Context(), store.Query{Decision: countersign.DecisionPending})
	if err != nil || len(left) != 1 {
		t.Errorf("after the restart %d requests wait, %v; want the one", len(left), err)
	}
}

func TestNothingIsRecordedTwiceAtASecondStart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s, stop := inProcess(t, data)
	first, err := s.store.Head(t.Context())
	stop()
	if err != nil {
		t.Fatal(err)
	}
	s, stop = inProcess(t, data)
	defer stop()
	second, err := s.store.Head(t.Context())
	if err != nil || second.Size != first.Size || first.Size == 0 {
		t.Errorf("got %d leaves, %v; want %d: the configuration is the same", second.Size, err, first.Size)
	}
}
