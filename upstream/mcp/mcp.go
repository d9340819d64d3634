// Package mcp is the other side of the MCP door: one MCP server as a child
// process over stdio, in protocol 2025-11-25 or 2025-06-18. New makes an
// Upstream. Run runs one released command, which it takes from a Permit that it
// opens itself; Pass answers the short list of methods that are no commands.
//
// The server is believed in nothing. Its lines are read strictly and up to a
// size, the bytes of its answers are handed on as they are, its requests are
// refused. A server that has ended is started again at the next use; a command
// is never sent twice.
package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// An Upstream is one MCP server. It is safe for concurrent use.
type Upstream struct {
	cfg    Config
	target countersign.Digest
	spent  *ledger.Spent

	turns    chan struct{} // one for each call in flight
	starting chan struct{} // a lock that can be waited for with a context; guards session
	session  *session

	life context.Context // ends with Close, and a start that is under way with it
	end  context.CancelCauseFunc
}

// ErrClosed is the answer of an Upstream that was closed.
var ErrClosed = errors.New("the upstream is closed")

// New returns an Upstream. The server is started at its first use, or by Start.
func New(cfg Config) (*Upstream, error) {
	if cfg.Name == "" || len(cfg.Command) == 0 || cfg.Trust.Keys == nil {
		return nil, fmt.Errorf("mcp upstream %q: name, command and trust are needed", cfg.Name)
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
// initialized, a JSON object in its own bytes, and starts it unless it runs.
func (u *Upstream) Capabilities(ctx context.Context) (json.RawMessage, error) {
	s, err := u.running(ctx)
	if err != nil {
		return nil, u.named(err)
	}
	return s.capabilities, nil
}

// Instructions returns what the server says to its clients, a claim, and starts
// it unless it runs.
func (u *Upstream) Instructions(ctx context.Context) (string, error) {
	s, err := u.running(ctx)
	if err != nil {
		return "", u.named(err)
	}
	return s.instructions, nil
}

func (u *Upstream) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", u.cfg.Name, err)
}

// running returns the session with the server, a new one if there is none.
func (u *Upstream) running(ctx context.Context) (*session, error) {
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
	if u.session != nil && u.session.alive() {
		return u.session, nil
	}
	s, err := open(ctx, &u.cfg)
	if err != nil {
		return nil, err
	}
	u.session = s
	return s, nil
}

// Close ends the server: first it loses its standard input, and after a moment,
// if it has not ended, its life.
func (u *Upstream) Close() error {
	u.end(ErrClosed)
	u.starting <- struct{}{}
	defer func() { <-u.starting }()
	if u.session != nil {
		u.session.close()
	}
	return nil
}
