package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/countersignhq/countersign/internal/canon"
)

// CheckParams refuses params that cannot stand in one line of a JSON-RPC stream.
func CheckParams(params []byte) error {
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

// Request is the envelope around the exact bytes of the params. The id is a
// JSON-RPC id that the session chose.
func Request(id int64, method string, params []byte) ([]byte, error) {
	name, err := json.Marshal(method)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(params)+len(name)+64)
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = strconv.AppendInt(b, id, 10)
	b = append(b, `,"method":`...)
	b = append(b, name...)
	if len(params) > 0 {
		b = append(b, `,"params":`...)
		b = append(b, params...)
	}
	return append(b, '}'), nil
}

// stateless are the members of _meta that a revision without sessions has in
// each request (MCP 2026-07-28, basic, "_meta"). They belong to the connection
// and are never part of a command.
var stateless = [...]string{
	"io.modelcontextprotocol/protocolVersion",
	"io.modelcontextprotocol/clientInfo",
	"io.modelcontextprotocol/clientCapabilities",
}

// Stateless returns the params with what a request of a revision without
// sessions says of its sender, at the beginning of _meta; every other byte
// stays. Params that say it themselves are refused: they would say it twice.
func Stateless(params []byte, version string) ([]byte, error) {
	who, err := json.Marshal(version)
	if err != nil {
		return nil, err
	}
	for _, name := range stateless {
		if _, ok := canon.Member(params, "_meta", name); ok {
			return nil, fmt.Errorf("params: _meta holds %s, which is the connection's; leave it away", name)
		}
	}
	said := fmt.Sprintf(`"%s":"%s","%s":{"name":"countersign","version":%s},"%s":{}`, stateless[0], Modern, stateless[1], who, stateless[2])
	return withMeta(params, said)
}

// Progress returns the params with the token under which the server is to tell
// of its progress, at the beginning of _meta; every other byte stays. Params with
// a token of their own stay as they are.
func Progress(params []byte, token int64) ([]byte, error) {
	if _, ok := canon.Member(params, "_meta", "progressToken"); ok {
		return params, nil
	}
	return withMeta(params, fmt.Sprintf(`"progressToken":%d`, token))
}

// withMeta puts members at the beginning of _meta.
func withMeta(params []byte, said string) ([]byte, error) {
	if len(params) == 0 {
		return []byte(`{"_meta":{` + said + `}}`), nil
	}
	meta, ok := canon.Member(params, "_meta")
	switch {
	case !ok:
		return insert(params, params, `"_meta":{`+said+`}`), nil
	case meta[0] != '{':
		return nil, errors.New("params: _meta is no object")
	}
	return insert(params, meta, said), nil
}

// insert puts members at the beginning of the object within b.
func insert(b, object []byte, members string) []byte {
	at := cap(b) - cap(object) // object is a part of b
	at += bytes.IndexByte(object, '{') + 1
	rest := bytes.TrimLeft(b[at:], " \t\r\n")
	out := make([]byte, 0, len(b)+len(members)+1)
	out = append(append(out, b[:at]...), members...)
	if rest[0] != '}' {
		out = append(out, ',')
	}
	return append(out, b[at:]...)
}
