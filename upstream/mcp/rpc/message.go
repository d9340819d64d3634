// Package rpc is what the transports of an MCP upstream share: how messages of a
// server that is believed in nothing are read, and what is handed on of them.
// Parse reads one message strictly; Message.Answer makes of a response what a
// caller gets, in the server's own bytes.
package rpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign/internal/canon"
)

// An Answer is what became of one call that the server did answer.
type Answer struct {
	// Body is {"result":…} or {"error":…} with the value in the server's bytes.
	Body []byte
	// Failed says why an answer that is handed on is a failure, empty for a
	// success.
	Failed string
	// Problem says why the answer cannot be handed on; Body is nil then.
	Problem string
}

// An UnansweredError is a call of which only this is known: whether the server
// may have seen it.
type UnansweredError struct {
	Sent  bool
	Cause error
}

func (e *UnansweredError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *UnansweredError) Unwrap() error { return e.Cause }

// A Message is one message of the server, its members in its own bytes; nil
// where there is none.
type Message struct {
	ID, Method, Params, Result, Failure []byte
}

// Parse reads a message. What it cannot read one way only is an error.
func Parse(b []byte) (Message, error) {
	var m Message
	if !utf8.Valid(b) || !json.Valid(b) {
		return m, errors.New("not JSON")
	}
	seen := map[string]bool{}
	for name, value := range canon.Members(b) {
		folded := strings.ToLower(name)
		if seen[folded] {
			return m, fmt.Errorf("the member %s stands twice", Quote(name))
		}
		seen[folded] = true
		switch name {
		case "id":
			m.ID = value
		case "method":
			m.Method = value
		case "params":
			m.Params = value
		case "result":
			m.Result = value
		case "error":
			m.Failure = value
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

// Answer makes of a response what is handed on. Of the result only isError is
// read, and it must not be readable two ways.
func (m Message) Answer() Answer {
	switch {
	case (m.Result == nil) == (m.Failure == nil):
		return Answer{Problem: "the server's response has neither or both of result and error"}
	case m.Failure != nil:
		return Answer{Body: wrap("error", m.Failure), Failed: "the server answered with an error" + codeOf(m.Failure)}
	}
	a := Answer{Body: wrap("result", m.Result)}
	seen := false
	for name, value := range canon.Members(m.Result) {
		if !strings.EqualFold(name, "isError") {
			continue
		}
		if seen || name != "isError" {
			return Answer{Problem: "isError of the server's result can be read two ways"}
		}
		seen = true
		if string(value) == "true" {
			a.Failed = "the tool reported an error"
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

// Reply answers a request of the server: ping politely, all else with a refusal.
// It returns nil if there is nothing to be answered.
func (m Message) Reply() []byte {
	if len(m.ID) > 128 || len(m.ID) == 0 || m.ID[0] != '"' && m.ID[0] != '-' && (m.ID[0] < '0' || '9' < m.ID[0]) {
		return nil
	}
	b := append([]byte(`{"jsonrpc":"2.0","id":`), m.ID...)
	if string(m.Method) == `"ping"` {
		return append(b, `,"result":{}}`...)
	}
	return append(b, `,"error":{"code":-32601,"message":"Countersign lets a server ask nothing of its clients"}}`...)
}

// Quote quotes what a server says, up to a length that is fit for an error.
func Quote(s string) string {
	const most = 120
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%+q", strings.ToValidUTF8(s, "?"))
}
