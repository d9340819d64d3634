package mcptool

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/mcpfields"
)

// connection are the members of params that belong to one connection and not to
// what is asked: without them, two identical asks have one digest. It is never
// written to.
var connection = [][]string{
	{"_meta", "progressToken"},
	{"_meta", "claudecode/toolUseId"},
	{"_meta", "io.modelcontextprotocol/protocolVersion"},
	{"_meta", "io.modelcontextprotocol/clientInfo"},
	{"_meta", "io.modelcontextprotocol/clientCapabilities"},
}

// codex are those that Codex 0.169 sends besides. Their names could be anybody's, so
// they count only where codexMark says whose they are. It is never written to.
var codex = [][]string{
	codexMark, {"_meta", "callId"}, {"_meta", "itemId"}, {"_meta", "sessionId"}, {"_meta", "threadId"}, {"_meta", "windowId"},
}

var codexMark = []string{"_meta", "x-codex-turn-metadata"}

// Strip returns the params as they are asked for: without the members that
// belong to the connection, and with blanks in place of the line breaks between
// values, because over stdio a message is a line. Every other byte stays as it
// is. What is not strict JSON is an error.
func Strip(params []byte) ([]byte, error) {
	if len(params) == 0 {
		return nil, nil
	}
	kept, err := canon.Without(params, connection...)
	if err != nil {
		return nil, err
	}
	if _, ok := canon.Member(kept, codexMark...); ok {
		kept, err = canon.Without(kept, codex...)
	}
	if err != nil || !bytes.ContainsAny(kept, "\r\n") {
		return kept, err
	}
	// In JSON a line break stands between values or not at all.
	return bytes.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return ' '
		}
		return r
	}, kept), nil
}

// Pins reads the result of tools/list, {"result":{"tools":[…]}} or the result
// alone, and returns by name each tool's digest and what it claims of itself.
// The digest is over the whole definition in its canonical form, so that the
// order of members does not matter. A definition that has none, because a number
// in it is a fraction or is large, is named by its exact bytes.
func Pins(listing []byte) (map[string]countersign.Digest, map[string]countersign.ToolClaim, error) {
	if err := canon.Check(listing); err != nil {
		return nil, nil, err
	}
	if result, ok := canon.Member(listing, "result"); ok {
		listing = result
	}
	raw, ok := canon.Member(listing, "tools")
	if !ok || raw[0] != '[' {
		return nil, nil, errors.New("the listing has no list of tools")
	}
	var definitions []json.RawMessage
	if err := json.Unmarshal(raw, &definitions); err != nil {
		return nil, nil, fmt.Errorf("tools: %w", err)
	}
	pins, claims := map[string]countersign.Digest{}, map[string]countersign.ToolClaim{}
	for i, d := range definitions {
		member, ok := canon.Member(d, "name")
		if !ok || member[0] != '"' || len(member) == 2 {
			return nil, nil, fmt.Errorf("tool %d of the listing has no name", i)
		}
		name := decoded(member)
		if _, twice := pins[name]; twice {
			return nil, nil, fmt.Errorf("two tools of the listing are named %+q", clip(name))
		}
		pins[name], claims[name] = digestOf(d), claimOf(d)
	}
	return pins, claims, nil
}

func digestOf(definition []byte) countersign.Digest {
	form := "countersign/tool/v1\n"
	b, err := canon.Canonical(definition)
	if err != nil {
		form, b = "countersign/tool-bytes/v1\n", definition
	}
	return sha256.Sum256(append([]byte(form), b...))
}

// claimOf reads the annotations as the protocol means them (revision 2025-11-25,
// ToolAnnotations): a tool that says it does not only read may destroy, unless it
// says it does not. One that says neither is taken for nothing.
func claimOf(definition []byte) countersign.ToolClaim {
	readOnly, saysReadOnly := canon.Member(definition, "annotations", "readOnlyHint")
	destructive, saysDestructive := canon.Member(definition, "annotations", "destructiveHint")
	_, schema := canon.Member(definition, "outputSchema")
	c := countersign.ToolClaim{
		ReadOnly: string(readOnly) == "true", Annotated: saysReadOnly || saysDestructive, OutputSchema: schema,
		Mirror: mcpfields.Mirrors(definition), Places: placesOf(definition),
	}
	if saysDestructive {
		c.Destructive = string(destructive) != "false"
	} else {
		c.Destructive = saysReadOnly && !c.ReadOnly
	}
	return c
}
