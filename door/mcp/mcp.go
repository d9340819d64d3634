// Package mcp is the agent's side of the Model Context Protocol: revisions
// 2025-11-25 and 2025-06-18 with their sessions, and 2026-07-28 without, over
// Streamable HTTP, at /mcp/{name} for the resource mcp/{name}. New makes the
// handler; readMessage reads what comes, command sends it down the path, answerOf
// makes what goes back.
//
// The bytes that an agent sends as params are the bytes that are reviewed and
// forwarded, and the bytes that the upstream answers are the bytes that the
// agent gets. initialize, server/discover, ping and the lists are no commands;
// all else is.
package mcp

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/auth"
	"github.com/countersignhq/countersign/door/mcp/notice"
	"github.com/countersignhq/countersign/gate"
)

// The revisions with sessions that this door speaks, newest first.
var revisions = [...]string{"2025-11-25", "2025-06-18"}

// assumed is the revision that a message without the header field is taken to
// be of (MCP 2025-11-25, transports, "Protocol Version Header"). What this door
// does with one message is the same in all three.
const assumed = "2025-03-26"

// Config is what a door may be told. Without Authenticate nobody gets in.
type Config struct {
	// Authenticate says which agent sent the request, on whose behalf, by its bearer
	// token. It is asked again while a call waits, so that a revoked token ends the
	// wait. Of what it returns Actor, OnBehalfOf and Method count.
	Authenticate func(ctx context.Context, r *http.Request) (countersign.Who, error)
	// Authorization says where agents get tokens for this door besides those of the
	// operator. Nil is nowhere.
	Authorization *auth.Server
	// Describe returns what the resource's upstream said of itself when the
	// gateway initialized it: its capabilities, a JSON object, and its
	// instructions. Without it the door offers tools only.
	Describe func(ctx context.Context, resource string) (capabilities json.RawMessage, instructions string, err error)
	// Notices brings what upstreams say unasked. Without it no client is told.
	Notices *notice.Hub
	// PublicURL is the console's address, for the links to requests.
	PublicURL string
	// Hosts are the names, with a port or for any, by which agents reach this
	// door. The names of this machine's loopback always do.
	Hosts []string
	// Origins are those of the web pages that may send requests here. Defaults
	// to none.
	Origins []string
	// Budgets are how long clients wait, by the name they give themselves, alone or
	// with the beginning of a version: "claude-code/2.1". They add to, and take the
	// place of, what the known ones were measured to bear.
	Budgets map[string]Budget
	// Soon is when a call that has no answer yet becomes a stream. Defaults to
	// one second.
	Soon time.Duration
	// Progress is the time between two signs of life of a call that waits.
	// Defaults to 15 seconds.
	Progress time.Duration
	// SessionIdle ends a session that was not used for so long. Defaults to 24
	// hours.
	SessionIdle time.Duration
	// StateKey seals what clients of 2026-07-28 bring back when they ask on for a
	// held call. Defaults to a key of this process, so that after a restart they
	// make the call anew and join.
	StateKey []byte
	// Version is the gateway's own, as it is told to clients.
	Version string
	// Now is the clock of sessions. Defaults to time.Now.
	Now func() time.Time
	// Log defaults to slog.Default. Payloads never reach it.
	Log *slog.Logger
	// Refused is told of the code of every answer that refuses. It must not block.
	// Defaults to nothing.
	Refused func(countersign.Code)
}

// A Budget is how long a client waits for the answer to one call before it
// gives up, less a margin.
type Budget struct {
	Silent   time.Duration // while it hears nothing; defaults to 50 seconds
	Progress time.Duration // while it is sent progress; defaults to Silent
}

// of is the budget of a call with the progress token.
func (b Budget) of(token []byte) time.Duration {
	silent := b.Silent
	if silent <= 0 {
		silent = 50 * time.Second
	}
	if token == nil || b.Progress <= 0 {
		return silent
	}
	return b.Progress
}

// patience is the budget of the client that calls itself so: that of the longest
// beginning of its version that has one, else that of its name.
func (c *Config) patience(name, version string) Budget {
	for v := version; v != ""; v = v[:max(0, strings.LastIndexAny(v, ".-+"))] {
		if b, ok := c.Budgets[name+"/"+v]; ok {
			return b
		}
	}
	return c.Budgets[name]
}

// measured are the budgets of clients as they were measured with slow calls.
func measured() map[string]Budget {
	return map[string]Budget{
		"claude-code":              {Silent: 280 * time.Second, Progress: 4 * time.Hour},
		"codex-mcp-client":         {Silent: 280 * time.Second},
		"gemini-cli-mcp-client":    {Silent: 580 * time.Second},
		"copilot-cli":              {Silent: 170 * time.Second, Progress: 4 * time.Hour},
		"github-copilot-developer": {Silent: 170 * time.Second, Progress: 4 * time.Hour},
	}
}

// door is the handler.
type door struct {
	gate     *gate.Gate
	cfg      Config
	sessions sessions
}

// New returns the handler of everything under /mcp/.
func New(g *gate.Gate, cfg Config) http.Handler {
	budgets := measured()
	maps.Copy(budgets, cfg.Budgets)
	cfg.Budgets = budgets
	if cfg.Soon <= 0 {
		cfg.Soon = time.Second
	}
	if cfg.Progress <= 0 {
		cfg.Progress = 15 * time.Second
	}
	if cfg.SessionIdle <= 0 {
		cfg.SessionIdle = 24 * time.Hour
	}
	if len(cfg.StateKey) == 0 {
		cfg.StateKey = []byte(rand.Text() + rand.Text())
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Refused == nil {
		cfg.Refused = func(countersign.Code) {}
	}
	return &door{gate: g, cfg: cfg, sessions: sessions{
		idle: cfg.SessionIdle, now: cfg.Now, byID: map[string]*session{}, calls: map[string]int{},
	}}
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seal(w.Header())
	r.Header.Del("Cookie")
	p := newReply(w, r)
	p.refused = d.cfg.Refused
	if no := d.admit(r); no != nil {
		p.problem(no.status, no.err)
		return
	}
	if d.metadata(p, r) {
		return
	}
	by, err := d.authenticate(r)
	if err != nil {
		d.unauthenticated(p, r, err)
		return
	}
	name, no := d.resource(r)
	if no != nil {
		p.problem(no.status, no.err)
		return
	}
	switch r.Method {
	case http.MethodPost:
		d.post(p, r, by, name)
	case http.MethodDelete:
		d.delete(p, r, by, name)
	default:
		if r.Method == http.MethodGet && d.mayStream(r, name) {
			d.stream(p, r, by, name)
			return
		}
		w.Header().Set("Allow", "POST, DELETE")
		p.problem(http.StatusMethodNotAllowed, silent(r))
	}
}

// authenticate returns the agent that sent the request.
func (d *door) authenticate(r *http.Request) (countersign.Who, error) {
	if d.cfg.Authenticate == nil {
		return countersign.Who{}, errors.New("this door was given no way to know agents")
	}
	by, err := d.cfg.Authenticate(r.Context(), r)
	if err != nil {
		return by, err
	}
	if by.Actor.Kind != countersign.KindAgent || by.Actor.ID == "" {
		return by, &countersign.Error{Code: countersign.CodeForbidden, Detail: "only agents ask here", Hint: "use an agent's token"}
	}
	by.Method = cmp.Or(by.Method, "token")
	return by, nil
}

func (d *door) unauthenticated(p *reply, r *http.Request, err error) {
	e, ok := errors.AsType[*countersign.Error](err)
	if !ok {
		d.cfg.Log.Warn("an agent could not be told apart", "err", err)
		e = &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: "it is not known who asks", Hint: "send Authorization: Bearer and an agent's token"}
	}
	if c := d.challenge(r, err, e.Code); c != "" && e.Code != countersign.CodeUnavailable {
		p.w.Header().Set("WWW-Authenticate", c)
	}
	switch e.Code {
	case countersign.CodeForbidden:
		p.problem(http.StatusForbidden, e)
	case countersign.CodeUnavailable:
		p.problem(http.StatusServiceUnavailable, e)
	default:
		p.problem(http.StatusUnauthorized, e)
	}
}

// resource returns the name of the resource that the path names.
func (d *door) resource(r *http.Request) (string, *turning) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	return name, d.known(r, name)
}

// known refuses a name that no resource here has.
func (d *door) known(r *http.Request, name string) *turning {
	dir, err := d.gate.Directory(r.Context())
	if err != nil {
		d.cfg.Log.Error("the directory cannot be read", "err", err)
		return &turning{http.StatusServiceUnavailable, &countersign.Error{Code: countersign.CodeUnavailable,
			Detail: "nothing runs: the record cannot be read", Hint: "nothing was executed; ask again in a moment"}}
	}
	if _, ok := dir.Resources[name]; !ok || !strings.HasPrefix(name, "mcp/") {
		return &turning{http.StatusNotFound, &countersign.Error{Code: countersign.CodeUnknownResource,
			Detail: fmt.Sprintf("there is no MCP resource at %q", short(r.URL.Path)), Hint: "the address is /mcp/ and the resource's name"}}
	}
	return nil
}

// post takes one message.
func (d *door) post(p *reply, r *http.Request, by countersign.Who, name string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		p.refuse(http.StatusUnsupportedMediaType, nil, invalid("send Content-Type: application/json", "the body is not declared as JSON"))
		return
	}
	if !accepts(r, "application/json") {
		p.refuse(http.StatusNotAcceptable, nil, invalid("accept application/json and text/event-stream", "the answer would be JSON"))
		return
	}
	body, err := d.read(p, r)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		p.refuse(http.StatusRequestEntityTooLarge, nil, invalid("send less", "the body has more than %d bytes", maxBody))
		return
	}
	if err != nil {
		p.refuse(http.StatusBadRequest, nil, &fault{codeParse, "the body did not arrive whole", "send it again"})
		return
	}
	m, f := readMessage(body)
	if f != nil {
		p.refuse(http.StatusBadRequest, nil, f)
		return
	}
	if isModern(r, m) {
		d.stateless(p, r, by, name, m)
		return
	}
	if m.method == "initialize" && m.id != nil {
		d.initialize(p, r, by, name, m)
		return
	}
	x, status, f := d.session(r, by, name, m)
	if f != nil {
		p.refuse(status, m.id, f)
		return
	}
	d.take(p, r, by, x, m)
}

// read reads the body, in bounded time and size.
func (d *door) read(p *reply, r *http.Request) ([]byte, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(stall)) // a test's writer knows none
	defer func() { _ = p.rc.SetReadDeadline(time.Time{}) }()
	return io.ReadAll(http.MaxBytesReader(p.w, r.Body, maxBody))
}

// session finds the session that a message belongs to. A client whose session
// is gone is told so with 404 and begins another.
func (d *door) session(r *http.Request, by countersign.Who, name string, m message) (*session, int, *fault) {
	if v := r.Header.Get("Mcp-Protocol-Version"); v != "" && v != assumed && !slices.Contains(revisions[:], v) {
		return nil, http.StatusBadRequest, invalid("initialize with "+revisions[0], "protocol version %q is not spoken here", short(v))
	}
	id := r.Header.Get("Mcp-Session-Id")
	if id == "" {
		return nil, http.StatusBadRequest, invalid("send initialize first, and the Mcp-Session-Id of its answer with every message", "the message belongs to no session")
	}
	x, ok := d.sessions.find(id, by, name)
	if !ok {
		return nil, http.StatusNotFound, invalid("send initialize again; what was asked for is not lost, and the same call joins it", "there is no such session, or not any more")
	}
	return x, 0, nil
}

// take deals with a message of a session.
func (d *door) take(p *reply, r *http.Request, by countersign.Who, x *session, m message) {
	if m.id == nil || m.method == "" {
		if m.method == "notifications/cancelled" {
			if id, ok := cancelled(m.params); ok {
				d.sessions.cancel(x, id)
			}
		}
		p.w.WriteHeader(http.StatusAccepted)
		return
	}
	token, f := progressToken(m.params)
	if f != nil {
		p.message(failure(m.id, encode(rpcError{Code: f.code, Message: f.Error()})))
		return
	}
	c := &call{id: m.id, method: m.method, token: token, by: by, session: x, http: r, reply: p, toolless: x.toolless, logs: true}
	if m.method == "ping" {
		p.message(result(m.id, []byte("{}")))
		return
	}
	d.serve(r.Context(), c, m.params)
}

// serve answers what both eras ask alike.
func (d *door) serve(ctx context.Context, c *call, params []byte) {
	switch c.method {
	case "tools/list", "prompts/list", "resources/list", "resources/templates/list":
		d.list(ctx, c, params)
	case "tools/call":
		switch tool := textAt(params, "name"); tool {
		case waitTool, statusTool:
			d.own(ctx, c, tool, params)
		default:
			c.promise = d.promise(ctx, c.session.resource, tool)
			d.command(ctx, c, params)
		}
	case "resources/subscribe", "resources/unsubscribe":
		c.uri = textAt(params, "uri")
		if c.method == "resources/unsubscribe" && d.sessions.unsubscribe(c.session, c.uri) {
			c.reply.message(result(c.id, []byte("{}"))) // another session still wants to hear of it
			return
		}
		d.command(ctx, c, params)
	default:
		d.command(ctx, c, params)
	}
}

// delete ends a session, and the waits of it.
func (d *door) delete(p *reply, r *http.Request, by countersign.Who, name string) {
	x, ok := d.sessions.find(r.Header.Get("Mcp-Session-Id"), by, name)
	if !ok {
		p.problem(http.StatusNotFound, &countersign.Error{Code: countersign.CodeNotFound, Detail: "there is no such session, or not any more"})
		return
	}
	d.sessions.end(x)
	p.w.WriteHeader(http.StatusNoContent)
}
