package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/upstream/mcp"
)

// A remote is a server over HTTP that does what the name of the tool says.
type remote struct {
	*httptest.Server
	revision  string // what it speaks; 2026-07-28 is without sessions
	elsewhere *httptest.Server

	mu    sync.Mutex
	heard []hears
	dead  bool   // it has forgotten all sessions
	says  string // and says so, with this body
	busy  bool   // it answers no ping

	slow chan bool // initialize waits until it is closed, if it is there
}

// hears is one request as it came.
type hears struct {
	Header http.Header
	Body   string
	Method string
	HTTP   string
}

func newRemote(t *testing.T, revision string) *remote {
	x := &remote{revision: revision}
	x.elsewhere = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another origin was asked, with Authorization %q", r.Header.Get("Authorization"))
	}))
	x.Server = httptest.NewServer(x)
	t.Cleanup(func() { x.CloseClientConnections(); x.Close(); x.elsewhere.Close() })
	return x
}

func (x *remote) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var q request
	_ = json.Unmarshal(body, &q)
	x.mu.Lock()
	x.heard = append(x.heard, hears{r.Header, string(body), q.Method, r.Method})
	dead, busy, says := x.dead, x.busy, x.says
	x.mu.Unlock()
	say := func(format string, a ...any) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, format, a...)
	}
	modern := x.revision == "2026-07-28"
	switch {
	case r.Method == http.MethodDelete:
		return
	case q.Method == "initialize" && modern:
		w.WriteHeader(http.StatusBadRequest)
	case q.Method == "initialize":
		if x.slow != nil {
			<-x.slow
		}
		w.Header().Set("Mcp-Session-Id", "s-1")
		x.mu.Lock()
		x.dead = false
		x.mu.Unlock()
		say(`{"jsonrpc":"2.0","id":%s,"result":%s}`, q.ID, initializeAs(x.revision))
	case q.Method == "server/discover" && !modern:
		w.WriteHeader(http.StatusBadRequest)
	case q.Method == "server/discover":
		say(`{"jsonrpc":"2.0","id":%s,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":"be kind"}}`, q.ID)
	case dead && !modern:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, strings.ReplaceAll(says, "ID", string(q.ID)))
	case q.ID == nil || q.Method == "":
		w.WriteHeader(http.StatusAccepted)
	case q.Method == "tools/list":
		say(`{"jsonrpc":"2.0","id":%s,"result":{"tools":[ {"name":"echo", "x-unknown":9007199254740993,"inputSchema":{"properties":{"s":{"type":"string","x-mcp-header":"Where"}}}} ]}}`, q.ID)
	case q.Method == "ping" && busy:
		<-r.Context().Done()
	case q.Method == "ping":
		say(`{"jsonrpc":"2.0","id":%s,"result":{}}`, q.ID)
	default:
		x.misbehave(w, r, q, say)
	}
}

func (x *remote) misbehave(w http.ResponseWriter, r *http.Request, q request, say func(string, ...any)) {
	stream := func(format string, a ...any) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, format, a...)
		w.(http.Flusher).Flush()
	}
	zeros := strings.Repeat("0", 1<<16)
	switch q.Params.Name {
	case "echo":
		say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[ ],"isError" :false,"n":9007199254740993,"dup":{"a":1,"a":2}}}`, q.ID)
	case "streamed":
		stream(": hello\r\n\r\nevent: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\r\n\r\n")
		stream("data: {\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"sampling/createMessage\"}\n\n")
		stream("id: 1\ndata: {\"jsonrpc\":\"2.0\",\"id\":%s,\ndata: \"result\":{\"n\" : 9007199254740993}}\n\n", q.ID)
	case "redirect":
		http.Redirect(w, r, x.elsewhere.URL, http.StatusTemporaryRedirect)
	case "forbidden":
		w.WriteHeader(http.StatusForbidden)
	case "broken-proxy":
		w.WriteHeader(http.StatusBadGateway)
	case "accepted":
		w.WriteHeader(http.StatusAccepted)
	case "cut":
		stream("data: {\"jsonrpc\":\"2.0\",\"id\":%s,", q.ID)
	case "dropped":
		panic(http.ErrAbortHandler)
	case "hang":
		<-r.Context().Done()
	case "large", "large-stream":
		if q.Params.Name == "large" {
			say(`{"jsonrpc":"2.0","id":%s,"result":{"z":"`, q.ID)
		} else {
			stream("data: ")
		}
		for range 1 << 14 { // a gigabyte, which nobody may read
			if _, err := io.WriteString(w, zeros); err != nil {
				return
			}
		}
	case "other-id":
		say(`{"jsonrpc":"2.0","id":9999,"result":{}}`)
	case "two-ways":
		say(`{"jsonrpc":"2.0","id":%s,"result":{},"Result":{}}`, q.ID)
	case "error":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"no such \u0074ool"}}`, q.ID)
	}
}

// calls are the requests for tools.
func (x *remote) calls() []hears {
	x.mu.Lock()
	defer x.mu.Unlock()
	var calls []hears
	for _, h := range x.heard {
		if h.Method == "tools/call" {
			calls = append(calls, h)
		}
	}
	return calls
}

// over is a house whose upstream is the remote.
func over(t *testing.T, x *remote, change func(*mcp.Config)) house {
	return newHouse(t, func(c *mcp.Config) {
		c.Command, c.URL, c.MaxResult = nil, x.URL, 1<<20
		c.Header = map[string]string{"Authorization": "Bearer s3cret"}
		if change != nil {
			change(c)
		}
	})
}

func TestOverHTTPTheStoredBytesRunAndTheServersBytesComeBack(t *testing.T) {
	for _, revision := range []string{"2025-06-18", "2025-11-25", "2026-07-28"} {
		x := newRemote(t, revision)
		h := over(t, x, nil)
		list, err := h.Pass(t.Context(), "tools/list", nil)
		check(t, err)
		if !bytes.Contains(list, []byte(`"x-unknown":9007199254740993`)) {
			t.Errorf("%s: got %s", revision, list)
		}
		o, out, err := h.run(t, "echo")
		check(t, err)
		if want := `{"result":{"content":[ ],"isError" :false,"n":9007199254740993,"dup":{"a":1,"a":2}}}`; out != want || o.Execution != countersign.ExecutionSucceeded {
			t.Errorf("%s: got %+v, %s", revision, o, out)
		}
		calls := x.calls()
		if len(calls) != 1 {
			t.Fatalf("%s: the server was asked %d times, want once", revision, len(calls))
		}
		got, params := calls[0], string(h.command("echo").Params)
		want := map[string]string{"Authorization": "Bearer s3cret", "Mcp-Protocol-Version": revision, "Mcp-Session-Id": "s-1"}
		if revision == "2026-07-28" {
			want["Mcp-Session-Id"], want["Mcp-Method"], want["Mcp-Name"] = "", "tools/call", "echo"
			want["Mcp-Param-Where"] = "=?base64?w6kvLw==?="
			said := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"countersign","version":"dev"},"io.modelcontextprotocol/clientCapabilities":{}},`
			params = "{" + said + params[1:]
		}
		for name, value := range want {
			if got.Header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", revision, name, got.Header.Get(name), value)
			}
		}
		if !strings.HasSuffix(got.Body, `"method":"tools/call","params":`+params+"}") {
			t.Errorf("%s: the server read %s, want the params %s", revision, got.Body, params)
		}
		if capabilities, err := h.Capabilities(t.Context()); err != nil || !strings.HasPrefix(string(capabilities), `{"tools":{`) {
			t.Errorf("%s: got capabilities %s, %v", revision, capabilities, err)
		}
	}
}

// Whatever an HTTP server does ends as an outcome that claims no more than is
// known, in bounded time and space.
func TestOverHTTPEveryAnswerIsAnOutcome(t *testing.T) {
	const failed, unknown, succeeded = countersign.ExecutionFailed, countersign.ExecutionUnknown, countersign.ExecutionSucceeded
	for tool, want := range map[string]struct {
		execution countersign.ExecutionState
		detail    string
	}{
		"streamed": {succeeded, ""}, "error": {failed, "code -32602"}, "two-ways": {failed, "cannot be read"},
		"redirect": {failed, "redirects are not followed"}, "forbidden": {failed, "check the credential"},
		"large": {failed, "larger than 1048576"}, "large-stream": {failed, "larger than 1048576"},
		"broken-proxy": {unknown, "502"}, "accepted": {unknown, "202"}, "cut": {unknown, "before its answer"},
		"dropped": {unknown, "EOF"}, "hang": {unknown, "within 300ms"}, "other-id": {unknown, "no MCP message"},
	} {
		t.Run(tool, func(t *testing.T) {
			x := newRemote(t, "2025-11-25")
			h := over(t, x, func(c *mcp.Config) {
				if tool == "hang" {
					c.CallTimeout = 300 * time.Millisecond
				}
			})
			o, out, err := h.run(t, tool)
			check(t, err)
			if o.Execution != want.execution || !strings.Contains(o.Detail, want.detail) {
				t.Errorf("got %s, %q, want %s, %q", o.Execution, o.Detail, want.execution, want.detail)
			}
			if tool == "streamed" && out != "{\"result\":{\"n\" : 9007199254740993}}" {
				t.Errorf("got %q", out)
			}
			if _, err := h.Pass(t.Context(), "ping", nil); err != nil {
				t.Errorf("the next call: %v", err)
			}
			if n := len(x.calls()); n != 1 {
				t.Errorf("the server was asked %d times, want once", n)
			}
		})
	}
}

func TestAForgottenSessionFailsOneCallAndTheNextBeginsAnother(t *testing.T) {
	for _, says := range []string{
		"", `{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}`,
		`{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"}}`,
		`{"jsonrpc":"2.0","id":ID,"error":{"code":-32600,"message":"Session terminated"}}`,
	} {
		x := newRemote(t, "2025-11-25")
		h := over(t, x, nil)
		check(t, h.Start(t.Context()))
		x.mu.Lock()
		x.dead, x.says = true, says
		x.mu.Unlock()
		if o, out, err := h.run(t, "echo"); err != nil || o.Execution != countersign.ExecutionFailed || !strings.Contains(o.Detail, "nothing of this call ran") || out != "" {
			t.Errorf("%s: got %+v, %s, %v, want it failed", says, o, out, err)
		}
		if o, _, err := h.run(t, "echo"); err != nil || o.Execution != countersign.ExecutionSucceeded {
			t.Errorf("%s: the next call: %+v, %v", says, o, err)
		}
	}
}

func TestNoNameLeadsToTheCloudsCredentials(t *testing.T) {
	h := newHouse(t, func(c *mcp.Config) { c.Command, c.URL = nil, "http://0.0.0.0.example.invalid/" })
	if err := h.Start(t.Context()); err == nil {
		t.Error("a name that nobody has was reached")
	}
	for _, url := range []string{"ftp://x", "http://u:p@x", "//x", "http://"} {
		h := newHouse(t, func(c *mcp.Config) { c.Command, c.URL = nil, url })
		if err := h.Start(t.Context()); err == nil || strings.Contains(err.Error(), "u:p@") {
			t.Errorf("%s: got %v, want it refused without the password", url, err)
		}
	}
}

func TestACallThatNobodyWaitsForIsCancelledThere(t *testing.T) {
	x := newRemote(t, "2025-11-25")
	h := over(t, x, nil)
	check(t, h.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(x.calls()) == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	o, err := h.Run(ctx, h.release(t, h.command("hang"), time.Now(), nil), &bytes.Buffer{})
	if err != nil || o.Execution != countersign.ExecutionUnknown {
		t.Errorf("got %+v, %v, want it unknown", o, err)
	}
	for told, start := false, time.Now(); !told; runtime.Gosched() {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the server was not told that nobody waits")
		}
		x.mu.Lock()
		last := x.heard[len(x.heard)-1]
		x.mu.Unlock()
		told = last.Method == "notifications/cancelled" && strings.Contains(last.Body, `{"requestId":3}`)
	}
}

func TestTheTargetOfAnAddressIsTheAddressAndNoSecret(t *testing.T) {
	a := mcp.Config{URL: "https://a.example/mcp", Header: map[string]string{"Authorization": "one"}}
	b := a
	b.Header = map[string]string{"Authorization": "two"}
	c := a
	c.URL = "https://b.example/mcp"
	x, err := mcp.Target(a)
	check(t, err)
	y, err := mcp.Target(b)
	check(t, err)
	z, err := mcp.Target(c)
	check(t, err)
	if x != y || x == z {
		t.Errorf("got %s, %s for another credential and %s for another address", x, y, z)
	}
}
