// Package mcp is the other side of the MCP door: one MCP server, as a child
// process over stdio or over Streamable HTTP, in protocol 2026-07-28, 2025-11-25
// or 2025-06-18. New makes an Upstream. Run runs one released command, which it
// takes from a Permit that it opens itself; Pass answers the short list of
// methods that are no commands.
//
// The server is believed in nothing. Its messages are read strictly and up to a
// size, the bytes of its answers are handed on as they are, its requests are
// refused. A server that has ended is started again at the next use, with growing
// pauses if it ends soon; a command is never sent twice.
package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
	"github.com/countersignhq/countersign/upstream/mcp/stdio"
	"github.com/countersignhq/countersign/upstream/mcp/streamable"
	"github.com/countersignhq/countersign/upstream/oauth"
)

// An Upstream is one MCP server. It is safe for concurrent use.
type Upstream struct {
	cfg    Config
	target countersign.Digest
	spent  *ledger.Spent
	oauth  *oauth.Source // nil for a server that wants no tokens

	turns   chan struct{} // one for each call in flight
	changed chan struct{} // the tools have changed; holds one

	life context.Context // ends with Close, and a start that is under way with it
	end  context.CancelCauseFunc

	mu       sync.Mutex // guards what follows
	session  session
	uses     int       // calls that have the session, or had the one before
	coming   *renewal  // nil: none is under way
	started  time.Time // when the session was
	failures int       // starts in a row that failed, or whose session ended soon
}

// A session is one server that was greeted: a child, or one over HTTP.
type session interface {
	// Call sends one request, once. The error is an *rpc.UnansweredError.
	Call(ctx context.Context, ask rpc.Ask) (rpc.Answer, error)
	// Over reports whether it has ended.
	Over() bool
	// Silent reports whether the server gave no answer for so long that it is asked
	// whether it lives, so that a command does not find out.
	Silent() bool
	Said() rpc.Said
	Close()
}

// ErrClosed is the answer of an Upstream that was closed.
var ErrClosed = errors.New("the upstream is closed")

// New returns an Upstream. The server is started at its first use, or by Start.
func New(cfg Config) (*Upstream, error) {
	if cfg.Name == "" || (len(cfg.Command) == 0) == (cfg.URL == "") || cfg.Trust.Keys == nil {
		return nil, fmt.Errorf("mcp upstream %q: name, trust, and either a command or a url are needed", cfg.Name)
	}
	cfg.defaults()
	target, err := Target(cfg)
	if err != nil {
		return nil, err
	}
	u := &Upstream{
		cfg: cfg, target: target, spent: ledger.NewSpent(cfg.Now()),
		turns: make(chan struct{}, cfg.MaxInFlight), changed: make(chan struct{}, 1),
	}
	if cfg.OAuth != nil {
		if u.oauth, err = oauth.New(*cfg.OAuth); err != nil {
			return nil, fmt.Errorf("mcp upstream %q: %w", cfg.Name, err)
		}
	}
	u.life, u.end = context.WithCancelCause(context.Background())
	if cfg.OnToolsChanged != nil {
		go u.tellOfChanges()
	}
	return u, nil
}

// Target is the digest that a command for this upstream must carry.
func (u *Upstream) Target() countersign.Digest { return u.target }

// Start starts the server unless it runs.
func (u *Upstream) Start(ctx context.Context) error {
	_, err := u.running(ctx)
	return u.named(err)
}

// Capabilities returns the capabilities that the server declared when it was
// greeted, a JSON object in its own bytes, and starts it unless it runs.
func (u *Upstream) Capabilities(ctx context.Context) (json.RawMessage, error) {
	s, err := u.running(ctx)
	if err != nil {
		return nil, u.named(err)
	}
	return s.Said().Capabilities, nil
}

// Instructions returns what the server says to its clients, a claim, and starts
// it unless it runs.
func (u *Upstream) Instructions(ctx context.Context) (string, error) {
	s, err := u.running(ctx)
	if err != nil {
		return "", u.named(err)
	}
	return s.Said().Instructions, nil
}

func (u *Upstream) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", u.cfg.Name, err)
}

func (u *Upstream) open(ctx context.Context) (session, error) {
	if u.cfg.URL != "" {
		s, err := streamable.Open(ctx, streamable.Config{
			URL: u.cfg.URL, Header: u.cfg.Header, OAuth: u.oauth, TLS: u.cfg.TLS, Idle: u.cfg.Idle, Terms: u.terms(), Closed: ErrClosed,
		})
		if err != nil {
			return nil, err // and no session that is not nil and holds nil
		}
		return s, nil
	}
	s, err := stdio.Open(ctx, stdio.Config{Program: u.cfg.program(), Terms: u.terms(), LogStderr: u.cfg.LogStderr, Closed: ErrClosed})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// terms are what each session is held to. A session says that the tools have changed
// as often as the server does, and the listener is told at a pace.
func (u *Upstream) terms() rpc.Terms {
	t := u.cfg.terms()
	t.OnToolsChanged = func() {
		select {
		case u.changed <- struct{}{}:
		default:
		}
	}
	return t
}

func (u *Upstream) tellOfChanges() {
	var pace rpc.Pace
	for {
		select {
		case <-u.changed:
		case <-u.life.Done():
			return
		}
		if !pace.Wait(u.life) {
			return
		}
		select {
		case <-u.changed: // what was said meanwhile is in what is listed now
		default:
		}
		u.cfg.OnToolsChanged()
	}
}

// Close ends the session. A child first loses its standard input, and after a
// moment, if it has not ended, its life.
func (u *Upstream) Close() error {
	u.end(ErrClosed)
	u.mu.Lock()
	s, coming := u.session, u.coming
	u.mu.Unlock()
	if coming != nil {
		<-coming.done
		s = coming.session
	}
	if s != nil {
		s.Close()
	}
	return nil
}
