package mcptool

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// connection are the members of params that belong to one connection and not to
// what is asked: without them, two identical asks have one digest.
var connection = [][]string{
	{"_meta", "progressToken"},
	{"_meta", "claudecode/toolUseId"},
	{"_meta", "io.modelcontextprotocol/protocolVersion"},
	{"_meta", "io.modelcontextprotocol/clientInfo"},
	{"_meta", "io.modelcontextprotocol/clientCapabilities"},
}

// Strip returns the params without the members that belong to the connection.
// Every other byte stays as it is.
func Strip(params []byte) ([]byte, error) {
	if len(params) == 0 {
		return nil, nil
	}
	return canon.Without(params, connection...)
}

// Pins reads the result of tools/list, {"result":{"tools":[…]}} or the result
// alone, and returns each tool's digest, SHA-256 over the definition's canonical
// bytes, and what it claims of itself. A definition that has no canonical form
// (a fraction in its schema) is named by its exact bytes.
func Pins(listing []byte) (map[string]countersign.Digest, map[string]countersign.ToolClaim, error) {
	if err := canon.Check(listing); err != nil {
		return nil, nil, err
	}
	if result, ok := canon.Member(listing, "result"); ok {
		listing = result
	}
	raw, ok := canon.Member(listing, "tools")
	if !ok {
		return nil, nil, fmt.Errorf("the listing has no tools")
	}
	var definitions []json.RawMessage
	if err := json.Unmarshal(raw, &definitions); err != nil {
		return nil, nil, fmt.Errorf("tools: %w", err)
	}
	pins, claims := map[string]countersign.Digest{}, map[string]countersign.ToolClaim{}
	for _, d := range definitions {
		var name string
		if member, ok := canon.Member(d, "name"); !ok || json.Unmarshal(member, &name) != nil {
			return nil, nil, fmt.Errorf("a tool has no name: %.80s", d)
		}
		if _, twice := pins[name]; twice {
			return nil, nil, fmt.Errorf("two tools are named %q", name)
		}
		pins[name], claims[name] = digestOf(d), claimOf(d)
	}
	return pins, claims, nil
}

func digestOf(definition []byte) countersign.Digest {
	b, err := canon.Canonical(definition)
	if err != nil {
		b = definition
	}
	return sha256.Sum256(b)
}

func claimOf(definition []byte) countersign.ToolClaim {
	says := func(path ...string) bool {
		v, ok := canon.Member(definition, path...)
		return ok && string(v) == "true"
	}
	_, readOnly := canon.Member(definition, "annotations", "readOnlyHint")
	_, destructive := canon.Member(definition, "annotations", "destructiveHint")
	_, schema := canon.Member(definition, "outputSchema")
	return countersign.ToolClaim{
		ReadOnly: says("annotations", "readOnlyHint"), Destructive: says("annotations", "destructiveHint"),
		Annotated: readOnly || destructive, OutputSchema: schema,
	}
}
