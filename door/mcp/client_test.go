package mcp_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/internal/testenv"
)

// A node is the public client of the protocol, in its own process.
type node struct {
	t  *testing.T
	in io.Writer

	mu      sync.Mutex
	n       int
	waiting map[int]chan heard
}

// heard is one line of the client.
type heard struct {
	N        int
	OK       json.RawMessage
	Progress *struct {
		Progress float64
		Message  string
	}
	Error *struct {
		Code    json.RawMessage
		Message string
		Data    json.RawMessage
	}
}

func startNode(t *testing.T) *node {
	t.Helper()
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/client.mjs")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "client.mjs"), script, 0o644)
	}
	if err == nil {
		err = os.Symlink(testenv.Node(t), filepath.Join(dir, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "client.mjs")
	cmd.Dir, cmd.Stderr = dir, t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	x := &node{t: t, in: in, waiting: map[int]chan heard{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		x.listen(out)
	}()
	t.Cleanup(func() {
		in.Close()
		<-read
		cmd.Wait() // killed with the test's context, or at the end of its input
	})
	return x
}

// connect has the client begin a session with the server for a test, under the
// name it gives itself.
func (x *node) connect(t *testing.T, s *server, name string) {
	t.Helper()
	x.t = t
	x.must(x.tell("connect", map[string]any{"url": s.URL, "token": "agent", "name": name}))
}

func (x *node) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		var h heard
		if json.Unmarshal(lines.Bytes(), &h) != nil {
			break // whoever waits hears that the client ended
		}
		x.mu.Lock()
		c := x.waiting[h.N]
		x.mu.Unlock()
		c <- h
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.waiting {
		close(c)
	}
}

// tell gives the client a command; its answer is the last that comes.
func (x *node) tell(do string, with map[string]any) (n int, answers <-chan heard) {
	c := make(chan heard, 64)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	x.waiting[x.n] = c
	line := map[string]any{"do": do, "n": x.n}
	for k, v := range with {
		line[k] = v
	}
	b, err := json.Marshal(line)
	if err == nil {
		_, err = x.in.Write(append(b, '\n'))
	}
	if err != nil {
		x.t.Error(err)
	}
	return x.n, c
}

// end waits for the answer to a command, with the progress before it.
func (x *node) end(_ int, answers <-chan heard) (last heard, progress []string) {
	x.t.Helper()
	for {
		select {
		case h, ok := <-answers:
			if !ok {
				x.t.Fatal("the client ended")
			}
			if h.Progress == nil {
				return h, progress
			}
			progress = append(progress, h.Progress.Message)
		case <-time.After(30 * time.Second):
			x.t.Fatal("the client does not answer")
		}
	}
}

func (x *node) must(n int, answers <-chan heard) json.RawMessage {
	x.t.Helper()
	h, _ := x.end(n, answers)
	if h.Error != nil {
		x.t.Fatalf("the client failed: %s", h.Error.Message)
	}
	return h.OK
}

func (x *node) call(tool string, args map[string]any) (int, <-chan heard) {
	if args == nil {
		args = map[string]any{}
	}
	return x.tell("call", map[string]any{"tool": tool, "args": args, "progress": true})
}

// callResult is a tool's result as the client's own types hand it out.
type callResult struct {
	Content           []struct{ Type, Text string }
	StructuredContent map[string]any
	IsError           bool
	Meta              map[string]struct {
		Code, Status string
		Rule         string
		Request      countersign.RequestID `json:"request_id"`
	} `json:"_meta"`
}

func (x *node) result(h heard) callResult {
	x.t.Helper()
	if h.Error != nil {
		x.t.Fatalf("the client failed: %s", h.Error.Message)
	}
	var r callResult
	if err := json.Unmarshal(h.OK, &r); err != nil {
		x.t.Fatal(err)
	}
	return r
}

func (x *node) called(tool string, args map[string]any) callResult {
	x.t.Helper()
	h, _ := x.end(x.call(tool, args))
	return x.result(h)
}

func isDone(r callResult) bool {
	return !r.IsError && len(r.Content) == 1 && r.Content[0].Text == "done"
}

func clientHouse(t *testing.T) (*doortest.House, *server) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	h.Upstream.Passing(func(string, []byte) ([]byte, error) {
		return []byte(`{"result":{"tools":[{"name":"read_file","inputSchema":{"type":"object"}},{"name":"write_file","inputSchema":{"type":"object"}},` +
			`{"name":"structured","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}}]}}`), nil
	})
	return h, serve(t, h, mcp.Config{Budgets: hurried(), StateKey: []byte("a key of the gateway's own......")})
}

func TestARealClient(t *testing.T) {
	x := startNode(t)
	t.Run("GetsWhatIsAllowed", x.getsWhatIsAllowed)
	t.Run("WaitsForApproval", x.waitsForApproval)
	t.Run("ReadsWhyItWasRefused", x.readsWhyItWasRefused)
	t.Run("ComesBackForAPendingCall", x.comesBackForAPendingCall)
	t.Run("ThatChecksSchemasTakesAPendingAnswer", x.thatChecksSchemasTakesAPendingAnswer)
	t.Run("SurvivesARestartWhileItsCallIsHeld", x.survivesARestartWhileItsCallIsHeld)
	t.Run("ThatCancelsWithdrawsNothing", x.thatCancelsWithdrawsNothing)
}

func (x *node) getsWhatIsAllowed(t *testing.T) {
	h, s := clientHouse(t)
	x.connect(t, s, "patient")
	var list struct{ Tools []struct{ Name string } }
	if err := json.Unmarshal(x.must(x.tell("list", nil)), &list); err != nil || len(list.Tools) != 5 || list.Tools[4].Name != "countersign_status" {
		t.Errorf("the client lists %+v (%v), want three tools and our two", list, err)
	}
	x.must(x.tell("ping", nil))
	if r := x.called("read_file", map[string]any{"path": "/a"}); !isDone(r) {
		t.Errorf("read_file: got %+v, want done", r)
	}
	wantRan(t, h, "tools/call")
	x.must(x.tell("close", nil))
}

func (x *node) waitsForApproval(t *testing.T) {
	h, s := clientHouse(t)
	x.connect(t, s, "patient")
	n, answers := x.call("write_file", map[string]any{"path": "/a"})
	r := h.Held(t)
	first := <-answers // the note that comes at once
	if first.Progress == nil || !strings.Contains(first.Progress.Message, string(r.ID)) || !strings.Contains(first.Progress.Message, "reviewers") || !strings.Contains(first.Progress.Message, "http://localhost:8480/r/") {
		t.Errorf("the client first heard %+v, want progress with the request, who decides and the link", first)
	}
	wantRan(t, h)
	h.Approve(t, r.ID)
	if last, _ := x.end(n, answers); !isDone(x.result(last)) {
		t.Errorf("once approved: got %+v, want done", last)
	}
	wantRan(t, h, "tools/call")
}

func (x *node) readsWhyItWasRefused(t *testing.T) {
	h, s := clientHouse(t)
	x.connect(t, s, "patient")
	if r := x.called("drop_all", nil); !r.IsError || r.Meta["countersign/refused"].Code != "denied" || r.Meta["countersign/refused"].Rule != "never" || !strings.Contains(r.Content[0].Text, "Nobody touches personal data") {
		t.Errorf("denied: got %+v, want the rule and why", r)
	}
	n, answers := x.call("write_file", nil)
	h.Reject(t, h.Held(t).ID, "use the staging bucket")
	last, _ := x.end(n, answers)
	if r := x.result(last); !r.IsError || r.Meta["countersign/refused"].Code != "rejected" || !strings.Contains(r.Content[0].Text, "use the staging bucket") {
		t.Errorf("rejected: got %+v, want the reviewer's reason", r)
	}
	n, answers = x.call("write_file", map[string]any{"again": true})
	h.Held(t)
	h.Pass(t, 31*time.Minute)
	last, _ = x.end(n, answers)
	if r := x.result(last); !r.IsError || r.Meta["countersign/refused"].Code != "expired" {
		t.Errorf("expired: got %+v, want code expired", r)
	}
	wantRan(t, h)
}

func (x *node) comesBackForAPendingCall(t *testing.T) {
	h, s := clientHouse(t)
	x.connect(t, s, "hurried")
	r := x.called("write_file", nil)
	id := r.Meta["countersign/pending"].Request
	if r.IsError || r.StructuredContent["status"] != "pending_approval" || r.StructuredContent["request_id"] != string(id) || h.Held(t).ID != id {
		t.Fatalf("got %+v, want a pending answer", r)
	}
	if r := x.called("countersign_status", map[string]any{"request_id": id}); r.StructuredContent["status"] != "pending_approval" {
		t.Errorf("status: got %+v", r)
	}
	h.Approve(t, id)
	if r := x.called("write_file", nil); !isDone(r) {
		t.Errorf("the same call again: got %+v, want done", r)
	}
	wantRan(t, h, "tools/call")
	id = x.called("write_file", nil).Meta["countersign/pending"].Request // another action
	h.Approve(t, id)
	if r := x.called("countersign_wait", map[string]any{"request_id": id}); !isDone(r) {
		t.Errorf("countersign_wait: got %+v, want done", r)
	}
	wantRan(t, h, "tools/call", "tools/call")
}

func (x *node) thatChecksSchemasTakesAPendingAnswer(t *testing.T) {
	h, s := clientHouse(t)
	h.Upstream.Answer([]byte(`{"result":{"content":[],"structuredContent":{"n":7}}}`))
	x.connect(t, s, "hurried")
	x.must(x.tell("list", nil))
	r := x.called("structured", nil)
	if !r.IsError || r.StructuredContent != nil || r.Meta["countersign/pending"].Status != "pending_approval" {
		t.Fatalf("got %+v, want a pending answer without structured content", r)
	}
	h.Approve(t, r.Meta["countersign/pending"].Request)
	if r := x.called("structured", nil); r.IsError || r.StructuredContent["n"] != 7.0 {
		t.Errorf("got %+v, want n = 7", r)
	}
}

func (x *node) survivesARestartWhileItsCallIsHeld(t *testing.T) {
	h, s := clientHouse(t)
	x.connect(t, s, "patient")
	n, answers := x.call("write_file", nil)
	r := h.Held(t)
	<-answers // the stream stands
	s.restart()
	s.busy.Wait()
	h.Approve(t, r.ID)
	wantRan(t, h) // nobody waits for it
	x.must(x.tell("ping", nil))
	x.must(x.tell("abort", map[string]any{"of": n}))
	if again := x.called("write_file", nil); !isDone(again) {
		t.Errorf("the same call after the restart: got %+v, want done", again)
	}
	wantRan(t, h, "tools/call")
	if all := h.Requests(t); len(all) != 1 {
		t.Errorf("there are %d requests, want the one that was joined", len(all))
	}
}

func (x *node) thatCancelsWithdrawsNothing(t *testing.T) {
	h, s := clientHouse(t)
	x.connect(t, s, "patient")
	n, answers := x.call("write_file", nil)
	r := h.Held(t)
	<-answers
	x.must(x.tell("abort", map[string]any{"of": n}))
	if last, _ := x.end(n, answers); last.Error == nil {
		t.Errorf("the cancelled call got %s", last.OK)
	}
	s.busy.Wait()
	if now, err := h.Gate.Get(t.Context(), r.ID); err != nil || now.Decision != countersign.DecisionPending {
		t.Errorf("the request is %s (%v), want pending", now.Decision, err)
	}
	h.Approve(t, r.ID)
	wantRan(t, h)
	if again := x.called("write_file", nil); !isDone(again) {
		t.Errorf("the same call again: got %+v, want done", again)
	}
	wantRan(t, h, "tools/call")
}
