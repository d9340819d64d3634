// Package streamable speaks MCP with a server over Streamable HTTP, in either
// era of the protocol: revisions 2025-11-25 and 2025-06-18 with their sessions,
// and 2026-07-28 without. Open greets the server.
//
// Credentials go to the address of the configuration and nowhere else: what
// redirects is not followed, proxies of the environment are not asked, cookies
// are not kept.
package streamable

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/countersignhq/countersign/internal/mcpfields"
	"github.com/countersignhq/countersign/upstream/dial"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
	"github.com/countersignhq/countersign/upstream/oauth"
)

// A Config says which server to speak with. All but Header, OAuth and TLS is needed.
type Config struct {
	// URL is the server's one address, http or https.
	URL string
	// Header are fields that every request carries, such as Authorization.
	Header map[string]string
	// OAuth gives the token that every request carries. Nil is none.
	OAuth *oauth.Source
	// TLS is for servers whose certificates the system does not know.
	TLS *tls.Config
	// Idle is how long the server may give no answer before the session is Silent.
	Idle time.Duration
	rpc.Terms
	// Closed is the cause with which calls end that Close cuts off.
	Closed error
}

const (
	// unused is how long a connection is kept that nothing is sent over.
	unused = 20 * time.Second
	// aside is how long what is not a call may take.
	aside = 5 * time.Second
	// mostHeader is how many bytes the header of an answer may have.
	mostHeader = 64 << 10
	// mostAside is how many messages are answered at once that are not calls; more
	// are dropped.
	mostAside = 8
)

// errGone is the end of a session that the server does not know any more.
var errGone = errors.New("the server no longer knows the session")

// A Session is one server that was greeted.
type Session struct {
	cfg    Config
	client *http.Client
	said   rpc.Said // not written after Open

	life  context.Context // ends with the session
	end   context.CancelCauseFunc
	aside chan struct{} // one for each message beside the calls that is under way

	mu      sync.Mutex
	id      string // of the session, empty if the server gave none; written in Open only
	next    int64
	heard   time.Time                   // when the server last answered
	mirrors map[string]mcpfields.Mirror // by tool, of the listings that were seen
	telling bool                        // OnToolsChanged runs
	changed bool                        // and is to run again
}

// Open greets the server.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, fmt.Errorf("the address %q is none of http or https, without user and password", u.Redacted())
	}
	s := &Session{cfg: cfg, aside: make(chan struct{}, mostAside), mirrors: map[string]mcpfields.Mirror{}}
	s.life, s.end = context.WithCancelCause(context.Background())
	s.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial.Dialer(u.Hostname()).DialContext, TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: unused, MaxIdleConnsPerHost: 64,
			MaxResponseHeaderBytes: mostHeader, DisableCompression: true,
		},
	}
	if err := s.greet(ctx); err != nil {
		s.finish(err)
		return nil, err
	}
	return s, nil
}

func (s *Session) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.StartTimeout, fmt.Errorf("the server was not ready within %s", s.cfg.StartTimeout))
	defer cancel()
	said, err := rpc.GreetOverHTTP(ctx, s.Call, s.cfg.Version, s.cfg.StartTimeout)
	if err != nil {
		return err
	}
	s.said = said
	if said.Revision == rpc.Modern {
		s.id = ""
		s.hears()
		return nil
	}
	if err := s.notify(ctx, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)); err != nil {
		return err
	}
	s.hears()
	return nil
}

// Said is what the server says of itself.
func (s *Session) Said() rpc.Said { return s.said }

// Over reports whether the session has ended.
func (s *Session) Over() bool { return s.life.Err() != nil }

// Silent reports whether the server has not answered for Idle. Without sessions
// there is none that it could forget.
func (s *Session) Silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.Revision != rpc.Modern && time.Since(s.heard) >= s.cfg.Idle
}

// Close ends the session and whatever waits in it.
func (s *Session) Close() {
	if s.life.Err() == nil && s.id != "" {
		ctx, cancel := context.WithTimeout(context.Background(), aside)
		defer cancel()
		if r, err := s.request(ctx, http.MethodDelete, nil); err == nil {
			if w, err := s.client.Do(r); err == nil {
				w.Body.Close()
			}
		}
	}
	s.finish(s.cfg.Closed)
}

func (s *Session) finish(cause error) {
	s.end(cause)
	s.client.CloseIdleConnections()
}
