package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/state"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/understand/mcptool"
)

const (
	// mostRounds is how often a client is sent back to ask again; clients were
	// measured to give up after ten rounds.
	mostRounds = 8
	// stateLife is how long a requestState is taken.
	stateLife = 10 * time.Minute
)

// leg answers a call that is held, once the client's patience is at its end, with
// a state to come back with: it then waits on, and its model hears nothing of it.
func (d *door) leg(c *call, r countersign.Request) ([]byte, bool) {
	eligible := c.method == "tools/call" || c.method == "prompts/get" || c.method == "resources/read"
	if !c.modern || !eligible || c.foreign || c.token != nil || c.round >= mostRounds {
		return nil, false
	}
	text, err := state.Seal(d.cfg.StateKey, c.session.Of,
		state.State{Request: r.ID, Digest: r.Digest, Round: c.round + 1, Expires: d.cfg.Now().Add(stateLife)})
	if err != nil {
		return nil, false
	}
	return result(c.id, encode(struct {
		Type  string          `json:"resultType"`
		State string          `json:"requestState"`
		Meta  map[string]note `json:"_meta"`
	}{"input_required", text, map[string]note{"countersign/pending": d.waiting(r).note}})), true
}

// resume waits on for a call that brings back a state of ours. The state must be
// for exactly this call.
func (d *door) resume(ctx context.Context, c *call, params []byte) {
	refuse := func(why string) {
		c.reply.status(http.StatusBadRequest, "application/json", failure(c.id, encode(rpcError{Code: codeBadParams, Message: why + "; make the call again without it: what was asked for is joined"})))
	}
	s, err := state.Open(d.cfg.StateKey, c.session.Of, textAt(params, "requestState"), d.cfg.Now())
	if err != nil {
		refuse(err.Error())
		return
	}
	bare, err := canon.Without(params, []string{"requestState"}, []string{"inputResponses"})
	if err == nil {
		bare, err = mcptool.Strip(bare)
	}
	r, gone := d.gate.Get(ctx, s.Request)
	asked, _ := r.Command.(countersign.MCPRequest)
	if err != nil || gone != nil || !r.AskedBy(c.by) || r.Digest != s.Digest || asked.Resource != c.session.Of.Resource ||
		asked.Method != c.method || !alike(asked.Params, bare) {
		refuse("the requestState is not for this call")
		return
	}
	c.round = s.Round
	d.follow(ctx, c, func(ctx context.Context, held chan<- countersign.Request, out *heard) (gate.Result, error) {
		if !r.Settled() {
			held <- r
		}
		return d.gate.Wait(ctx, c.by.Actor, r.ID, out)
	})
}

// alike reports whether two params differ in the blanks between values alone: the
// state leaves those behind that stood around it.
func alike(a, b []byte) bool {
	var one, two bytes.Buffer
	return json.Compact(&one, a) == nil && json.Compact(&two, b) == nil && bytes.Equal(one.Bytes(), two.Bytes())
}
