package mcp_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/confine"
	upstream "github.com/countersignhq/countersign/upstream/mcp"
)

// asRecorder names the folder of a recorder that is this test binary.
const asRecorder = "COUNTERSIGN_TEST_RECORDER"

// TestMain makes the test binary be an upstream as well, over its standard input
// and output.
func TestMain(m *testing.M) {
	confine.Main(os.Args)
	if dir := os.Getenv(asRecorder); dir != "" {
		r := recorder{dir: dir, revision: os.Getenv("REVISION")}
		for in := bufio.NewReader(os.Stdin); ; {
			line, err := in.ReadBytes('\n')
			if err != nil {
				os.Exit(0)
			}
			if answer := r.answer(bytes.TrimSuffix(line, []byte("\n"))); answer != nil {
				os.Stdout.Write(append(answer, '\n'))
			}
		}
	}
	os.Exit(m.Run())
}

// A recorder is an upstream that keeps what it is asked in the file "asked" of its
// folder, and answers with the bytes of the file "answer", or always with the same.
type recorder struct{ dir, revision, always string }

func (r recorder) answer(message []byte) []byte {
	id, ok := canon.Member(message, "id")
	if !ok {
		return nil
	}
	method, _ := canon.Member(message, "method")
	say := func(answer string) []byte { return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,%s}`, id, answer) }
	const offers = `"capabilities":{"tools":{}}`
	switch string(method) {
	case `"initialize"`:
		if r.revision == modern {
			return say(`"error":{"code":-32601,"message":"no"}`)
		}
		return say(`"result":{"protocolVersion":"` + r.revision + `",` + offers + `,"serverInfo":{"name":"r","version":"1"}}`)
	case `"server/discover"`:
		if r.revision != modern {
			return say(`"error":{"code":-32601,"message":"no"}`)
		}
		return say(`"result":{"resultType":"complete","supportedVersions":["` + modern + `"],` + offers + `}`)
	}
	if r.always != "" {
		return say(r.always)
	}
	must(os.WriteFile(filepath.Join(r.dir, "asked"), message, 0o600))
	b, err := os.ReadFile(filepath.Join(r.dir, "answer"))
	must(err)
	return say(string(b))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// ServeHTTP implements http.Handler.
func (r recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	must(err)
	answer := r.answer(body)
	if answer == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(answer)
}

const modern = "2026-07-28"

// A way is one path from an agent to an upstream: the era of the one, and the
// revision and the transport of the other.
type way struct {
	t      *testing.T
	house  *doortest.House
	server *server
	client *raw // nil for one of the era without sessions
	to     recorder
}

// eachWay runs a test for every way.
func eachWay(t *testing.T, do func(t *testing.T, w *way)) {
	for _, client := range []string{"2025-11-25", modern} {
		for _, revision := range []string{"2025-06-18", "2025-11-25", modern} {
			for _, transport := range []string{"http", "stdio"} {
				t.Run(client+" to "+revision+" over "+transport, func(t *testing.T) { do(t, newWay(t, client, revision, transport)) })
			}
		}
	}
}

func newWay(t *testing.T, client, revision, transport string) *way {
	w := &way{t: t, to: recorder{dir: t.TempDir(), revision: revision}}
	resource := files()
	cfg := upstream.Config{Name: resource.Name, UnsafeSameUser: true, Command: []string{os.Args[0]},
		Env: map[string]string{asRecorder: w.to.dir, "REVISION": revision, "GORACE": "atexit_sleep_ms=0"}}
	if transport == "http" {
		s := httptest.NewServer(w.to)
		t.Cleanup(s.Close)
		cfg.Command, cfg.Env, cfg.UnsafeSameUser, cfg.URL = nil, nil, false, s.URL
	}
	target, err := upstream.Target(cfg)
	if err != nil {
		t.Fatal(err)
	}
	resource.Target = target
	w.house = doortest.Around(t, resource, policyText, func(trust ledger.Trust) gate.Executor {
		cfg.Trust = trust
		u, err := upstream.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { u.Close() })
		return u
	})
	w.server = serve(t, w.house, mcp.Config{Budgets: hurried()})
	if client != modern {
		w.client = w.server.open("patient")
	}
	return w
}

// said are the members of _meta that a connection has; they stand at its
// beginning.
func connection(client string) string {
	return fmt.Sprintf(`"io.modelcontextprotocol/protocolVersion":"%s","io.modelcontextprotocol/clientInfo":{"name":"%s","version":"dev"},"io.modelcontextprotocol/clientCapabilities":{}`, modern, client)
}

// with are params with members at the beginning of _meta.
func with(params, members string) string {
	if meta, ok := canon.Member([]byte(params), "_meta"); ok && meta[0] == '{' {
		before, after, _ := strings.Cut(params, `"_meta":{`)
		if strings.TrimSpace(after)[0] != '}' {
			members += ","
		}
		return before + `"_meta":{` + members + after
	}
	comma := ","
	if strings.TrimSpace(params[1:])[0] == '}' {
		comma = ""
	}
	return `{"_meta":{` + members + `}` + comma + params[1:]
}

// ask sends a request with the params, and a spelling of the id of its own.
func (w *way) ask(method, params string) got {
	w.t.Helper()
	if w.client != nil {
		return w.client.send(w.t.Context(), `{"jsonrpc":"2.0","id":"\u0031","method":"`+method+`","params":`+params+`}`)
	}
	r := w.server.request(w.t.Context(), `{"jsonrpc":"2.0","id":"\u0031","method":"`+method+`","params":`+with(params, connection("patient"))+`}`)
	r.Header.Set("Mcp-Protocol-Version", modern)
	r.Header.Set("Mcp-Method", method)
	if raw, ok := canon.Member([]byte(params), "name"); ok {
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Mcp-Name", name)
	}
	return do(r)
}

// answers says what the upstream answers from now on.
func (w *way) answers(answer string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.to.dir, "answer"), []byte(answer), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// asked is the message that the upstream got last, empty if it got none since.
func (w *way) asked() string {
	w.t.Helper()
	name := filepath.Join(w.to.dir, "asked")
	b, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	os.Remove(name)
	return string(b)
}

// wantAsked checks what the upstream got.
func (w *way) wantAsked(n int, params string) {
	w.t.Helper()
	if w.to.revision == modern {
		params = with(params, connection("countersign"))
	}
	if got, want := w.asked(), `"method":"tools/call","params":`+params+`}`; !strings.HasSuffix(got, want) {
		w.t.Errorf("line %d: the upstream got\n%s\nwant it to end with\n%s", n, got, want)
	}
}

// wantAnswer checks what the client got, but for what its era has in each result.
func (w *way) wantAnswer(n int, g got, member, want string) {
	w.t.Helper()
	if w.client == nil && member == "result" {
		add := ""
		if _, typed := canon.Member([]byte(want), "resultType"); !typed {
			add = `"resultType":"complete"`
		}
		if _, kept := canon.Member([]byte(want), "ttlMs"); !kept && strings.Contains(want, `"tools"`) {
			add += `,"ttlMs":0,"cacheScope":"private"`
		}
		if add != "" && strings.TrimSpace(want[1:])[0] != '}' {
			add += ","
		}
		want = "{" + add + want[1:]
	}
	if want := `{"jsonrpc":"2.0","id":"\u0031","` + member + `":` + want + `}`; string(g.body) != want {
		w.t.Errorf("line %d: got\n%s\nwant\n%s", n, g.body, want)
	}
}

// lines are those of a file of the corpus.
func lines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "corpus", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func TestTheCorpusPassesUnchanged(t *testing.T) {
	eachWay(t, func(t *testing.T, w *way) {
		w.answers(`"result":{"content":[]}`)
		for n, params := range lines(t, "params.jsonl") {
			w.wantAnswer(n+1, w.ask("tools/call", params), "result", `{"content":[]}`)
			w.wantAsked(n+1, params)
		}
		for n, result := range lines(t, "results.jsonl") {
			w.answers(`"result":` + result)
			w.wantAnswer(n+1, w.ask("tools/call", `{"name":"read_file"}`), "result", result)
		}
		for n, failure := range lines(t, "errors.jsonl") {
			w.answers(`"error":` + failure)
			w.wantAnswer(n+1, w.ask("tools/call", `{"name":"read_file"}`), "error", failure)
		}
	})
}

func TestListingsPassUnchangedButForOurOwnTools(t *testing.T) {
	eachWay(t, func(t *testing.T, w *way) {
		for n, listing := range lines(t, "listings.jsonl") {
			w.answers(`"result":` + listing)
			g := w.ask("tools/list", `{}`)
			before, after, ok := bytes.Cut(g.body, []byte(`{"name":"countersign_wait"`))
			from := bytes.LastIndex(after, []byte(`"openWorldHint":false}}`))
			if !ok || from < 0 {
				t.Fatalf("line %d: got %s, want our own tools at its end", n+1, g.body)
			}
			g.body = append(bytes.TrimSuffix(before, []byte(",")), after[from+len(`"openWorldHint":false}}`):]...)
			w.wantAnswer(n+1, g, "result", listing)
		}
	})
}

func TestWhatNoRevisionHasIsHeldAndThenPassesUnchanged(t *testing.T) {
	eachWay(t, func(t *testing.T, w *way) {
		w.answers(`"result":{"content":[]}`)
		for n, params := range lines(t, "held.jsonl") {
			answered := make(chan got, 1)
			go func() { answered <- w.ask("tools/call", params) }()
			r := w.house.Held(t)
			if got := w.asked(); got != "" {
				t.Errorf("line %d: the upstream got %s before anybody decided", n+1, got)
			}
			w.house.Approve(t, r.ID)
			w.wantAnswer(n+1, <-answered, "result", `{"content":[]}`)
			w.wantAsked(n+1, params)
		}
	})
}

// T20: what can be read two ways is refused, wherever it comes from.
func TestWhatCanBeReadTwoWaysDoesNotPass(t *testing.T) {
	eachWay(t, func(t *testing.T, w *way) {
		w.answers(`"result":{"content":[]}`)
		for n, message := range lines(t, "refused.jsonl") {
			r := w.server.request(t.Context(), message)
			if w.client != nil {
				r.Header.Set("Mcp-Session-Id", w.client.session)
			} else {
				r.Header.Set("Mcp-Protocol-Version", modern)
			}
			if g := do(r); g.status != http.StatusBadRequest || g.member("error") == "" {
				t.Errorf("line %d: %s: got %d %s, want it refused", n+1, message, g.status, g.body)
			}
			if got := w.asked(); got != "" {
				t.Errorf("line %d: the upstream got %s", n+1, got)
			}
		}
		for n, result := range lines(t, "two-ways.jsonl") {
			w.answers(`"result":` + result)
			if g := w.ask("tools/call", `{"name":"read_file"}`); g.member("result", "_meta", "countersign/failed") == "" {
				t.Errorf("line %d: got %s, want it said that the answer cannot be handed on", n+1, g.body)
			}
		}
	})
}
