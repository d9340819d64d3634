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
	"github.com/countersignhq/countersign/door/mcp/guard"
	"github.com/countersignhq/countersign/door/mcp/notice"
	"github.com/countersignhq/countersign/door/mcp/patience"
	"github.com/countersignhq/countersign/door/mcp/session"
	"github.com/countersignhq/countersign/door/mcp/state"
	"github.com/countersignhq/countersign/gate"
)

// maxBody is how many bytes one message may have.
const maxBody = 4 << 20

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
	// Hosts are the names by which agents reach this door, and Origins those of the
	// web pages that may send requests here, as guard.Guard has them. Default to none.
	Hosts, Origins []string
	// Budgets are how long clients wait, by the name they give themselves, alone or
	// with the beginning of a version: "claude-code/2.1". They add to, and take the
	// place of, what the known ones were measured to bear.
	Budgets map[string]patience.Budget
	// Soon is when a call that has no answer yet becomes a stream. Defaults to
	// one second.
	Soon time.Duration
	// Progress is the time between two signs of life of a call that waits.
	// Defaults to 15 seconds.
	Progress time.Duration
	// SessionIdle ends a session that was not used for so long. After a restart, one
	// that began longer ago is not begun again. Defaults to 24 hours.
	SessionIdle time.Duration
	// StateKey seals what clients of 2026-07-28 bring back when they ask on for a
	// held call, and the ids of sessions. Defaults to a key of this process, so that
	// after a restart the call is made anew and joins, and sessions are begun anew.
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

// door is the handler.
type door struct {
	gate     *gate.Gate
	cfg      Config
	sessions *session.Table
}

// New returns the handler of everything under /mcp/.
func New(g *gate.Gate, cfg Config) http.Handler {
	budgets := patience.Measured()
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
	return &door{gate: g, cfg: cfg, sessions: session.New(cfg.StateKey, cfg.SessionIdle, cfg.Now)}
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard.Seal(w.Header())
	r.Header.Del("Cookie")
	p := newReply(w, r)
	p.refused = d.cfg.Refused
	if no := (&guard.Guard{Hosts: d.cfg.Hosts, Origins: d.cfg.Origins}).Admit(r); no != nil {
		p.problem(no.Status, no.Err)
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
		p.problem(no.Status, no.Err)
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

// resource returns the name of the resource that the path names.
func (d *door) resource(r *http.Request) (string, *guard.Refusal) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	return name, d.known(r, name)
}

// known refuses a name that no resource here has.
func (d *door) known(r *http.Request, name string) *guard.Refusal {
	dir, err := d.gate.Directory(r.Context())
	if err != nil {
		d.cfg.Log.Error("the directory cannot be read", "err", err)
		return &guard.Refusal{Status: http.StatusServiceUnavailable, Err: &countersign.Error{Code: countersign.CodeUnavailable,
			Detail: "nothing runs: the record cannot be read", Hint: "nothing was executed; ask again in a moment"}}
	}
	if _, ok := dir.Resources[name]; !ok || !strings.HasPrefix(name, "mcp/") {
		return &guard.Refusal{Status: http.StatusNotFound, Err: &countersign.Error{Code: countersign.CodeUnknownResource,
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
	if !guard.Accepts(r, "application/json") {
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
func (d *door) session(r *http.Request, by countersign.Who, name string, m message) (*session.Session, int, *fault) {
	if v := r.Header.Get("Mcp-Protocol-Version"); v != "" && v != assumed && !slices.Contains(revisions[:], v) {
		return nil, http.StatusBadRequest, invalid("initialize with "+revisions[0], "protocol version %q is not spoken here", short(v))
	}
	id := r.Header.Get("Mcp-Session-Id")
	if id == "" {
		return nil, http.StatusBadRequest, invalid("send initialize first, and the Mcp-Session-Id of its answer with every message", "the message belongs to no session")
	}
	x, ok := d.sessions.Find(id, state.HolderOf(by, name))
	if !ok {
		return nil, http.StatusNotFound, invalid("send initialize again; what was asked for is not lost, and the same call joins it", "there is no such session, or not any more")
	}
	return x, 0, nil
}

// take deals with a message of a session.
func (d *door) take(p *reply, r *http.Request, by countersign.Who, x *session.Session, m message) {
	if m.id == nil || m.method == "" {
		if m.method == "notifications/cancelled" {
			if id, ok := cancelled(m.params); ok {
				d.sessions.Cancel(x, id)
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
	c := &call{id: m.id, method: m.method, token: token, by: by, session: x, http: r, reply: p, toolless: x.Toolless, logs: true}
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
			c.promise = d.promise(ctx, c.session.Of.Resource, tool)
			d.command(ctx, c, params)
		}
	case "resources/subscribe", "resources/unsubscribe":
		c.uri = textAt(params, "uri")
		if c.method == "resources/unsubscribe" && d.sessions.Unsubscribe(c.session, c.uri) {
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
	x, ok := d.sessions.Find(r.Header.Get("Mcp-Session-Id"), state.HolderOf(by, name))
	if !ok {
		p.problem(http.StatusNotFound, &countersign.Error{Code: countersign.CodeNotFound, Detail: "there is no such session, or not any more"})
		return
	}
	d.sessions.End(x)
	p.w.WriteHeader(http.StatusNoContent)
}
