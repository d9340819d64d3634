package wrap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
)

// A Prompt is the server behind Claude Code's --permission-prompt-tool: a tool
// that asks whether Claude may use one of its own. Outgoing turns the question into
// a call of that very tool, which goes down the path; Run opens the permit of its
// release; Incoming answers allow to the one question that it was released for, with
// the input that came, and deny to all else.
//
// Claude runs the tool, not this process. So the outcome is unknown: that is what
// goes on record, and not that it succeeded.
type Prompt struct {
	resource string
	target   countersign.Digest
	trust    ledger.Trust
	spent    *ledger.Spent

	mu     sync.Mutex
	asked  map[string]question                // by JSON-RPC id
	handed map[countersign.RequestID]question // released, and not answered yet
}

// A question is what Claude asked: the params of the call, and in them the input.
type question struct{ params, input string }

// NewPrompt returns a Prompt for the resource.
func NewPrompt(resource string, target countersign.Digest, trust ledger.Trust) *Prompt {
	return &Prompt{
		resource: resource, target: target, trust: trust, spent: ledger.NewSpent(time.Now()),
		asked: map[string]question{}, handed: map[countersign.RequestID]question{},
	}
}

// Handed is the detail of the outcome of what Claude may do.
const Handed = "handed to the client, which runs it itself; what became of it is not on record"

// PromptTool is the name of the tool: mcp__countersign__approve, where the server
// is called countersign.
const PromptTool = "approve"

const listing = `{"result":{"tools":[{"name":"approve","description":"Asks Countersign whether a tool may be used. For --permission-prompt-tool; models need not call it.",` +
	`"inputSchema":{"type":"object","properties":{"tool_name":{"type":"string"},"input":{"type":"object"},"tool_use_id":{"type":"string"}},"required":["tool_name","input"]}}]}}`

// Pass implements Server.
func (p *Prompt) Pass(_ context.Context, method string, _ []byte) ([]byte, error) {
	switch method {
	case "tools/list":
		return []byte(listing), nil
	case "ping":
		return []byte(`{"result":{}}`), nil
	}
	return nil, errors.New(method + " is not answered here")
}

// Capabilities implements Server.
func (p *Prompt) Capabilities(context.Context) (json.RawMessage, error) {
	return json.RawMessage(`{"tools":{}}`), nil
}

// Instructions implements Server.
func (p *Prompt) Instructions(context.Context) (string, error) { return "", nil }

// Run implements Server: it spends the permit for a question that waits.
func (p *Prompt) Run(_ context.Context, r ledger.Release, _ io.Writer) (countersign.Outcome, error) {
	o := countersign.Outcome{Execution: countersign.ExecutionFailed, StartedAt: time.Now()}
	permit, err := ledger.OpenPermit(r, p.trust, p.resource, o.StartedAt)
	if err != nil {
		return o, err
	}
	command, err := permit.Command()
	if err != nil {
		return o, err
	}
	c, ok := command.(countersign.MCPRequest)
	if !ok || c.Method != "tools/call" || c.Target != p.target || len(permit.Bounds()) > 0 {
		return o, errors.New("what was released is not the use of a tool without bounds, and cannot be handed to a client")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.asked {
		if q.params != string(c.Params) {
			continue
		}
		if err := p.spent.Spend(permit, time.Now()); err != nil {
			return o, err
		}
		p.handed[permit.Request()] = q
		o.Execution, o.Detail, o.FinishedAt = countersign.ExecutionUnknown, Handed, time.Now()
		return o, nil
	}
	return o, errors.New("the client does not wait for this answer any more")
}

// Outgoing is that of bridge.Config.
func (p *Prompt) Outgoing(line []byte) (send, answer []byte) {
	if canon.Check(line) != nil {
		return line, nil // the bridge says what is wrong with it
	}
	id, hasID := canon.Member(line, "id")
	if gone, ok := canon.Member(line, "params", "requestId"); ok && !hasID {
		p.forget(gone)
	}
	if method, _ := canon.Member(line, "method"); !hasID || string(method) != `"tools/call"` {
		return line, nil
	}
	name, _ := canon.Member(line, "params", "name")
	if strings.HasPrefix(text(name), own) {
		return line, nil
	}
	if text(name) != PromptTool {
		return nil, deny(id, "the only tool here is "+PromptTool)
	}
	tool, _ := canon.Member(line, "params", "arguments", "tool_name")
	input, _ := canon.Member(line, "params", "arguments", "input")
	if text(tool) == "" || strings.HasPrefix(text(tool), own) || len(input) == 0 || input[0] != '{' {
		return nil, deny(id, "the question names no tool and input that could be reviewed")
	}
	q := question{fmt.Sprintf(`{"name":%s,"arguments":%s}`, tool, input), string(input)}
	params := q.params
	if meta := connection(line); meta != "" {
		params = strings.TrimSuffix(params, "}") + `,"_meta":{` + meta + `}}`
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, twice := p.asked[string(id)]; twice {
		return nil, deny(id, "two questions have one id")
	}
	p.asked[string(id)] = q
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":%s}`, id, params), nil
}

// connection are the members of _meta that belong to the connection and not to what
// is asked: the gateway cuts them from what is reviewed.
func connection(line []byte) string {
	var kept []string
	for _, name := range []string{
		"progressToken", "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/clientCapabilities",
	} {
		if value, ok := canon.Member(line, "params", "_meta", name); ok {
			kept = append(kept, fmt.Sprintf("%q:%s", name, value))
		}
	}
	return strings.Join(kept, ",")
}

// forget drops a question whose answer Claude no longer wants.
func (p *Prompt) forget(id []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asked, string(id))
}

// own begins the names of the door's own tools.
const own = "countersign_"

// text is the string that raw is, empty if it is none.
func text(raw []byte) string {
	var s string
	_ = json.Unmarshal(raw, &s) // what is no string is refused as an empty one
	return s
}

// Incoming is that of bridge.Config.
func (p *Prompt) Incoming(line []byte) []byte {
	if canon.Check(line) != nil {
		return line
	}
	id, hasID := canon.Member(line, "id")
	if _, request := canon.Member(line, "method"); request || !hasID {
		return line
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	q, ok := p.asked[string(id)]
	if !ok {
		return line
	}
	delete(p.asked, string(id))
	var note struct {
		Code    countersign.Code      `json:"code"`
		Request countersign.RequestID `json:"request_id"`
	}
	raw, _ := canon.Member(line, "result", "_meta", "countersign/unknown")
	_ = json.Unmarshal(raw, &note) // without one it is no release
	if was, released := p.handed[note.Request]; released && was == q && note.Code == countersign.CodeUnknownOutcome {
		delete(p.handed, note.Request)
		return reply(id, `{"behavior":"allow","updatedInput":`+q.input+`}`)
	}
	return deny(id, reason(line))
}

// reason is what a refusal says to the model.
func reason(line []byte) string {
	var m struct {
		Result struct{ Content []struct{ Text string } }
		Error  struct{ Message string }
	}
	_ = json.Unmarshal(line, &m) // what cannot be read says nothing
	for _, c := range m.Result.Content {
		if c.Text != "" {
			return c.Text
		}
	}
	if m.Error.Message != "" {
		return m.Error.Message
	}
	return "Countersign did not let this through"
}

func deny(id []byte, why string) []byte {
	message, _ := json.Marshal(why) // a string always can be
	return reply(id, `{"behavior":"deny","message":`+string(message)+`}`)
}

// reply is the result of the tool: one text, as Claude Code reads it. Protocol
// 2026-07-28 wants a resultType, and those before it overlook it.
func reply(id []byte, said string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(said) // a string always can be
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","content":[{"type":"text","text":%s}]}}`, id, bytes.TrimSpace(b.Bytes()))
}
