package mcp

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/guard"
	"github.com/countersignhq/countersign/door/mcp/notice"
	"github.com/countersignhq/countersign/internal/canon"
)

// metaSubscription is the member of _meta that says for whom a notification is
// (MCP 2026-07-28, subscriptions).
const metaSubscription = "io.modelcontextprotocol/subscriptionId"

// speaks says of which lists, of those that it offers, an upstream tells that
// they have changed, by the name of the capability, and under "subscribe" whether
// of single resources.
func speaks(capabilities []byte) map[string]bool {
	said := map[string]bool{}
	for _, name := range []string{"tools", "prompts", "resources"} {
		changes, _ := canon.Member(capabilities, name, "listChanged")
		said[name] = string(changes) == "true"
	}
	subscribe, _ := canon.Member(capabilities, "resources", "subscribe")
	said["subscribe"] = string(subscribe) == "true"
	return said
}

// mayStream reports whether there is ever something to say on a stream of a GET:
// else it is answered with 405, as by a server that offers none.
func (d *door) mayStream(r *http.Request, name string) bool {
	if d.cfg.Notices == nil || r.Header.Get("Mcp-Protocol-Version") == modern {
		return false
	}
	said, err := d.describe(r.Context(), name)
	if err != nil {
		return false
	}
	for _, tells := range speaks(said.capabilities) {
		if tells {
			return true
		}
	}
	return false
}

func silent(r *http.Request) *countersign.Error {
	return &countersign.Error{Code: countersign.CodeBadRequest,
		Detail: r.Method + " is not answered here", Hint: "send messages with POST, and end a session with DELETE"}
}

// stream answers a GET of a session with what the upstream says unasked (MCP
// 2025-11-25, transports, "Listening for Messages from the Server"). Its events
// have no ids, so there is nothing to resume: what was told while no stream was
// open, a list that is read anew tells better. A second stream of a session takes
// the place of the first, which a client that lost it cannot close.
func (d *door) stream(p *reply, r *http.Request, by countersign.Who, name string) {
	refuse := func(status int, f *fault) { p.refuse(status, nil, f) }
	x, status, f := d.session(r, by, name, message{})
	if f != nil {
		refuse(status, f)
		return
	}
	if !guard.Accepts(r, "text/event-stream") {
		refuse(http.StatusNotAcceptable, invalid("accept text/event-stream", "the answer would be a stream"))
		return
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	defer d.sessions.Streams(x, &stop)()
	l := d.cfg.Notices.Listen(name, func(n notice.Notice) bool {
		return n.Method != notice.ResourceUpdated || d.sessions.Subscribed(x, n.URI())
	})
	defer l.Close()
	p.mayStream = true
	p.begin()
	d.pass(ctx, p, r, l, func(n notice.Notice) ([]byte, error) { return without(n.Params) }, func() bool {
		_, ok := d.sessions.Find(x.ID, x.Of)
		return ok
	})
}

// pass writes the notices as they come, until nobody listens or may.
func (d *door) pass(ctx context.Context, p *reply, r *http.Request, l *notice.Listener, params func(notice.Notice) ([]byte, error), goesOn func() bool) {
	tick := time.NewTicker(d.cfg.Progress)
	defer tick.Stop()
	for p.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-l.Wake():
			for _, n := range l.Take() {
				if b, err := params(n); err == nil {
					p.event(notification(n.Method, b))
				}
			}
		case <-tick.C:
			if _, err := d.authenticate(r); err != nil || !goesOn() {
				return
			}
			p.alive()
		}
	}
}

// without are params less the id of the gateway's own subscription.
func without(params []byte) ([]byte, error) {
	if params == nil {
		return nil, nil
	}
	return canon.Without(params, []string{"_meta", metaSubscription})
}

// listen tells a client of 2026-07-28 what it wants to hear and the upstream
// tells of (subscriptions). A client that wants nothing of it is told so, and the
// subscription ends in good order.
func (d *door) listen(c *call, params []byte) {
	c.reply.begin()
	if !c.reply.streaming {
		c.reply.message(failure(c.id, encode(rpcError{Code: codeInvalid, Message: "accept text/event-stream"})))
		return
	}
	agreed, methods := d.agreed(c, params)
	meta := `"` + metaSubscription + `":` + string(c.id)
	acknowledge := func() {
		c.reply.event(notification("notifications/subscriptions/acknowledged", []byte(`{"_meta":{`+meta+`},"notifications":`+string(encode(agreed))+`}`)))
	}
	if len(methods) == 0 {
		acknowledge()
		c.reply.message(result(c.id, []byte(`{"_meta":{`+meta+`}}`)))
		return
	}
	ctx, stop := context.WithCancel(c.http.Context())
	defer stop()
	leave, done, ok := d.sessions.Enter(c.session, c.id, stop)
	if !ok {
		c.reply.message(tell(c.id, c.method, false, d.tooMany()))
		return
	}
	defer done()
	defer leave()
	l := d.cfg.Notices.Listen(c.session.Of.Resource, func(n notice.Notice) bool { return slices.Contains(methods, n.Method) })
	defer l.Close()
	acknowledge()
	d.pass(ctx, c.reply, c.http, l, func(n notice.Notice) ([]byte, error) {
		b, err := without(n.Params)
		if err != nil {
			return nil, err
		}
		return withMeta(b, meta), nil
	}, func() bool { return true })
}

// agreed is what of a subscription's wishes is granted, and the notices that it
// means. Single resources are none of it: nobody asked the upstream to watch them.
func (d *door) agreed(c *call, params []byte) (map[string]bool, []string) {
	agreed, methods := map[string]bool{}, []string(nil)
	if d.cfg.Notices == nil {
		return agreed, nil
	}
	said, err := d.describe(c.http.Context(), c.session.Of.Resource)
	if err != nil {
		return agreed, nil
	}
	tells := speaks(said.capabilities)
	for _, w := range []struct{ wish, capability, method string }{
		{"toolsListChanged", "tools", notice.ToolsChanged},
		{"promptsListChanged", "prompts", notice.PromptsChanged},
		{"resourcesListChanged", "resources", notice.ResourcesChanged},
	} {
		if raw, _ := canon.Member(params, "notifications", w.wish); string(raw) == "true" && tells[w.capability] {
			agreed[w.wish] = true
			methods = append(methods, w.method)
		}
	}
	return agreed, methods
}

// withMeta puts a member at the beginning of the _meta of params, which are nil
// or a checked object.
func withMeta(params []byte, member string) []byte {
	at, add := 0, `"_meta":{`+member+`}`
	if len(params) == 0 {
		return []byte(`{` + add + `}`)
	}
	object := params
	if from, to, err := find(params, "_meta"); err == nil && params[from] == '{' {
		at, add, object = from, member, params[from:to]
	}
	for range canon.Members(object) {
		add += ","
		break
	}
	return slices.Concat(params[:at+1], []byte(add), params[at+1:])
}
