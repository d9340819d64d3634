package mcp_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/internal/canon"
)

const ping = `{"jsonrpc":"2.0","id":7,"method":"ping"}`

func TestARequestIsTurnedAwayForWhatItIs(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Hosts: []string{"gate.example.com"}, Origins: []string{"https://console.example.com"}})
	x := s.open("patient")
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
		holds  string // in the body
	}{
		"nothing wrong":                   {ping, nil, 200, `"result":{}`},
		"a configured host":               {ping, func(r *http.Request) { r.Host = "gate.example.com" }, 200, ""},
		"a configured host with a port":   {ping, func(r *http.Request) { r.Host = "GATE.example.com:8481" }, 200, ""},
		"localhost":                       {ping, func(r *http.Request) { r.Host = "localhost:1" }, 200, ""},
		"loopback of IPv6":                {ping, func(r *http.Request) { r.Host = "[::1]:8481" }, 200, ""},
		"a rebound name":                  {ping, func(r *http.Request) { r.Host = "evil.example" }, 403, "forbidden"},
		"a name that looks like ours":     {ping, func(r *http.Request) { r.Host = "localhost.evil.example:8481" }, 403, ""},
		"an address that is not loopback": {ping, func(r *http.Request) { r.Host = "10.0.0.1:8481" }, 403, ""},
		"a configured page":               {ping, set("Origin", "https://console.example.com"), 200, ""},
		"this door's own page":            {ping, func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host) }, 200, ""},
		"a page that names us":            {ping, func(r *http.Request) { r.Header.Set("Origin", "http://"+r.URL.Host+".evil.example") }, 403, ""},
		"two origins": {ping, func(r *http.Request) {
			r.Header["Origin"] = []string{"https://console.example.com", "https://evil.example"}
		}, 403, ""},
		"a foreign page":                         {ping, set("Origin", "https://evil.example"), 403, "forbidden"},
		"a page without an origin":               {ping, set("Origin", "null"), 403, ""},
		"a page on this machine":                 {ping, set("Origin", "http://localhost:8481"), 403, ""},
		"no token":                               {ping, set("Authorization", ""), 401, "unauthenticated"},
		"a wrong token":                          {ping, set("Authorization", "Bearer wrong"), 401, "unauthenticated"},
		"a person's token":                       {ping, set("Authorization", "Bearer person"), 403, "only agents"},
		"no such resource":                       {ping, func(r *http.Request) { r.URL.Path = "/mcp/nothing" }, 404, "unknown_resource"},
		"a path below the resource":              {ping, func(r *http.Request) { r.URL.Path = "/mcp/files/more" }, 404, ""},
		"a path with dots":                       {ping, func(r *http.Request) { r.URL.Path = "/mcp/x/../files" }, 404, ""},
		"another agent's session":                {ping, set("Authorization", "Bearer other"), 404, ""},
		"an unknown session":                     {ping, set("Mcp-Session-Id", "nobody"), 404, "initialize again"},
		"no session":                             {ping, set("Mcp-Session-Id", ""), 400, "initialize first"},
		"a form":                                 {ping, set("Content-Type", "text/plain"), 415, ""},
		"a patch":                                {ping, set("Content-Type", "application/json-patch+json"), 415, ""},
		"JSON with a character set":              {ping, set("Content-Type", "application/json; charset=utf-8"), 200, ""},
		"a client that wants pictures":           {ping, set("Accept", "image/png"), 406, ""},
		"a client that takes anything":           {ping, set("Accept", "*/*"), 200, ""},
		"the older revision":                     {ping, set("Mcp-Protocol-Version", "2025-06-18"), 200, ""},
		"the revision that is assumed":           {ping, set("Mcp-Protocol-Version", "2025-03-26"), 200, ""},
		"a revision that is not spoken":          {ping, set("Mcp-Protocol-Version", "2024-11-05"), 400, "-32600"},
		"a revision of nonsense":                 {ping, set("Mcp-Protocol-Version", "latest"), 400, ""},
		"discover that says nothing of who asks": {`{"jsonrpc":"2.0","id":7,"method":"server/discover"}`, set("Mcp-Session-Id", ""), 400, "-32602"},
		"a stream":                               {"", func(r *http.Request) { r.Method = http.MethodGet }, 405, ""},
		"PUT":                                    {ping, func(r *http.Request) { r.Method = http.MethodPut }, 405, ""},
		"OPTIONS":                                {"", func(r *http.Request) { r.Method = http.MethodOptions }, 405, ""},
		"a body too large":                       {`{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":"` + strings.Repeat("x", 5<<20) + `"}}`, nil, 413, ""},
		"a header too large":                     {ping, set("X-Padding", strings.Repeat("x", 40<<10)), 431, "too_large"},
		"a batch":                                {"[" + ping + "]", nil, 400, "-32600"},
		"a key twice":                            {`{"jsonrpc":"2.0","id":7,"method":"ping","id":8}`, nil, 400, "-32600"},
		"no JSON":                                {`{`, nil, 400, "-32700"},
		"a progress token of an object":          {`{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":{"progressToken":{}}}}`, nil, 200, "-32602"},
		"a notification":                         {`{"jsonrpc":"2.0","method":"notifications/initialized"}`, nil, 202, ""},
		"a notification that is not known":       {`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"write_file"}}`, nil, 202, ""},
		"a response":                             {`{"jsonrpc":"2.0","id":7,"result":{}}`, nil, 202, ""},
	} {
		r := s.request(t.Context(), c.body)
		r.Header.Set("Mcp-Session-Id", x.session)
		if c.change != nil {
			c.change(r)
		}
		g := do(r)
		if g.err != nil || g.status != c.status || !bytes.Contains(g.body, []byte(c.holds)) {
			t.Errorf("%s: %d %s (%v), want %d with %q in it", name, g.status, g.body, g.err, c.status, c.holds)
			continue
		}
		if len(g.body) > 0 && canon.Check(g.body) != nil {
			t.Errorf("%s: the body is no JSON: %s", name, g.body)
		}
		wantSealed(t, name, g.header)
		if c.status == http.StatusUnauthorized && !strings.HasPrefix(g.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q, want Bearer", name, g.header.Get("WWW-Authenticate"))
		}
	}
	if got := h.Requests(t); len(got) != 0 {
		t.Errorf("%d requests are on record, want none", len(got))
	}
}

// T29: whatever the upstream answers, a browser runs nothing of it and keeps no
// cookie from it.
func wantSealed(t *testing.T, name string, h http.Header) {
	t.Helper()
	for field, want := range map[string]string{
		"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Set-Cookie": "",
	} {
		if got := h.Get(field); got != want {
			t.Errorf("%s: %s is %q, want %q", name, field, got, want)
		}
	}
}

func TestACookieReachesNobody(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{})
	x := s.open("patient")
	r := s.request(t.Context(), ping)
	r.Header.Set("Mcp-Session-Id", x.session)
	r.Header.Set("Cookie", "session=bob")
	if g := do(r); g.status != 200 {
		t.Errorf("got %d %s, want 200", g.status, g.body)
	}
	if seen := s.cookies.Load(); seen != 0 {
		t.Errorf("%d requests brought a cookie as far as the token's check, want none", seen)
	}
}

func TestTheOriginOfACallIsOnRecord(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	s := serve(t, h, mcp.Config{})
	x := s.open("évil\nclient\x1b[0m with a very long name that goes on and on and on")
	r := s.request(t.Context(), call("read_file", `{}`))
	r.Header.Set("Mcp-Session-Id", x.session)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if g := do(r); g.member("result") == "" {
		t.Fatalf("got %d %s", g.status, g.body)
	}
	o := h.Requests(t)[0].Origin
	if o.Door != "mcp" || !strings.HasPrefix(o.Peer, "127.0.0.1:") || !o.ServerAccount || o.Trace != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("origin is %+v, want door mcp, a loopback peer, the server's account and the trace", o)
	}
	if !strings.HasSuffix(o.Client, "/1") || strings.ContainsAny(o.Client, "\n\x1bé") || len(o.Client) > 80 {
		t.Errorf("the client is %q, want it short, plain and marked as claimed", o.Client)
	}
}
