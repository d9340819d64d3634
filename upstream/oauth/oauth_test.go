package oauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign/upstream/oauth"
)

// A server gives tokens t1, t2, … and remembers what it was asked.
type server struct {
	*httptest.Server
	asked   atomic.Int64
	answer  atomic.Pointer[http.HandlerFunc] // in place of a token
	methods []string
	token   string // token_endpoint in the metadata

	mu   sync.Mutex
	last url.Values
	auth string
}

func newServer(t *testing.T) *server {
	s := &server{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": s.URL, "token_endpoint": s.token, "token_endpoint_auth_methods_supported": s.methods})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		n := s.asked.Add(1)
		_ = r.ParseForm()
		s.mu.Lock()
		s.last, s.auth = r.PostForm, r.Header.Get("Authorization")
		s.mu.Unlock()
		if h := s.answer.Load(); h != nil {
			(*h)(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":300}`, n)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	s.token = s.URL + "/token"
	return s
}

func (s *server) answers(h http.HandlerFunc) { s.answer.Store(&h) }

const secret = "very-secret-value"

func source(t *testing.T, cfg oauth.Config) *oauth.Source {
	t.Helper()
	if cfg.ClientID == "" {
		cfg.ClientID = "gateway"
	}
	if cfg.PrivateKey == nil {
		cfg.ClientSecret = secret
	}
	s, err := oauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A clock stands still until it is moved.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.at.Load())) }
func (c *clock) move(d time.Duration) { c.at.Add(int64(d)) }

func TestATokenIsKeptUntilShortlyBeforeItsEnd(t *testing.T) {
	as := newServer(t)
	var c clock
	s := source(t, oauth.Config{TokenURL: as.URL + "/token", Scopes: []string{"a", "b"}, Resource: "https://mcp.example.com/mcp", Now: c.now})
	want := func(token string) {
		t.Helper()
		if got, err := s.Token(t.Context()); err != nil || got != token {
			t.Errorf("got %s, %v; want %s", got, err, token)
		}
	}
	want("t1")
	c.move(4 * time.Minute)
	want("t1")
	c.move(31 * time.Second)
	want("t2")
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.last.Get("grant_type") != "client_credentials" || as.last.Get("scope") != "a b" || as.last.Get("resource") != "https://mcp.example.com/mcp" || as.last.Get("client_secret") != "" {
		t.Errorf("got %v", as.last)
	}
	r := http.Request{Header: http.Header{"Authorization": {as.auth}}}
	if id, pw, ok := r.BasicAuth(); !ok || id != "gateway" || pw != secret {
		t.Errorf("the client was %q, %v", id, ok)
	}
}

func TestManyWhoNeedATokenAskOnce(t *testing.T) {
	as := newServer(t)
	release, came := make(chan struct{}), make(chan struct{}, 1)
	as.answers(func(w http.ResponseWriter, _ *http.Request) {
		came <- struct{}{}
		<-release
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"shared","token_type":"bearer"}`)
	})
	s := source(t, oauth.Config{TokenURL: as.URL + "/token"})
	gone, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { _, err := s.Token(gone); left <- err }()
	<-came
	leave()
	if err := <-left; err == nil {
		t.Error("who left got a token")
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := s.Token(t.Context()); err != nil || got != "shared" {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	close(release)
	all.Wait()
	if n := as.asked.Load(); n != 1 {
		t.Errorf("the server was asked %d times, want once", n)
	}
}

func TestATokenThatIsRefusedIsNotGivenAgain(t *testing.T) {
	as := newServer(t)
	s := source(t, oauth.Config{TokenURL: as.URL + "/token"})
	first, _ := s.Token(t.Context())
	s.Refused(first)
	second, err := s.Token(t.Context())
	if err != nil || second == first {
		t.Fatalf("got %s, %v; want another than %s", second, err, first)
	}
	s.Refused(first) // by somebody who was slower
	if got, _ := s.Token(t.Context()); got != second {
		t.Errorf("got %s, want %s still", got, second)
	}
}

func TestWhatGoesWrongIsSaidWithoutTheSecret(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a wrong secret": {says(401, `{"error":"invalid_client","error_description":"the secret very-secret-value is wrong"}`), "it answered 401, invalid_client; check client_id and its secret"},
		"a wrong target": {says(400, `{"error":"invalid_target"}`), "check resource"},
		"a wrong scope":  {says(400, `{"error":"invalid_scope"}`), "check scopes"},
		"an echo":        {says(500, `very-secret-value`), "it answered 500; it is tried again"},
		"an odd error":   {says(400, `{"error":"very-secret-value"}`), "it answered 400; check what the client may do"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "redirects are not followed"},
		"no token":        {says(200, `{"token_type":"Bearer"}`), "its answer cannot be read"},
		"another kind":    {says(200, `{"access_token":"x","token_type":"DPoP"}`), "no bearer token"},
		"a line break":    {says(200, `{"access_token":"a\r\nCookie: b","token_type":"Bearer"}`), "no bearer token"},
		"what is no JSON": {says(200, `very-secret-value`), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			as := newServer(t)
			as.answers(c.answer)
			s := source(t, oauth.Config{TokenURL: as.URL + "/token"})
			_, err := s.Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "no token from 127.0.0.1:") {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is in it: %v", err)
			}
			if _, again := s.Token(t.Context()); again == nil || as.asked.Load() != 1 {
				t.Errorf("the server was asked %d times in a row, want once", as.asked.Load())
			}
		})
	}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestAServerThatFailedIsAskedAgainLater(t *testing.T) {
	as := newServer(t)
	as.answers(says(503, ``))
	var c clock
	s := source(t, oauth.Config{TokenURL: as.URL + "/token", Now: c.now})
	if _, err := s.Token(t.Context()); err == nil {
		t.Fatal("got a token")
	}
	as.answer.Store(nil)
	c.move(6 * time.Second)
	if got, err := s.Token(t.Context()); err != nil || got != "t2" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestTheIssuersMetadataIsBelievedOnItsOwnOriginOnly(t *testing.T) {
	as, elsewhere := newServer(t), newServer(t)
	s := source(t, oauth.Config{Issuer: as.URL})
	if got, err := s.Token(t.Context()); err != nil || got != "t1" {
		t.Errorf("got %s, %v", got, err)
	}
	as.methods = []string{"client_secret_post"}
	s = source(t, oauth.Config{Issuer: as.URL})
	if _, err := s.Token(t.Context()); err != nil || as.last.Get("client_secret") != secret || as.auth != "" {
		t.Errorf("to a server that wants it in the body: got %v, with %q", err, as.auth)
	}
	as.token = elsewhere.URL + "/token"
	s = source(t, oauth.Config{Issuer: as.URL})
	if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "on another origin") {
		t.Errorf("got %v", err)
	}
	if elsewhere.asked.Load() != 0 {
		t.Error("the secret went to another origin")
	}
	s = source(t, oauth.Config{Issuer: as.URL + "/tenant"})
	if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "token_url in place of issuer") {
		t.Errorf("got %v", err)
	}
}

func TestAClientThatIsNotWholeIsRefused(t *testing.T) {
	for _, cfg := range []oauth.Config{
		{}, {TokenURL: "https://i/t", ClientID: "a"}, {ClientID: "a", ClientSecret: "b"}, {TokenURL: "https://i/t", ClientSecret: "b"},
		{TokenURL: "http://idp.example.com/t", ClientID: "a", ClientSecret: "b"},
		{TokenURL: "https://i/t", Issuer: "https://i", ClientID: "a", ClientSecret: "b"},
		{TokenURL: "https://i/t", ClientID: "a", ClientSecret: "b", PrivateKey: []byte("c")},
		{TokenURL: "https://i/t", ClientID: "a", PrivateKey: []byte("no key")},
	} {
		if _, err := oauth.New(cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}
