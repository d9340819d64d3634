package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/internal/testenv"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/upstream/oauth"
)

// A recorder is an MCP server that takes tokens for itself alone and keeps what it
// is sent.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	heard []http.Header
	calls int
}

func newRecorder(t *testing.T) *recorder {
	x := &recorder{}
	x.Server = httptest.NewServer(x)
	t.Cleanup(x.Close)
	return x
}

func (x *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var q struct {
		ID     json.RawMessage
		Method string
	}
	_ = json.Unmarshal(body, &q)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heard = append(x.heard, r.Header)
	if !strings.Contains(claimsOf(r.Header.Get("Authorization")), `"aud":"`+x.URL+`/mcp"`) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	result := `{}`
	switch q.Method {
	case "initialize":
		result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"recorder","version":"1"}}`
	case "tools/list":
		result = `{"tools":[{"name":"read","inputSchema":{"type":"object"}}]}`
	case "tools/call":
		x.calls++
		result = `{"content":[{"type":"text","text":"read it"}]}`
	}
	if q.ID == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, q.ID, result)
}

// claimsOf are the claims of the JWT in a field Authorization.
func claimsOf(field string) string {
	_, rest, _ := strings.Cut(field, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, _ := base64.RawURLEncoding.DecodeString(payload)
	return string(b)
}

const (
	helperSecret  = "secret-of-the-helper"
	gatewaySecret = "secret-of-the-gateway"
)

// A guardedSite is a server whose agents come with tokens of an issuer, and whose
// upstream wants some of the same issuer.
type guardedSite struct {
	*server
	t        *testing.T
	issuer   string
	upstream *recorder
	door     string
}

func newGuardedSite(t *testing.T) *guardedSite {
	t.Helper()
	t.Setenv("GATEWAY_SECRET", gatewaySecret)
	g := &guardedSite{t: t, upstream: newRecorder(t), issuer: testenv.OpenID(t,
		testenv.Client{ID: "helper-app", Secret: helperSecret}, testenv.Client{ID: "stranger", Secret: helperSecret}, testenv.Client{ID: "gateway", Secret: gatewaySecret})}
	dir := t.TempDir()
	cfg, err := config.Parse("countersign.yaml", dir, fmt.Appendf(nil, `listen: 127.0.0.1:0
doors: 127.0.0.1:0
issuers:
- issuer: %s
  type: at+jwt
  algorithms: [ES256]
  scopes: [mcp]
  agents: [{agent: helper, claims: {client_id: helper-app}}]
resources:
- name: mcp/recorder
  environment: prod
  data_classes: [internal]
  upstream: {url: "%s/mcp", oauth: {issuer: "%s", client_id: gateway, client_secret: "env:GATEWAY_SECRET", scopes: [mcp]}}
  tools: {read: {verbs: [mcp.read]}}
`, g.issuer, g.upstream.URL, g.issuer))
	if err != nil {
		t.Fatal(err)
	}
	if g.server, err = build(t.Context(), cfg, options{log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- g.serve(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := g.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	<-ready
	g.door = g.doorsURL() + "/mcp/recorder"
	return g
}

// know adds the agent and has the configuration say how it is known, as a start
// does.
func (g *guardedSite) know() {
	g.t.Helper()
	p, err := g.gate.SetPerson(g.t.Context(), configuration(), countersign.Person{ID: countersign.NewID("per"), Name: "dana", Issuer: "local", Subject: "dana"})
	if err == nil {
		err = g.gate.SetAgent(g.t.Context(), configuration(), countersign.Agent{ID: countersign.NewID("agt"), Name: "helper", Owner: p.ID, CreatedBy: countersign.Operator()})
	}
	if err == nil {
		err = g.configureIdentities(g.t.Context())
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

// token asks the issuer for one of the client's.
func (g *guardedSite) token(id, resource string, scopes ...string) string {
	g.t.Helper()
	s, err := oauth.New(oauth.Config{Issuer: g.issuer, ClientID: id, ClientSecret: helperSecret, Resource: resource, Scopes: scopes})
	if err != nil {
		g.t.Fatal(err)
	}
	text, err := s.Token(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	return text
}

// ask makes one call without a session, as revision 2026-07-28 has it.
func (g *guardedSite) ask(token string) (int, string, http.Header) {
	g.t.Helper()
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.door, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Cookie": "session=of-the-agent",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "read",
	} {
		r.Header.Set(name, value)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer w.Body.Close()
	b, _ := io.ReadAll(w.Body)
	return w.StatusCode, string(b), w.Header
}

func TestAPublicClientFindsItsWayInFromNothingButTheAddress(t *testing.T) {
	g := newGuardedSite(t)
	g.know()
	npm := testenv.Node(t)
	for _, which := range []string{"sdk", "client"} {
		for id, in := range map[string]bool{"helper-app": true, "stranger": false} {
			cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "authorize.mjs"), npm, which, g.door, g.issuer, id, helperSecret)
			var problems bytes.Buffer
			cmd.Stderr = &problems
			out, err := cmd.Output()
			var said struct {
				Tools       []string
				Text, Error string
				Scope       string
			}
			if err != nil || json.Unmarshal(out, &said) != nil {
				t.Fatalf("%s as %s: %v: %s%s", which, id, err, out, problems.String())
			}
			if (said.Error == "") != in || in && (said.Text != "read it" || len(said.Tools) != 3 || said.Scope != "mcp") {
				t.Errorf("%s as %s: got %+v", which, id, said)
			}
		}
	}
	left, _, err := g.gate.Search(t.Context(), store.Query{Resource: "mcp/recorder"})
	if err != nil || len(left) != 2 {
		t.Fatalf("%d requests are on record, %v; want the two of the helper", len(left), err)
	}
	if by := left[0].Requester; by.Name != "helper" || by.Issuer != g.issuer || by.Subject != "helper-app" || len(left[0].OnBehalfOf) != 0 {
		t.Errorf("it was asked by %+v on behalf of %v", by, left[0].OnBehalfOf)
	}
}

func TestNothingThatAnAgentBringsReachesTheUpstream(t *testing.T) {
	g := newGuardedSite(t)
	g.know()
	token := g.token("helper-app", g.door, "mcp")
	if status, body, _ := g.ask(token); status != http.StatusOK || !strings.Contains(body, "read it") {
		t.Fatalf("got %d %s", status, body)
	}
	g.upstream.mu.Lock()
	defer g.upstream.mu.Unlock()
	for _, h := range g.upstream.heard {
		claims := claimsOf(h.Get("Authorization"))
		if !strings.Contains(claims, `"client_id":"gateway"`) || h.Get("Cookie") != "" || strings.Contains(fmt.Sprint(h), token) {
			t.Errorf("the upstream got %v, with the claims %s", h, claims)
		}
	}
	if g.upstream.calls != 1 {
		t.Errorf("it ran %d times", g.upstream.calls)
	}
}

func TestATokenOfTheRealIssuerLetsInWhereItIsForAndNowhereElse(t *testing.T) {
	g := newGuardedSite(t)
	good := g.token("helper-app", g.door, "mcp")
	if status, body, _ := g.ask(good); status != http.StatusUnauthorized || !strings.Contains(body, "no active agent") {
		t.Errorf("before it is on record: got %d %s", status, body)
	}
	if len(g.warnings) == 0 || !strings.Contains(strings.Join(g.warnings, "\n"), "there is no agent helper yet") {
		t.Errorf("got the warnings %q", g.warnings)
	}
	g.know()
	for name, c := range map[string]struct {
		token  string
		status int
		want   string
	}{
		"good":                  {good, 200, ""},
		"none":                  {"", 401, `resource_metadata="` + g.doorsURL() + `/.well-known/oauth-protected-resource/mcp/recorder", scope="mcp"`},
		"of a sibling":          {g.token("helper-app", g.doorsURL()+"/mcp/other", "mcp"), 401, `error="invalid_token"`},
		"of the upstream":       {g.token("helper-app", g.upstream.URL+"/mcp", "mcp"), 401, `error="invalid_token"`},
		"of another client":     {g.token("stranger", g.door, "mcp"), 401, `error="invalid_token"`},
		"without scope":         {g.token("helper-app", g.door, "write"), 403, `error="insufficient_scope"`},
		"an agent's that is no": {"cs_agt_nonsense", 401, `error="invalid_token"`},
	} {
		if status, body, header := g.ask(c.token); status != c.status || !strings.Contains(header.Get("WWW-Authenticate"), c.want) {
			t.Errorf("%s: got %d %s %s, want %d %s", name, status, header.Get("WWW-Authenticate"), body, c.status, c.want)
		}
	}
}

func TestOnceTwoPeopleHavePasskeysAMappingWaitsForThem(t *testing.T) {
	g := newGuardedSite(t)
	g.know()
	token := g.token("helper-app", g.door, "mcp")
	enrol(t, g.server)
	const claim = "client_id"
	own := g.cfg.Issuers[0].Agents[0].Claims[claim]
	g.cfg.Issuers[0].Agents[0].Claims[claim] = []string{"helper-app", "stranger"}
	if err := g.configureIdentities(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(g.waits) != 1 || !strings.Contains(g.waits[0], "by which tokens helper is known is as it was until two people") {
		t.Errorf("got %q, want the mapping to wait", g.waits)
	}
	if status, body, _ := g.ask(g.token("stranger", g.door, "mcp")); status != http.StatusUnauthorized {
		t.Errorf("the stranger: got %d %s, want 401 until then", status, body)
	}
	g.cfg.Issuers[0].Agents[0].Claims[claim] = own
	if status, body, _ := g.ask(token); status != http.StatusOK {
		t.Errorf("the helper, as before: got %d %s", status, body)
	}
	g.cfg.Issuers[0].Agents = nil
	if err := g.configureIdentities(t.Context()); err != nil || len(g.waits) != 1 {
		t.Errorf("taking it away: got %v, and %q waits", err, g.waits)
	}
	if status, body, _ := g.ask(token); status != http.StatusUnauthorized {
		t.Errorf("the helper, without a mapping: got %d %s, want 401 at once", status, body)
	}
}

func TestTheDoctorTellsWhichIssuerCannotBeReached(t *testing.T) {
	up := testenv.OpenID(t)
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	x := &examination{cfg: config.Config{File: "c.yaml", Issuers: []config.Issuer{
		{URL: up, Agents: []config.Identity{{Agent: "a", Claims: map[string][]string{"sub": {"a"}}}}}, {URL: up + "/other"}, {URL: down.URL},
	}}}
	x.issuers(t.Context())
	want := []level{fine, broken, broken}
	if len(x.found) != len(want) {
		t.Fatalf("got %+v", x.found)
	}
	for i, f := range x.found {
		if f.Level != want[i] || !strings.Contains(f.Says, x.cfg.Issuers[i].URL) || f.What != "issuers" {
			t.Errorf("got %+v, want %s of %s", f, want[i], x.cfg.Issuers[i].URL)
		}
	}
}
