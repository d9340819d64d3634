// Package oauth holds the OAuth credential of an upstream: New makes a Source that
// asks an authorization server for access tokens as a client of its own (RFC 6749,
// section 4.4, with RFC 8707), and Token gives the one that counts now. The
// credential goes to that server alone; whoever uses a token sees to where it goes.
package oauth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/countersignhq/countersign/upstream/dial"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// A Config says who asks whom for what. ClientID is needed, and of each of Issuer
// and TokenURL, ClientSecret and PrivateKey, one.
type Config struct {
	// Issuer is the authorization server; where tokens are asked for is in its
	// metadata (RFC 8414), and on its own origin.
	Issuer string
	// TokenURL is where tokens are asked for.
	TokenURL string
	ClientID string
	// ClientSecret goes with the request as HTTP Basic, or in its body to a server
	// whose metadata wants that.
	ClientSecret string
	// PrivateKey is a PEM document with the key that signs a JWT in place of the
	// secret (RFC 7523): RSA, P-256 or Ed25519. KeyID is its kid.
	PrivateKey []byte
	KeyID      string
	Scopes     []string
	// Resource is what the tokens are for (RFC 8707).
	Resource string
	// TLS is for a server whose certificate the system does not know.
	TLS *tls.Config
	// Now is the clock of tokens. Defaults to time.Now.
	Now func() time.Time
}

const (
	// margin is how long before its end a token is not used any more.
	margin = 30 * time.Second
	// unsaid is how long a token counts that does not say when it ends.
	unsaid = 5 * time.Minute
	// patience is how long the server may take.
	patience = 10 * time.Second
	// pause is how long a refusal stands before the server is asked again.
	pause = 5 * time.Second
)

// A Source gives tokens. It is safe for concurrent use.
type Source struct {
	cfg  Config
	sign *signer // nil with a secret
	http *http.Client

	mu     sync.Mutex
	token  string
	until  time.Time
	asking *asking // nil while the server is not asked
	failed error   // of the last time
	again  time.Time
}

// An asking is one request to the server, for all who wait for a token.
type asking struct {
	done  chan struct{}
	token string
	err   error
}

// New returns a Source. The server is asked when a token is needed.
func New(cfg Config) (*Source, error) {
	at := cfg.Issuer + cfg.TokenURL
	u, err := dial.Secure(at)
	switch {
	case (cfg.Issuer == "") == (cfg.TokenURL == ""), cfg.ClientID == "", (cfg.ClientSecret == "") == (len(cfg.PrivateKey) == 0):
		return nil, errors.New("oauth: a client id, an issuer or a token url, and a secret or a private key are needed")
	case err != nil:
		return nil, fmt.Errorf("oauth: the authorization server's address: %w", err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Source{cfg: cfg, http: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial.Dialer(u.Hostname()).DialContext, TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: patience, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
	}}
	if len(cfg.PrivateKey) > 0 {
		if s.sign, err = newSigner(cfg); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Token returns a token that counts for a while yet. Whoever comes while the server
// is asked waits for the same answer.
func (s *Source) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	now := s.cfg.Now()
	if s.token != "" && now.Before(s.until) {
		defer s.mu.Unlock()
		return s.token, nil
	}
	if s.failed != nil && now.Before(s.again) {
		defer s.mu.Unlock()
		return "", s.failed
	}
	a := s.asking
	if a == nil {
		a = &asking{done: make(chan struct{})}
		s.asking = a
		go s.ask(a)
	}
	s.mu.Unlock()
	select {
	case <-a.done:
		return a.token, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Refused says that the resource server does not take the token: the next one is
// another.
func (s *Source) Refused(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token == s.token {
		s.token = ""
	}
}

// ask asks for a token, for everybody: nobody's leaving ends it.
func (s *Source) ask(a *asking) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	at := s.cfg.Now()
	t, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(a.done)
	s.asking, s.failed = nil, nil
	if err != nil {
		a.err = fmt.Errorf("no token from %s: %w", s.server(), err)
		s.failed, s.again = a.err, at.Add(pause)
		return
	}
	life := unsaid
	if !t.Expiry.IsZero() {
		life = time.Until(t.Expiry)
	}
	a.token = t.AccessToken
	s.token, s.until = t.AccessToken, at.Add(life-min(margin, life/2))
}

// server is whom the credential goes to, as it is told to people.
func (s *Source) server() string {
	if u, err := url.Parse(s.cfg.Issuer + s.cfg.TokenURL); err == nil {
		return u.Host
	}
	return "the authorization server"
}

func (s *Source) fetch(ctx context.Context) (*oauth2.Token, error) {
	at, err := s.endpoint(ctx)
	if err != nil {
		return nil, err
	}
	cc := clientcredentials.Config{
		ClientID: s.cfg.ClientID, ClientSecret: s.cfg.ClientSecret, TokenURL: at.TokenURL,
		Scopes: s.cfg.Scopes, EndpointParams: url.Values{}, AuthStyle: at.AuthStyle,
	}
	if s.cfg.Resource != "" {
		cc.EndpointParams.Set("resource", s.cfg.Resource)
	}
	if s.sign != nil {
		jwt, err := s.sign.assertion(at.TokenURL)
		if err != nil {
			return nil, err
		}
		cc.AuthStyle = oauth2.AuthStyleInParams
		cc.EndpointParams.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		cc.EndpointParams.Set("client_assertion", jwt)
	}
	t, err := cc.Token(context.WithValue(ctx, oauth2.HTTPClient, s.http))
	if err != nil {
		return nil, s.told(err)
	}
	if !strings.EqualFold(t.Type(), "Bearer") || strings.Trim(t.AccessToken, tokenChars) != "" || t.AccessToken == "" {
		return nil, errors.New("it gave a token that is no bearer token; have it give this client one")
	}
	return t, nil
}

// tokenChars are those of a bearer token (RFC 6750, section 2.1).
const tokenChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="

// told is what went wrong, in words that hold nothing of the credential: of what a
// server answers besides an error of RFC 6749 nothing is repeated.
func (s *Source) told(err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			return fmt.Errorf("%w; check the address, and what is between", inner.Err)
		}
		return errors.New("its answer cannot be read; check the address")
	}
	hint := "check the address"
	switch {
	case e.Response.StatusCode/100 == 3:
		hint = "redirects are not followed; write the address itself"
	case e.ErrorCode == "invalid_client" || e.Response.StatusCode == http.StatusUnauthorized:
		hint = "check client_id and its secret or key"
	case e.ErrorCode == "invalid_target":
		hint = "check resource, and that the client may ask for it"
	case e.ErrorCode == "invalid_scope":
		hint = "check scopes"
	case e.ErrorCode != "":
		hint = "check what the client may do there"
	case e.Response.StatusCode/100 == 5:
		hint = "it is tried again at the next use"
	}
	code := ""
	if e.ErrorCode != "" && len(e.ErrorCode) < 64 && strings.Trim(e.ErrorCode, "abcdefghijklmnopqrstuvwxyz_") == "" {
		code = ", " + e.ErrorCode
	}
	return fmt.Errorf("it answered %d%s; %s", e.Response.StatusCode, code, hint)
}
