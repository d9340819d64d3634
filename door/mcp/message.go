package mcp

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign/internal/canon"
)

// A message is one JSON-RPC 2.0 message as it came. What is forwarded of it are
// its own bytes: it is read once, strictly, and never written again.
type message struct {
	// id is the exact bytes of the id; nil for a notification.
	id []byte
	// method is empty for a response, which this door never waits for.
	method string
	// params are the exact bytes of an object, nil if there are none.
	params []byte
}

// Sizes of what belongs to the connection.
const (
	maxID     = 256 // bytes of an id or a progress token
	maxMethod = 128 // bytes of a method's name
)

// The codes of JSON-RPC 2.0, section 5.1, and our own, which keep out of the
// range that MCP has reserved since 2026-07-28 (-32020 and below).
const (
	codeParse       = -32700
	codeInvalid     = -32600
	codeNoMethod    = -32601
	codeBadParams   = -32602
	codeInternal    = -32603
	codeRefused     = -32010
	codePending     = -32011
	codeUnknown     = -32012
	codeFailed      = -32013
	codeUnavailable = -32014
	codeRan         = -32015
)

// A fault is a message that cannot be taken as it is.
type fault struct {
	code int
	text string
	hint string
}

func (f *fault) Error() string { return f.text + "; " + f.hint }

func invalid(hint, format string, args ...any) *fault {
	return &fault{codeInvalid, fmt.Sprintf(format, args...), hint}
}

// readMessage reads exactly one message that nobody can read in two ways.
func readMessage(b []byte) (message, *fault) {
	if err := canon.Check(b); err != nil {
		if json.Valid(b) {
			return message{}, invalid("send JSON that can be read one way only", "%v", err)
		}
		return message{}, &fault{codeParse, err.Error(), "send one JSON-RPC 2.0 message in UTF-8"}
	}
	whole, _ := canon.Member(b)
	if whole[0] != '{' {
		return message{}, invalid("batches are not part of MCP since 2025-06-18: send each message by itself", "the body is no JSON object")
	}
	var m message
	answer := false
	version := ""
	for name, value := range canon.Members(b) {
		var f *fault
		switch name {
		case "jsonrpc":
			version = string(value)
		case "id":
			m.id, f = readToken("id", value)
		case "method":
			m.method, f = readMethod(value)
		case "params":
			m.params, f = readParams(value)
		case "result", "error":
			answer = true
		default:
			f = invalid("put what extends the protocol into params._meta", "member %q is not part of JSON-RPC 2.0", short(name))
		}
		if f != nil {
			return message{}, f
		}
	}
	switch {
	case version != `"2.0"`:
		return message{}, invalid(`send "jsonrpc": "2.0"`, "the message is not JSON-RPC 2.0")
	case answer && (m.method != "" || m.params != nil || m.id == nil):
		return message{}, invalid("send a request, a notification or a response", "the message is both a request and a response, or a response without an id")
	case !answer && m.method == "":
		return message{}, invalid("name a method", "the message has no method")
	}
	return m, nil
}

// readToken reads an id or a progress token: a string or an integer of any
// size, kept as the bytes that it came in.
func readToken(what string, value []byte) ([]byte, *fault) {
	integer := func() bool {
		digits := value
		if digits[0] == '-' {
			digits = digits[1:]
		}
		return !slices.ContainsFunc(digits, func(c byte) bool { return c < '0' || c > '9' })
	}
	if len(value) > maxID || (value[0] != '"' && !integer()) {
		return nil, invalid(fmt.Sprintf("send a string or an integer of at most %d bytes", maxID), "the %s is neither, or too long", what)
	}
	return value, nil
}

func readMethod(value []byte) (string, *fault) {
	method, ok := text(value)
	if !ok || method == "" || len(method) > maxMethod {
		return "", invalid(fmt.Sprintf("send a string of at most %d bytes", maxMethod), "the method is no such string")
	}
	return method, nil
}

func readParams(value []byte) ([]byte, *fault) {
	if value[0] != '{' {
		return nil, invalid("send an object, or leave params out", "params is no JSON object")
	}
	return value, nil
}

// text reads a JSON string that has been checked.
func text(value []byte) (string, bool) {
	var s string
	if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil {
		return "", false
	}
	return s, true
}

// textAt reads the string at the path within params, empty if there is none.
func textAt(params []byte, path ...string) string {
	value, _ := canon.Member(params, path...)
	s, _ := text(value)
	return s
}

// progressToken reads the token that the client wants progress under, nil if it
// wants none.
func progressToken(params []byte) ([]byte, *fault) {
	value, ok := canon.Member(params, "_meta", "progressToken")
	if !ok {
		return nil, nil
	}
	token, f := readToken("progress token", value)
	if f != nil {
		f.code = codeBadParams
	}
	return token, f
}

// cancelled reads which id a client no longer waits for.
func cancelled(params []byte) ([]byte, bool) {
	id, ok := canon.Member(params, "requestId")
	return id, ok
}

// short cuts a name of the agent's for an error text.
func short(name string) string {
	if len(name) > 64 {
		return name[:64] + "..."
	}
	return name
}
