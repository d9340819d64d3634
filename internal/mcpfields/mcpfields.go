// Package mcpfields is about the header fields that mirror parts of an MCP
// message over HTTP (MCP 2026-07-28, Streamable HTTP, "Request Metadata"): which
// there are, and how their values are written. Who acts on the body and lets
// others act on the fields must see that both say the same.
package mcpfields

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign/internal/canon"
)

// Param begins the name of a field that mirrors an argument of a tool.
const Param = "Mcp-Param-"

// Name returns what Mcp-Name mirrors, false for a method that has no such field
// or params that name nothing. The params are checked.
func Name(method string, params []byte) (name string, ok bool) {
	member := "name"
	switch method {
	case "tools/call", "prompts/get":
	case "resources/read":
		member = "uri"
	case "tasks/get", "tasks/update", "tasks/cancel":
		member = "taskId"
	default:
		return "", false
	}
	raw, ok := canon.Member(params, member)
	if !ok {
		return "", false
	}
	return text(raw)
}

const (
	prefix = "=?base64?"
	suffix = "?="
)

// Encode writes a value as a field may have it: as it is, or in base64 between
// marks if it is not plain ASCII or looks like such a mark itself.
func Encode(v string) string {
	plain := strings.TrimSpace(v) == v && !(strings.HasPrefix(v, prefix) && strings.HasSuffix(v, suffix)) &&
		!strings.ContainsFunc(v, func(r rune) bool { return r != '\t' && (r < ' ' || r > '~') })
	if plain {
		return v
	}
	return prefix + base64.StdEncoding.EncodeToString([]byte(v)) + suffix
}

// Decode reads a field's value, false if it is not one that Encode may write.
func Decode(field string) (string, bool) {
	inner, marked := strings.CutPrefix(field, prefix)
	if inner, ends := strings.CutSuffix(inner, suffix); marked && ends {
		b, err := base64.StdEncoding.Strict().DecodeString(inner)
		return string(b), err == nil && utf8.Valid(b)
	}
	bad := func(r rune) bool { return r != '\t' && (r < ' ' || r > '~') }
	return field, !strings.ContainsFunc(field, bad)
}

// A Mirror says which arguments of a tool are mirrored: by the field's name
// without Param, in lower case, the path of the argument.
type Mirror map[string][]string

// Mirrors reads x-mcp-header out of a tool's definition. Properties are followed
// through properties alone; annotations elsewhere are not read, since clients
// must not use such a tool.
func Mirrors(definition []byte) Mirror {
	schema, ok := canon.Member(definition, "inputSchema")
	if !ok {
		return nil
	}
	found := Mirror{}
	gather(schema, nil, found)
	if len(found) == 0 {
		return nil
	}
	return found
}

// deepest is how many properties within each other are followed.
const deepest = 32

func gather(schema []byte, path []string, found Mirror) {
	properties, ok := canon.Member(schema, "properties")
	if !ok || len(path) == deepest {
		return
	}
	for name, property := range canon.Members(properties) {
		here := append(path[:len(path):len(path)], name)
		if raw, ok := canon.Member(property, "x-mcp-header"); ok {
			if field, ok := text(raw); ok && field != "" {
				found[strings.ToLower(field)] = here
			}
		}
		gather(property, here, found)
	}
}

// Listed reads the mirrors of all tools in a checked listing, the result of
// tools/list.
func Listed(result []byte) map[string]Mirror {
	raw, _ := canon.Member(result, "tools")
	var definitions []json.RawMessage
	if json.Unmarshal(raw, &definitions) != nil {
		return nil
	}
	found := map[string]Mirror{}
	for _, d := range definitions {
		raw, _ := canon.Member(d, "name")
		if name, ok := text(raw); ok {
			found[name] = Mirrors(d)
		}
	}
	return found
}

// Value is the argument at the path as a field has it, false where there is none
// or null, or where it is no text, integer or truth value.
func Value(arguments []byte, path []string) (string, bool) {
	raw, ok := canon.Member(arguments, path...)
	if !ok {
		return "", false
	}
	switch raw[0] {
	case '"':
		return text(raw)
	case 'n', '{', '[':
		return "", false
	}
	return string(raw), true
}

// Same reports whether a decoded field says what the argument's value is. Numbers
// are compared as numbers.
func Same(field, value string) bool {
	if field == value {
		return true
	}
	if len(field) > 64 || len(value) > 64 || strings.ContainsAny(field+value, "eE/_xX") {
		return false // an exponent could make a number as long as the memory
	}
	a, ok := new(big.Rat).SetString(field)
	b, too := new(big.Rat).SetString(value)
	return ok && too && a.Cmp(b) == 0
}

func text(raw []byte) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}
