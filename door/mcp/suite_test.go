package mcp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/internal/canon"
)

// odd is JSON of which every byte matters: order, space, escapes, numbers that
// no float holds, members that no schema has.
const (
	oddArguments = `{"z":1, "a" : 12345678901234567890.5e-1 ,"\u0061b":"\/\ud83d\ude00","":null,"deep":{"b":[ ],"a":{ }}}`
	oddResult    = `{ "content":[{"type":"hologram","text":"x","extra":9007199254740993}],"zz":-0.0, "_meta":{"a":1E400} }`
)

func TestTheDoorPassesTheSuite(t *testing.T) {
	tool := func(name string) doortest.Call {
		params := `{"name":"` + name + `", "arguments": ` + oddArguments + `,"_meta":{"vendor/x":[ 1 ]}}`
		return doortest.Call{
			Send:     []byte(`{"jsonrpc":"2.0","id":"\u0031","method":"tools/call","params":` + params + `}`),
			Command:  countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Params: []byte(params)},
			Upstream: []byte(`{"result":` + oddResult + `}`), Receive: []byte(oddResult),
		}
	}
	doortest.Test(t, doortest.Door{
		Resource: files(), Policy: policyText,
		Allowed: tool("read_file"), Held: tool("write_file"), Denied: tool("drop_all"),
		Open: func(t *testing.T, h *doortest.House, p doortest.Patience) doortest.Agent {
			s := serve(t, h, mcp.Config{Budgets: hurried()})
			x := s.open(map[doortest.Patience]string{doortest.Patient: "patient", doortest.Hurried: "hurried"}[p])
			return doortest.Agent{Quiet: s.busy.Wait, Ask: func(ctx context.Context, send []byte) doortest.Answer {
				return read(x.send(ctx, string(send)))
			}}
		},
	})
}

// read reads an answer as a program would.
func read(g got) doortest.Answer {
	a := doortest.Answer{Reads: doortest.Broken, Err: g.err}
	if g.err != nil || g.body == nil {
		return a
	}
	result, ok := canon.Member(g.body, "result")
	if !ok {
		result, _ = canon.Member(g.body, "error")
	}
	a.Reads, a.Body, a.Text = doortest.Result, result, string(result)
	for key, note := range canon.Members([]byte(g.member("result", "_meta"))) {
		kind, ours := strings.CutPrefix(key, "countersign/")
		if !ours {
			continue
		}
		a.Reads = doortest.Reading(kind)
		text := func(name string) string {
			b, _ := canon.Member(note, name)
			return strings.Trim(string(b), `"`)
		}
		a.Code, a.Request = countersign.Code(text("code")), countersign.RequestID(text("request_id"))
	}
	return a
}
