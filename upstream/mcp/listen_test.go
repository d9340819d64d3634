package mcp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/upstream/mcp"
)

// A talker is a server over HTTP that says things unasked: while it works on a
// call, and on its own stream whatever comes in the channel.
type talker struct {
	*httptest.Server
	revision string
	unasked  chan string // one event each; "" ends the stream
}

func newTalker(t *testing.T, revision string) *talker {
	x := &talker{revision: revision, unasked: make(chan string)}
	x.Server = httptest.NewServer(x)
	t.Cleanup(func() { x.CloseClientConnections(); x.Close() })
	return x
}

func (x *talker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var q request
	_ = json.Unmarshal(body, &q)
	say := func(format string, a ...any) {
		fmt.Fprintf(w, "data: "+format+"\n\n", a...)
		w.(http.Flusher).Flush()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	modern := x.revision == "2026-07-28"
	switch {
	case r.Method == http.MethodDelete:
	case q.Method == "initialize" && !modern:
		say(`{"jsonrpc":"2.0","id":%s,"result":%s}`, q.ID, initializeAs(x.revision))
	case q.Method == "server/discover" && modern:
		say(`{"jsonrpc":"2.0","id":%s,"result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}}}}`, q.ID)
	case r.Method == http.MethodGet && !modern, q.Method == "subscriptions/listen" && modern:
		x.speak(r, say)
	case q.Method == "tools/call":
		token := ""
		if _, after, ok := strings.Cut(string(body), `"progressToken":`); ok {
			token = after[:strings.IndexAny(after, ",}")]
		}
		say(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info", "data":9007199254740993}}`)
		say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9999,"progress":1}}`)
		say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1.0,"progressToken":%s}}`, token)
		say(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1,"Progress":2,"progressToken":%s}}`, token)
		say(`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"%s"}}`, strings.Repeat("x", 20<<10))
		say(`{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}`, q.ID)
	case q.ID == nil:
		w.WriteHeader(http.StatusAccepted)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

func (x *talker) speak(r *http.Request, say func(string, ...any)) {
	say(`{"jsonrpc":"2.0","method":"notifications/made/up"}`)
	for {
		select {
		case what := <-x.unasked:
			if what == "" {
				return
			}
			say("%s", what)
		case <-r.Context().Done():
			return
		}
	}
}

// keeper hears what is said of a call.
type keeper struct {
	bytes.Buffer
	quiet bool
	heard []string
}

func (k *keeper) HearsProgress() bool { return !k.quiet }

func (k *keeper) Hear(method string, params []byte) {
	k.heard = append(k.heard, method+" "+string(params))
}

func TestWhatAServerSaysOfACallIsHeardByWhoMadeIt(t *testing.T) {
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		x := newTalker(t, revision)
		h := newHouse(t, func(c *mcp.Config) { c.Command, c.URL = nil, x.URL })
		for _, quiet := range []bool{false, true} {
			k := &keeper{quiet: quiet}
			o, err := h.Run(t.Context(), h.release(t, h.command("talk"), time.Now(), nil), k)
			if err != nil || o.Execution != countersign.ExecutionSucceeded || k.String() != `{"result":{"content":[]}}` {
				t.Fatalf("%s: got %+v, %v, %s", revision, o, err, k)
			}
			want := []string{`notifications/message {"level":"info", "data":9007199254740993}`}
			if !quiet {
				if len(k.heard) == 2 { // its token is the id of the call
					want = append(want, k.heard[1])
				}
				if len(k.heard) != 2 || !strings.HasPrefix(k.heard[1], `notifications/progress {"progress":1.0,"progressToken":`) {
					t.Errorf("%s: heard %q, want one progress", revision, k.heard)
				}
			}
			if !slices.Equal(k.heard, want) {
				t.Errorf("%s: heard %q, want %q", revision, k.heard, want)
			}
		}
	}
}

func TestWhatAServerSaysUnaskedIsHeard(t *testing.T) {
	for _, revision := range []string{"2025-06-18", "2025-11-25", "2026-07-28"} {
		x := newTalker(t, revision)
		listed, notices := make(chan bool, 8), make(chan string, 8)
		h := newHouse(t, func(c *mcp.Config) {
			c.Command, c.URL = nil, x.URL
			c.OnToolsChanged = func() { listed <- true }
			c.OnNotice = func(method string, params []byte) { notices <- method + " " + string(params) }
		})
		check(t, h.Start(t.Context()))
		x.unasked <- `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:\/\/\u0061", "n":9007199254740993}}`
		x.unasked <- `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"of another agent's call"}}`
		x.unasked <- `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:a","URI":"x:b"}}`
		x.unasked <- `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`
		if got := <-notices; got != `notifications/resources/updated {"uri":"x:\/\/\u0061", "n":9007199254740993}` {
			t.Errorf("%s: heard %s", revision, got)
		}
		if got := <-notices; got != "notifications/tools/list_changed " {
			t.Errorf("%s: heard %s, want that the tools have changed and nothing before", revision, got)
		}
		<-listed
		x.unasked <- "" // what was said while no stream was open is not known
		if got := <-notices; got != "notifications/tools/list_changed " {
			t.Errorf("%s: heard %s once the stream stood again", revision, got)
		}
		<-listed
	}
}
