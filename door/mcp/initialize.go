package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/state"
	"github.com/countersignhq/countersign/internal/canon"
)

// guidance is what an agent is told of holding, after the upstream's own
// instructions.
const guidance = `Some calls here are held until a person approves them. A held call answers with status "pending_approval" and a request_id: nothing has run yet. ` +
	`Call countersign_wait with that request_id to wait for the answer, or make the same call again; it never runs twice. A refused call says why and what to do next; do not try to reach the same end in another way.`

// initialize begins a session and tells the client what is there.
func (d *door) initialize(p *reply, r *http.Request, by countersign.Who, name string, m message) {
	asked := textAt(m.params, "protocolVersion")
	if asked == "" {
		p.message(failure(m.id, encode(rpcError{Code: codeBadParams, Message: "initialize names no protocolVersion; send " + revisions[0]})))
		return
	}
	if !slices.Contains(revisions[:], asked) {
		asked = revisions[0]
	}
	said, err := d.describe(r.Context(), name)
	if err != nil {
		d.cfg.Log.Warn("an upstream does not describe itself", "resource", name, "err", err)
		p.message(tell(m.id, m.method, false, word{unavailable, name + " does not answer; nothing was executed", note{Code: countersign.CodeUnavailable, Hint: "try again in a moment, or ask the operator"}}))
		return
	}
	client, version := textAt(m.params, "clientInfo", "name"), textAt(m.params, "clientInfo", "version")
	s := state.Claim(client, version)
	s.Toolless = said.toolless
	x, ok := d.sessions.Begin(state.HolderOf(by, name), s)
	if !ok {
		p.message(tell(m.id, m.method, false, d.tooMany()))
		return
	}
	p.w.Header().Set("Mcp-Session-Id", x.ID)
	var hello bytes.Buffer // the capabilities keep their bytes
	fmt.Fprintf(&hello, `{"protocolVersion":%s,"capabilities":%s,"serverInfo":%s,"instructions":%s}`, encode(asked), said.capabilities,
		encode(serverInfo{"countersign", name + " through Countersign", d.cfg.Version}), encode(said.instructions))
	p.message(result(m.id, hello.Bytes()))
}

type serverInfo struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Version string `json:"version"`
}

// description is what a client is told of a resource.
type description struct {
	capabilities json.RawMessage
	instructions string
	toolless     bool
}

// describe is what the upstream says of itself, less what this door does not
// carry, plus our own tools.
func (d *door) describe(ctx context.Context, name string) (description, error) {
	said := description{capabilities: json.RawMessage(`{"tools":{}}`), instructions: guidance}
	if d.cfg.Describe == nil {
		return said, nil
	}
	capabilities, instructions, err := d.cfg.Describe(ctx, name)
	if err != nil {
		return said, err
	}
	if instructions != "" {
		said.instructions = instructions + "\n\n" + guidance
	}
	// An answer to a task would be a task, and a held call has none.
	if capabilities, err = canon.Without(capabilities, []string{"tasks"}); err != nil {
		return said, fmt.Errorf("capabilities of %s: %w", name, err)
	}
	if _, ok := canon.Member(capabilities, "tools"); ok {
		said.capabilities = capabilities
		return said, nil
	}
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(capabilities), []byte("{"))
	if !ok {
		return said, fmt.Errorf("capabilities of %s are no object: %.80s", name, capabilities)
	}
	if rest = bytes.TrimSpace(rest); rest[0] != '}' {
		rest = append([]byte(","), rest...)
	}
	said.capabilities, said.toolless = append([]byte(`{"tools":{}`), rest...), true
	return said, nil
}
