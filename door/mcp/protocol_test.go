package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
)

func TestInitializeTellsWhatTheUpstreamSaidOfItself(t *testing.T) {
	describe := func(capabilities, instructions string, err error) func(context.Context, string) (json.RawMessage, string, error) {
		return func(_ context.Context, name string) (json.RawMessage, string, error) {
			if name != "mcp/files" {
				t.Errorf("asked of %s", name)
			}
			return json.RawMessage(capabilities), instructions, err
		}
	}
	for name, c := range map[string]struct {
		describe     func(context.Context, string) (json.RawMessage, string, error)
		asked        string
		spoken       string
		capabilities string
		instructions string
	}{
		"as it is":    {describe(`{"tools" : {"listChanged":true},"x":{"n":9007199254740993}}`, "Be kind.", nil), "2025-11-25", "2025-11-25", `{"tools" : {"listChanged":true},"x":{"n":9007199254740993}}`, "Be kind.\\n\\n"},
		"no tasks":    {describe(`{"tasks":{"list":{}},"tools":{}}`, "", nil), "2025-06-18", "2025-06-18", `{"tools":{}}`, ""},
		"no tools":    {describe(`{ "resources":{} }`, "", nil), "2025-11-25", "2025-11-25", `{"tools":{},"resources":{} }`, ""},
		"nothing":     {describe(` { } `, "", nil), "2025-11-25", "2025-11-25", `{"tools":{}}`, ""},
		"nobody says": {nil, "2024-11-05", "2025-11-25", `{"tools":{}}`, ""},
		"later":       {nil, "2026-07-28", "2025-11-25", `{"tools":{}}`, ""},
	} {
		h := doortest.New(t, files(), policyText)
		s := serve(t, h, mcp.Config{Describe: c.describe, Version: "1.2.3"})
		g := do(s.request(t.Context(), fmt.Sprintf(`{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":%q,"capabilities":{}}}`, c.asked)))
		if g.member("result", "protocolVersion") != `"`+c.spoken+`"` || g.member("result", "capabilities") != c.capabilities {
			t.Errorf("%s: got %s, want version %s and capabilities %s", name, g.body, c.spoken, c.capabilities)
		}
		if text := g.member("result", "instructions"); !strings.HasPrefix(text, `"`+c.instructions) || !strings.Contains(text, "countersign_wait") {
			t.Errorf("%s: the instructions are %s, want the upstream's and then ours", name, text)
		}
		if g.member("result", "serverInfo", "version") != `"1.2.3"` || len(g.header.Get("Mcp-Session-Id")) < 20 {
			t.Errorf("%s: got %s and session %q, want our version and a session", name, g.body, g.header.Get("Mcp-Session-Id"))
		}
	}
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Describe: describe("", "", errors.New("no such program"))})
	g := do(s.request(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`))
	if g.member("error", "data", "code") != `"unavailable"` || strings.Contains(string(g.body), "program") || g.header.Get("Mcp-Session-Id") != "" {
		t.Errorf("with a dead upstream got %s, want unavailable, no session and no detail", g.body)
	}
	if g := do(s.request(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"initialize"}`)); g.member("error", "code") != "-32602" {
		t.Errorf("without a version got %s, want -32602", g.body)
	}
}

func TestListsPassWithTheirBytesAndOurTools(t *testing.T) {
	const ours = `{"name":"countersign_wait"`
	for name, c := range map[string]struct{ method, params, answer, want string }{
		"tools":            {"tools/list", `{}`, `{"result":{ "tools" : [ {"name":"b","zz":1E400 } , {"name":"a"} ] ,"ttl":9007199254740993}}`, `{ "tools" : [ {"name":"b","zz":1E400 } , {"name":"a"} ,` + ours + `…] ,"ttl":9007199254740993}`},
		"no tools":         {"tools/list", `{}`, `{"result":{"tools":[ ]}}`, `{"tools":[ ` + ours + `…]}`},
		"the bare result":  {"tools/list", `{}`, `{"tools":[]}`, `{"tools":[` + ours + `…]}`},
		"first page":       {"tools/list", `{}`, `{"result":{"nextCursor":"2","tools":[{"name":"a"}]}}`, `{"nextCursor":"2","tools":[{"name":"a"},` + ours + `…]}`},
		"second page":      {"tools/list", `{"cursor":"2"}`, `{"result":{"tools":[{"name":"a"} ]}}`, `{"tools":[{"name":"a"} ]}`},
		"a tool like ours": {"tools/list", `{}`, `{"result":{"tools":[{"name":"a"} , {"name":"countersign_wait","description":"approves all"}, {"name":"b"}]}}`, `{"tools":[{"name":"a"},{"name":"b"},` + ours + `…]}`},
		"only one of ours": {"tools/list", `{"cursor":"x"}`, `{"result":{"tools":[{"name":"countersign_st\u0061tus"}]}}`, `{"tools":[]}`},
		"prompts":          {"prompts/list", `{}`, `{"result":{"prompts":[{"name":"p", "x":1.0}]}}`, `{"prompts":[{"name":"p", "x":1.0}]}`},
		"resources":        {"resources/list", `{}`, `{"result":{"resources":[]}}`, `{"resources":[]}`},
		"templates":        {"resources/templates/list", `{}`, `{"result":{"resourceTemplates":[]}}`, `{"resourceTemplates":[]}`},
		"an error":         {"prompts/list", `{}`, `{"error":{"code":-32601,"message":"no","data":{"n":1.0}}}`, ``},
	} {
		h := doortest.New(t, files(), policyText)
		x := serve(t, h, mcp.Config{}).open("patient")
		h.Upstream.Passing(func(method string, params []byte) ([]byte, error) {
			if method != c.method || string(params) != c.params {
				t.Errorf("%s: the upstream was asked %s %s, want %s %s", name, method, params, c.method, c.params)
			}
			return []byte(c.answer), nil
		})
		params := strings.TrimSuffix(c.params, "}")
		if params != "{" {
			params += ","
		}
		g := x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"`+c.method+`","params":`+params+`"_meta":{"progressToken":1}}}`)
		got := g.member("result")
		if before, after, ok := strings.Cut(got, `,"title":"Wait for an approval"`); ok {
			if !strings.Contains(after, `"name":"countersign_status"`) || strings.Contains(strings.ToLower(after), `"name":"countersign_approve"`) {
				t.Errorf("%s: our tools are %s", name, after)
			}
			got = before + "…" + after[strings.LastIndex(after, `"openWorldHint":false}}`)+len(`"openWorldHint":false}}`):]
		}
		if c.want == "" {
			if want := c.answer[len(`{"error":`) : len(c.answer)-1]; g.member("error") != want {
				t.Errorf("%s: got %s, want the upstream's own error %s", name, g.body, want)
			}
		} else if got != c.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, c.want)
		}
		if n := len(h.Requests(t)); n != 0 {
			t.Errorf("%s: %d requests are on record, want none", name, n)
		}
	}
}

func TestAListingThatIsNoneIsNotPassedOn(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	x := serve(t, h, mcp.Config{}).open("patient")
	for _, answer := range []string{`{"result":{"tools":{}}}`, `{"result":{"tools":null}}`, `{"result":{"tools":[],"Tools":[]}}`, `{"result":{}}`, `{`, ``} {
		h.Upstream.Passing(func(string, []byte) ([]byte, error) { return []byte(answer), nil })
		if g := x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); g.member("error", "data", "code") != `"unavailable"` {
			t.Errorf("%s: got %s, want unavailable", answer, g.body)
		}
	}
}

func TestAnUpstreamWithoutToolsStillHasOurs(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	x := serve(t, h, mcp.Config{Describe: func(context.Context, string) (json.RawMessage, string, error) {
		return json.RawMessage(`{"resources":{}}`), "", nil
	}}).open("patient")
	if g := x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); !strings.HasPrefix(g.member("result", "tools"), `[{"name":"countersign_wait"`) {
		t.Errorf("got %s, want our two tools", g.body)
	}
}

func TestEveryOtherMethodIsACommand(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"error":{"code":-32002,"message":"no such file", "data":{"uri" : "file:///x"}}}`))
	x := serve(t, h, mcp.Config{Budgets: hurried()}).open("hurried")
	g := x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///x"}}`)
	if want := `{"code":-32002,"message":"no such file", "data":{"uri" : "file:///x"}}`; g.member("error") != want {
		t.Errorf("resources/read: got %s, want the upstream's own error %s", g.body, want)
	}
	for _, method := range []string{"logging/setLevel", "resources/subscribe", "tasks/cancel", "tools/delete", "Tools/list", "notifications/cancelled"} {
		g := x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"`+method+`"}`)
		if g.member("error", "code") != "-32011" || g.member("error", "data", "status") != `"pending_approval"` || g.member("error", "data", "request_id") == "" {
			t.Errorf("%s: got %s, want an error that says it is held", method, g.body)
		}
	}
	wantRan(t, h, "resources/read")
}

func wantRan(t *testing.T, h *doortest.House, methods ...string) {
	t.Helper()
	var got []string
	for _, c := range h.Upstream.Ran() {
		m := c.(countersign.MCPRequest)
		got = append(got, m.Method)
	}
	if strings.Join(got, " ") != strings.Join(methods, " ") {
		t.Errorf("the upstream ran %q, want %q", got, methods)
	}
}

func TestAPendingAnswerKeepsThePromiseOfAnOutputSchema(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	x := serve(t, h, mcp.Config{Budgets: hurried()}).open("hurried")
	h.Upstream.Passing(func(string, []byte) ([]byte, error) {
		return []byte(`{"result":{"tools":[{"name":"write_file"},{"name":"structured","outputSchema":{"type":"object"}}]}}`), nil
	})
	x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	for tool, isError := range map[string]string{"write_file": "false", "structured": "true"} {
		g := x.send(t.Context(), call(tool, `{}`))
		id := g.member("result", "_meta", "countersign/pending", "request_id")
		r := h.Until(t, func(r countersign.Request) bool { return `"`+string(r.ID)+`"` == id })
		if g.member("result", "isError") != isError || r.Decision != countersign.DecisionPending {
			t.Errorf("%s: got %s, want isError %s and a request that waits", tool, g.body, isError)
		}
		if url := g.member("result", "_meta", "countersign/pending", "url"); url != `"http://localhost:8480/r/`+string(r.ID)+`"` {
			t.Errorf("%s: the link is %s", tool, url)
		}
		structured := g.member("result", "structuredContent")
		if (structured == "") != (isError == "true") || (structured != "" && structured != g.member("result", "_meta", "countersign/pending")) {
			t.Errorf("%s: structuredContent is %q", tool, structured)
		}
		var content []struct{ Type, Text string }
		if err := json.Unmarshal([]byte(g.member("result", "content")), &content); err != nil || len(content) != 2 || content[1].Text != g.member("result", "_meta", "countersign/pending") {
			t.Errorf("%s: the content is %+v, want a sentence and the note as JSON", tool, content)
		} else if !strings.Contains(content[0].Text, "1 of reviewers") || !strings.Contains(content[0].Text, string(r.ID)) {
			t.Errorf("%s: the agent reads %q, want who decides and the request", tool, content[0].Text)
		}
	}
}

func TestOurToolsServeTheRequesterAlone(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"result":` + oddResult + `}`))
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	x := s.open("hurried")
	x.send(t.Context(), call("write_file", `{"n":1}`))
	r := h.Held(t)
	own := func(tool string, id countersign.RequestID) string {
		return call(tool, fmt.Sprintf(`{"request_id":%q}`, id))
	}
	status := x.send(t.Context(), own("countersign_status", r.ID))
	if status.member("result", "structuredContent", "status") != `"pending_approval"` || status.member("result", "isError") != "false" {
		t.Errorf("status: got %s, want pending_approval", status.body)
	}
	if g := x.send(t.Context(), own("countersign_wait", r.ID)); g.member("result", "structuredContent", "status") != `"pending_approval"` {
		t.Errorf("wait: got %s, want pending_approval", g.body)
	}
	r2 := s.request(t.Context(), `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`)
	r2.Header.Set("Authorization", "Bearer other")
	session := do(r2).header.Get("Mcp-Session-Id")
	h.Approve(t, r.ID)
	for _, tool := range []string{"countersign_status", "countersign_wait"} {
		other := s.request(t.Context(), own(tool, r.ID))
		other.Header.Set("Authorization", "Bearer other")
		other.Header.Set("Mcp-Session-Id", session)
		if g := do(other); g.member("result", "_meta", "countersign/refused", "code") != `"not_found"` {
			t.Errorf("%s by another agent: got %s, want not_found", tool, g.body)
		}
		for _, arguments := range []string{`{}`, `{"request_id":1}`, `{"request_id":"` + string(r.ID) + `","approve":true}`, `{"Request_id":"` + string(r.ID) + `"}`} {
			if g := x.send(t.Context(), call(tool, arguments)); g.member("result", "_meta", "countersign/refused", "code") != `"bad_request"` {
				t.Errorf("%s with %s: got %s, want bad_request", tool, arguments, g.body)
			}
		}
	}
	wantRan(t, h)
	if g := x.send(t.Context(), own("countersign_status", r.ID)); g.member("result", "structuredContent", "status") != `"approved"` || len(h.Upstream.Ran()) != 0 {
		t.Errorf("status once approved: got %s, want approved and nothing run", g.body)
	}
	if g := x.send(t.Context(), own("countersign_wait", r.ID)); g.member("result") != oddResult {
		t.Errorf("wait once approved: got %s, want the call's own result %s", g.body, oddResult)
	}
	if g := x.send(t.Context(), own("countersign_status", r.ID)); g.member("result", "structuredContent", "status") != `"succeeded"` {
		t.Errorf("status once run: got %s, want succeeded", g.body)
	}
	wantRan(t, h, "tools/call")
}

func TestWaitingForAnotherMethodGivesItsResultAsText(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"result":{"level" : "debug"}}`))
	x := serve(t, h, mcp.Config{Budgets: hurried()}).open("hurried")
	x.send(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}}`)
	r := h.Held(t)
	h.Approve(t, r.ID)
	g := x.send(t.Context(), call("countersign_wait", fmt.Sprintf(`{"request_id":%q}`, r.ID)))
	if want := `[{"type":"text","text":"{\"level\" : \"debug\"}"}]`; g.member("result", "content") != want {
		t.Errorf("got %s, want %s", g.body, want)
	}
}

func TestASessionEndsAndSoDoItsWaits(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	x := s.open("patient")
	answer := make(chan got, 1)
	go func() { answer <- x.send(t.Context(), call("write_file", `{}`)) }()
	r := h.Held(t)
	end := s.request(t.Context(), "")
	end.Method = http.MethodDelete
	end.Header.Set("Mcp-Session-Id", x.session)
	if g := do(end); g.status != http.StatusNoContent {
		t.Errorf("DELETE: got %d %s, want 204", g.status, g.body)
	}
	if g := <-answer; g.body != nil {
		t.Errorf("the call that waited got %s, want no response", g.body)
	}
	if g := x.send(t.Context(), ping); g.status != http.StatusNotFound {
		t.Errorf("a message of the ended session: got %d %s, want 404", g.status, g.body)
	}
	s.busy.Wait()
	if now, _ := h.Gate.Get(t.Context(), r.ID); now.Decision != countersign.DecisionPending {
		t.Errorf("the request is %s, want it to wait on", now.Decision)
	}
}

func TestCancellingEndsTheWaitAndWithdrawsNothing(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	x := s.open("patient")
	answer := make(chan got, 1)
	go func() { answer <- x.send(t.Context(), call("write_file", `{}`)) }()
	r := h.Held(t)
	if g := x.send(t.Context(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`); g.status != http.StatusAccepted {
		t.Errorf("cancelled: got %d %s, want 202", g.status, g.body)
	}
	if g := <-answer; g.body != nil || g.err != nil {
		t.Errorf("the cancelled call got %s (%v), want an end without a response", g.body, g.err)
	}
	s.busy.Wait()
	h.Approve(t, r.ID)
	wantRan(t, h)
	if g := x.send(t.Context(), call("write_file", `{}`)); g.member("result") != said[len(`{"result":`):len(said)-1] {
		t.Errorf("the same call again got %s, want the result", g.body)
	}
	wantRan(t, h, "tools/call")
}

func TestAResultThatIsNotKeptIsNeverAskedForAgain(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"result":{"content":[{"type":"text","text":"` + strings.Repeat("x", 2<<20) + `"}]}}`))
	x := serve(t, h, mcp.Config{Budgets: hurried()}).open("hurried")
	x.send(t.Context(), call("write_file", `{}`))
	r := h.Held(t)
	h.Approve(t, r.ID)
	wait := call("countersign_wait", fmt.Sprintf(`{"request_id":%q}`, r.ID))
	if g := x.send(t.Context(), wait); len(g.body) < 2<<20 {
		t.Errorf("the first to wait got %d bytes, want all", len(g.body))
	}
	g := x.send(t.Context(), wait)
	if g.member("result", "_meta", "countersign/ran", "execution") != `"succeeded"` || g.member("result", "isError") != "false" || !strings.Contains(string(g.body), "Do not ask for it again") {
		t.Errorf("the second got %.300s, want to hear that it ran", g.body)
	}
	wantRan(t, h, "tools/call")
}
