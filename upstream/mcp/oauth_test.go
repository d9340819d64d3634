package mcp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/upstream/mcp"
	"github.com/countersignhq/countersign/upstream/oauth"
)

// A guarded is a remote behind a door that takes the newest token of its own
// authorization server alone.
type guarded struct {
	*remote
	tokens *httptest.Server

	mu     sync.Mutex
	issued int
	taken  string // the token that the door takes
	down   bool   // no tokens are given
	stale  bool   // those that are given are not taken
	refuse func(http.Header)
	turned int // requests that the door turned away
}

func newGuarded(t *testing.T) *guarded {
	g := &guarded{remote: newRemote(t, "2025-11-25")}
	g.tokens = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		g.issued++
		token := fmt.Sprintf("token-%d", g.issued)
		if !g.stale {
			g.taken = token
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":300}`, token)
	}))
	t.Cleanup(g.tokens.Close)
	behind := http.Handler(g.remote)
	g.Close() // nobody comes past the door
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // no stream of its own, whoever asks
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		g.mu.Lock()
		ok := r.Header.Get("Authorization") == "Bearer "+g.taken
		if !ok {
			g.turned++
			g.refuse(w.Header())
		}
		g.mu.Unlock()
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	g.refuse = func(h http.Header) {
		h.Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="gone", resource_metadata="`+g.URL+`/.well-known/oauth-protected-resource"`)
	}
	return g
}

// revoke has the door take no token that was given so far.
func (g *guarded) revoke() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken = "none"
}

func (g *guarded) count() (issued, turned int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.issued, g.turned
}

func (g *guarded) house(t *testing.T) house {
	return over(t, g.remote, func(c *mcp.Config) {
		c.Header = nil
		c.OAuth = &oauth.Config{TokenURL: g.tokens.URL, ClientID: "gateway", ClientSecret: "s3cret", Resource: g.URL}
	})
}

func TestEveryRequestCarriesTheTokenOfTheGateway(t *testing.T) {
	g := newGuarded(t)
	h := g.house(t)
	for range 3 {
		if o, _, err := h.run(t, "echo"); err != nil || o.Execution != countersign.ExecutionSucceeded {
			t.Fatalf("got %+v, %v", o, err)
		}
	}
	if o, _, err := h.run(t, "redirect"); err != nil || !strings.Contains(o.Detail, "redirects are not followed") {
		t.Errorf("got %+v, %v", o, err) // the other origin fails the test if it is asked
	}
	check(t, h.Close())
	g.remote.mu.Lock()
	defer g.remote.mu.Unlock()
	for _, heard := range g.heard {
		if got := heard.Header.Get("Authorization"); got != "Bearer token-1" {
			t.Errorf("%s carries %q", heard.Method, got)
		}
	}
	if issued, turned := g.count(); issued != 1 || turned != 0 {
		t.Errorf("%d tokens were given and %d requests turned away", issued, turned)
	}
}

func TestACommandThatTheServersDoorTurnedAwayRunsOnceWithAnotherToken(t *testing.T) {
	g := newGuarded(t)
	h := g.house(t)
	check(t, h.Start(t.Context()))
	g.revoke()
	o, _, err := h.run(t, "echo")
	if err != nil || o.Execution != countersign.ExecutionSucceeded {
		t.Errorf("got %+v, %v", o, err)
	}
	if issued, turned := g.count(); len(g.calls()) != 1 || issued != 2 || turned != 1 {
		t.Errorf("it ran %d times, %d tokens were given and %d requests turned away", len(g.calls()), issued, turned)
	}
}

func TestACommandIsSentAgainOnlyIfItSurelyDidNotRun(t *testing.T) {
	own := `resource_metadata="http://HOST/.well-known/oauth-protected-resource"`
	for name, challenges := range map[string][]string{
		"no challenge":                       nil,
		"a challenge without metadata":       {`Bearer error="invalid_token"`},
		"the metadata of something behind":   {`Bearer error="invalid_token", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`},
		"the metadata of another port":       {`Bearer error="invalid_token", resource_metadata="http://HOST0/x"`},
		"metadata of nowhere":                {`Bearer error="invalid_token", resource_metadata="/.well-known/oauth-protected-resource"`},
		"metadata twice":                     {`Bearer error="invalid_token", resource_metadata="https://api.example.com/x", ` + own},
		"a scope that is missing":            {`Bearer error="insufficient_scope", ` + own},
		"another scheme":                     {`Basic realm="x", ` + own},
		"a name that only ends as it should": {`Bearer error="invalid_token", x_` + own},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuarded(t)
			h := g.house(t)
			check(t, h.Start(t.Context()))
			g.refuse = func(header http.Header) {
				for _, c := range challenges {
					header.Add("WWW-Authenticate", strings.ReplaceAll(c, "HOST", strings.TrimPrefix(g.URL, "http://")))
				}
			}
			g.revoke()
			o, _, err := h.run(t, "echo")
			if _, turned := g.count(); err != nil || o.Execution != countersign.ExecutionFailed || !strings.Contains(o.Detail, "check the credential") || turned != 1 {
				t.Errorf("got %+v, %v, sent %d times; want it failed and sent once", o, err, turned)
			}
			if o, _, err = h.run(t, "echo"); err != nil || o.Execution != countersign.ExecutionSucceeded {
				t.Errorf("the next: got %+v, %v; want it to have another token", o, err)
			}
		})
	}
}

func TestACommandIsNeverSentAThirdTime(t *testing.T) {
	g := newGuarded(t)
	h := g.house(t)
	check(t, h.Start(t.Context()))
	g.revoke()
	g.mu.Lock()
	g.stale = true
	g.mu.Unlock()
	o, _, err := h.run(t, "echo")
	if _, turned := g.count(); err != nil || o.Execution != countersign.ExecutionFailed || turned != 2 || len(g.calls()) != 0 {
		t.Errorf("got %+v, %v after it was sent %d times", o, err, turned)
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	g := newGuarded(t)
	h := g.house(t)
	check(t, h.Start(t.Context()))
	g.revoke()
	g.mu.Lock()
	g.down = true
	g.mu.Unlock()
	o, _, err := h.run(t, "echo")
	if err == nil || o.Execution != countersign.ExecutionFailed || !strings.Contains(o.Detail, "not sent: no token from 127.0.0.1") || strings.Contains(o.Detail, "s3cret") {
		t.Errorf("got %+v, %v", o, err)
	}
	if o, _, _ = h.run(t, "echo"); !strings.Contains(o.Detail, "not sent") || len(g.calls()) != 0 {
		t.Errorf("got %+v after %d calls", o, len(g.calls()))
	}
}

func TestAnotherClientIsAnotherTarget(t *testing.T) {
	at := func(o *oauth.Config) countersign.Digest {
		d, err := mcp.Target(mcp.Config{URL: "https://a.example/mcp", OAuth: o})
		check(t, err)
		return d
	}
	one := at(&oauth.Config{Issuer: "https://i", ClientID: "a", ClientSecret: "x"})
	if one == at(nil) || one == at(&oauth.Config{Issuer: "https://i", ClientID: "b", ClientSecret: "x"}) || one != at(&oauth.Config{Issuer: "https://i", ClientID: "a", ClientSecret: "y"}) {
		t.Error("the target does not name the client, or it holds its secret")
	}
}
