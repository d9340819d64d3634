package mcp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/mcp"
)

func TestTheStoredBytesRunAndTheServersBytesComeBack(t *testing.T) {
	h := newHouse(t, nil)
	o, out, err := h.run(t, "echo")
	check(t, err)
	want := `{"result":{"content":[ ],"isError" :false,"n":9007199254740993,"dup":{"a":1,"a":2}}}`
	if out != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	if o.Execution != countersign.ExecutionSucceeded || o.ResultDigest != sha256.Sum256([]byte(want)) || o.Bytes != strconv.Itoa(len(want)) {
		t.Errorf("got outcome %+v", o)
	}
	if o.StartedAt.IsZero() || o.FinishedAt.Before(o.StartedAt) {
		t.Errorf("got times %s to %s", o.StartedAt, o.FinishedAt)
	}
	line := `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":` + string(h.command("echo").Params) + "}\n"
	if calls := h.calls(t); len(calls) != 1 || calls[0] != line {
		t.Errorf("the server read %q, want %q", calls, line)
	}
}

// Everything that a server can do to a call ends as an outcome, in bounded time
// and space, and leaves an upstream that works.
func TestWhateverTheServerDoesTheNextCallWorks(t *testing.T) {
	for _, c := range []struct {
		tool      string
		execution countersign.ExecutionState
		detail    string
		out       string
	}{
		{"fails", countersign.ExecutionFailed, "the tool reported an error", `{"result":{"content":[],"isError":true}}`},
		{"error", countersign.ExecutionFailed, "the server answered with an error, code -32602", `{"error":{"code":-32602,"message":"no such \u0074ool"}}`},
		{"two-ways", countersign.ExecutionFailed, "two ways", ""},
		{"two-cases", countersign.ExecutionFailed, "two ways", ""},
		{"both", countersign.ExecutionFailed, "neither or both", ""},
		{"broken", countersign.ExecutionFailed, "cannot be read", ""},
		{"large", countersign.ExecutionFailed, "larger than 1048576 bytes", ""},
		{"larger", countersign.ExecutionFailed, "larger than 1048576 bytes", ""},
		{"endless", countersign.ExecutionFailed, "larger than 1048576 bytes", ""},
		{"hang", countersign.ExecutionUnknown, "did not answer within 300ms", ""},
		{"deaf", countersign.ExecutionUnknown, "did not answer within 300ms", ""},
		{"half-hang", countersign.ExecutionUnknown, "did not answer within 300ms", ""},
		{"die", countersign.ExecutionUnknown, "exit status 4", ""},
		{"half", countersign.ExecutionUnknown, "exit status 5", ""},
		{"close", countersign.ExecutionUnknown, "the server ended", ""},
		{"noise", countersign.ExecutionSucceeded, "", `{"result":{"ok":1}}`},
		{"ask-flood", countersign.ExecutionSucceeded, "", `{"result":{}}`},
	} {
		t.Run(c.tool, func(t *testing.T) {
			h := newHouse(t, func(cfg *mcp.Config) {
				cfg.MaxResult = 1 << 20
				if strings.Contains(c.detail, "300ms") || c.execution == countersign.ExecutionUnknown {
					cfg.CallTimeout = 20 * time.Second
				}
				if strings.Contains(c.detail, "300ms") {
					cfg.CallTimeout = 300 * time.Millisecond
				}
			})
			check(t, h.Start(t.Context()))
			o, out, err := h.run(t, c.tool)
			check(t, err)
			if o.Execution != c.execution || !strings.Contains(o.Detail, c.detail) || out != c.out {
				t.Errorf("got %s, %q, %q\nwant %s, %q, %q", o.Execution, o.Detail, out, c.execution, c.detail, c.out)
			}
			if _, err := h.Pass(t.Context(), "ping", nil); err != nil {
				t.Errorf("the next call: %v", err)
			}
			if n := len(h.calls(t)); n != 1 {
				t.Errorf("the server was asked %d times, want once", n)
			}
		})
	}
}

func TestALargeAnswerCostsNoOtherCallItsOwn(t *testing.T) {
	h := newHouse(t, func(cfg *mcp.Config) { cfg.MaxResult = 1 << 20 })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan countersign.Outcome)
	go func() {
		o, _ := h.Run(ctx, h.release(t, h.command("hang"), time.Now(), nil), &bytes.Buffer{})
		ended <- o
	}()
	for {
		check(t, h.Start(t.Context()))
		if len(h.calls(t)) == 1 {
			break
		}
		runtime.Gosched()
	}
	if o, _, err := h.run(t, "large"); err != nil || o.Execution != countersign.ExecutionFailed {
		t.Errorf("got %+v, %v", o, err)
	}
	select {
	case o := <-ended:
		t.Errorf("the other call ended with it: %+v", o)
	default:
	}
	cancel()
	if o := <-ended; o.Execution != countersign.ExecutionUnknown || !strings.Contains(o.Detail, "context canceled") {
		t.Errorf("got %+v, want it unknown", o)
	}
}

func TestAGoneCallerLeavesTheServerToOthers(t *testing.T) {
	h := newHouse(t, nil)
	check(t, h.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(h.calls(t)) == 0 {
			runtime.Gosched()
		}
		cancel()
	}()
	o, err := h.Run(ctx, h.release(t, h.command("hang"), time.Now(), nil), &bytes.Buffer{})
	if err != nil || o.Execution != countersign.ExecutionUnknown {
		t.Errorf("got %+v, %v, want it unknown", o, err)
	}
	if _, _, err := h.run(t, "echo"); err != nil {
		t.Error(err)
	}
	if n := strings.Count(h.everything(t), `"initialize"`); n != 1 {
		t.Errorf("the server was started %d times, want once", n)
	}
	if !strings.Contains(h.everything(t), `"method":"notifications/cancelled","params":{"requestId":2}`) {
		t.Error("the server was not told that nobody waits")
	}
}

func TestTheServersRequestsAreRefused(t *testing.T) {
	h := newHouse(t, nil)
	_, out, err := h.run(t, "ask")
	check(t, err)
	if !strings.HasPrefix(out, `{"result":{"result":null,"error":{"code":-32601,`) {
		t.Errorf("sampling: got %s, want method not found", out)
	}
	_, out, err = h.run(t, "ask-ping")
	check(t, err)
	if out != `{"result":{"result":{},"error":null}}` {
		t.Errorf("ping: got %s", out)
	}
}

func TestChangedToolsAreToldOf(t *testing.T) {
	told := make(chan struct{})
	h := newHouse(t, func(cfg *mcp.Config) { cfg.OnToolsChanged = func() { told <- struct{}{} } })
	_, _, err := h.run(t, "changed")
	check(t, err)
	<-told
}

func TestOnlyAReleaseOnRecordRuns(t *testing.T) {
	h := newHouse(t, nil)
	check(t, h.Start(t.Context()))
	now := time.Now()
	good := func() ledger.Release { return h.release(t, h.command("echo"), now, nil) }
	other := func(change func(*countersign.MCPRequest)) ledger.Release {
		c := h.command("echo")
		change(&c)
		return h.release(t, c, now, nil)
	}
	forged := good()
	forged.Command.Value = bytes.Replace(forged.Command.Value, []byte("echo"), []byte("evil"), 1)
	spent := good()
	_, err := h.Run(t.Context(), spent, &bytes.Buffer{})
	check(t, err)
	for _, c := range []struct {
		name string
		r    ledger.Release
		want string
	}{
		{"nothing", ledger.Release{}, "mcp/test"},
		{"other bytes than released", forged, "leaf 1"},
		{"another log's", newRecord(t).release(t, h.command("echo"), now, nil), "leaf 1"},
		{"a spent one", spent, "spent"},
		{"an old one", h.release(t, h.command("echo"), now.Add(-2*ledger.PermitLife), nil), "lives"},
		{"another resource", other(func(c *countersign.MCPRequest) { c.Resource = "mcp/other" }), "mcp/other"},
		{"another target", other(func(c *countersign.MCPRequest) { c.Target = sha256.Sum256(nil) }), "its configuration has changed"},
		{"no target", other(func(c *countersign.MCPRequest) { c.Target = countersign.Digest{} }), "its configuration has changed"},
		{"initialize", other(func(c *countersign.MCPRequest) { c.Method = "initialize" }), "gateway's own"},
		{"a line break", other(func(c *countersign.MCPRequest) { c.Params = []byte("{\n}") }), "line break"},
		{"no object", other(func(c *countersign.MCPRequest) { c.Params = []byte(`["a"]`) }), "an object is needed"},
		{"a bound on rows", h.release(t, h.command("echo"), now, map[string]string{"rows": "7"}), "cannot be held"},
		{"a bound that is no number", h.release(t, h.command("echo"), now, map[string]string{"bytes": "many"}), "positive number"},
	} {
		var out bytes.Buffer
		o, err := h.Run(t.Context(), c.r, &out)
		if err == nil || !strings.Contains(err.Error(), c.want) || o.Execution != countersign.ExecutionFailed || out.Len() > 0 {
			t.Errorf("%s: got %v, %q, %v, want an error that says %q", c.name, o.Execution, out.String(), err, c.want)
		}
	}
	if n := len(h.calls(t)); n != 1 {
		t.Errorf("the server was asked %d times, want once", n)
	}
}

func TestBoundsHold(t *testing.T) {
	h := newHouse(t, nil)
	check(t, h.Start(t.Context()))
	run := func(tool, bound, value string) countersign.Outcome {
		var out bytes.Buffer
		o, err := h.Run(t.Context(), h.release(t, h.command(tool), time.Now(), map[string]string{bound: value}), &out)
		check(t, err)
		if (o.Execution != countersign.ExecutionSucceeded) != (out.Len() == 0) {
			t.Errorf("%s with %s %s: %+v gave %q", tool, bound, value, o, out.String())
		}
		return o
	}
	if o := run("echo", "bytes", "10"); o.Execution != countersign.ExecutionFailed || !strings.Contains(o.Detail, "10 are allowed") {
		t.Errorf("got %+v, want it failed", o)
	}
	if o := run("echo", "bytes", "1000"); o.Execution != countersign.ExecutionSucceeded {
		t.Errorf("got %+v, want it succeeded", o)
	}
	if o := run("hang", "seconds", "1"); o.Execution != countersign.ExecutionUnknown || !strings.Contains(o.Detail, "within 1s") {
		t.Errorf("got %+v, want it unknown", o)
	}
}

func TestListsPassAndCommandsDoNot(t *testing.T) {
	h := newHouse(t, nil)
	got, err := h.Pass(t.Context(), "tools/list", []byte(`{"cursor":"1"}`))
	check(t, err)
	if want := `{"result":{"tools":[ {"name":"echo", "x-unknown":9007199254740993} ]}}`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, method := range []string{"tools/call", "initialize", "Tools/List", "resources/read", "", "notifications/initialized"} {
		if got, err := h.Pass(t.Context(), method, nil); err == nil {
			t.Errorf("%q: got %s, want an error", method, got)
		}
	}
	for _, params := range []string{`{"a":1,"A":2}`, "{\n}", `[]`, `{`} {
		if got, err := h.Pass(t.Context(), "tools/list", []byte(params)); err == nil {
			t.Errorf("%q: got %s, want an error", params, got)
		}
	}
}

func TestWhatTheServerSaysOfItselfIsKept(t *testing.T) {
	h := newHouse(t, nil)
	caps, err := h.Capabilities(t.Context())
	check(t, err)
	instructions, err := h.Instructions(t.Context())
	check(t, err)
	if string(caps) != `{"tools":{"listChanged":true} }` || instructions != "be kind" {
		t.Errorf("got %s, %q", caps, instructions)
	}
	var hello struct {
		Params json.RawMessage
	}
	first, _, _ := strings.Cut(h.everything(t), "\n")
	check(t, json.Unmarshal([]byte(first), &hello))
	if want := `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"countersign","version":"dev"}}`; string(hello.Params) != want {
		t.Errorf("got %s, want %s", hello.Params, want)
	}
}

func TestAServerThatDoesNotStartIsReported(t *testing.T) {
	for _, c := range []struct {
		revision string
		want     string
	}{
		{"2024-11-05", "2025-11-25 and 2025-06-18 are understood"},
		{"exit", "exit status 3"},
		{"never", "not ready within 300ms"},
	} {
		h := newHouse(t, func(cfg *mcp.Config) {
			cfg.Env = map[string]string{"REVISION": c.revision}
			if c.revision == "never" {
				cfg.StartTimeout = 300 * time.Millisecond
			}
		})
		o, _, err := h.run(t, "echo")
		if err == nil || !strings.Contains(err.Error(), c.want) || o.Execution != countersign.ExecutionFailed {
			t.Errorf("%s: got %+v, %v, want an error that says %q", c.revision, o, err, c.want)
		}
	}
	var told []error
	h := newHouse(t, func(cfg *mcp.Config) {
		cfg.Env = map[string]string{"REVISION": "2025-06-18"}
		cfg.OnStart = func(err error) { told = append(told, err) }
	})
	check(t, h.Start(t.Context()))
	check(t, h.Start(t.Context())) // it runs
	if len(told) != 1 || told[0] != nil {
		t.Errorf("told of %v, want of one start", told)
	}
}

func TestManyCallsAtOnceEachGetTheirOwnAnswer(t *testing.T) {
	h := newHouse(t, func(cfg *mcp.Config) { cfg.MaxInFlight = 3 })
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() {
			if o, out, err := h.run(t, "echo"); err != nil || o.Execution != countersign.ExecutionSucceeded || !strings.Contains(out, "9007199254740993") {
				t.Errorf("got %+v, %q, %v", o, out, err)
			}
		})
	}
	running.Wait()
	if n := len(h.calls(t)); n != 50 {
		t.Errorf("the server was asked %d times, want 50", n)
	}
}

func TestACallWhoseTurnNeverComesWasNotSent(t *testing.T) {
	h := newHouse(t, func(cfg *mcp.Config) { cfg.MaxInFlight = 1 })
	check(t, h.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		h.Run(ctx, h.release(t, h.command("hang"), time.Now(), nil), &bytes.Buffer{})
		close(ended)
	}()
	for len(h.calls(t)) == 0 {
		runtime.Gosched()
	}
	waiting, giveUp := context.WithCancel(t.Context())
	giveUp()
	o, err := h.Run(waiting, h.release(t, h.command("echo"), time.Now(), nil), &bytes.Buffer{})
	if !errors.Is(err, context.Canceled) || o.Execution != countersign.ExecutionFailed {
		t.Errorf("got %+v, %v, want it failed and not sent", o, err)
	}
	cancel()
	<-ended
}
