package mcp_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/upstream/mcp"
)

// within waits until what is asked for is so.
func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	for start := time.Now(); !so(); runtime.Gosched() {
		if time.Since(start) > 20*time.Second {
			t.Fatal(what)
		}
	}
}

// count is how many requests came with the HTTP method and the JSON-RPC method.
func (x *remote) count(http, method string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, h := range x.heard {
		if h.HTTP == http && h.Method == method {
			n++
		}
	}
	return n
}

func TestNobodyWhoLeavesOrAsksCutsOffAnothersCommand(t *testing.T) {
	x := newRemote(t, "2025-11-25")
	h := over(t, x, func(c *mcp.Config) { c.Idle = 1 }) // each call finds a server that was silent for longer
	check(t, h.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan countersign.Outcome, 1)
	go func() {
		o, _ := h.Run(ctx, h.release(t, h.command("hang"), time.Now(), nil), &bytes.Buffer{})
		done <- o
	}()
	within(t, "the command did not arrive", func() bool { return len(x.calls()) == 1 })
	x.mu.Lock()
	x.busy = true
	x.mu.Unlock()
	for range 20 {
		gone, leave := context.WithCancel(t.Context())
		leave()
		h.Pass(gone, "tools/list", nil)
		h.Capabilities(gone)
	}
	if _, err := h.Pass(t.Context(), "tools/list", nil); err != nil {
		t.Errorf("another agent's list: %v", err)
	}
	select {
	case o := <-done:
		t.Errorf("the command was cut off: %+v", o)
	default:
	}
	if n := x.count("POST", "initialize"); n != 1 || x.count("DELETE", "") != 0 {
		t.Errorf("the session was begun %d times and ended %d times, want it to go on", n, x.count("DELETE", ""))
	}
	cancel()
	<-done
}

func TestACallerWhoLeavesEndsNoSession(t *testing.T) {
	x := newRemote(t, "2025-11-25")
	h := over(t, x, func(c *mcp.Config) { c.Idle = 1 })
	check(t, h.Start(t.Context()))
	for range 20 {
		gone, leave := context.WithCancel(t.Context())
		leave()
		h.Pass(gone, "tools/list", nil)
		h.Capabilities(gone)
	}
	check(t, h.Start(t.Context()))
	if n := x.count("POST", "initialize"); n != 1 || x.count("DELETE", "") != 0 {
		t.Errorf("the session was begun %d times and ended %d times, want it to go on", n, x.count("DELETE", ""))
	}
}

func TestACallerWhoLeavesEndsNoStart(t *testing.T) {
	x := newRemote(t, "2025-11-25")
	x.slow = make(chan bool)
	var failures atomic.Int32
	h := over(t, x, func(c *mcp.Config) {
		c.OnStart = func(err error) {
			if err != nil {
				failures.Add(1)
			}
		}
	})
	for range 3 {
		gone, leave := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.Start(gone) }()
		within(t, "the server was not greeted", func() bool { return x.count("POST", "initialize") == 1 })
		leave()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("who left is told %v", err)
		}
	}
	close(x.slow)
	check(t, h.Start(t.Context()))
	if n := x.count("POST", "initialize"); n != 1 || failures.Load() != 0 {
		t.Errorf("the server was started %d times and %d starts failed, want one that went well", n, failures.Load())
	}
}
