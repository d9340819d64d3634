package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/cmd/countersign/wrap"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// A wrapping is countersign mcp -- SHOP before a server in this process.
type wrapping struct {
	t        *testing.T
	server   *server
	env      map[string]string
	arrivals string // eight bytes for each call that reached the shop
}

func newWrapping(t *testing.T) *wrapping {
	t.Helper()
	site := newSite(t)
	site.cfg.Resources = []config.Resource{{
		Name: "mcp/own", DataClasses: []string{"internal"}, Upstream: config.Upstream{Wrapped: "alice-bot"},
		Tools: map[string]config.Tool{"list_plans": {Verbs: []string{"mcp.read"}}, "Read": {Verbs: []string{"mcp.read"}}},
	}}
	s, err := build(t.Context(), site.cfg, options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() { served <- s.serve(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		<-served
		if err := s.close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w := &wrapping{t: t, server: s, arrivals: filepath.Join(t.TempDir(), "arrivals"), env: map[string]string{
		"COUNTERSIGN_TOKEN": agentOf(t, s, "alice"), "COUNTERSIGN_DOORS": "http://" + s.doors.Addr().String(),
	}}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("COUNTERSIGN_TEST_SHOP", "1")
	t.Setenv(asTimed, w.arrivals)
	return w
}

// speak starts the program around the shop, says the lines one by one, each after the answer to the
// one before, and returns the answers, what it said besides and how it ended.
func (w *wrapping) speak(flags []string, lines ...string) (answers []string, said string, code int) {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.talk(append(slices.Clone(flags), "--", self), lines...)
}

// talk is speak with these arguments.
func (w *wrapping) talk(args []string, lines ...string) (answers []string, said string, code int) {
	in, agent := io.Pipe()
	hears, out := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := run(append([]string{"mcp"}, args...), in, out, &stderr, func(name string) (string, bool) {
			value, ok := w.env[name]
			return value, ok
		})
		out.Close()
		in.Close()
		ended <- code
	}()
	heard := bufio.NewScanner(hears)
	for _, line := range lines {
		if _, err := fmt.Fprintln(agent, line); err != nil {
			break // it ended
		}
		for heard.Scan() && strings.Contains(heard.Text(), `"method"`) {
		}
		answers = append(answers, heard.Text())
	}
	agent.Close()
	code = <-ended
	return answers, stderr.String(), code
}

// ran is how many calls reached the shop.
func (w *wrapping) ran() int {
	b, _ := os.ReadFile(w.arrivals) // not there: none
	return len(b) / 8
}

// last is the newest request.
func (w *wrapping) last() countersign.Request {
	w.t.Helper()
	found, _, err := w.server.gate.Search(w.t.Context(), store.Query{})
	if err != nil || len(found) == 0 {
		w.t.Fatalf("found %d requests: %v", len(found), err)
	}
	return found[0]
}

const (
	wrapHello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
	wrapList  = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	wrapCall  = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_plans","arguments":{}}}`
)

func TestAWrappedServerRunsWhatWasReleased(t *testing.T) {
	w := newWrapping(t)
	answers, said, code := w.speak(nil, wrapHello, wrapList, wrapCall)
	if code != 0 || len(answers) != 3 || !strings.Contains(answers[1], `"list_plans"`) || !strings.Contains(answers[2], `"id":2,"result":{"content"`) {
		t.Fatalf("exit %d, got %q\n%s", code, answers, said)
	}
	r := w.last()
	if r.Execution != countersign.ExecutionSucceeded || r.Decision != countersign.DecisionAllowed || w.ran() != 1 {
		t.Errorf("got %s/%s, %d calls; want allowed/succeeded, 1", r.Decision, r.Execution, w.ran())
	}
	if r.Resource.Wrapped != "alice-bot" {
		t.Errorf("on record it ran in a process of %q, want alice-bot", r.Resource.Wrapped)
	}
	if !strings.Contains(said, "the key of this gateway's log is kept in") {
		t.Errorf("it said %q; want to be told of the key the first time", said)
	}
	if _, said, _ := w.speak(nil, wrapHello); said != "" {
		t.Errorf("the second time it said %q", said)
	}
}

func TestAWrappedServerThatEndsMidwayLeavesAnUnknownOutcome(t *testing.T) {
	w := newWrapping(t)
	vanishing := strings.Replace(wrapCall, `{}`, `{"for":"vanish"}`, 1)
	answers, said, _ := w.speak(nil, wrapHello, vanishing, wrapCall)
	if len(answers) != 3 || !strings.Contains(answers[1], "countersign/unknown") || !strings.Contains(answers[2], `"result":{"content"`) {
		t.Fatalf("got %q\n%s", answers, said)
	}
	found, _, err := w.server.gate.Search(t.Context(), store.Query{Execution: countersign.ExecutionUnknown})
	if err != nil || len(found) != 1 || !strings.Contains(found[0].Outcome.Detail, "no answer came") {
		t.Errorf("%d unknown, %v; want the one that vanished", len(found), err)
	}
}

func TestAWrappedServerRunsNothingThatAnotherLogReleased(t *testing.T) {
	w := newWrapping(t)
	_, other, err := ledger.NewKey(w.server.keys.origin)
	if err != nil {
		t.Fatal(err)
	}
	answers, said, _ := w.speak([]string{"--key", other}, wrapHello, wrapCall)
	if len(answers) != 2 || !strings.Contains(answers[1], `"isError":true`) || w.ran() != 0 {
		t.Fatalf("got %q, %d calls reached the server\n%s", answers, w.ran(), said)
	}
	if r := w.last(); r.Execution != countersign.ExecutionFailed {
		t.Errorf("got %s, want failed: it was released and refused there", r.Execution)
	}
}

func TestClaudeMayDoWhatWasReleasedAndNobodySaysThatItDid(t *testing.T) {
	w := newWrapping(t)
	const ask = `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"_meta":{"claudecode/toolUseId":"t"},"name":"approve","arguments":{"tool_name":%q,"input":{"file":"a","n":9007199254740993},"tool_use_id":"t"}}}`
	answers, said, code := w.talk([]string{"--permission-prompt"}, wrapHello, wrapList, fmt.Sprintf(ask, 2, "Read"), fmt.Sprintf(ask, 3, "Read"))
	if code != 0 || len(answers) != 4 || !strings.Contains(answers[1], `"name":"approve"`) {
		t.Fatalf("exit %d, got %q\n%s", code, answers, said)
	}
	for i, id := range []int{2, 3} {
		want := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"resultType":"complete","content":[{"type":"text","text":"{\"behavior\":\"allow\",\"updatedInput\":{\"file\":\"a\",\"n\":9007199254740993}}"}]}}`, id)
		if answers[2+i] != want {
			t.Errorf("got %s, want %s", answers[2+i], want)
		}
	}
	found, _, err := w.server.gate.Search(t.Context(), store.Query{Execution: countersign.ExecutionUnknown})
	if err != nil || len(found) != 2 || found[0].Outcome.Detail != wrap.Handed || found[0].ID == found[1].ID {
		t.Errorf("%d are unknown, %v; want one for each question, which says that it was handed over: %+v", len(found), err, found)
	}
}

func TestAGatewayWhoseKeyChangedIsNotWorkedFor(t *testing.T) {
	w := newWrapping(t)
	if _, said, code := w.speak(nil, wrapHello); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	kept, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "countersign", "logs", "*.vkey"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v: %v", kept, err)
	}
	_, other, err := ledger.NewKey("another")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept[0], []byte(other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said, code := w.speak(nil, wrapHello); code == 0 || !strings.Contains(said, "shows another key than the one kept in") {
		t.Errorf("exit %d: %s", code, said)
	}
}
