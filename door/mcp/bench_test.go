package mcp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/door/mcp/patience"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/testenv"
	"github.com/countersignhq/countersign/ledger"
	upstream "github.com/countersignhq/countersign/upstream/mcp"
)

// trivial answers every call with the same few bytes: what is measured is the way
// to it.
func trivial(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer := recorder{revision: "2025-11-25", always: `"result":{"content":[{"type":"text","text":"done"}]}`}.answer(body)
	if answer == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(answer)
}

// benchDoor is a door on the memory store before an upstream at the address, and
// a session of a client.
func benchDoor(b *testing.B, url string) (address, session string, h *doortest.House) {
	b.Helper()
	r := files()
	r.Tools["echo"] = countersign.Tool{Verbs: []string{"mcp.read"}}
	cfg := upstream.Config{Name: r.Name, URL: url}
	target, err := upstream.Target(cfg)
	if err != nil {
		b.Fatal(err)
	}
	r.Target = target
	h = doortest.Around(b, r, policyText, func(trust ledger.Trust) gate.Executor {
		cfg.Trust = trust
		u, err := upstream.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { u.Close() })
		return u
	})
	s := httptest.NewServer(mcp.New(h.Gate, mcp.Config{
		Authenticate: func(context.Context, *http.Request) (countersign.Who, error) {
			return countersign.Who{Actor: h.Agent.Principal()}, nil
		},
		Log: slog.New(slog.DiscardHandler), Budgets: map[string]patience.Budget{"bench": {Silent: time.Hour}},
	}))
	b.Cleanup(s.Close)
	address = s.URL + "/mcp/files"
	return address, benchSession(b, address), h
}

// benchSession begins a session of a client there.
func benchSession(b *testing.B, address string) string {
	b.Helper()
	session := ""
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
	} {
		w, err := http.DefaultClient.Do(benchRequest(address, session, body))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, w.Body)
		w.Body.Close()
		if session == "" {
			session = w.Header.Get("Mcp-Session-Id")
		}
	}
	return session
}

func benchRequest(address, session, body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, address, bytes.NewReader([]byte(body)))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	}
	return r
}

// unique numbers the calls of all clients: a repeat is looked up, which is not
// what most calls are.
var unique atomic.Int64

// clocked makes n calls as each of the clients and returns how long each took.
func clocked(b *testing.B, address, session string, clients, n int) []time.Duration {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			for i := range n {
				began := time.Now()
				w, err := client.Do(benchRequest(address, session, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"message":"done %d %d"}}}`, i, c, unique.Add(1))))
				if err != nil {
					b.Error(err)
					return
				}
				body, _ := io.ReadAll(w.Body)
				w.Body.Close()
				if !bytes.Contains(body, []byte(`"text":"`)) || !bytes.Contains(body, []byte("done")) || bytes.Contains(body, []byte("isError")) {
					b.Errorf("got %s", body)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return took
}

// processor is how long this process has had a processor: client, door and server
// are all in it.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// cost is what calls by one way took.
type cost struct {
	took      []time.Duration
	processor time.Duration
}

func (c *cost) call(b *testing.B, address, session string, clients int) {
	b.Helper()
	before := processor(b)
	c.took = append(c.took, clocked(b, address, session, clients, 100)...)
	c.processor += processor(b) - before
}

func (c *cost) report(b *testing.B, name string) (p50, each float64) {
	b.Helper()
	if len(c.took) == 0 {
		b.Fatal("no call was answered")
	}
	slices.Sort(c.took)
	p50, each = float64(c.took[len(c.took)/2].Nanoseconds())/1000, float64(c.processor.Nanoseconds())/1000/float64(len(c.took))
	b.ReportMetric(p50, name+"-p50-µs")
	b.ReportMetric(each, name+"-cpu-µs")
	return p50, each
}

// BenchmarkProxyCost compares a call that the policy allows, through the door and
// recorded in memory, with the same call of the same server, and with what a
// proxy costs that only passes bytes on; all over HTTP and in one run. The goal
// is 2.5 times the direct one. On a machine that others use too the processor's
// time says more than the clock's.
func BenchmarkProxyCost(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			up := httptest.NewServer(http.HandlerFunc(trivial))
			defer up.Close()
			to, err := url.Parse(up.URL)
			if err != nil {
				b.Fatal(err)
			}
			bare := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
			defer bare.Close()
			address, session, _ := benchDoor(b, up.URL)
			var direct, proxied, through cost
			for _, warm := range []string{address, up.URL, bare.URL} {
				clocked(b, warm, session, clients, 20)
			}
			for b.Loop() {
				direct.call(b, up.URL, "", clients)
				proxied.call(b, bare.URL, "", clients)
				through.call(b, address, session, clients)
			}
			d, dc := direct.report(b, "direct")
			p, pc := proxied.report(b, "bare")
			t, tc := through.report(b, "through")
			b.ReportMetric(t/d, "of-direct")
			b.ReportMetric(t/p, "of-bare")
			b.ReportMetric(tc/dc, "cpu-of-direct")
			b.ReportMetric(tc/pc, "cpu-of-bare")
		})
	}
}

// BenchmarkRealProxyCost is the same for a server as people run them: the
// reference server from npm, over HTTP.
func BenchmarkRealProxyCost(b *testing.B) {
	port := func() int {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close() // the server takes no port of ours, and cannot tell which it took itself
		return l.Addr().(*net.TCPAddr).Port
	}()
	cmd := exec.CommandContext(b.Context(), "node", filepath.Join(testenv.Node(b), "@modelcontextprotocol/server-everything/dist/index.js"), "streamableHttp")
	cmd.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port))
	said, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on port") {
	}
	go io.Copy(io.Discard, said) // or it stops when the pipe is full
	up := fmt.Sprintf("http://127.0.0.1:%d/mcp", port)
	address, session, _ := benchDoor(b, up)
	own := benchSession(b, up)
	var direct, through cost
	clocked(b, up, own, 1, 100)
	clocked(b, address, session, 1, 100)
	for b.Loop() {
		direct.call(b, up, own, 1)
		through.call(b, address, session, 1)
	}
	d, _ := direct.report(b, "direct")
	t, _ := through.report(b, "through")
	b.ReportMetric(t/d, "of-direct")
}
