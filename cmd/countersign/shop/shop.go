// Package shop is the demo's upstream: "northwind", a small shop that speaks MCP
// (protocol 2025-11-25) over stdio. Its tools really do what they say, to data
// in memory: refunding twice shows, deleting everybody empties the list. Serve
// is all there is to call.
package shop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// A request is one JSON-RPC request or notification.
type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name            string          `json:"name"`
		Arguments       json.RawMessage `json:"arguments"`
		ProtocolVersion string          `json:"protocolVersion"`
	} `json:"params"`
}

// Serve answers requests, one a line, until the input ends.
func Serve(in io.Reader, out io.Writer) error {
	s := newShop()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		if r.ID == nil {
			continue // a notification
		}
		if _, err := fmt.Fprintln(out, s.answer(r)); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s *shop) answer(r request) string {
	switch r.Method {
	case "initialize":
		return reply(r.ID, map[string]any{
			"protocolVersion": r.Params.ProtocolVersion,
			"capabilities":    map[string]any{"tools": map[string]any{}},
			"serverInfo":      map[string]string{"name": "northwind", "version": "1"},
		})
	case "ping":
		return reply(r.ID, struct{}{})
	case "tools/list":
		return reply(r.ID, map[string]any{"tools": tools})
	case "tools/call":
		text, err := s.call(r.Params.Name, r.Params.Arguments)
		if err != nil {
			text = err.Error()
		}
		return reply(r.ID, map[string]any{
			"content": []map[string]string{{"type": "text", "text": text}}, "isError": err != nil,
		})
	}
	return encode(map[string]any{"jsonrpc": "2.0", "id": r.ID, "error": map[string]any{
		"code": -32601, "message": "northwind does not know " + r.Method,
	}})
}

func reply(id json.RawMessage, result any) string {
	return encode(map[string]any{"jsonrpc": "2.0", "id": id, "result": result})
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only maps, strings and numbers are encoded here
	}
	return string(b)
}

// tools are the definitions as they are listed.
var tools = []json.RawMessage{
	tool("list_plans", "List the subscription plans.", `{}`, true, false),
	tool("create_refund", "Refund a charge to the customer.",
		`{"charge":{"type":"string"},"amount":{"type":"string"},"currency":{"type":"string"},"reason":{"type":"string"},"notify_customer":{"type":"boolean"},"metadata":{"type":"object"}}`, false, true),
	tool("export_customers", "Export all customers to a bucket.", `{"destination":{"type":"string"}}`, true, false),
	tool("delete_customers", "Delete the customers of a plan, or all of them.", `{"plan":{"type":"string"}}`, false, true),
}

func tool(name, description, properties string, readOnly, destructive bool) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(
		`{"name":%q,"description":%q,"inputSchema":{"type":"object","properties":%s},"annotations":{"readOnlyHint":%t,"destructiveHint":%t}}`,
		name, description, properties, readOnly, destructive))
}

// shop is northwind's data.
type shop struct {
	customers int
	refunded  map[string]bool // charges
}

func newShop() *shop { return &shop{customers: 48211, refunded: map[string]bool{}} }

func (s *shop) call(name string, arguments json.RawMessage) (string, error) {
	var a struct {
		Charge      string `json:"charge"`
		Amount      string `json:"amount"`
		Currency    string `json:"currency"`
		Destination string `json:"destination"`
		Plan        string `json:"plan"`
	}
	if err := json.Unmarshal(arguments, &a); err != nil {
		return "", fmt.Errorf("arguments of %s: %w", name, err)
	}
	switch name {
	case "list_plans":
		return "trial 0.00 EUR, business 49.00 EUR, team 12.00 EUR", nil
	case "create_refund":
		if s.refunded[a.Charge] {
			return "", fmt.Errorf("charge %s is refunded already", a.Charge)
		}
		s.refunded[a.Charge] = true
		return strings.TrimSpace(a.Currency+" "+a.Amount) + " refunded", nil
	case "export_customers":
		return fmt.Sprintf("%d customers exported to %s", s.customers, a.Destination), nil
	case "delete_customers":
		gone := s.customers
		s.customers = 0
		return fmt.Sprintf("%d customers deleted", gone), nil
	}
	return "", fmt.Errorf("northwind has no tool %s", name)
}
