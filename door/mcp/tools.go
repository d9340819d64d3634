package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// Our own tools. None approves.
const (
	waitTool   = "countersign_wait"
	statusTool = "countersign_status"
)

// ownTools are their definitions, as they stand in a listing.
const ownTools = `{"name":"countersign_wait","title":"Wait for an approval",` +
	`"description":"Waits for a call that Countersign holds for approval, runs it once if it is approved, and returns the result of that call. Use the request_id of the pending answer. It cannot approve anything: people do.",` +
	`"inputSchema":{"type":"object","properties":{"request_id":{"type":"string","description":"The request_id of the pending answer, such as req_3f8k2m9q4w7x"}},"required":["request_id"],"additionalProperties":false},` +
	`"annotations":{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":true,"openWorldHint":true}},` +
	`{"name":"countersign_status","title":"Look at a held call",` +
	`"description":"Tells at once how a call stands that Countersign holds for approval. It changes nothing and cannot approve anything: people do.",` +
	`"inputSchema":{"type":"object","properties":{"request_id":{"type":"string","description":"The request_id of the pending answer, such as req_3f8k2m9q4w7x"}},"required":["request_id"],"additionalProperties":false},` +
	`"annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false}}`

// list passes on a listing. Our own tools stand at the end of the first page.
func (d *door) list(ctx context.Context, c *call, params []byte) {
	ctx, cancel := context.WithTimeout(ctx, d.patience(c).For(nil))
	defer cancel()
	leave, done, ok := d.sessions.Enter(c.session, c.id, cancel)
	if !ok {
		c.reply.message(tell(c.id, c.method, false, d.tooMany()))
		return
	}
	defer done()
	defer leave()
	answer, err := d.listing(ctx, c, params)
	if err != nil {
		answer = tell(c.id, c.method, false, d.fault(c, err))
	}
	c.reply.message(answer)
}

// listing is the response to a list method, with the upstream's own bytes: its
// error, or its result.
func (d *door) listing(ctx context.Context, c *call, params []byte) ([]byte, error) {
	if c.method == "tools/list" && c.toolless {
		return result(c.id, []byte(`{"tools":[`+ownTools+`]}`)), nil
	}
	kept, err := mcptool.Strip(params)
	if err != nil {
		return nil, err
	}
	answer, err := d.gate.Pass(ctx, c.by.Actor, c.session.Of.Resource, c.method, kept)
	if err != nil {
		return nil, err
	}
	if err := canon.Check(answer); err != nil {
		return nil, upstreamFault(c, err)
	}
	if raw, ok := canon.Member(answer, "error"); ok {
		return failure(c.id, raw), nil
	}
	if raw, ok := canon.Member(answer, "result"); ok {
		answer = raw
	}
	if c.method == "tools/list" {
		if answer, err = withOwnTools(answer, textAt(params, "cursor") == ""); err != nil {
			return nil, upstreamFault(c, err)
		}
	}
	return result(c.id, answer), nil
}

func upstreamFault(c *call, err error) error {
	return fmt.Errorf("%w (%w)", &countersign.Error{Code: countersign.CodeUnavailable,
		Detail: c.session.Of.Resource + " answered " + c.method + " with something else", Hint: "ask the operator"}, err)
}

// withOwnTools puts our tools at the end of a checked listing's array, on its first
// page, and takes out tools that bear the names of ours. All other bytes stay.
func withOwnTools(listing []byte, first bool) ([]byte, error) {
	from, to, err := find(listing, "tools")
	if err != nil {
		return nil, err
	}
	var tools, kept []json.RawMessage
	if err := json.Unmarshal(listing[from:to], &tools); err != nil || tools == nil {
		return nil, fmt.Errorf("the tools are no list (%w)", err)
	}
	for _, t := range tools {
		if name := textAt(t, "name"); name != waitTool && name != statusTool {
			kept = append(kept, t)
		}
	}
	body := listing[from+1 : to-1] // as it stands, unless a tool goes
	if len(kept) < len(tools) {
		body = bytes.Join(raws(kept), []byte(","))
	}
	var out bytes.Buffer
	out.Write(listing[:from+1])
	out.Write(body)
	if first {
		if len(kept) > 0 {
			out.WriteByte(',')
		}
		out.WriteString(ownTools)
	}
	out.Write(listing[to-1:])
	return out.Bytes(), nil
}

func raws(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i, raw := range list {
		out[i] = raw
	}
	return out
}

// find returns where the member of a checked object starts and ends.
func find(object []byte, name string) (from, to int, err error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return 0, 0, err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return 0, 0, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return 0, 0, err
		}
		if key == name {
			end := int(dec.InputOffset())
			return end - len(value), end, nil
		}
	}
	return 0, 0, fmt.Errorf("there is no member %q", name)
}

// promise looks up what a tool's definition promises of its result.
func (d *door) promise(ctx context.Context, name, tool string) promise {
	dir, err := d.gate.Directory(ctx)
	if err != nil {
		return false
	}
	return promise(dir.Resources[name].Claims[tool].OutputSchema)
}

// own answers a call of one of our tools, for the agent's own requests alone.
func (d *door) own(ctx context.Context, c *call, tool string, params []byte) {
	var arguments struct {
		Request countersign.RequestID `json:"request_id"`
	}
	raw, _ := canon.Member(params, "arguments")
	if err := canon.Unmarshal(raw, &arguments); err != nil || arguments.Request == "" {
		c.reply.message(tell(c.id, c.method, false, word{refused, tool + ` takes {"request_id":"req_…"} and nothing else. Nothing was executed.`,
			note{Code: countersign.CodeBadRequest, Hint: "send the request_id of the pending answer"}}))
		return
	}
	r, err := d.gate.Get(ctx, arguments.Request)
	if err == nil && (!r.AskedBy(c.by) || r.Resource.Name != c.session.Of.Resource) {
		err = &countersign.Error{Code: countersign.CodeNotFound, Hint: "send the request_id of the pending answer",
			Detail: fmt.Sprintf("there is no request %s of yours on %s", short(string(arguments.Request)), c.session.Of.Resource)}
	}
	switch {
	case err != nil:
		c.reply.message(tell(c.id, c.method, false, d.fault(c, err)))
	case tool == statusTool:
		c.reply.message(result(c.id, encode(d.status(r))))
	default:
		d.follow(ctx, c, func(ctx context.Context, held chan<- countersign.Request, out *heard) (gate.Result, error) {
			if !r.Settled() {
				held <- r
			}
			return d.gate.Wait(ctx, c.by.Actor, r.ID, out)
		})
	}
}

// status tells how a request stands.
func (d *door) status(r countersign.Request) toolResult {
	n := note{Request: r.ID, URL: d.link(r.ID), Decision: r.Decision, Execution: r.Execution, Expires: r.ExpiresAt()}
	text := fmt.Sprintf("%s is %s; execution: %s.", r.ID, r.Decision, r.Execution)
	switch {
	case r.Execution == countersign.ExecutionRunning:
		n.Status, n.RetryAfter = statusRunning, retryAfter
	case r.Execution != countersign.ExecutionNone:
		n.Status = string(r.Execution)
	case r.Decision == countersign.DecisionPending:
		n.Status, n.RetryAfter = statusPending, retryAfter
		text = fmt.Sprintf("%s %s; nothing has run.", r.ID, waitsFor(r))
	default:
		n.Status = string(r.Decision)
	}
	if r.Decision == countersign.DecisionApproved && r.Execution == countersign.ExecutionNone {
		text += " Call " + waitTool + " to run it."
	}
	return toolResult{Content: saying(text, string(encode(n))), Structured: &n}
}
