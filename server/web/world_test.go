package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

// A world is the pages over a gate in memory, with people, agents and one
// resource whose upstream answers everything.
type world struct {
	t     *testing.T
	store *memory.Store
	trust ledger.Trust
	gate  *gate.Gate
	web   *Web
	url   string
	bot   countersign.Agent

	mu sync.Mutex
	at time.Time // under mu
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
  require: {reviewers: [platform], quorum: 1, assurance: session, expires: 30m, run_within: 10m}
- id: mass
  why: A mass change needs two people.
  match: {verbs: [k8s.write]}
  effect: hold
  require: {stages: [{reviewers: [platform, dba], quorum: 2, assurance: session}], expires: 30m, run_within: 10m}
- id: explained
  why: Whoever lets this through says why.
  match: {verbs: [k8s.exec]}
  effect: hold
  require: {reviewers: [platform], quorum: 1, assurance: session, reason: true, expires: 30m, run_within: 10m}
- id: never
  why: Nobody switches it off.
  match: {verbs: [sql.ddl]}
  effect: deny
`

func newWorld(t *testing.T) *world {
	t.Helper()
	private, vkey, err := ledger.NewKey("test.example/log")
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(t, err)
	w := &world{t: t, at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	w.trust = ledger.Trust{Origin: "test.example/log", Keys: note.VerifierList(verifier)}
	w.store, err = memory.New(memory.Config{Origin: w.trust.Origin, Signer: signer, Now: w.now})
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	w.gate, err = gate.New(context.Background(), w.store, w.trust, gate.Config{
		Executors: map[string]gate.Executor{"mcp/files": w}, Now: w.now, Log: log,
	})
	must(t, err)
	for name, full := range map[string]string{"alice": "Alice Moreau", "bob": "Bob Okafor", "mei": "Mei Tanaka", "dana": "Dana Whitfield", "gone": "Gone Person"} {
		_, err := w.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_" + name, Name: full, Issuer: "local", Subject: name})
		must(t, err)
	}
	must(t, w.gate.SetGroup(t.Context(), operator(), "platform", []string{"per_alice", "per_bob", "per_mei"}))
	must(t, w.gate.SetGroup(t.Context(), operator(), "dba", []string{"per_bob", "per_mei"}))
	must(t, w.gate.SetResource(t.Context(), operator(), resource()))
	w.bot = countersign.Agent{ID: "agt_bot", Name: "deploy-bot", Owner: "per_alice", CreatedBy: countersign.Operator()}
	must(t, w.gate.SetAgent(t.Context(), operator(), w.bot))
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": testPolicy}))
	w.advance(time.Second)
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	w.web, err = New(w.gate, w.store.Ephemeral(), Config{
		PublicURL: w.url, Head: w.store.Head, Events: w.store.Events, Now: w.now, Log: log, Version: "test",
	})
	must(t, err)
	server.Config.Handler = w.web
	server.Start()
	t.Cleanup(server.Close)
	return w
}

func resource() countersign.Resource {
	pins, claims := map[string]countersign.Digest{}, map[string]countersign.ToolClaim{}
	tools := map[string]countersign.Tool{
		"read_file": {Verbs: []string{"mcp.read"}}, "write_file": {Verbs: []string{"mcp.write"}},
		"grant": {Verbs: []string{"k8s.write"}}, "exec": {Verbs: []string{"k8s.exec"}}, "wipe": {Verbs: []string{"sql.ddl"}},
	}
	for tool := range tools {
		pins[tool], claims[tool] = countersign.Digest{1}, countersign.ToolClaim{Annotated: true}
	}
	return countersign.Resource{
		Name: "mcp/files", Environment: "prod", Regions: []string{"eu-west-1"}, DataClasses: []string{"internal"},
		Owners: []string{"platform"}, Target: countersign.Digest{9}, Pins: pins, Claims: claims, Tools: tools,
	}
}

func operator() countersign.Who {
	return countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// Run implements gate.Executor.
func (w *world) Run(_ context.Context, r ledger.Release, out io.Writer) (countersign.Outcome, error) {
	permit, err := ledger.OpenPermit(r, w.trust, "mcp/files", w.now())
	if err != nil {
		return countersign.Outcome{Execution: countersign.ExecutionFailed}, err
	}
	switch {
	case strings.Contains(string(permit.Canonical()), "/fail"):
		return countersign.Outcome{Execution: countersign.ExecutionFailed, Detail: "EACCES: permission denied"}, nil
	case strings.Contains(string(permit.Canonical()), "/unknown"):
		return countersign.Outcome{Execution: countersign.ExecutionUnknown, Detail: "the upstream ended while it ran"}, nil
	}
	_, err = fmt.Fprint(out, `{"result":{"ok":true}}`)
	return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
}

// ask has the bot call a tool without waiting for people.
func (w *world) ask(tool, args string, change ...func(*gate.Ask)) countersign.Request {
	w.t.Helper()
	a := gate.Ask{
		By:      w.bot.Principal(),
		Command: countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Params: []byte(`{"name":"` + tool + `","arguments":` + args + `}`)},
		Reason:  "Release 4.2 needs it.", Origin: countersign.Origin{Door: "mcp", Peer: "10.0.0.9:4000", Client: "claude-code/2.1"},
	}
	for _, c := range change {
		c(&a)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	result, err := w.gate.Submit(ended, a, io.Discard)
	must(w.t, err)
	switch result := result.(type) {
	case gate.Pending:
		return result.Request
	case gate.Done:
		return result.Request
	case gate.Refused:
		return result.Request
	}
	w.t.Fatalf("got %T for %s", result, tool)
	panic("unreachable")
}

// run has the bot come back for a request.
func (w *world) run(id countersign.RequestID) {
	w.t.Helper()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := w.gate.Wait(ended, w.bot.Principal(), id, io.Discard)
	must(w.t, err)
}

func (w *world) get(id countersign.RequestID) countersign.Request {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	return r
}

// A browser is one person's, or nobody's.
type browser struct {
	w    *world
	http *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as is a browser in which the person has signed in with a link.
func (w *world) as(person string) *browser {
	w.t.Helper()
	b := w.browser()
	got := b.post("/signin", url.Values{"link": {w.secret(person)}})
	if got.status != http.StatusSeeOther {
		w.t.Fatalf("%s signs in: got %d, want 303\n%s", person, got.status, got.text)
	}
	return b
}

func (w *world) secret(person string) string {
	w.t.Helper()
	link, err := w.web.Link(w.t.Context(), "per_"+person)
	must(w.t, err)
	u, err := url.Parse(link)
	must(w.t, err)
	return u.Query().Get("link")
}

// An answer is one page.
type answer struct {
	status int
	header http.Header
	body   string // HTML
	text   string // what people read
}

func (b *browser) send(method, path string, form url.Values, header http.Header) answer {
	b.w.t.Helper()
	req, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.url+path, strings.NewReader(form.Encode()))
	must(b.w.t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.http.Do(req)
	must(b.w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(b.w.t, err)
	return answer{resp.StatusCode, resp.Header, string(body), textOf(string(body))}
}

func (b *browser) get(path string) answer { b.w.t.Helper(); return b.send("GET", path, nil, nil) }

func (b *browser) post(path string, form url.Values) answer {
	b.w.t.Helper()
	return b.send("POST", path, form, http.Header{"Origin": {b.w.url}, "Sec-Fetch-Site": {"same-origin"}})
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)

// form is what the request's page would send, with the choice.
func (b *browser) form(id countersign.RequestID, choice string, more ...string) url.Values {
	b.w.t.Helper()
	f := url.Values{"choice": {choice}}
	for _, m := range hiddenField.FindAllStringSubmatch(b.get("/plain/r/"+string(id)).body, -1) {
		f.Set(m[1], m[2])
	}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

func (b *browser) decide(id countersign.RequestID, choice string, more ...string) answer {
	b.w.t.Helper()
	return b.post("/plain/r/"+string(id)+"/decide", b.form(id, choice, more...))
}

// wants fails unless the answer has the status and people read each of the texts.
func (a answer) wants(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("got status %d, want %d\n%s", a.status, status, a.text)
	}
	for _, s := range texts {
		if !strings.Contains(a.text, s) {
			t.Errorf("the page does not say %q\n%s", s, a.text)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
