package mcp

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/auth"
	"github.com/countersignhq/countersign/door/mcp/patience"
	"github.com/countersignhq/countersign/door/mcp/session"
	"github.com/countersignhq/countersign/door/mcp/state"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/peer"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// settling is how long the gate gets to let go once a wait is over. It does so
// at once, unless the command runs.
const settling = 500 * time.Millisecond

// A call is one JSON-RPC request that takes its time.
type call struct {
	id      []byte
	method  string
	token   []byte // of progress, nil if the client wants none
	promise promise
	by      countersign.Who
	session *session.Session
	http    *http.Request
	reply   *reply
	stop    context.CancelFunc // ends the wait, as if nobody listened
	hurry   context.CancelFunc // ends the client's patience
	steps   int                // progress notifications sent
	base    int                // of them, those before the upstream's own
	told    *float64           // the upstream's last progress that was passed on
	uri     string             // what it subscribes to
	logs    bool               // the client takes log messages
	revoked error              // why the agent is no longer let in

	modern   bool // of the revision without sessions
	tasks    bool // whose client takes tasks
	toolless bool // the upstream has no tools of its own
	foreign  bool // it brings back a state of the upstream's
	round    int  // how often its client was sent back for this call
}

// An asking goes down the path. It says what is held, as soon as it knows, and
// returns what the gate returns.
type asking func(ctx context.Context, held chan<- countersign.Request, out *heard) (gate.Result, error)

// patience is the budget of the call's client.
func (d *door) patience(c *call) patience.Budget {
	return patience.Of(d.cfg.Budgets, c.session.Client, c.session.Version)
}

// command submits what the agent asks for.
func (d *door) command(ctx context.Context, c *call, params []byte) {
	_, c.foreign = canon.Member(params, "requestState")
	if c.modern && state.Ours(textAt(params, "requestState")) {
		c.foreign = false
		d.resume(ctx, c, params)
		return
	}
	if _, answers := canon.Member(params, "inputResponses"); answers {
		c.foreign = true
	}
	kept, err := mcptool.Strip(params)
	if err != nil {
		c.reply.message(tell(c.id, c.method, c.promise, d.fault(c, err)))
		return
	}
	ask := gate.Ask{
		By: c.by.Actor, OnBehalfOf: c.by.OnBehalfOf, Method: c.by.Method, Origin: d.origin(c.http, c.session),
		Command: countersign.MCPRequest{Resource: c.session.Of.Resource, Method: c.method, Params: kept},
	}
	d.follow(ctx, c, func(ctx context.Context, held chan<- countersign.Request, out *heard) (gate.Result, error) {
		// The first wait is over before it begins: what is held comes back at
		// once, so that the agent hears of it, and the second is the client's own.
		over, cancel := context.WithCancel(ctx)
		cancel()
		res, err := d.gate.Submit(over, ask, out)
		waiting, ok := res.(gate.Pending)
		if !ok || err != nil || ctx.Err() != nil || c.tasks && c.method == "tools/call" {
			return res, err
		}
		held <- waiting.Request
		return d.gate.Wait(ctx, c.by.Actor, waiting.Request.ID, out)
	})
}

// became is what an asking came to.
type became struct {
	result gate.Result
	err    error
	out    *heard
}

// follow asks, tells the client what can be told while it waits, and gives the
// answer. A connection that breaks, or a client that cancels, ends the wait and
// nothing else: whatever was asked for stays so, and nothing runs because of it.
func (d *door) follow(ctx context.Context, c *call, ask asking) {
	live, stop := context.WithCancel(ctx)
	defer stop()
	c.stop = stop
	patience, cancel := context.WithTimeout(live, d.patience(c).For(c.token))
	defer cancel()
	c.hurry = cancel
	leave, done, ok := d.sessions.Enter(c.session, c.id, stop)
	if !ok {
		c.reply.message(tell(c.id, c.method, c.promise, d.tooMany()))
		return
	}
	defer leave()
	held, answered := make(chan countersign.Request, 1), make(chan became, 1)
	out := c.heard()
	go func() {
		defer done() // what runs on counts, whether or not somebody still waits
		res, err := ask(patience, held, out)
		answered <- became{res, err, out}
	}()
	b := d.wait(live, patience, c, out, held, answered)
	switch {
	case live.Err() == nil:
		d.answer(live, c, b)
	case c.revoked != nil && !c.reply.streaming:
		d.unauthenticated(c.reply, c.http, c.revoked)
	default:
		c.reply.begin() // nobody listens: a call that was cancelled has no response
	}
}

// wait keeps the client informed until there is an answer, or nobody listens.
func (d *door) wait(live, patience context.Context, c *call, out *heard, held <-chan countersign.Request, answered <-chan became) became {
	soon, tick := time.NewTimer(d.cfg.Soon), time.NewTicker(d.cfg.Progress)
	defer soon.Stop()
	defer tick.Stop()
	var waiting countersign.Request
	over := patience.Done()
	for {
		select {
		case b := <-answered:
			return b
		case waiting = <-held:
			c.reply.begin()
			d.progress(c, waiting)
		case said := <-out.progress:
			d.relay(c, said)
		case <-soon.C:
			if waiting.ID == "" {
				c.reply.begin()
				d.progress(c, waiting)
			}
		case <-tick.C:
			if _, c.revoked = d.authenticate(c.http); auth.Expired(c.revoked) {
				c.hurry() // whoever comes back with a new token joins
				continue
			}
			if c.revoked != nil {
				c.stop() // and over is next
				continue
			}
			d.progress(c, d.again(c, waiting))
		case <-over:
			b, ok := d.atTheEnd(c, waiting, answered)
			if ok || live.Err() != nil {
				return b
			}
			over = live.Done()
		}
	}
}

// atTheEnd gives the answer once the client's patience is at its end: what the
// gate says, or, of a command that runs just now, that it runs. What nobody
// waits for by id, such as an allowed command, has no other answer than its own.
func (d *door) atTheEnd(c *call, waiting countersign.Request, answered <-chan became) (became, bool) {
	select {
	case b := <-answered:
		return b, true
	case <-time.After(settling):
	}
	if waiting.ID == "" {
		return became{}, false
	}
	return became{out: &heard{}, result: gate.Pending{Request: d.again(c, waiting)}}, true
}

// again reads the request as it is now, or as it was.
func (d *door) again(c *call, r countersign.Request) countersign.Request {
	if r.ID == "" {
		return r
	}
	if now, err := d.gate.Get(c.http.Context(), r.ID); err == nil {
		return now
	}
	return r
}

// progress tells a client that asked for it how things stand (MCP 2025-11-25,
// progress: the value always rises). Others get a sign of life.
func (d *door) progress(c *call, r countersign.Request) {
	if c.token == nil || !c.reply.streaming || c.told != nil { // the upstream speaks for itself
		c.reply.alive()
		return
	}
	text := "it takes its time"
	switch {
	case r.Execution == countersign.ExecutionRunning:
		text = fmt.Sprintf("%s runs", r.ID)
	case r.ID != "":
		text = fmt.Sprintf("%s %s: %s", r.ID, waitsFor(r), d.link(r.ID))
	}
	c.steps++
	var b bytes.Buffer
	b.WriteString(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":`)
	b.Write(c.token)
	fmt.Fprintf(&b, `,"progress":%d,"message":%s}}`, c.steps, encode(text))
	c.reply.event(b.Bytes())
}

// answer writes the answer, and says that it was delivered once all of it was
// written to somebody who listens. What the policy allowed holds no key that a
// repeat could join.
func (d *door) answer(live context.Context, c *call, b became) {
	d.heardOut(live, c, b.out)
	c.reply.message(d.answerOf(c, b.result, b.err, b.out.Bytes()))
	if _, ok := b.result.(gate.Done); ok && c.method == "resources/subscribe" {
		if _, ok := canon.Member(b.out.Bytes(), "result"); ok {
			d.sessions.Subscribe(c.session, c.uri)
		}
	}
	d.delivered(live, c, b)
}

// delivered says so of an answer that was written.
func (d *door) delivered(live context.Context, c *call, b became) {
	if c.reply.err != nil || live.Err() != nil || b.err != nil {
		return
	}
	var r countersign.Request
	switch res := b.result.(type) {
	case gate.Done:
		r = res.Request
	case gate.Refused:
		r = res.Request
	case gate.Unknown:
		r = res.Request
	}
	if r.Settled() && r.Decision != countersign.DecisionAllowed {
		d.gate.Delivered(live, r.ID)
	}
}

// traceparent is the form of the header field of W3C Trace Context, level 1.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$`)

// origin says where a call came from, as far as it is known.
func (d *door) origin(r *http.Request, x *session.Session) countersign.Origin {
	o := countersign.Origin{Door: "mcp", Peer: r.RemoteAddr, Client: x.Claimed()}
	if m := traceparent.FindStringSubmatch(r.Header.Get("Traceparent")); m != nil {
		o.Trace = m[1]
	}
	o.ServerAccount = d.sessions.Account(x, r.RemoteAddr, func() bool {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		return peer.SameAccount(remote(r.RemoteAddr), local)
	})
	return o
}

// remote is the address that net/http gives as text.
func remote(s string) net.Addr {
	p, err := netip.ParseAddrPort(s)
	if err != nil {
		return nil // it may be anybody
	}
	return net.TCPAddrFromAddrPort(p)
}
