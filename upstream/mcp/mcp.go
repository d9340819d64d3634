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

	turns    chan struct{} // one for each call in flight
	starting chan struct{} // a lock that can be waited for with a context; guards what follows
	session  session
	started  time.Time // when the session was
	failures int       // starts in a row that failed, or whose session ended soon

	life context.Context // ends with Close, and a start that is under way with it
	end  context.CancelCauseFunc
}

// A session is one server that was greeted: a child, or one over HTTP.
type session interface {
	// Call sends one request, once. The error is an *rpc.UnansweredError.
	Call(ctx context.Context, ask rpc.Ask) (rpc.Answer, error)
	// Ready reports whether a call may be sent.
	Ready(ctx context.Context) bool
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
		turns: make(chan struct{}, cfg.MaxInFlight), starting: make(chan struct{}, 1),
	}
	if cfg.OAuth != nil {
		if u.oauth, err = oauth.New(*cfg.OAuth); err != nil {
			return nil, fmt.Errorf("mcp upstream %q: %w", cfg.Name, err)
		}
	}
	u.life, u.end = context.WithCancelCause(context.Background())
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

// running returns the session with the server, a new one if there is none.
func (u *Upstream) running(ctx context.Context) (session, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(u.life, func() { cancel(context.Cause(u.life)) })()
	select {
	case u.starting <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-u.starting }()
	if u.life.Err() != nil {
		return nil, context.Cause(u.life)
	}
	if u.session != nil {
		if u.session.Ready(ctx) {
			return u.session, nil
		}
		u.session.Close()
		u.session = nil
		if u.failures++; time.Since(u.started) > soon {
			u.failures = 0
		}
	}
	if err := u.pause(ctx); err != nil {
		return nil, err
	}
	s, err := u.open(ctx)
	u.cfg.OnStart(err)
	if err != nil {
		u.failures++
		return nil, err
	}
	u.session, u.started = s, time.Now()
	return s, nil
}

const (
	// soon is how long a session lives at least whose end is no failure to start.
	soon = 10 * time.Second
	// longest is the longest pause between two starts.
	longest = 15 * time.Second
)

// pause waits before a server is started again: not at all the first time, then
// twice as long each time.
func (u *Upstream) pause(ctx context.Context) error {
	if u.failures < 2 {
		return nil
	}
	wait := time.NewTimer(min(longest, time.Second<<min(u.failures-2, 10)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the server ended %d times in a row and is not started again yet: %w", u.failures, context.Cause(ctx))
	}
}

func (u *Upstream) open(ctx context.Context) (session, error) {
	if u.cfg.URL != "" {
		s, err := streamable.Open(ctx, streamable.Config{
			URL: u.cfg.URL, Header: u.cfg.Header, OAuth: u.oauth, TLS: u.cfg.TLS, Terms: u.cfg.terms(), Closed: ErrClosed,
		})
		if err != nil {
			return nil, err // and no session that is not nil and holds nil
		}
		return s, nil
	}
	s, err := stdio.Open(ctx, stdio.Config{Program: u.cfg.program(), Terms: u.cfg.terms(), Closed: ErrClosed})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends the session. A child first loses its standard input, and after a
// moment, if it has not ended, its life.
func (u *Upstream) Close() error {
	u.end(ErrClosed)
	u.starting <- struct{}{}
	defer func() { <-u.starting }()
	if u.session != nil {
		u.session.Close()
	}
	return nil
}
