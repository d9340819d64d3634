package bridge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/cmd/countersign/bridge"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
)

const policyText = `
apiVersion: countersign/v1
kind: PolicySet
metadata: {name: bridge, owner: tests}
defaults: {effect: hold, reviewers: [reviewers], expires: 30m}
rules:
- {id: reads, why: Reads run., match: {verbs: [mcp.read]}, effect: allow}
`

// An agent speaks with a door through the bridge.
type agent struct {
	t     *testing.T
	in    *io.PipeWriter
	lines *bufio.Scanner
	ended chan error
	door  atomic.Pointer[http.Handler]
	begin func()
	*doortest.House
	server *httptest.Server
}

const odd = `{ "content":[{"type":"hologram","extra":9007199254740993}],"zz":-0.0 }`

func start(t *testing.T) *agent {
	a := &agent{t: t, ended: make(chan error, 1)}
	a.House = doortest.New(t, countersign.Resource{
		Name: "mcp/files", DataClasses: []string{"internal"}, Tools: map[string]countersign.Tool{"read_file": {Verbs: []string{"mcp.read"}}},
	}, policyText)
	a.Upstream.Answer([]byte(`{"result":` + odd + `}`))
	a.Upstream.Passing(func(string, []byte) ([]byte, error) {
		return []byte(`{"result":{"tools":[{"name":"read_file","inputSchema":{"properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}}`), nil
	})
	a.begin = func() {
		a.door.Store(new(mcp.New(a.Gate, mcp.Config{
			Log: slog.New(slog.DiscardHandler),
			Authenticate: func(_ context.Context, r *http.Request) (countersign.Who, error) {
				if r.Header.Get("Authorization") != "Bearer agent" {
					return countersign.Who{}, &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: "the token is not known", Hint: "ask for one"}
				}
				return countersign.Who{Actor: a.Agent.Principal()}, nil
			},
		})))
	}
	a.begin()
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*a.door.Load()).ServeHTTP(w, r) }))
	t.Cleanup(a.server.Close)
	a.connect("agent")
	return a
}

// connect begins a bridge of its own for the token.
func (a *agent) connect(token string) {
	in, w := io.Pipe()
	r, out := io.Pipe()
	a.in, a.lines = w, bufio.NewScanner(r)
	go func() {
		err := bridge.Run(a.t.Context(), bridge.Config{URL: a.server.URL + "/mcp/files", Token: token}, in, out)
		out.Close()
		a.ended <- err
	}()
	a.t.Cleanup(func() { w.Close(); r.Close() })
}

func (a *agent) say(line string) {
	a.t.Helper()
	if _, err := io.WriteString(a.in, line+"\n"); err != nil {
		a.t.Fatal(err)
	}
}

// hears is the next line that is no notification.
func (a *agent) hears() string {
	a.t.Helper()
	for a.lines.Scan() {
		if !strings.Contains(a.lines.Text(), `"method"`) {
			return a.lines.Text()
		}
	}
	a.t.Fatal("the bridge ended")
	return ""
}

const hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`

func TestAnAgentOnStandardInputGetsTheUpstreamsBytes(t *testing.T) {
	a := start(t)
	a.say(hello)
	if got := a.hears(); !strings.Contains(got, `"protocolVersion":"2025-06-18"`) {
		t.Fatalf("got %s", got)
	}
	a.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	a.say(`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"read_file"}}`)
	if got := a.hears(); got != `{"jsonrpc":"2.0","id":"a","result":`+odd+`}` {
		t.Errorf("got %s", got)
	}
	a.say(`{"jsonrpc":"2.0","id":"h","method":"tools/call","params":{"name":"write_file"}}`)
	r := a.Held(t)
	a.say(`{"jsonrpc":"2.0","id":"p","method":"ping"}`) // while the other waits
	if got := a.hears(); !strings.Contains(got, `"id":"p"`) {
		t.Errorf("ping: got %s", got)
	}
	a.Approve(t, r.ID)
	if got := a.hears(); got != `{"jsonrpc":"2.0","id":"h","result":`+odd+`}` {
		t.Errorf("approved: got %s", got)
	}
	if n := len(a.Upstream.Ran()); n != 2 {
		t.Errorf("%d commands ran, want 2", n)
	}
	a.in.Close()
	if err := <-a.ended; err != nil {
		t.Errorf("at the end of its input: %v", err)
	}
}

func TestAnAgentWithoutSessionsGetsItsHeaderWritten(t *testing.T) {
	a := start(t)
	ask := func(method, rest string) string {
		a.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}%s}}`, method, rest))
		return a.hears()
	}
	if got := ask("server/discover", ""); !strings.Contains(got, `"supportedVersions":["2026-07-28"`) {
		t.Errorf("got %s", got)
	}
	if got := ask("tools/list", ""); !strings.Contains(got, `"name":"read_file"`) {
		t.Errorf("got %s", got)
	}
	if got := ask("tools/call", `,"name":"read_file","arguments":{"region":"\u00e9"}`); !strings.Contains(got, `"resultType":"complete", "content":[{"type":"hologram","extra":9007199254740993}]`) {
		t.Errorf("got %s", got)
	}
}

func TestASessionThatARestartEndedIsBegunAnew(t *testing.T) {
	a := start(t)
	a.say(hello)
	a.hears()
	a.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1},"name":"write_file"}}`)
	r := a.Held(t)
	if !a.lines.Scan() || !strings.Contains(a.lines.Text(), "notifications/progress") {
		t.Fatalf("got %s, want progress at once", a.lines.Text())
	}
	a.begin()
	a.server.CloseClientConnections()
	if got := a.hears(); !strings.Contains(got, "the same call joins it") || !strings.Contains(got, `"id":1`) {
		t.Errorf("got %s, want to be told what to do", got)
	}
	a.Approve(t, r.ID)
	if n := len(a.Upstream.Ran()); n != 0 {
		t.Errorf("%d commands ran while nobody waited", n)
	}
	a.say(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write_file"}}`)
	if got := a.hears(); got != `{"jsonrpc":"2.0","id":2,"result":`+odd+`}` {
		t.Errorf("got %s", got)
	}
	if n := len(a.Upstream.Ran()); n != 1 {
		t.Errorf("%d commands ran, want 1", n)
	}
}

func TestWhatIsWrongIsSaidAsAnError(t *testing.T) {
	a := start(t)
	a.say(`{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`)
	if got := a.hears(); !strings.Contains(got, "-32700") || !json.Valid([]byte(got)) {
		t.Errorf("two ways: got %s", got)
	}
	a.connect("nobody")
	a.say(hello)
	if got := a.hears(); !strings.Contains(got, "the token is not known") || !strings.Contains(got, `"id":0`) {
		t.Errorf("a token of nobody's: got %s", got)
	}
}

func TestOneCallTooManyIsRefusedAndTheBridgeReadsOn(t *testing.T) {
	hung := make(chan struct{}, 64)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server sees who leaves
		hung <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(door.Close)
	a := &agent{t: t, ended: make(chan error, 1), server: door}
	a.connect("agent")
	for id := range 65 {
		a.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"write_file"}}`, id))
	}
	if got := a.hears(); !strings.Contains(got, `"id":64,`) || !strings.Contains(got, "64 calls are under way") {
		t.Errorf("got %s, want the last call refused", got)
	}
	for range 64 {
		<-hung
	}
	a.in.Close()
	if err := <-a.ended; err != nil {
		t.Error(err)
	}
}
