package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/server/account"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

const origin = "https://gate.example"

// Who calls in the tests.
const (
	nobody   = "nobody"
	bot      = "deploy-bot" // owned by alice
	otherBot = "other-bot"  // owned by dave
	alice    = "alice"      // in no group
	bob      = "bob"        // of platform, which owns mcp/files
	carol    = "carol"      // of platform too
	dave     = "dave"       // in no group
	admin    = "admin"      // the operator
)

// A world is a server with people, agents and one resource.
type world struct {
	t      *testing.T
	store  *memory.Store
	gate   *gate.Gate
	trust  ledger.Trust
	url    string // of the server for agents and people
	admin  string // of the admin socket's server
	ran    *recorder
	log    *bytes.Buffer
	offset atomic.Int64 // of the clock, in nanoseconds
	ids    map[string]string
	tokens map[string]string
	check  *contract
	desk   *setup.Desk
	// signedIn is how sessions are; nil is as just signed in.
	signedIn func(rest.AuthInfo) rest.AuthInfo
}

func newWorld(t *testing.T) *world {
	t.Helper()
	private, vkey, err := ledger.NewKey("test.example/log")
	w := &world{t: t, log: &bytes.Buffer{}, ids: map[string]string{}, tokens: map[string]string{}, check: newContract(t)}
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(t, err)
	w.trust = ledger.Trust{Origin: "test.example/log", Keys: note.VerifierList(verifier)}
	w.store, err = memory.New(memory.Config{Origin: "test.example/log", Signer: signer, Now: w.now})
	must(t, err)
	w.offset.Store(-int64(time.Hour)) // the people were there before anybody asks
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: w.log}, nil))
	w.ran = &recorder{trust: w.trust, now: w.now, spent: ledger.NewSpent(w.now())}
	w.gate, err = gate.New(t.Context(), w.store, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w.ran}, Now: w.now, Log: log,
	})
	must(t, err)
	w.populate()
	w.offset.Store(0)
	keys, err := passkey.New(w.store.Ephemeral(), origin, w.now)
	must(t, err)
	w.desk = setup.New(w.store.Ephemeral(), w.now)
	cfg := Config{
		Door:     rest.Config{Origin: origin, Sessions: w.session, Now: w.now, Log: log},
		Accounts: account.Config{Passkeys: keys, Desk: w.desk, LinkCode: w.linkCode, Chats: []string{"slack"}},
	}
	w.url = w.serve(New(w.gate, w.store, cfg))
	cfg.Door.Sessions, cfg.Door.Name = nil, "admin"
	cfg.Door.Authenticate = func(*http.Request) (countersign.Principal, rest.AuthInfo, bool) {
		return countersign.Operator(), rest.AuthInfo{Method: "socket"}, true
	}
	w.admin = w.serve(New(w.gate, w.store, cfg))
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

func (w *world) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	w.t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

func (w *world) populate() {
	t, ctx := w.t, w.t.Context()
	who := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}}
	for _, name := range []string{alice, bob, carol, dave} {
		w.ids[name] = countersign.NewID("per")
		_, err := w.gate.SetPerson(ctx, who, countersign.Person{ID: w.ids[name], Name: name, Issuer: "local", Subject: name})
		must(t, err)
	}
	must(t, w.gate.SetGroup(ctx, who, "platform", []string{w.ids[bob], w.ids[carol]}))
	for name, owner := range map[string]string{bot: alice, otherBot: dave} {
		text, hash := token.New()
		w.tokens[name], w.ids[name] = text, countersign.NewID("agt")
		must(t, w.gate.SetAgent(ctx, who, countersign.Agent{
			ID: w.ids[name], Name: name, Owner: w.ids[owner], CreatedBy: countersign.Operator(),
			Tokens: []countersign.Token{{ID: countersign.NewID("tok"), Hash: hash, IssuedBy: countersign.Operator(), IssuedAt: w.now(), Expires: w.now().Add(48 * time.Hour)}},
		}))
	}
	must(t, w.gate.SetResource(ctx, who, countersign.Resource{
		Name: "mcp/files", Environment: "prod", Regions: []string{"eu-west-1"}, DataClasses: []string{"internal"}, Owners: []string{"platform"},
		Tools: map[string]countersign.Tool{
			"read_text_file": {Verbs: []string{"mcp.read"}, Classes: []string{"internal"}},
			"write_file":     {Verbs: []string{"mcp.write"}, Classes: []string{"internal"}},
			"export":         {Verbs: []string{"mcp.read"}, Classes: []string{"pii"}, Sink: "destination"},
		},
	}))
	must(t, w.gate.SetPolicy(ctx, who, map[string]string{"starter.yaml": string(policy.Starter())}))
}

// session is signed in by a cookie that holds a person's name, or as ever.
func (w *world) session(r *http.Request) (countersign.Principal, rest.AuthInfo, bool) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return account.SessionsOf(w.gate, w.store.Ephemeral(), w.now)(r)
	}
	auth := rest.AuthInfo{AuthTime: w.now(), Method: "link", Assurance: countersign.Session}
	if w.signedIn != nil {
		auth = w.signedIn(auth)
	}
	return countersign.Principal{Kind: countersign.KindPerson, ID: w.ids[cookie.Value]}, auth, true
}

// A call is one HTTP request of somebody's.
type call struct {
	as, method, path string
	body             string
	header           http.Header
}

// An answered is what came of a call.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// send calls, and checks what comes back against the OpenAPI document.
func (w *world) send(c call) answered {
	w.t.Helper()
	resp := w.open(w.t.Context(), c)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	got := answered{resp.StatusCode, resp.Header, b}
	w.check.answer(w.t, c, got)
	return got
}

func (w *world) open(ctx context.Context, c call) *http.Response {
	w.t.Helper()
	base := w.url
	if c.as == admin {
		base = w.admin
	}
	req, err := http.NewRequestWithContext(ctx, c.method, base+c.path, strings.NewReader(c.body))
	must(w.t, err)
	for name, values := range c.header {
		req.Header[name] = values
	}
	if text, ok := w.tokens[c.as]; ok {
		req.Header.Set("Authorization", "Bearer "+text)
	} else if w.ids[c.as] != "" {
		req.AddCookie(&http.Cookie{Name: "session", Value: c.as})
		if req.Header["Origin"] == nil {
			req.Header.Set("Origin", origin)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	return resp
}

func (a answered) request(t *testing.T) client.Request {
	t.Helper()
	return decode[client.Request](t, a)
}

func (a answered) problem(t *testing.T) client.Problem {
	t.Helper()
	return decode[client.Problem](t, a)
}

func decode[T any](t *testing.T, a answered) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("answer %d is no %T: %v\n%s", a.status, v, err, a.body)
	}
	return v
}

// wants fails the test unless the answer has the status and, for a problem, the
// code.
func (a answered) wants(t *testing.T, status int, code countersign.Code) {
	t.Helper()
	if a.status != status {
		t.Fatalf("got status %d, want %d: %s", a.status, status, a.body)
	}
	if code != "" {
		if p := a.problem(t); p.Code != string(code) || p.Status != status || p.Title != http.StatusText(status) {
			t.Fatalf("got problem %+v, want code %s", p, code)
		}
	}
}

// asked is the body of an ask for a tool.
func asked(tool, argument string) string {
	params, _ := json.Marshal(map[string]any{"name": tool, "arguments": map[string]string{"path": argument}})
	b, _ := json.Marshal(client.Ask{
		Resource: "mcp/files", Reason: "release 4.2",
		Command: client.Command{Kind: "mcp.request", Method: "tools/call", Params: string(params)},
	})
	return string(b)
}

var distinct atomic.Int64

// held is a request of the bot's that waits for platform.
func (w *world) held() client.Request {
	w.t.Helper()
	got := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("write_file", fmt.Sprintf("/srv/%d", distinct.Add(1)))})
	got.wants(w.t, http.StatusAccepted, "")
	return got.request(w.t)
}

// allowed is a request of the bot's that ran.
func (w *world) allowed() client.Request {
	w.t.Helper()
	got := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("read_text_file", fmt.Sprintf("/srv/%d", distinct.Add(1)))})
	got.wants(w.t, http.StatusOK, "")
	return got.request(w.t)
}

func choice(r client.Request, what string) string {
	b, _ := json.Marshal(client.Choice{Choice: what, Digest: r.Digest, ViewDigest: r.ViewDigest, Reason: "because"})
	return string(b)
}

func (w *world) decide(as string, r client.Request, what string) answered {
	w.t.Helper()
	return w.send(call{as: as, method: "POST", path: "/v1/requests/" + r.ID + "/decisions", body: choice(r, what)})
}

// A recorder is an executor that opens the permit, spends it, and says so.
type recorder struct {
	trust ledger.Trust
	now   func() time.Time
	spent *ledger.Spent

	mu  sync.Mutex
	ran []countersign.RequestID // under mu
}

func (x *recorder) Run(_ context.Context, r ledger.Release, out gate.Sink) (countersign.Outcome, error) {
	failed := countersign.Outcome{Execution: countersign.ExecutionFailed}
	permit, err := ledger.OpenPermit(r, x.trust, "mcp/files", x.now())
	if err != nil {
		return failed, err
	}
	if err := x.spent.Spend(permit, x.now()); err != nil {
		return failed, err
	}
	x.mu.Lock()
	x.ran = append(x.ran, permit.Request())
	x.mu.Unlock()
	if _, err := fmt.Fprintf(out, `{"result": {"content":[{"type":"text","text":"%s <ok> é"}]}}`, permit.Request()); err != nil {
		return failed, err
	}
	return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, nil
}

func (x *recorder) times(id string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, r := range x.ran {
		if string(r) == id {
			n++
		}
	}
	return n
}

type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
