package mcp

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/canon"
)

// T20: what two readers could read in two ways is refused, not interpreted.
func TestAMessageThatCanBeReadInTwoWaysIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		code int
	}{
		"nothing":                     {``, codeParse},
		"half a message":              {`{"jsonrpc":"2.0","id":1,`, codeParse},
		"two messages":                {`{"jsonrpc":"2.0","id":1,"method":"ping"}{}`, codeParse},
		"not UTF-8":                   {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xff\"}", codeInvalid},
		"byte order mark":             {"\ufeff" + `{"jsonrpc":"2.0","id":1,"method":"ping"}`, codeParse},
		"lone surrogate":              {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":"\ud800"}}`, codeInvalid},
		"batch":                       {`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, codeInvalid},
		"empty batch":                 {`[]`, codeInvalid},
		"text":                        {`"ping"`, codeInvalid},
		"method twice":                {`{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, codeInvalid},
		"method in two cases":         {`{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`, codeInvalid},
		"method escaped twice":        {`{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}`, codeInvalid},
		"tool named twice":            {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","name":"drop_all"}}`, codeInvalid},
		"tool named in two cases":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","Name":"drop_all"}}`, codeInvalid},
		"tool named by Kelvin's sign": {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"k":1,"` + "\u212a" + `":2}}`, codeInvalid},
		"argument twice, deep":        {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"arguments":{"a":[{"p":1,"P":2}]}}}`, codeInvalid},
		"only another case":           {`{"jsonrpc":"2.0","id":1,"Method":"ping"}`, codeInvalid},
		"too deep":                    {`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}}`, codeInvalid},
		"unknown member":              {`{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}`, codeInvalid},
		"no version":                  {`{"id":1,"method":"ping"}`, codeInvalid},
		"version 1":                   {`{"jsonrpc":"1.0","id":1,"method":"ping"}`, codeInvalid},
		"version as a number":         {`{"jsonrpc":2.0,"id":1,"method":"ping"}`, codeInvalid},
		"null id":                     {`{"jsonrpc":"2.0","id":null,"method":"ping"}`, codeInvalid},
		"object id":                   {`{"jsonrpc":"2.0","id":{},"method":"ping"}`, codeInvalid},
		"true id":                     {`{"jsonrpc":"2.0","id":true,"method":"ping"}`, codeInvalid},
		"fraction id":                 {`{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, codeInvalid},
		"exponent id":                 {`{"jsonrpc":"2.0","id":1e3,"method":"ping"}`, codeInvalid},
		"long id":                     {`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 300) + `","method":"ping"}`, codeInvalid},
		"no method":                   {`{"jsonrpc":"2.0","id":1}`, codeInvalid},
		"empty method":                {`{"jsonrpc":"2.0","id":1,"method":""}`, codeInvalid},
		"method of a number":          {`{"jsonrpc":"2.0","id":1,"method":7}`, codeInvalid},
		"long method":                 {`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 200) + `"}`, codeInvalid},
		"params by position":          {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["read_file"]}`, codeInvalid},
		"null params":                 {`{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`, codeInvalid},
		"request and response":        {`{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`, codeInvalid},
		"response to nothing":         {`{"jsonrpc":"2.0","result":{}}`, codeInvalid},
	} {
		m, f := readMessage([]byte(c.body))
		if f == nil {
			t.Errorf("%s: read as %+v, want it refused", name, m)
		} else if f.code != c.code || f.hint == "" {
			t.Errorf("%s: refused with %d %q (hint %q), want %d and a hint", name, f.code, f.text, f.hint, c.code)
		}
	}
}

func TestAMessageKeepsItsOwnBytes(t *testing.T) {
	for _, c := range []struct{ body, id, method, params string }{
		{` {"jsonrpc":"2.0","id":1,"method":"ping"} `, `1`, "ping", ``},
		{`{"jsonrpc":"2.0","id":"\u0031\/","method":"a"}`, `"\u0031\/"`, "a", ``},
		{`{"jsonrpc":"2.0","id":-90071992547409931234567890,"method":"tools\/call","params":{ "b":1 ,"a":2}}`, `-90071992547409931234567890`, "tools/call", `{ "b":1 ,"a":2}`},
		{`{"params":{"x":1e400},"method":"notifications/x","jsonrpc":"2.0"}`, ``, "notifications/x", `{"x":1e400}`},
		{`{"jsonrpc":"2.0","id":4,"result":{"roots":[]}}`, `4`, "", ``},
	} {
		m, f := readMessage([]byte(c.body))
		if f != nil || string(m.id) != c.id || m.method != c.method || string(m.params) != c.params {
			t.Errorf("%s: read as id %s, method %q, params %s (%v)", c.body, m.id, m.method, m.params, f)
		}
	}
}

func TestAnAnswerEchoesTheIdAndKeepsTheResult(t *testing.T) {
	got := string(result([]byte(`"\u0031"`), []byte("{ \"b\" : 1.0 }")))
	if want := `{"jsonrpc":"2.0","id":"\u0031","result":{ "b" : 1.0 }}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(failure(nil, []byte(`{}`))), `{"jsonrpc":"2.0","error":{}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzReadMessage: what is read holds no more and nothing else than what any
// reader finds in the same bytes, and the envelope around it is JSON again.
func FuzzReadMessage(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":"a\u0031","method":"tools\/call","params":{"name":"x","arguments":{"n":1e400,"_meta":{"progressToken":"t"}}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","Method":"x"}`,
		`{"jsonrpc":"2.0","id":1,"result":{}}`,
		`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`,
		`{"method":"notifications/cancelled","jsonrpc":"2.0","params":{"requestId":-12345678901234567890}}`,
		"\ufeff{}", `{"jsonrpc":"2.0","id":-,"method":"x"}`, `{"a":{`, ` `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, fault := readMessage(b)
		if fault != nil {
			if fault.hint == "" || fault.text == "" {
				t.Fatalf("refused without saying why: %+v", fault)
			}
			return
		}
		var other struct {
			ID     json.RawMessage
			Method string
			Params json.RawMessage
		}
		if err := json.Unmarshal(b, &other); err != nil {
			t.Fatalf("read what encoding/json does not: %v", err)
		}
		if other.Method != m.method || !bytes.Equal(other.ID, m.id) || !bytes.Equal(other.Params, m.params) {
			t.Fatalf("read %q %s %s, and encoding/json %q %s %s", m.method, m.id, m.params, other.Method, other.ID, other.Params)
		}
		if m.id != nil {
			if err := canon.Check(result(m.id, []byte("{}"))); err != nil {
				t.Fatalf("the answer is no JSON: %v", err)
			}
		}
		token, fault := progressToken(m.params)
		if fault == nil && token != nil && !bytes.Contains(m.params, token) {
			t.Fatalf("progress token %s is not of %s", token, m.params)
		}
	})
}
