package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// countUp is the counting upstream: an MCP server that appends the arguments of
// each call to a file before it answers.
func countUp(file string, in io.Reader, out io.Writer) error {
	log, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var r struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				Arguments json.RawMessage `json:"arguments"`
			} `json:"params"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		result := `{}`
		switch {
		case r.ID == nil:
			continue
		case r.Method == "initialize":
			result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"count","version":"1"}}`
		case r.Method == "tools/list":
			result = `{"tools":[{"name":"look","inputSchema":{"type":"object"}},{"name":"change","inputSchema":{"type":"object"}},` +
				`{"name":"peek","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"openWorldHint":false}}]}`
		case r.Method == "tools/call":
			_, err = fmt.Fprintf(log, "%s\n", r.Params.Arguments)
			result = `{"content":[{"type":"text","text":"ok"}]}`
		}
		_, err2 := fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", r.ID, result)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
	}
	return nil
}
