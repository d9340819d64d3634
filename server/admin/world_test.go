package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/ledgertest"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

// A world is a server's admin socket, with a group "dba" that the configuration
// keeps, one that the operator keeps, and a resource that dba owns.
type world struct {
	t      *testing.T
	trust  ledger.Trust
	store  *memory.Store
	gate   *gate.Gate
	socket string
}

// never is an executor that nobody may reach here.
type never struct{ t *testing.T }

func (n never) Run(context.Context, ledger.Release, gate.Sink) (countersign.Outcome, error) {
	n.t.Error("a command ran")
	return countersign.Outcome{Execution: countersign.ExecutionFailed}, nil
}

func newWorld(t *testing.T) *world { return newWorldWith(t, func(*admin.Config) {}) }

func newWorldWith(t *testing.T, change func(*admin.Config)) *world {
	private, vkey, err := ledger.NewKey("test.example/log")
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(t, err)
	w := &world{t: t, trust: ledger.Trust{Origin: "test.example/log", Keys: note.VerifierList(verifier)}}
	w.store, err = memory.New(memory.Config{Origin: "test.example/log", Signer: signer})
	must(t, err)
	w.gate, err = gate.New(t.Context(), w.store, w.trust, gate.Config{Executors: map[string]gate.Executor{"mcp/files": never{t}}})
	must(t, err)
	who := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "test"}}
	for _, name := range []string{"dba", "night"} {
		must(t, w.gate.SetGroup(t.Context(), who, name, nil))
	}
	must(t, w.gate.SetResource(t.Context(), who, countersign.Resource{
		Name: "mcp/files", DataClasses: []string{"internal"}, Owners: []string{"dba"},
		Tools: map[string]countersign.Tool{"write_file": {Verbs: []string{"mcp.write"}}},
	}))
	must(t, w.gate.SetPolicy(t.Context(), who, map[string]string{policy.StarterFile: string(policy.Starter())}))
	w.socket = filepath.Join(t.TempDir(), "s")
	l, err := admin.Listen(w.socket)
	must(t, err)
	cfg := admin.Config{
		Groups: map[string][]string{"dba": {"local|bob", "local|dana"}},
		Link:   func(_ context.Context, person string) (string, error) { return "https://x/" + person, nil },
		Reads: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(http.StatusTeapot)
		}),
	}
	change(&cfg)
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: admin.New(w.gate, w.store, cfg)}}
	s.Start()
	t.Cleanup(s.Close)
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) send(method, path, body string) *http.Response {
	w.t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", w.socket)
	}}}
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://admin"+path, bytes.NewReader([]byte(body)))
	must(w.t, err)
	resp, err := c.Do(req)
	must(w.t, err)
	w.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// call makes a call that must be answered.
func call[T any](w *world, method, path, body string) T {
	w.t.Helper()
	var out T
	resp := w.send(method, path, body)
	if resp.StatusCode != http.StatusOK {
		p := client.Problem{}
		json.NewDecoder(resp.Body).Decode(&p)
		w.t.Fatalf("%s %s: got %s, %s (%s)", method, path, resp.Status, p.Detail, p.Hint)
	}
	must(w.t, json.NewDecoder(resp.Body).Decode(&out))
	return out
}

// refused makes a call that must be refused with the code.
func (w *world) refused(code countersign.Code, method, path, body string) {
	w.t.Helper()
	resp := w.send(method, path, body)
	var p client.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Code != string(code) {
		w.t.Errorf("%s %s: got %s %q, want %q", method, path, resp.Status, p.Code, code)
	}
}

// held has an agent of dana's ask for a write, which waits for dba.
func (w *world) held() countersign.Request {
	w.t.Helper()
	d, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	var agent countersign.Agent
	for _, a := range d.Agents {
		agent = a
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel() // nobody waits here
	result, err := w.gate.Submit(ctx, gate.Ask{By: agent.Principal(), Command: countersign.MCPRequest{
		Resource: "mcp/files", Method: "tools/call", Params: []byte(`{"name":"write_file","arguments":{"path":"/srv/a"}}`),
	}}, nil)
	must(w.t, err)
	pending, ok := result.(gate.Pending)
	if !ok {
		w.t.Fatalf("the write is %T, want it to wait", result)
	}
	return pending.Request
}

func (w *world) events(id countersign.RequestID) []countersign.Event {
	w.t.Helper()
	entries, err := w.store.Events(w.t.Context(), id)
	must(w.t, err)
	var events []countersign.Event
	for _, entry := range entries {
		e, err := entry.Event()
		must(w.t, err)
		events = append(events, e)
	}
	return events
}

// enrol gives the people passkeys, each confirmed by the first.
func (w *world) enrol(people ...string) {
	w.t.Helper()
	who := countersign.Who{Actor: countersign.Operator()}
	for i, person := range people {
		k := ledgertest.NewPasskey(w.t, person, "phone")
		k.Credential.VouchedBy = []string{"operator"}
		c, err := w.gate.Enrol(w.t.Context(), who, k.Credential)
		must(w.t, err)
		if i > 0 {
			confirmer := countersign.Who{Actor: countersign.Principal{Kind: countersign.KindPerson, ID: people[0]}}
			must(w.t, w.gate.ConfirmCredential(w.t.Context(), confirmer, c.ID))
		}
	}
}
