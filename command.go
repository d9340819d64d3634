package countersign

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/countersignhq/countersign/internal/canon"
)

// A Command is the exact thing that would run on one resource. The kinds are a
// closed set: MCPRequest and Control. Everything that changes what happens is in it,
// and nothing else: two identical asks have one digest.
type Command interface {
	// Kind is the kind as it stands in the canonical bytes: "mcp.request".
	Kind() string
	// On names the resource: "mcp/files".
	On() string
	command()
}

// An MCPRequest is one JSON-RPC request to an MCP server, every method outside
// the short list of initialize, discover, ping and list.
type MCPRequest struct {
	// Resource is the name of the resource: "mcp/files".
	Resource string
	// Target is the digest of the upstream's address, arguments and user. The
	// gate fills it in from the resource, whatever the asker says.
	Target Digest
	// Method is the JSON-RPC method: "tools/call".
	Method string
	// Params are the exact bytes of the params that will be sent, a JSON object
	// less the members that belong to the connection (progress token, client
	// information); nil if the request has none.
	Params []byte
	// Tool is the digest of the tool's definition as pinned, zero if the method
	// is not tools/call or nothing is pinned. The gate fills it in.
	Tool Digest
}

// KindMCPRequest is the kind of an MCPRequest.
const KindMCPRequest = "mcp.request"

// Kind implements Command.
func (MCPRequest) Kind() string { return KindMCPRequest }

// On implements Command.
func (c MCPRequest) On() string { return c.Resource }

func (MCPRequest) command() {}

// mcpWire is an MCPRequest's canonical form. Foreign JSON is carried as a string
// so that its exact bytes survive.
type mcpWire struct {
	Kind     string `json:"kind"`
	Method   string `json:"method"`
	Params   string `json:"params,omitempty"`
	Resource string `json:"resource"`
	Target   Digest `json:"target,omitzero"`
	Tool     Digest `json:"tool,omitzero"`
}

// Canonical returns the canonical bytes of the command: RFC 8785 JSON in which
// every 64-bit integer is a string and foreign JSON is carried as its exact
// bytes. It fails on a command that cannot be written so, such as one whose
// params are not valid UTF-8.
func Canonical(c Command) ([]byte, error) {
	switch c := c.(type) {
	case MCPRequest:
		if len(c.Params) > 0 {
			if err := canon.Check(c.Params); err != nil {
				return nil, fmt.Errorf("params of %s: %w", c.Method, err)
			}
		}
		return canon.Marshal(mcpWire{
			Kind: KindMCPRequest, Method: c.Method, Params: string(c.Params),
			Resource: c.Resource, Target: c.Target, Tool: c.Tool,
		})
	case Control:
		return c.canonical()
	default:
		return nil, fmt.Errorf("command of kind %T has no canonical form", c)
	}
}

// ParseCommand reads canonical bytes back. It refuses bytes that are not
// canonical: one command has one spelling.
func ParseCommand(b []byte) (Command, error) {
	c, err := DecodeCommand(b)
	if err != nil {
		return nil, err
	}
	again, err := Canonical(c)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("command: the bytes are not canonical; want %s", again)
	}
	return c, nil
}

// DecodeCommand reads a command as an asker may write it: strict JSON with the
// fields of its kind, in any order and spacing.
func DecodeCommand(b []byte) (Command, error) {
	kind, ok := canon.Member(b, "kind")
	if !ok {
		return nil, fmt.Errorf("command: no kind; the kinds are %q", kinds())
	}
	switch string(kind) {
	case `"` + KindMCPRequest + `"`:
		var w mcpWire
		if err := canon.Unmarshal(b, &w); err != nil {
			return nil, fmt.Errorf("command: %w", err)
		}
		c := MCPRequest{Resource: w.Resource, Target: w.Target, Method: w.Method, Tool: w.Tool}
		if w.Params != "" {
			c.Params = []byte(w.Params)
		}
		return c, nil
	case `"` + KindControl + `"`:
		return decodeControl(b)
	default:
		return nil, fmt.Errorf("command: unknown kind %s; the kinds are %q", kind, kinds())
	}
}

func kinds() []string { return []string{KindMCPRequest, KindControl} }

// DigestOf returns the digest of the command's canonical bytes.
func DigestOf(c Command) (Digest, error) {
	b, err := Canonical(c)
	if err != nil {
		return Digest{}, err
	}
	return DigestOfCanonical(b), nil
}

// DigestOfCanonical returns the digest of canonical bytes:
// SHA-256("countersign/command/v1" 0x0A canonical).
func DigestOfCanonical(canonical []byte) Digest {
	h := sha256.New()
	h.Write([]byte("countersign/command/v1\n"))
	h.Write(canonical)
	return Digest(h.Sum(nil))
}

// DigestOfKey returns what stands on record for an asker's own key of an ask:
// SHA-256("countersign/key/v1" 0x0A key), zero for no key.
func DigestOfKey(key string) Digest {
	if key == "" {
		return Digest{}
	}
	return sha256.Sum256([]byte("countersign/key/v1\n" + key))
}
