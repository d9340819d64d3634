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
	"log/slog"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/confine"
)

// Config says how to start a server and whom to believe. Name, Command and Trust
// are needed; the zero value of everything else works.
type Config struct {
	// Name is the name of the resource, "mcp/files": what releases call the
	// executor.
	Name string
	// Command, Dir, Env, User, Private and UnsafeSameUser are those of
	// confine.Program. Private is the data folder, and what else the server must
	// not reach.
	Command        []string
	Dir            string
	Env            map[string]string
	User           string
	Private        []string
	UnsafeSameUser bool

	// Trust is the pinned key of the log that releases must be proven in.
	Trust ledger.Trust
	// Version is the gateway's own, as it is told to the server.
	Version string

	// CallTimeout is how long one answer may take. Defaults to 5 minutes.
	CallTimeout time.Duration
	// StartTimeout is how long the server may take to get ready. Defaults to 30
	// seconds.
	StartTimeout time.Duration
	// MaxResult is the size of the largest answer, in bytes. Defaults to 16 MiB.
	MaxResult int
	// MaxInFlight is how many calls wait for the server at once; more wait for
	// their turn. Defaults to 64.
	MaxInFlight int

	// OnToolsChanged is called when the server says that its tools have changed,
	// in a goroutine of its own and never twice at once. Defaults to nothing.
	OnToolsChanged func()
	// Now is the clock of permits and outcomes. Defaults to time.Now.
	Now func() time.Time
	// Log takes the server's standard error, line by line, at debug. Defaults to
	// nothing.
	Log *slog.Logger
}

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

func (c *Config) defaults() {
	if c.CallTimeout <= 0 {
		c.CallTimeout = 5 * time.Minute
	}
	if c.StartTimeout <= 0 {
		c.StartTimeout = 30 * time.Second
	}
	if c.MaxResult <= 0 {
		c.MaxResult = 16 << 20
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 64
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("resource", c.Name)
}

func (c *Config) program() confine.Program {
	return confine.Program{
		Command: c.Command, Dir: c.Dir, Env: c.Env, User: c.User,
		Private: c.Private, UnsafeSameUser: c.UnsafeSameUser,
	}
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

// isShort says whether the method is one of those that are no commands and that
// the gateway passes on.
func isShort(method string) bool {
	switch method {
	case "ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list":
		return true
	}
	return false
}

// Pass answers one of the methods ping, tools/list, prompts/list, resources/list
// and resources/templates/list over the one session with the server: the bytes
// are {"result":…} or {"error":…}, the member's value as the server wrote it.
func (u *Upstream) Pass(ctx context.Context, method string, params []byte) ([]byte, error) {
	if !isShort(method) {
		return nil, fmt.Errorf("%s: %q is a command and needs a release; only lists and ping are passed on", u.cfg.Name, method)
	}
	if err := checkParams(params); err != nil {
		return nil, fmt.Errorf("%s: %w", u.cfg.Name, err)
	}
	sess, leave, err := u.turn(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", u.cfg.Name, method, err)
	}
	defer leave()
	a, err := sess.call(ctx, method, params, u.cfg.CallTimeout)
	if err == nil && a.problem != "" {
		err = errors.New(a.problem)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", u.cfg.Name, method, err)
	}
	return a.body, nil
}

// turn waits until fewer than the most calls are in flight, and for a server
// that runs. Whoever gets a turn gives it back with leave.
func (u *Upstream) turn(ctx context.Context) (s *session, leave func(), err error) {
	select {
	case u.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	leave = func() { <-u.turns }
	if s, err = u.running(ctx); err != nil {
		leave()
		return nil, nil, err
	}
	return s, leave, nil
}

// An unanswered call is one of which only this is known: whether the server may
// have seen it.
type unanswered struct {
	sent  bool
	cause error
}

func (e *unanswered) Error() string { return e.cause.Error() }
func (e *unanswered) Unwrap() error { return e.cause }

// quoteBrief quotes what a server says, up to a length that is fit for an error.
func quoteBrief(s string) string {
	const most = 120
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%+q", strings.ToValidUTF8(s, "?"))
}
