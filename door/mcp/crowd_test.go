package mcp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/door/mcp/patience"
)

// A crowd is many agents before one door, whose tokens are their ids.
type crowd struct {
	tb     testing.TB
	house  *doortest.House
	host   string
	agents []string
}

func newCrowd(tb testing.TB, agents int) *crowd {
	tb.Helper()
	h := doortest.New(tb, files(), policyText)
	h.Upstream.Answer([]byte(said))
	c := &crowd{tb: tb, house: h}
	operator := countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
	known := map[string]countersign.Principal{}
	for n := range agents {
		a := countersign.Agent{ID: countersign.NewID("agt"), Name: fmt.Sprintf("bot-%d", n), Owner: h.Agent.Owner, CreatedBy: countersign.Operator()}
		if err := h.Gate.SetAgent(tb.Context(), operator, a); err != nil {
			tb.Fatal(err)
		}
		known[a.ID] = a.Principal()
		c.agents = append(c.agents, a.ID)
	}
	s := httptest.NewServer(mcp.New(h.Gate, mcp.Config{
		Authenticate: func(_ context.Context, r *http.Request) (countersign.Who, error) {
			return countersign.Who{Actor: known[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]}, nil
		},
		Log: slog.New(slog.DiscardHandler), Budgets: map[string]patience.Budget{"crowd": {Silent: time.Hour}},
	}))
	tb.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	c.host = strings.TrimPrefix(s.URL, "http://")
	return c
}

// open begins a session of the agent.
func (c *crowd) open(agent string) string {
	c.tb.Helper()
	conn, w := c.send(agent, "", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"crowd","version":"1"}}}`)
	defer conn.Close()
	return w.Header.Get("Mcp-Session-Id")
}

// send sends a message on a connection of its own and reads the answer's header.
// The client is a socket and no more, so that what is counted is the door's.
func (c *crowd) send(agent, session, message string) (net.Conn, *http.Response) {
	c.tb.Helper()
	conn, err := net.Dial("tcp", c.host)
	if err != nil {
		c.tb.Fatal(err)
	}
	if session != "" {
		session = "Mcp-Session-Id: " + session + "\r\n"
	}
	_, err = fmt.Fprintf(conn, "POST /mcp/files HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Accept: application/json, text/event-stream\r\n%sContent-Length: %d\r\n\r\n%s", c.host, agent, session, len(message), message)
	if err != nil {
		c.tb.Fatal(err)
	}
	w, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	if err != nil || w.StatusCode != http.StatusOK {
		c.tb.Fatalf("got %v, %v", w, err)
	}
	return conn, w
}

// hold has each agent make so many calls that are held, and returns their
// connections once all are.
func (c *crowd) hold(each int) []net.Conn {
	c.tb.Helper()
	var conns []net.Conn
	for a, agent := range c.agents {
		session := ""
		for n := range each {
			if n%50 == 0 {
				session = c.open(agent)
			}
			conn, w := c.send(agent, session, call("write_file", fmt.Sprintf(`{"agent":%d,"n":%d}`, a, n)))
			if got := w.Header.Get("Content-Type"); got != "text/event-stream" {
				c.tb.Fatalf("got %s, want the call held", got)
			}
			conns = append(conns, conn)
		}
	}
	return conns
}

// T18: calls that wait for people cost memory, and nobody else their turn.
func TestOthersAreServedWhileAThousandCallsAreHeld(t *testing.T) {
	agents, each := 10, 100
	if testing.Short() {
		agents, each = 2, 60
	}
	c := newCrowd(t, agents)
	conns := c.hold(each)
	for start := time.Now(); c.house.Gate.Waiting() < agents*each; runtime.Gosched() { // each is told that it waits just before it does
		if time.Since(start) > 20*time.Second {
			t.Fatalf("%d wait, want %d", c.house.Gate.Waiting(), agents*each)
		}
	}
	// The very agent whose calls wait is served as well.
	agent := c.agents[0]
	session := c.open(agent)
	for n := range 8 {
		conn, w := c.send(agent, session, call("read_file", fmt.Sprintf(`{"n":%d}`, n)))
		b := make([]byte, w.ContentLength)
		if _, err := io.ReadFull(w.Body, b); err != nil || !strings.Contains(string(b), `"text":"done"`) {
			t.Errorf("got %s, %v, want the call to run", b, err)
		}
		conn.Close()
	}
	for _, conn := range conns {
		conn.Close()
	}
}

// BenchmarkHeldCall counts the memory of one call that is held on a live
// connection: the door's, the gate's and the store's, and the socket of a client
// that is nothing else.
func BenchmarkHeldCall(b *testing.B) {
	const agents, each = 10, 100
	for b.Loop() {
		c := newCrowd(b, agents)
		for _, agent := range c.agents {
			c.open(agent) // what only the first costs
		}
		before := inUse()
		conns := c.hold(each)
		b.ReportMetric(float64(inUse()-before)/(agents*each), "B/held")
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// inUse is the memory that is not free after everything was collected.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
