package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign/internal/canon"
)

// An answer is what became of one call that the server did answer.
type answer struct {
	// body is {"result":…} or {"error":…} with the value in the server's bytes.
	body []byte
	// failed says why an answer that is handed on is a failure, empty for a
	// success.
	failed string
	// problem says why the answer cannot be handed on; body is nil then.
	problem string
}

// checkParams refuses params that cannot stand in one line of a JSON-RPC stream.
func checkParams(params []byte) error {
	if len(params) == 0 {
		return nil
	}
	if err := canon.Check(params); err != nil {
		return fmt.Errorf("params: %w", err)
	}
	if bytes.TrimLeft(params, " \t")[0] != '{' {
		return errors.New("params: an object is needed")
	}
	if bytes.ContainsAny(params, "\n\r") {
		return errors.New("params: a line break between values cannot be sent over stdio; write them in one line")
	}
	return nil
}

// requestLine is the envelope around the exact bytes of the params.
func requestLine(id int64, method string, params []byte) ([]byte, error) {
	name, err := json.Marshal(method)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 0, len(params)+len(name)+64)
	line = append(line, `{"jsonrpc":"2.0","id":`...)
	line = strconv.AppendInt(line, id, 10)
	line = append(line, `,"method":`...)
	line = append(line, name...)
	if len(params) > 0 {
		line = append(line, `,"params":`...)
		line = append(line, params...)
	}
	return append(line, '}', '\n'), nil
}

// A message is one line of the server, its members in its own bytes; nil where
// there is none.
type message struct {
	id, method, result, failure []byte
}

// parseMessage reads a line. What it cannot read one way only is an error.
func parseMessage(line []byte) (message, error) {
	var m message
	if !utf8.Valid(line) || !json.Valid(line) {
		return m, errors.New("not JSON")
	}
	seen := map[string]bool{}
	for name, value := range canon.Members(line) {
		folded := strings.ToLower(name)
		if seen[folded] {
			return m, fmt.Errorf("the member %s stands twice", quoteBrief(name))
		}
		seen[folded] = true
		switch name {
		case "id":
			m.id = value
		case "method":
			m.method = value
		case "result":
			m.result = value
		case "error":
			m.failure = value
		case "jsonrpc":
			if string(value) != `"2.0"` {
				return m, errors.New(`jsonrpc is not "2.0"`)
			}
		}
	}
	if !seen["jsonrpc"] {
		return m, errors.New("no JSON-RPC message")
	}
	return m, nil
}

// answer makes of a response what is handed on. Of the result only isError is
// read, and it must not be readable two ways.
func (m message) answer() answer {
	switch {
	case (m.result == nil) == (m.failure == nil):
		return answer{problem: "the server's response has neither or both of result and error"}
	case m.failure != nil:
		return answer{body: wrap("error", m.failure), failed: "the server answered with an error" + codeOf(m.failure)}
	}
	a := answer{body: wrap("result", m.result)}
	seen := false
	for name, value := range canon.Members(m.result) {
		if !strings.EqualFold(name, "isError") {
			continue
		}
		if seen || name != "isError" {
			return answer{problem: "isError of the server's result can be read two ways"}
		}
		seen = true
		if string(value) == "true" {
			a.failed = "the tool reported an error"
		}
	}
	return a
}

func wrap(name string, value []byte) []byte {
	b := make([]byte, 0, len(value)+len(name)+5)
	b = append(b, `{"`+name+`":`...)
	b = append(b, value...)
	return append(b, '}')
}

func codeOf(failure []byte) string {
	raw, ok := canon.Member(failure, "code")
	if code, err := strconv.ParseInt(string(raw), 10, 64); ok && err == nil {
		return fmt.Sprintf(", code %d", code)
	}
	return ""
}

// replyLine answers a request of the server: ping politely, all else with a
// refusal. It returns nil if there is nothing to be answered.
func (m message) replyLine() []byte {
	if len(m.id) > 128 || len(m.id) == 0 || m.id[0] != '"' && m.id[0] != '-' && (m.id[0] < '0' || '9' < m.id[0]) {
		return nil
	}
	line := append([]byte(`{"jsonrpc":"2.0","id":`), m.id...)
	if string(m.method) == `"ping"` {
		return append(line, `,"result":{}}`+"\n"...)
	}
	return append(line, `,"error":{"code":-32601,"message":"Countersign lets a server ask nothing of its clients"}}`+"\n"...)
}

// quoteBrief quotes what a server says, up to a length that is fit for an error.
func quoteBrief(s string) string {
	const most = 120
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%+q", strings.ToValidUTF8(s, "?"))
}
