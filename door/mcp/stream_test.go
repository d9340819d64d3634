package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/door/mcp/notice"
	"github.com/countersignhq/countersign/gate"
)

// telling is a door whose upstream says what the capabilities have it say.
func telling(t *testing.T, capabilities string) (*doortest.House, *server, *notice.Hub) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(`{"result":{}}`))
	hub := &notice.Hub{}
	return h, serve(t, h, mcp.Config{Budgets: hurried(), Notices: hub, Progress: 20 * time.Millisecond,
		Describe: func(context.Context, string) (json.RawMessage, string, error) {
			return json.RawMessage(capabilities), "", nil
		}}), hub
}

const tells = `{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true}}`

// listening is a stream of a session; what it says comes in the channel, which is
// closed with it.
func (x *raw) listening() <-chan string {
	x.t.Helper()
	r := x.request(x.t.Context(), "")
	r.Method, r.Body = http.MethodGet, nil
	r.Header.Set("Mcp-Session-Id", x.session)
	return heardOn(x.t, r)
}

// heardOn sends a request and returns the events of its answer as they come.
func heardOn(t *testing.T, r *http.Request) <-chan string {
	t.Helper()
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Body.Close() })
	if w.StatusCode != http.StatusOK || w.Header.Get("Content-Type") != "text/event-stream" {
		b, _ := io.ReadAll(w.Body)
		t.Fatalf("got %s %s, want a stream", w.Status, b)
	}
	said := make(chan string, 16)
	go func() {
		defer close(said)
		events(w.Body, func(b []byte) { said <- string(b) })
	}()
	return said
}

// wantSaid waits for what comes next; "" is the end of the stream.
func wantSaid(t *testing.T, said <-chan string, want string) {
	t.Helper()
	select {
	case got := <-said:
		if got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing was said, want %s", want)
	}
}

func TestAStreamTellsOfWhatChangedInTheUpstreamsBytes(t *testing.T) {
	_, s, hub := telling(t, tells)
	one, two := s.open("patient").listening(), s.open("patient").listening()
	hub.Tell("mcp/other", notice.Notice{Method: notice.PromptsChanged})
	hub.Tell("mcp/files", notice.Notice{Method: notice.ResourceUpdated, Params: []byte(`{"uri":"x://nobody-asked"}`)})
	hub.Tell("mcp/files", notice.Notice{Method: notice.ToolsChanged, Params: []byte(`{ "x-unknown":9007199254740993, "_meta":{"io.modelcontextprotocol/subscriptionId":3 ,"b":[ ]}}`)})
	for _, said := range []<-chan string{one, two} {
		wantSaid(t, said, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{ "x-unknown":9007199254740993, "_meta":{ "b":[ ]}}}`)
	}
	hub.Tell("mcp/files", notice.Notice{Method: notice.ResourcesChanged})
	wantSaid(t, one, `{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}`)
}

func TestOnlyWhoSubscribedHearsOfAResource(t *testing.T) {
	h, s, hub := telling(t, tells)
	subscriber, other := s.open("patient"), s.open("patient")
	hears, doesNot := subscriber.listening(), other.listening()
	message := func(method string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"resources/` + method + `","params":{"uri":"x://\u0061"}}`
	}
	answered := make(chan got, 1)
	go func() { answered <- subscriber.send(t.Context(), message("subscribe")) }()
	h.Approve(t, h.Held(t).ID) // no rule lets it through
	if g := <-answered; g.member("result") != "{}" {
		t.Fatalf("subscribe: got %s", g.body)
	}
	updated := notice.Notice{Method: notice.ResourceUpdated, Params: []byte(`{"uri":"x:\/\/a"}`)}
	hub.Tell("mcp/files", updated)
	hub.Tell("mcp/files", notice.Notice{Method: notice.ToolsChanged})
	wantSaid(t, hears, `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:\/\/a"}}`)
	wantSaid(t, doesNot, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
	// Another session that leaves does not take it from this one.
	if g := other.send(t.Context(), message("unsubscribe")); g.member("result") != "{}" || len(h.Upstream.Ran()) != 1 {
		t.Errorf("unsubscribe of another: got %s, and %d ran", g.body, len(h.Upstream.Ran()))
	}
	wantSaid(t, hears, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
	hub.Tell("mcp/files", updated)
	wantSaid(t, hears, `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:\/\/a"}}`)
}

func TestAStreamEndsWithItsSessionItsSuccessorAndItsToken(t *testing.T) {
	_, s, _ := telling(t, tells)
	x := s.open("patient")
	first := x.listening()
	second := x.listening()
	wantSaid(t, first, "")
	r := s.request(t.Context(), "")
	r.Method = http.MethodDelete
	r.Header.Set("Mcp-Session-Id", x.session)
	do(r)
	wantSaid(t, second, "")
	third := s.open("patient").listening()
	s.revoked.Store(true)
	wantSaid(t, third, "")
}

func TestAServerWithNothingToSayOffersNoStream(t *testing.T) {
	for _, capabilities := range []string{`{"tools":{}}`, `{"tools":{"listChanged":false},"resources":{}}`} {
		_, s, _ := telling(t, capabilities)
		x := s.open("patient")
		r := s.request(t.Context(), "")
		r.Method = http.MethodGet
		r.Header.Set("Mcp-Session-Id", x.session)
		r.Header.Set("Last-Event-Id", "7")
		if g := do(r); g.status != http.StatusMethodNotAllowed || g.header.Get("Allow") != "POST, DELETE" {
			t.Errorf("%s: got %d %s, want 405", capabilities, g.status, g.body)
		}
	}
	_, s, _ := telling(t, tells)
	r := s.request(t.Context(), "")
	r.Method = http.MethodGet
	r.Header.Set("Mcp-Session-Id", "of-nobody")
	if g := do(r); g.status != http.StatusNotFound {
		t.Errorf("a stream of no session: got %d %s, want 404", g.status, g.body)
	}
}

func TestASubscriptionOf2026TellsWhatIsWantedAndOffered(t *testing.T) {
	_, s, hub := telling(t, tells)
	meta := `"_meta":{` + connection("patient") + `}`
	r := s.request(t.Context(), `{"jsonrpc":"2.0","id":"\u0031","method":"subscriptions/listen","params":{`+meta+
		`,"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["x://a"]}}}`)
	r.Header.Set("Mcp-Protocol-Version", modern)
	r.Header.Set("Mcp-Method", "subscriptions/listen")
	said := heardOn(t, r)
	id := `"io.modelcontextprotocol/subscriptionId":"\u0031"`
	wantSaid(t, said, `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{`+id+`},"notifications":{"toolsListChanged":true}}}`)
	hub.Tell("mcp/files", notice.Notice{Method: notice.ResourcesChanged})
	hub.Tell("mcp/files", notice.Notice{Method: notice.ToolsChanged, Params: []byte(`{"n":9007199254740993 ,"_meta":{ }}`)})
	wantSaid(t, said, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"n":9007199254740993 ,"_meta":{`+id+` }}}`)
	hub.Tell("mcp/files", notice.Notice{Method: notice.ToolsChanged})
	wantSaid(t, said, `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{`+id+`}}}`)
}

// talks is an upstream that says things while it works.
func talks(h *doortest.House, notes ...string) {
	h.Upstream.Do(func(_ countersign.Command, out io.Writer) (countersign.Outcome, error) {
		l := out.(gate.Listener)
		for _, n := range notes {
			method, params, _ := strings.Cut(n, " ")
			l.Hear("notifications/"+method, []byte(params))
		}
		_, err := io.WriteString(out, said)
		return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
	})
}

func TestProgressAndLogMessagesOfACallReachItsClient(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	x := serve(t, h, mcp.Config{Budgets: hurried()}).open("patient")
	talks(h, `message {"level":"info","data":{"n":9007199254740993 }}`, `progress {"progressToken":7,"progress":0.5, "total":1e1,"message":"\u0061"}`, `progress {"progressToken":7,"progress":0.5}`)
	send := func(tool, token string) got {
		return x.send(t.Context(), fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"_meta":{%s}}}`, tool, token))
	}
	want := []string{
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"\u0074","progress":0.5, "total":1e1,"message":"\u0061"}}`,
		`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"n":9007199254740993 }}}`,
	}
	g := send("read_file", `"progressToken":"\u0074"`)
	if len(g.events) != 2 || string(g.events[0]) != want[0] && string(g.events[0]) != want[1] || g.member("result") == "" {
		t.Errorf("heard %s, then %s; want %s", g.events, g.body, want)
	}
	if g := send("read_file", ""); len(g.events) != 1 || string(g.events[0]) != want[1] {
		t.Errorf("without a token: heard %s, want %s", g.events, want[1:])
	}
	// After steps that told of the wait the numbers go on from there.
	answered := make(chan got, 1)
	go func() { answered <- send("write_file", `"progressToken":1`) }()
	h.Approve(t, h.Held(t).ID)
	g = <-answered
	var last float64
	for _, e := range g.events {
		var n struct {
			Method string
			Params struct{ Progress, Total float64 }
		}
		if err := json.Unmarshal(e, &n); err != nil {
			t.Fatal(err)
		}
		if n.Method == "notifications/progress" {
			if n.Params.Progress <= last {
				t.Errorf("progress went from %v to %v: %s", last, n.Params.Progress, g.events)
			}
			last = n.Params.Progress
		}
	}
	if last != 1.5 {
		t.Errorf("the last progress is %v, want 1.5: %s", last, g.events)
	}
}

func TestAClientThatTakesNoStreamHearsNothingBesides(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	x := s.open("patient")
	talks(h, `message {"level":"info"}`, `progress {"progressToken":7,"progress":1}`)
	r := s.request(t.Context(), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","_meta":{"progressToken":1}}}`)
	r.Header.Set("Mcp-Session-Id", x.session)
	r.Header.Set("Accept", "application/json")
	if g := do(r); g.header.Get("Content-Type") != "application/json" || g.member("result") == "" {
		t.Errorf("got %s %s", g.header.Get("Content-Type"), g.body)
	}
}
