package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/door/mcp/patience"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/mcpfields"
)

// says is what each request of the revision without sessions says of its sender.
func says(client, capabilities string) string {
	return fmt.Sprintf(`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":%q,"version":"1"},"io.modelcontextprotocol/clientCapabilities":%s`, client, capabilities)
}

// ask is a request of that revision; params is an object without _meta.
func asking(client, method, params string) string {
	rest := strings.TrimPrefix(params, "{")
	if rest != "}" {
		rest = "," + rest
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{"_meta":{%s}%s}`, method, says(client, `{}`), rest)
}

// modern sends a body with the header that repeats it; change may spoil it.
func (s *server) modern(ctx context.Context, body string, change func(http.Header)) got {
	r := s.request(ctx, body)
	params, _ := canon.Member([]byte(body), "params")
	method, _ := canon.Member([]byte(body), "method")
	r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
	r.Header.Set("Mcp-Method", strings.Trim(string(method), `"`))
	if name, ok := mcpfields.Name(strings.Trim(string(method), `"`), params); ok {
		r.Header.Set("Mcp-Name", mcpfields.Encode(name))
	}
	if change != nil {
		change(r.Header)
	}
	return do(r)
}

func TestTheDoorPassesTheSuiteWithoutSessions(t *testing.T) {
	tool := func(name string) doortest.Call {
		params := `{"name":"` + name + `", "arguments": ` + oddArguments + `,"_meta":{"vendor/x":[ 1 ]}}`
		sent := strings.Replace(params, `"_meta":{`, `"_meta":{`+says("CLIENT", `{}`)+`,`, 1)
		return doortest.Call{
			Send:     []byte(`{"jsonrpc":"2.0","id":"\u0031","method":"tools/call","params":` + sent + `}`),
			Command:  countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Params: []byte(params)},
			Upstream: []byte(`{"result":` + oddResult + `}`), Receive: []byte(`{"resultType":"complete",` + oddResult[1:]),
		}
	}
	doortest.Test(t, doortest.Door{
		Resource: files(), Policy: policyText,
		Allowed: tool("read_file"), Held: tool("write_file"), Denied: tool("drop_all"),
		Open: func(t *testing.T, h *doortest.House, p doortest.Patience) doortest.Agent {
			s := serve(t, h, mcp.Config{Budgets: hurried()})
			client := map[doortest.Patience]string{doortest.Patient: "patient", doortest.Hurried: "hurried"}[p]
			return doortest.Agent{Quiet: s.busy.Wait, Ask: func(ctx context.Context, send []byte) doortest.Answer {
				return read(s.modern(ctx, strings.Replace(string(send), "CLIENT", client, 1), nil))
			}}
		},
	})
}

func TestTheHeaderSaysWhatTheBodySays(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	h.Upstream.Passing(func(string, []byte) ([]byte, error) {
		return []byte(`{"result":{"tools":[{"name":"read_file","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}}]}}`), nil
	})
	s := serve(t, h, mcp.Config{})
	if g := s.modern(t.Context(), asking("c", "tools/list", `{}`), nil); g.status != 200 || g.member("result", "resultType") != `"complete"` || g.member("result", "cacheScope") != `"private"` {
		t.Fatalf("tools/list: got %d %s", g.status, g.body)
	}
	set := func(pairs ...string) func(http.Header) {
		return func(h http.Header) {
			for i := 0; i < len(pairs); i += 2 {
				h.Del(pairs[i])
				if pairs[i+1] != "" {
					h.Set(pairs[i], pairs[i+1])
				}
			}
		}
	}
	good := asking("c", "tools/call", `{"name":"read_file","arguments":{"region":"eu-w\u00e9st","n":42}}`)
	right := []string{"Mcp-Param-Region", "=?base64?ZXUtd8Opc3Q=?=", "Mcp-Param-N", "42.0"}
	for name, c := range map[string]struct {
		body   string
		header func(http.Header)
		status int
		code   string
	}{
		"as it should be":        {good, set(right...), 200, ""},
		"no version field":       {good, set(append(right, "Mcp-Protocol-Version", "")...), 400, "-32020"},
		"another version":        {good, set(append(right, "Mcp-Protocol-Version", "2025-11-25")...), 400, "-32020"},
		"no method":              {good, set(append(right, "Mcp-Method", "")...), 400, "-32020"},
		"another method":         {good, set(append(right, "Mcp-Method", "tools/list")...), 400, "-32020"},
		"no name":                {good, set(append(right, "Mcp-Name", "")...), 400, "-32020"},
		"another name":           {good, set(append(right, "Mcp-Name", "write_file")...), 400, "-32020"},
		"a name in other case":   {good, set(append(right, "Mcp-Name", "READ_FILE")...), 400, "-32020"},
		"no argument's field":    {good, set(right[2:]...), 400, "-32020"},
		"another argument":       {good, set("Mcp-Param-Region", "us", "Mcp-Param-N", "42"), 400, "-32020"},
		"broken base64":          {good, set("Mcp-Param-Region", "=?base64?*?=", "Mcp-Param-N", "42"), 400, "-32020"},
		"an argument too many":   {asking("c", "tools/call", `{"name":"read_file"}`), set(right[:2]...), 400, "-32020"},
		"two names":              {good, func(h http.Header) { set(right...)(h); h.Add("Mcp-Name", "read_file") }, 400, "-32020"},
		"an unknown version":     {strings.ReplaceAll(good, "2026-07-28", "1900-01-01"), set(append(right, "Mcp-Protocol-Version", "1900-01-01")...), 400, "-32022"},
		"no capabilities":        {strings.Replace(good, "clientCapabilities", "clientOther", 1), set(right...), 400, "-32602"},
		"a method of old":        {asking("c", "ping", `{}`), nil, 404, "-32601"},
		"a field nobody mirrors": {good, set(append(right, "Mcp-Param-Other", "x")...), 200, ""},
	} {
		before := len(h.Upstream.Ran())
		g := s.modern(t.Context(), c.body, c.header)
		if g.status != c.status || g.member("error", "code") != c.code {
			t.Errorf("%s: got %d %s, want %d %s", name, g.status, g.body, c.status, c.code)
		}
		if ran := len(h.Upstream.Ran()) - before; ran != 0 && c.status != 200 {
			t.Errorf("%s: it ran", name)
		}
	}
}

func TestDiscoverTellsWhatIsHere(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Version: "1.2", Describe: func(context.Context, string) (json.RawMessage, string, error) {
		return json.RawMessage(`{"tools":{"listChanged":true,"x":9007199254740993},"resources":{"subscribe":true},"extensions":{"a/b":{}}}`), "be kind", nil
	}})
	g := s.modern(t.Context(), asking("c", "server/discover", `{}`), nil)
	want := `{"extensions":{"a/b":{},"io.modelcontextprotocol/tasks":{}},"resources":{},"tools":{"x":9007199254740993}}`
	if g.status != 200 || g.member("result", "supportedVersions") != `["2026-07-28","2025-11-25","2025-06-18"]` || g.member("result", "capabilities") != want ||
		!strings.HasPrefix(g.member("result", "instructions"), `"be kind`) || g.member("result", "_meta", "io.modelcontextprotocol/serverInfo", "version") != `"1.2"` {
		t.Errorf("got %d %s", g.status, g.body)
	}
	listen := s.modern(t.Context(), asking("c", "subscriptions/listen", `{"notifications":{"toolsListChanged":true}}`), nil)
	if len(listen.events) != 1 || !strings.Contains(string(listen.events[0]), `"notifications":{}`) || listen.member("result", "resultType") != `"complete"` {
		t.Errorf("got %s, then %s", listen.events, listen.body)
	}
}

// bring is the call again, with what the client was given to bring back.
func bring(client, params string, g got) string {
	return asking(client, "tools/call", `{"requestState":`+g.member("result", "requestState")+`,`+params[1:])
}

func TestAHeldCallGoesOnInRoundsAndRunsOnce(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	const params = `{"name":"write_file","arguments":{"path":"/a"}}`
	g := s.modern(t.Context(), asking("hurried", "tools/call", params), nil)
	for round := 1; round < 8; round++ {
		if g.member("result", "resultType") != `"input_required"` || g.member("result", "inputRequests") != "" {
			t.Fatalf("round %d: got %s, want to be sent back", round, g.body)
		}
		last := g
		if g = s.modern(t.Context(), bring("hurried", params, g), nil); g.member("result", "requestState") == last.member("result", "requestState") {
			t.Errorf("round %d: the state is the last one's", round)
		}
	}
	last := g
	if g = s.modern(t.Context(), bring("hurried", params, g), nil); g.member("result", "structuredContent", "status") != `"pending_approval"` {
		t.Errorf("after the last round: got %s, want an ordinary pending answer", g.body)
	}
	for name, body := range map[string]string{
		"other arguments":     bring("hurried", `{"name":"write_file","arguments":{"path":"/b"}}`, last),
		"other tool":          bring("hurried", `{"name":"read_file","arguments":{"path":"/a"}}`, last),
		"a changed state":     strings.Replace(bring("hurried", params, last), `"cs1.`, `"cs1.A`, 1),
		"other blanks":        bring("hurried", `{"name":"write_file","arguments":{"path":" /a"}}`, last),
		"more than arguments": bring("hurried", `{"task":{},"name":"write_file","arguments":{"path":"/a"}}`, last),
	} {
		if g := s.modern(t.Context(), body, nil); g.status != 400 || g.member("error", "code") != "-32602" {
			t.Errorf("%s: got %d %s, want it refused", name, g.status, g.body)
		}
	}
	r := s.request(t.Context(), bring("hurried", params, last))
	for k, v := range map[string]string{"Authorization": "Bearer other", "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "write_file"} {
		r.Header.Set(k, v)
	}
	if g := do(r); g.status != 400 {
		t.Errorf("another agent: got %d %s, want it refused", g.status, g.body)
	}
	h.Approve(t, h.Held(t).ID)
	wantRan(t, h)
	if g = s.modern(t.Context(), bring("patient", params, last), nil); g.member("result", "content") == "" || g.member("result", "resultType") != `"complete"` {
		t.Errorf("once approved: got %s, want the result", g.body)
	}
	wantRan(t, h, "tools/call")
	if n := len(h.Requests(t)); n != 1 {
		t.Errorf("there are %d requests, want 1", n)
	}
}

func TestAStateMayStandBesideBlanks(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	const params = `{"name": "write_file", "arguments": {"path": "/a", "n": 9007199254740993.0}}`
	g := s.modern(t.Context(), asking("hurried", "tools/call", params), nil)
	state := g.member("result", "requestState")
	for _, with := range []string{
		`{"requestState": ` + state + `, ` + params[1:],
		params[:len(params)-1] + `, "requestState": ` + state + `}`,
		`{"name": "write_file", "requestState": ` + state + `, "arguments": {"path": "/a", "n": 9007199254740993.0}}`,
	} {
		if g := s.modern(t.Context(), asking("hurried", "tools/call", with), nil); g.member("result", "resultType") != `"input_required"` {
			t.Errorf("%s: got %d %s, want to be sent back", with, g.status, g.body)
		}
	}
}

func TestATaskOutlivesARecordThatFailsForAMoment(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"result":` + oddResult + `}`))
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	send := func(method, params string) got {
		const taking = `clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}`
		return s.modern(t.Context(), strings.Replace(asking("patient", method, params), `clientCapabilities":{}`, taking, 1), nil)
	}
	id := strings.Trim(send("tools/call", `{"name":"write_file","arguments":{"path":"/a"}}`).member("result", "taskId"), `"`)
	h.Approve(t, countersign.RequestID(id))
	h.Store.Faults().FailCommit(errors.New("no space left on device"))
	if g := send("tasks/get", `{"taskId":"`+id+`"}`); g.member("result") != "" || !strings.Contains(g.member("error"), "the record cannot be written") {
		t.Errorf("while the record fails: got %s, want an error of the poll alone", g.body)
	}
	if g := send("tasks/get", `{"taskId":"`+id+`"}`); g.member("result", "status") != `"completed"` || g.member("result", "result") != oddResult {
		t.Errorf("afterwards: got %s, want the result", g.body)
	}
	wantRan(t, h, "tools/call")
}

func TestAHeldCallIsATaskForWhoTakesTasks(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"result":` + oddResult + `}`))
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	const taking = `{"extensions":{"io.modelcontextprotocol/tasks":{}}}`
	send := func(method, params string) got {
		return s.modern(t.Context(), strings.Replace(asking("patient", method, params), `clientCapabilities":{}`, `clientCapabilities":`+taking, 1), nil)
	}
	begin := func(path string) (id string) {
		g := send("tools/call", `{"name":"write_file","arguments":{"path":"`+path+`"}}`)
		id = strings.Trim(g.member("result", "taskId"), `"`)
		if g.member("result", "resultType") != `"task"` || g.member("result", "status") != `"working"` || !strings.HasPrefix(id, "req_") {
			t.Fatalf("got %s, want a task", g.body)
		}
		return id
	}
	poll := func(id string) got { return send("tasks/get", `{"taskId":"`+id+`"}`) }
	id := begin("/a")
	if g := poll(id); g.member("result", "status") != `"working"` || g.member("result", "resultType") != `"complete"` {
		t.Errorf("pending: got %s", g.body)
	}
	if g := send("tasks/update", `{"taskId":"`+id+`","inputResponses":{}}`); g.member("result", "resultType") != `"complete"` {
		t.Errorf("update: got %s", g.body)
	}
	h.Approve(t, countersign.RequestID(id))
	wantRan(t, h)
	if g := poll(id); g.member("result", "status") != `"completed"` || g.member("result", "result") != oddResult {
		t.Errorf("approved: got %s, want %s", g.body, oddResult)
	}
	wantRan(t, h, "tools/call")
	id = begin("/b")
	h.Reject(t, countersign.RequestID(id), "not today")
	if g := poll(id); g.member("result", "status") != `"completed"` || g.member("result", "result", "isError") != "true" || !strings.Contains(string(g.body), "not today") {
		t.Errorf("rejected: got %s", g.body)
	}
	id = begin("/c")
	if g := send("tasks/cancel", `{"taskId":"`+id+`"}`); g.member("result", "resultType") != `"complete"` {
		t.Errorf("cancel: got %s", g.body)
	}
	if g := poll(id); g.member("result", "status") != `"cancelled"` {
		t.Errorf("cancelled: got %s", g.body)
	}
	wantRan(t, h, "tools/call")
	if g := poll("req_nobody"); g.member("error", "code") != "-32602" {
		t.Errorf("no such task: got %s", g.body)
	}
	if g := s.modern(t.Context(), asking("patient", "tasks/get", `{"taskId":"`+id+`"}`), nil); g.status != 400 || g.member("error", "code") != "-32021" {
		t.Errorf("a client that takes no tasks: got %d %s", g.status, g.body)
	}
}

func TestAMethodThatTheUpstreamDoesNotKnowIsNotFound(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"error":{"code":-32601,"message":"no"}}`))
	s := serve(t, h, mcp.Config{Budgets: hurried(), Soon: time.Minute})
	if g := s.modern(t.Context(), asking("patient", "tools/call", `{"name":"read_file"}`), nil); g.status != 404 || g.member("error", "code") != "-32601" {
		t.Errorf("got %d %s", g.status, g.body)
	}
}

func TestAClientsVersionMayHaveAPatienceOfItsOwn(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Budgets: map[string]patience.Budget{
		"c": {Silent: time.Minute}, "c/1": {Silent: 10 * time.Millisecond}, "c/12": {Silent: time.Minute},
	}})
	for _, version := range []string{"1", "1.4.2", "1-beta"} { // and not 12, which would wait
		body := strings.Replace(asking("c", "tools/call", `{"name":"write_file"}`), `"version":"1"`, `"version":"`+version+`"`, 1)
		if g := s.modern(t.Context(), body, nil); g.member("result", "resultType") != `"input_required"` {
			t.Errorf("version %s: got %s", version, g.body)
		}
	}
}
