package mcp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/door/mcp/patience"
	"github.com/countersignhq/countersign/identity/workload"
	"github.com/countersignhq/countersign/internal/canon"
)

const policyText = `
apiVersion: countersign/v1
kind: PolicySet
metadata: {name: door, owner: tests}
defaults: {effect: hold, reviewers: [reviewers], expires: 30m}
rules:
- {id: reads, why: Reads run., match: {verbs: [mcp.read]}, effect: allow}
- id: writes
  why: Writes wait.
  match: {verbs: [mcp.write]}
  effect: hold
  require: {reviewers: [reviewers], quorum: 1, assurance: session, expires: 30m, run_within: 10m}
- {id: never, why: Nobody touches personal data., match: {data_classes: [pii]}, effect: deny}
`

// files is the resource of most tests.
func files() countersign.Resource {
	return countersign.Resource{
		Name: "mcp/files", Environment: "test", Regions: []string{"eu-west-1"}, DataClasses: []string{"internal"},
		Tools: map[string]countersign.Tool{
			"read_file":  {Verbs: []string{"mcp.read"}},
			"write_file": {Verbs: []string{"mcp.write"}},
			"drop_all":   {Verbs: []string{"mcp.write"}, Classes: []string{"pii"}},
			"structured": {Verbs: []string{"mcp.write"}},
		},
	}
}

// A server is a door over a house, behind a real listener.
type server struct {
	t    *testing.T
	URL  string
	http *httptest.Server
	busy busy

	begin func() // a door that knows nothing of the one before
	door  atomic.Pointer[http.Handler]

	cookies atomic.Int64 // requests whose token was checked beside a cookie

	tokens    map[string]countersign.Principal
	revoked   atomic.Bool                // all of them
	delegated map[string]countersign.Who // by tokens that are for somebody else
	refuse    error                      // of every token
	short     atomic.Int64               // how often the token "short" was shown
}

// busy counts what is being answered.
type busy struct {
	mu   sync.Mutex
	n    int
	idle []chan struct{}
}

func (b *busy) add(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n += n; b.n == 0 {
		for _, c := range b.idle {
			close(c)
		}
		b.idle = nil
	}
}

// Wait returns once nothing is being answered.
func (b *busy) Wait() {
	c := make(chan struct{})
	b.mu.Lock()
	if b.n == 0 {
		close(c)
	} else {
		b.idle = append(b.idle, c)
	}
	b.mu.Unlock()
	<-c
}

// serve starts a door. The agents' tokens are "agent" and "other".
func serve(t *testing.T, h *doortest.House, cfg mcp.Config) *server {
	s := &server{t: t, tokens: map[string]countersign.Principal{"agent": h.Agent.Principal(), "other": h.Other.Principal(), "person": h.Bob.Principal()}}
	cfg.Authenticate = s.authenticate
	cfg.PublicURL = "http://localhost:8480"
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	if cfg.Soon == 0 {
		cfg.Soon = time.Minute // how slow the machine is makes no difference
	}
	s.begin = func() { s.door.Store(new(mcp.New(h.Gate, cfg))) }
	s.begin()
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.add(1)
		defer s.busy.add(-1)
		(*s.door.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(s.http.Close)
	s.URL = s.http.URL + "/mcp/files"
	return s
}

func (s *server) authenticate(_ context.Context, r *http.Request) (countersign.Who, error) {
	if r.Header.Get("Cookie") != "" {
		s.cookies.Add(1)
	}
	if s.revoked.Load() {
		return countersign.Who{}, &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: "the token was revoked"}
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if who, ok := s.delegated[token]; ok || s.refuse != nil {
		return who, s.refuse
	}
	if token == "short" && s.short.Add(1) > 2 {
		return countersign.Who{}, &workload.ExpiredError{}
	}
	by, ok := s.tokens[token]
	if !ok {
		return countersign.Who{}, &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: "the token is not known", Hint: "ask the operator for one"}
	}
	return countersign.Who{Actor: by}, nil
}

// restart ends the door and every connection, and begins another.
func (s *server) restart() {
	s.begin()
	s.http.CloseClientConnections()
	http.DefaultClient.CloseIdleConnections() // it may not have noticed
}

// request is a POST that has nothing wrong with it.
func (s *server) request(ctx context.Context, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
	}
	r.Header.Set("Authorization", "Bearer agent")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	return r
}

// A raw is a client of one session that sends bytes as they are.
type raw struct {
	*server
	session string
}

// open initializes a session, as the client that calls itself so.
func (s *server) open(client string) *raw {
	s.t.Helper()
	x := &raw{server: s}
	name, _ := json.Marshal(client)
	got := x.send(s.t.Context(), fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":%s,"version":"1"}}}`, name))
	if x.session = got.header.Get("Mcp-Session-Id"); x.session == "" {
		s.t.Fatalf("initialize gave no session: %d %s", got.status, got.body)
	}
	return x
}

// got is what came back.
type got struct {
	status int
	header http.Header
	body   []byte   // the response's JSON-RPC message, or the whole body
	events [][]byte // what a stream carried before it
	err    error
}

func (g got) member(path ...string) string {
	b, _ := canon.Member(g.body, path...)
	return string(b)
}

func (x *raw) send(ctx context.Context, body string) got {
	r := x.request(ctx, body)
	if x.session != "" {
		r.Header.Set("Mcp-Session-Id", x.session)
	}
	return do(r)
}

// do sends a request and reads the answer to its end.
func do(r *http.Request) got {
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return got{err: err}
	}
	return finish(w)
}

func finish(w *http.Response) got {
	defer w.Body.Close()
	g := got{status: w.StatusCode, header: w.Header}
	if w.Header.Get("Content-Type") != "text/event-stream" {
		g.body, g.err = io.ReadAll(w.Body)
		return g
	}
	g.events, g.err = events(w.Body, nil)
	if n := len(g.events); n > 0 && bytes.Contains(g.events[n-1], []byte(`"id":`)) {
		g.body, g.events = g.events[n-1], g.events[:n-1]
	}
	return g
}

// events reads server-sent events as the HTML standard has them, and hands each
// out as it comes.
func events(r io.Reader, each func([]byte)) ([][]byte, error) {
	var all [][]byte
	var data []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		line := lines.Text()
		if d, ok := strings.CutPrefix(line, "data:"); ok {
			data = append(data, strings.TrimPrefix(d, " "))
		}
		if line == "" && data != nil {
			all = append(all, []byte(strings.Join(data, "\n")))
			if data = nil; each != nil {
				each(all[len(all)-1])
			}
		}
	}
	return all, lines.Err()
}

// call is a tools/call with the id 1.
func call(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)
}

const said = `{"result":{"content":[{"type":"text","text":"done"}]}}`

// hurried is a budget that is over once the door knows that a call is held.
func hurried() map[string]patience.Budget {
	return map[string]patience.Budget{"hurried": {Silent: 100 * time.Millisecond}, "patient": {Silent: time.Minute}}
}
