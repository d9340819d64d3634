package mcpfields_test

import (
	"testing"

	"github.com/countersignhq/countersign/internal/mcpfields"
)

func TestAValueComesBackAsItWas(t *testing.T) {
	for value, want := range map[string]string{
		"us-west1": "us-west1", "": "", "a b\tc": "a b\tc",
		"Hello, \u4e16\u754c": "=?base64?SGVsbG8sIOS4lueVjA==?=", " padded ": "=?base64?IHBhZGRlZCA=?=",
		"line1\nline2": "=?base64?bGluZTEKbGluZTI=?=", "=?base64?literal?=": "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=",
	} {
		got := mcpfields.Encode(value)
		back, ok := mcpfields.Decode(got)
		if got != want || !ok || back != value {
			t.Errorf("%q: got %q, back %q (%v), want %q", value, got, back, ok, want)
		}
	}
	for _, bad := range []string{"\u00e9", "a\x00", "=?base64?***?=", "=?base64?/w==?=", "a\x7f"} {
		if got, ok := mcpfields.Decode(bad); ok {
			t.Errorf("%q: got %q, want it refused", bad, got)
		}
	}
}

func TestOnlyPropertiesOfPropertiesAreMirrored(t *testing.T) {
	got := mcpfields.Mirrors([]byte(`{"name":"q","inputSchema":{"type":"object","properties":{
		"region":{"type":"string","x-mcp-header":"Region"},
		"at":{"type":"object","properties":{"zone":{"type":"integer","x-mcp-header":"Zone"}}},
		"list":{"type":"array","items":{"properties":{"x":{"x-mcp-header":"X"}}}}},
		"oneOf":[{"properties":{"y":{"x-mcp-header":"Y"}}}]}}`))
	if len(got) != 2 || got["region"][0] != "region" || len(got["zone"]) != 2 || got["zone"][1] != "zone" {
		t.Errorf("got %v, want region and at.zone", got)
	}
}

func TestNumbersAreComparedAsNumbers(t *testing.T) {
	for _, c := range []struct {
		field, value string
		want         bool
	}{
		{"42.0", "42", true}, {"-7", "-7", true}, {"9007199254740993", "9007199254740992", false},
		{"a", "b", false}, {"1e9999999", "1", false}, {"true", "true", true}, {"42", "42 ", false},
	} {
		if got := mcpfields.Same(c.field, c.value); got != c.want {
			t.Errorf("%q and %q: got %v", c.field, c.value, got)
		}
	}
	if v, ok := mcpfields.Value([]byte(`{"a":{"b":null}}`), []string{"a", "b"}); ok {
		t.Errorf("null is mirrored as %q", v)
	}
}
