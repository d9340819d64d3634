package mcp_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/door/mcp/auth"
	"github.com/countersignhq/countersign/identity/workload"
)

func offered() *auth.Server {
	return &auth.Server{URL: "https://agents.example.com", Issuers: []string{"https://idp.example.com"}, Scopes: []string{"mcp"}}
}

func TestAClientWithoutATokenLearnsWhereItGetsOne(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Authorization: offered()})
	const where = `resource_metadata="https://agents.example.com/.well-known/oauth-protected-resource/mcp/files"`
	for name, c := range map[string]struct {
		token, want string
	}{
		"no token":      {"", `Bearer realm="countersign", ` + where + `, scope="mcp"`},
		"a wrong token": {"Bearer wrong", `Bearer realm="countersign", error="invalid_token", ` + where + `, scope="mcp"`},
	} {
		r := s.request(t.Context(), ping)
		r.Header.Set("Authorization", c.token)
		if c.token == "" {
			r.Header.Del("Authorization")
		}
		got := do(r)
		if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") != c.want {
			t.Errorf("%s: got %d %s, want %s", name, got.status, got.header.Get("WWW-Authenticate"), c.want)
		}
	}
	r := s.request(t.Context(), ping)
	r.Header.Set("Authorization", "Bearer person")
	if got := do(r); got.status != http.StatusForbidden || got.header.Get("WWW-Authenticate") != "" {
		t.Errorf("a person: got %d %s, want 403 and no challenge", got.status, got.header.Get("WWW-Authenticate"))
	}
}

func TestATokenThatLacksAScopeIsToldWhich(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Authorization: offered()})
	s.refuse = &workload.ScopeError{Needs: []string{"mcp", "write"}}
	got := do(s.request(t.Context(), ping))
	const want = `Bearer realm="countersign", error="insufficient_scope", resource_metadata="https://agents.example.com/.well-known/oauth-protected-resource/mcp/files", scope="mcp write"`
	if got.status != http.StatusForbidden || got.header.Get("WWW-Authenticate") != want {
		t.Errorf("got %d %s, want 403 and %s", got.status, got.header.Get("WWW-Authenticate"), want)
	}
}

func TestAResourceDescribesItselfToWhoeverReachesIt(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Authorization: offered(), Hosts: []string{"agents.example.com"}})
	const path = "/.well-known/oauth-protected-resource/mcp/files"
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
		status int
		want   string
	}{
		"a client": {path, nil, 200, `{"resource":"https://agents.example.com/mcp/files","resource_name":"mcp/files",` +
			`"authorization_servers":["https://idp.example.com"],"scopes_supported":["mcp"],"bearer_methods_supported":["header"]}`},
		"by its name":              {path, func(r *http.Request) { r.Host = "agents.example.com" }, 200, ""},
		"by a rebound name":        {path, func(r *http.Request) { r.Host = "evil.example" }, 403, "forbidden"},
		"a foreign page":           {path, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "forbidden"},
		"no such resource":         {"/.well-known/oauth-protected-resource/mcp/nothing", nil, 404, "unknown_resource"},
		"a resource of no door":    {"/.well-known/oauth-protected-resource/countersign", nil, 404, "unknown_resource"},
		"no resource at all":       {"/.well-known/oauth-protected-resource/", nil, 404, "unknown_resource"},
		"something below":          {path + "/more", nil, 404, "unknown_resource"},
		"a header that is too big": {path, func(r *http.Request) { r.Header.Set("X-Padding", strings.Repeat("x", 40<<10)) }, 431, "too_large"},
		"to post":                  {path, func(r *http.Request) { r.Method = http.MethodPost }, 405, "GET"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.http.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			c.change(r)
		}
		got := do(r)
		if got.status != c.status || !strings.Contains(string(got.body), c.want) {
			t.Errorf("%s: got %d %s, want %d %s", name, got.status, got.body, c.status, c.want)
		}
		if got.header.Get("Content-Security-Policy") != "sandbox" {
			t.Errorf("%s: it is not sandboxed", name)
		}
	}
	plain := serve(t, h, mcp.Config{})
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, plain.http.URL+path, nil)
	if got := do(r); got.status != http.StatusNotFound {
		t.Errorf("a door without issuers: got %d, want 404", got.status)
	}
}

func TestWhatAnAgentAsksForOnePersonIsNothingToItForAnother(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	forWhom := func(subject string) countersign.Who {
		return countersign.Who{Actor: h.Agent.Principal(), Method: "jwt", OnBehalfOf: []countersign.Principal{
			{Kind: countersign.KindPerson, ID: "https://idp|" + subject, Name: subject, Issuer: "https://idp", Subject: subject},
		}}
	}
	s.delegated = map[string]countersign.Who{"for-ann": forWhom("ann"), "for-ben": forWhom("ben")}
	as := func(token string) func(string) got {
		open := s.request(t.Context(), `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"hurried","version":"1"}}}`)
		open.Header.Set("Authorization", "Bearer "+token)
		session := do(open).header.Get("Mcp-Session-Id")
		return func(body string) got {
			r := s.request(t.Context(), body)
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Mcp-Session-Id", session)
			return do(r)
		}
	}
	ann, ben, itself := as("for-ann"), as("for-ben"), as("agent")
	id := ann(call("write_file", `{"path":"/a"}`)).member("result", "structuredContent", "request_id")
	r, err := h.Gate.Get(context.WithoutCancel(t.Context()), countersign.RequestID(strings.Trim(id, `"`)))
	if err != nil || len(r.OnBehalfOf) != 1 || r.OnBehalfOf[0].Subject != "ann" {
		t.Fatalf("got %+v, %v; want a request on behalf of ann", r.OnBehalfOf, err)
	}
	look := call("countersign_status", fmt.Sprintf(`{"request_id":%s}`, id))
	if got := ann(look); got.member("result", "structuredContent", "status") != `"pending_approval"` {
		t.Errorf("for ann: got %s", got.body)
	}
	for name, other := range map[string]func(string) got{"for ben": ben, "for itself": itself} {
		if got := other(look); !strings.Contains(string(got.body), "there is no request") {
			t.Errorf("%s: got %s, want nothing of the request for ann", name, got.body)
		}
		if again := other(call("write_file", `{"path":"/a"}`)).member("result", "structuredContent", "request_id"); again == id || again == "" {
			t.Errorf("%s: got request %s, want one of its own and not %s", name, again, id)
		}
	}
	if again := ann(call("write_file", `{"path":"/a"}`)).member("result", "structuredContent", "request_id"); again != id {
		t.Errorf("for ann again: got %s, want to join %s", again, id)
	}
}

func TestATokenThatExpiresWhileItsCallWaitsIsToldToComeBack(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Budgets: hurried(), Progress: 10 * time.Millisecond})
	s.tokens["short"] = h.Agent.Principal()
	send := func(session, body string) got {
		r := s.request(t.Context(), body)
		r.Header.Set("Authorization", "Bearer short")
		if session != "" {
			r.Header.Set("Mcp-Session-Id", session)
		}
		return do(r)
	}
	session := send("", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"patient","version":"1"}}}`).header.Get("Mcp-Session-Id")
	if got := send(session, call("write_file", `{"path":"/a"}`)); got.member("result", "structuredContent", "status") != `"pending_approval"` {
		t.Errorf("got %d %s, want it pending", got.status, got.body)
	}
	if got := send(session, ping); got.status != http.StatusUnauthorized {
		t.Errorf("the next message: got %d, want 401", got.status)
	}
}
