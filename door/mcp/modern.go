package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/state"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/mcpfields"
)

// modern is the revision without sessions: each request says itself who sends
// it, and its header repeats parts of its body.
const modern = "2026-07-28"

// The members of _meta that each request of it has.
const (
	metaVersion      = "io.modelcontextprotocol/protocolVersion"
	metaClient       = "io.modelcontextprotocol/clientInfo"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	metaLogLevel     = "io.modelcontextprotocol/logLevel"
	metaServer       = "io.modelcontextprotocol/serverInfo"
)

// The codes that MCP 2026-07-28 defines ("Error Codes").
const (
	codeMismatch    = -32020
	codeCapability  = -32021
	codeUnsupported = -32022
)

// isModern reports whether a message is of the revision without sessions, by
// what it says of itself.
func isModern(r *http.Request, m message) bool {
	_, says := canon.Member(m.params, "_meta", metaVersion)
	return says || m.method == "server/discover" || r.Header.Get("Mcp-Protocol-Version") == modern
}

// A misfit is a request that is not as the revision has it.
type misfit struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func mismatch(format string, args ...any) *misfit {
	return &misfit{Code: codeMismatch, Message: "header mismatch: " + fmt.Sprintf(format, args...)}
}

// stateless takes one message of the revision without sessions.
func (d *door) stateless(p *reply, r *http.Request, by countersign.Who, name string, m message) {
	if m.method != "" && m.id == nil {
		p.w.WriteHeader(http.StatusAccepted)
		return
	}
	if no := d.fits(r, name, m); no != nil {
		p.status(http.StatusBadRequest, "application/json", failure(m.id, encode(no)))
		return
	}
	p.dress = func(b []byte) ([]byte, int) { return dressed(b, m.method) }
	client, version := textAt(m.params, "_meta", metaClient, "name"), textAt(m.params, "_meta", metaClient, "version")
	x, ok := d.sessions.Sender(state.HolderOf(by, name), state.Claim(client, version))
	if !ok {
		p.message(tell(m.id, m.method, false, d.tooMany()))
		return
	}
	token, f := progressToken(m.params)
	if f != nil {
		p.message(failure(m.id, encode(rpcError{Code: f.code, Message: f.Error()})))
		return
	}
	c := &call{id: m.id, method: m.method, token: token, by: by, session: x, http: r, reply: p, modern: true}
	_, c.logs = canon.Member(m.params, "_meta", metaLogLevel)
	_, c.tasks = canon.Member(m.params, "_meta", metaCapabilities, "extensions", tasksExtension)
	switch m.method {
	case "server/discover":
		d.discover(r.Context(), c)
	case "subscriptions/listen":
		d.listen(c, m.params)
	case "tasks/get", "tasks/update", "tasks/cancel":
		d.task(r.Context(), c, m.params)
	case "initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tasks/result", "tasks/list":
		p.message(failure(m.id, encode(rpcError{Code: codeNoMethod, Message: fmt.Sprintf("%s is no method of %s", m.method, modern)})))
	default:
		if m.method == "tools/list" {
			said, err := d.describe(r.Context(), name)
			if err != nil {
				p.message(tell(m.id, m.method, false, d.fault(c, upstreamFault(c, err))))
				return
			}
			c.toolless = said.toolless
		}
		d.serve(r.Context(), c, m.params)
	}
}

// fits checks that a request says who sends it and that its header says what its
// body says (Streamable HTTP, "Server Validation"): who sits between may have
// judged it by either.
func (d *door) fits(r *http.Request, name string, m message) *misfit {
	if m.method == "" {
		return &misfit{Code: codeInvalid, Message: "clients send no responses; answers to inputRequests come with the request itself"}
	}
	version := textAt(m.params, "_meta", metaVersion)
	if version == "" {
		return &misfit{Code: codeBadParams, Message: "_meta has no " + metaVersion}
	}
	if no := sameField(r, "Mcp-Protocol-Version", version); no != nil {
		return no
	}
	if version != modern {
		return &misfit{Code: codeUnsupported, Message: "unsupported protocol version", Data: encode(struct {
			Supported []string `json:"supported"`
			Requested string   `json:"requested"`
		}{supported(), short(version)})}
	}
	if raw, ok := canon.Member(m.params, "_meta", metaCapabilities); !ok || raw[0] != '{' {
		return &misfit{Code: codeBadParams, Message: "_meta has no object " + metaCapabilities}
	}
	if no := sameField(r, "Mcp-Method", m.method); no != nil {
		return no
	}
	switch named, ok := mcpfields.Name(m.method, m.params); {
	case ok:
		if no := sameField(r, "Mcp-Name", named); no != nil {
			return no
		}
	case r.Header.Get("Mcp-Name") != "":
		return mismatch("Mcp-Name is set, and the body names nothing")
	}
	if m.method != "tools/call" {
		return nil
	}
	return d.sameParams(r, name, m)
}

// supported are the revisions spoken here, newest first.
func supported() []string { return append([]string{modern}, revisions[:]...) }

// sameField checks one header field against the body.
func sameField(r *http.Request, field, want string) *misfit {
	values := r.Header.Values(field)
	if len(values) != 1 {
		return mismatch("%s is needed once and is there %d times", field, len(values))
	}
	got, ok := values[0], true
	if field == "Mcp-Name" || strings.HasPrefix(field, mcpfields.Param) {
		got, ok = mcpfields.Decode(got)
	}
	if !ok || !mcpfields.Same(got, want) {
		return mismatch("%s is %q and the body says %q", field, short(values[0]), short(want))
	}
	return nil
}

// sameParams checks the fields that mirror arguments, as the tool's definition
// on record has them.
func (d *door) sameParams(r *http.Request, name string, m message) *misfit {
	dir, err := d.gate.Directory(r.Context())
	if err != nil {
		return &misfit{Code: codeUnavailable, Message: "nothing runs: the record cannot be read; nothing was executed, ask again in a moment"}
	}
	mirror := dir.Resources[name].Claims[textAt(m.params, "name")].Mirror
	arguments, _ := canon.Member(m.params, "arguments")
	for field, path := range mirror {
		value, ok := mcpfields.Value(arguments, path)
		field = http.CanonicalHeaderKey(mcpfields.Param + field)
		switch {
		case ok:
			if no := sameField(r, field, value); no != nil {
				return no
			}
		case r.Header.Values(field) != nil:
			return mismatch("%s is set, and the body has no such argument", field)
		}
	}
	return nil
}

// listings are the methods whose results say how long they may be kept
// (2026-07-28, caching).
var listings = [...]string{"server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"}

// dressed gives a response what the revision wants in each result and the
// upstream, of another one, may not have written. All its own bytes stay. What the
// revision tells by the status as well is told by it ("Error Codes").
func dressed(b []byte, method string) ([]byte, int) {
	if result, ok := canon.Member(b, "result"); ok && result[0] == '{' {
		_, typed := canon.Member(result, "resultType")
		_, kept := canon.Member(result, "ttlMs")
		add := ""
		if !typed {
			add = `"resultType":"complete"`
		}
		if !kept && slices.Contains(listings[:], method) && (!typed || textAt(result, "resultType") == "complete") {
			add = strings.TrimPrefix(add+`,"ttlMs":0,"cacheScope":"private"`, ",")
		}
		if add == "" {
			return b, http.StatusOK
		}
		if rest := bytes.TrimLeft(result[1:], " \t\r\n"); rest[0] != '}' {
			add += ","
		}
		at := len(b) - len("}") - len(result) + 1 // our responses end with their result
		return slices.Concat(b[:at], []byte(add), b[at:]), http.StatusOK
	}
	switch code, _ := canon.Member(b, "error", "code"); string(code) {
	case strconv.Itoa(codeNoMethod):
		return b, http.StatusNotFound
	case strconv.Itoa(codeMismatch), strconv.Itoa(codeCapability), strconv.Itoa(codeUnsupported):
		return b, http.StatusBadRequest
	}
	return b, http.StatusOK
}

// discover tells what is here.
func (d *door) discover(ctx context.Context, c *call) {
	said, err := d.describe(ctx, c.session.Of.Resource)
	if err != nil {
		d.cfg.Log.Warn("an upstream does not describe itself", "resource", c.session.Of.Resource, "err", err)
		c.reply.message(tell(c.id, c.method, false, word{unavailable, c.session.Of.Resource + " does not answer; nothing was executed", note{Code: countersign.CodeUnavailable, Hint: "try again in a moment, or ask the operator"}}))
		return
	}
	offered := map[string]json.RawMessage{}
	extensions := map[string]json.RawMessage{}
	for name, value := range canon.Members(said.capabilities) {
		if value[0] == '{' && name != "extensions" {
			// Nobody asks the upstream to watch single resources.
			quiet := [][]string{{"subscribe"}}
			if d.cfg.Notices == nil {
				quiet = append(quiet, []string{"listChanged"})
			}
			if value, err = canon.Without(value, quiet...); err != nil {
				continue
			}
		}
		offered[name] = value
	}
	for name, value := range canon.Members(offered["extensions"]) {
		extensions[name] = value
	}
	extensions[tasksExtension] = json.RawMessage("{}")
	offered["extensions"] = encode(extensions)
	delete(offered, "logging")
	c.reply.message(result(c.id, encode(struct {
		Versions     []string                   `json:"supportedVersions"`
		Capabilities map[string]json.RawMessage `json:"capabilities"`
		Instructions string                     `json:"instructions"`
		Meta         map[string]serverInfo      `json:"_meta"`
	}{supported(), offered, said.instructions, map[string]serverInfo{
		metaServer: {"countersign", c.session.Of.Resource + " through Countersign", d.cfg.Version},
	}})))
}
