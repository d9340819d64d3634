package mcp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/internal/canon"
)

// Time is fake in these tests, so the door is called without a network.

// A timed notes when what was written.
type timed struct {
	start  time.Time
	header http.Header

	mu     sync.Mutex
	status int
	lines  []string // "15s data: …"
	broken bool     // whether writing fails from now on
}

func newTimed() *timed { return &timed{start: time.Now(), header: http.Header{}} }

func (w *timed) Header() http.Header { return w.header }

func (w *timed) Flush() {}

func (w *timed) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
	w.lines = append(w.lines, fmt.Sprintf("%s %d %s", time.Since(w.start), status, w.header.Get("Content-Type")))
}

func (w *timed) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken {
		return 0, io.ErrClosedPipe
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line != "event: message" {
			w.lines = append(w.lines, fmt.Sprintf("%s %s", time.Since(w.start), line))
		}
	}
	return len(b), nil
}

func (w *timed) wrote() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.lines...)
}

// A direct calls the door without a network.
type direct struct {
	door    http.Handler
	session string
	revoked *atomic.Bool // whether the agent's token is
}

func openDirect(t *testing.T, h *doortest.House, client string) direct {
	revoked := new(atomic.Bool)
	d := direct{revoked: revoked, door: mcp.New(h.Gate, mcp.Config{
		PublicURL: "http://localhost:8480",
		Authenticate: func(context.Context, *http.Request) (countersign.Who, error) {
			if revoked.Load() {
				return countersign.Who{}, &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: "the token was revoked"}
			}
			return countersign.Who{Actor: h.Agent.Principal()}, nil
		},
	})}
	w := newTimed()
	d.send(t.Context(), w, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"`+client+`","version":"1"}}}`)
	d.session = w.header.Get("Mcp-Session-Id")
	return d
}

func (d direct) send(ctx context.Context, w http.ResponseWriter, body string) {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:8481/mcp/files", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Mcp-Session-Id", d.session)
	r.RemoteAddr = "203.0.113.7:4711"
	d.door.ServeHTTP(w, r)
}

// start sends without waiting, and returns what is written and when it is over.
func (d direct) start(ctx context.Context, body string) (*timed, <-chan struct{}) {
	w, over := newTimed(), make(chan struct{})
	go func() {
		defer close(over)
		d.send(ctx, w, body)
	}()
	return w, over
}

const held = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_file","_meta":{"progressToken":"\u0041/1"}}}`

func TestProgressComesAtOnceAndThenEvery15Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		h.Upstream.Answer([]byte(said))
		w, over := openDirect(t, h, "claude-code").start(t.Context(), held)
		r := h.Held(t)
		time.Sleep(40 * time.Second)
		h.Approve(t, r.ID)
		<-over
		got := w.wrote()
		progress := func(at string, n int) string {
			return fmt.Sprintf(`%s data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"\u0041/1","progress":%d,"message":"%s waits for approval by 1 of reviewers: http://localhost:8480/r/%[3]s"}}`, at, n, r.ID)
		}
		want := []string{"0s 200 text/event-stream", progress("0s", 1), progress("15s", 2), progress("30s", 3),
			`40s data: {"jsonrpc":"2.0","id":1,` + said[1:]}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if _, err := canon.Canonical([]byte(strings.TrimPrefix(got[1], "0s data: "))); err != nil {
			t.Errorf("the progress note is no JSON: %v", err)
		}
	})
}

func TestAClientWaitsAsLongAsItBears(t *testing.T) {
	const silent = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_file"}}`
	for _, c := range []struct {
		client, body string
		want         time.Duration
	}{
		{"nobody knows it", silent, 50 * time.Second},
		{"nobody knows it", held, 50 * time.Second},
		{"codex-mcp-client", held, 280 * time.Second},
		{"gemini-cli-mcp-client", silent, 580 * time.Second},
		{"github-copilot-developer", silent, 170 * time.Second},
		{"claude-code", silent, 280 * time.Second},
		{"claude-code", held, 20 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := doortest.New(t, files(), strings.Replace(policyText, "assurance: session, expires: 30m", "assurance: session, expires: 20m", 1))
			go h.Gate.KeepTime(t.Context())
			w, over := openDirect(t, h, c.client).start(t.Context(), c.body)
			<-over
			lines := w.wrote()
			last := lines[len(lines)-1]
			at, _, _ := strings.Cut(last, " ")
			took, err := time.ParseDuration(at)
			if err != nil || took < c.want || took > c.want+2*time.Second {
				t.Errorf("%s, %.60s: answered after %s (%v), want %s", c.client, c.body, took, err, c.want)
			}
			code := `"countersign/pending"`
			if c.want == 20*time.Minute {
				code = `"countersign/refused":{"code":"expired"`
			}
			if !strings.Contains(last, code) {
				t.Errorf("%s: got %s, want %s in it", c.client, last, code)
			}
		})
	}
}

func TestAClientThatWantsNoProgressGetsSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		w, over := openDirect(t, h, "").start(t.Context(), call("write_file", `{}`))
		<-over
		got := strings.Join(w.wrote()[:5], "\n")
		if want := "0s 200 text/event-stream\n0s : waiting\n15s : waiting\n30s : waiting\n45s : waiting"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestACallThatTakesItsTimeBecomesAStream(t *testing.T) {
	for took, want := range map[time.Duration]string{
		900 * time.Millisecond:  "900ms 200 application/json",
		1100 * time.Millisecond: "1s 200 text/event-stream",
		3 * time.Minute:         "1s 200 text/event-stream", // longer than the client's patience: it is not held, so it has no other answer
	} {
		synctest.Test(t, func(t *testing.T) {
			h := doortest.New(t, files(), policyText)
			h.Upstream.Do(func(_ countersign.Command, out io.Writer) (countersign.Outcome, error) {
				time.Sleep(took)
				_, err := io.WriteString(out, said)
				return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
			})
			w, over := openDirect(t, h, "").start(t.Context(), call("read_file", `{}`))
			<-over
			lines := w.wrote()
			if lines[0] != want || !strings.HasSuffix(lines[len(lines)-1], `"id":1,`+said[1:]) {
				t.Errorf("after %s: got %q, want it to begin with %q and to end with the result", took, lines, want)
			}
		})
	}
}

func TestACommandThatRunsWhenPatienceEndsIsSaidToRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		finish := make(chan struct{})
		h.Upstream.Do(func(_ countersign.Command, out io.Writer) (countersign.Outcome, error) {
			<-finish
			_, err := io.WriteString(out, said)
			return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
		})
		d := openDirect(t, h, "")
		w, over := d.start(t.Context(), held)
		r := h.Held(t)
		h.Approve(t, r.ID)
		<-over
		lines := w.wrote()
		if last := lines[len(lines)-1]; !strings.Contains(last, `"structuredContent":{"status":"running"`) || !strings.Contains(last, `"isError":false`) {
			t.Errorf("got %s, want an answer that it runs", last)
		}
		close(finish)
		w, over = d.start(t.Context(), held)
		<-over
		if got := w.wrote(); !strings.HasSuffix(got[len(got)-1], `"id":1,`+said[1:]) {
			t.Errorf("the same call again got %s, want the result", got)
		}
		wantRan(t, h, "tools/call")
	})
}

func TestAnAnswerThatCouldNotBeWrittenIsNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		h.Upstream.Answer([]byte(said))
		d := openDirect(t, h, "")
		w, over := d.start(t.Context(), held)
		r := h.Held(t)
		synctest.Wait()
		w.mu.Lock()
		w.broken = true
		w.mu.Unlock()
		h.Approve(t, r.ID)
		<-over
		w, over = d.start(t.Context(), held)
		<-over
		if got := w.wrote(); !strings.HasSuffix(got[len(got)-1], `"id":1,`+said[1:]) {
			t.Errorf("the same call again got %s, want the result that was kept", got)
		}
		wantRan(t, h, "tools/call")
	})
}

func TestAClientThatCancelsWhatRunsGetsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		finish := make(chan struct{})
		h.Upstream.Do(func(_ countersign.Command, out io.Writer) (countersign.Outcome, error) {
			<-finish
			_, err := io.WriteString(out, said)
			return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
		})
		d := openDirect(t, h, "")
		w, over := d.start(t.Context(), call("read_file", `{}`))
		time.Sleep(time.Minute) // its patience is over, and it runs on
		d.send(t.Context(), newTimed(), `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		<-over
		close(finish)
		if got := w.wrote(); strings.Contains(strings.Join(got, ""), `"id":1`) {
			t.Errorf("got %q, want no response", got)
		}
		h.Until(t, func(r countersign.Request) bool { return r.Execution == countersign.ExecutionSucceeded })
	})
}

// T15: a token that is revoked ends what waits under it.
func TestARevokedTokenEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		d := openDirect(t, h, "claude-code")
		w, over := d.start(t.Context(), held)
		r := h.Held(t)
		synctest.Wait()
		d.revoked.Store(true)
		<-over
		lines := w.wrote()
		if got := time.Since(w.start); got > 20*time.Second || strings.Contains(lines[len(lines)-1], `"id":1`) {
			t.Errorf("the wait ended after %s with %q, want within 20 s and without a response", got, lines[len(lines)-1])
		}
		h.Approve(t, r.ID)
		synctest.Wait()
		wantRan(t, h)
	})
}

func TestASessionThatIsNotUsedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		d := openDirect(t, h, "")
		for _, c := range []struct {
			idle time.Duration
			want int
		}{{23 * time.Hour, 200}, {23 * time.Hour, 200}, {25 * time.Hour, 404}} {
			time.Sleep(c.idle)
			w := newTimed()
			if d.send(t.Context(), w, ping); w.status != c.want {
				t.Errorf("after %s: got %d, want %d", c.idle, w.status, c.want)
			}
		}
	})
}

// T18: a flood costs the agent that sends it, and nobody else.
func TestAFloodOfCallsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		d := openDirect(t, h, "")
		var waits []<-chan struct{}
		ctx, leave := context.WithCancel(t.Context())
		for i := range 64 {
			_, over := d.start(ctx, call("write_file", fmt.Sprintf(`{"n":%d}`, i)))
			waits = append(waits, over)
		}
		synctest.Wait()
		w, over := d.start(t.Context(), call("write_file", `{"n":"one too many"}`))
		<-over
		if lines := w.wrote(); !strings.Contains(lines[len(lines)-1], `"countersign/unavailable"`) || !strings.Contains(lines[len(lines)-1], `"isError":true`) {
			t.Errorf("the 65th call got %s, want unavailable", lines)
		}
		if n := len(h.Requests(t)); n != 64 {
			t.Errorf("%d requests are on record, want 64", n)
		}
		leave()
		for _, over := range waits {
			<-over
		}
		synctest.Wait()
		w, over = d.start(t.Context(), call("write_file", `{"n":"in time"}`))
		<-over
		if lines := w.wrote(); !strings.Contains(lines[len(lines)-1], `"countersign/pending"`) {
			t.Errorf("a call after the flood got %s, want pending", lines)
		}
	})
}

func TestAnAgentsOldestSessionMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := doortest.New(t, files(), policyText)
		d := openDirect(t, h, "")
		status := func(session string) int {
			w := newTimed()
			direct{door: d.door, session: session}.send(t.Context(), w, ping)
			return w.status
		}
		var second string
		for i := range 100 {
			time.Sleep(time.Second)
			w := newTimed()
			direct{door: d.door}.send(t.Context(), w, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`)
			if i == 0 {
				second = w.header.Get("Mcp-Session-Id")
			}
		}
		if first, next := status(d.session), status(second); first != 404 || next != 200 {
			t.Errorf("with 101 sessions the oldest answers %d and the next %d, want 404 and 200", first, next)
		}
	})
}
