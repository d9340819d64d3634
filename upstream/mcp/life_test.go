package mcp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/upstream/mcp"
)

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	h := newHouse(t, nil)
	check(t, h.Start(t.Context()))
	ended := make(chan countersign.Outcome)
	go func() {
		o, _ := h.Run(t.Context(), h.release(t, h.command("deaf"), time.Now(), nil), &bytes.Buffer{})
		ended <- o
	}()
	for len(h.calls(t)) == 0 {
		runtime.Gosched()
	}
	check(t, h.Close())
	if o := <-ended; o.Execution != countersign.ExecutionUnknown {
		t.Errorf("got %+v, want it unknown", o)
	}
	if _, _, err := h.run(t, "echo"); !errors.Is(err, mcp.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines before and %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestStandardErrorGoesToTheLogOnDemandAlone(t *testing.T) {
	for _, on := range []bool{true, false} {
		var log bytes.Buffer
		h := newHouse(t, func(cfg *mcp.Config) {
			cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			cfg.LogStderr = on
		})
		_, _, err := h.run(t, "noise")
		check(t, err)
		check(t, h.Close())
		if got := log.String(); strings.Contains(got, `level=INFO msg=stderr resource=mcp/test line="hello from stderr"`) != on || strings.Contains(got, "eeee") != on {
			t.Errorf("log_stderr is %t: got %.500s", on, got)
		}
		for line := range strings.Lines(log.String()) {
			if len(line) > 2<<10 {
				t.Errorf("a line of %d bytes is in the log", len(line))
			}
		}
	}
}

func TestAServerThatKeepsEndingIsNotStartedInALoop(t *testing.T) {
	failures := 0
	h := newHouse(t, func(cfg *mcp.Config) {
		cfg.Env = map[string]string{"REVISION": "exit"}
		cfg.OnStart = func(err error) {
			if err != nil {
				failures++
			}
		}
	})
	for range 2 {
		if err := h.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 3") {
			t.Fatalf("got %v, want how it ended", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := h.Start(ctx); err == nil || !strings.Contains(err.Error(), "ended 2 times in a row and is not started again yet") {
		t.Errorf("the third time: got %v, want a pause", err)
	}
	if n := strings.Count(h.everything(t), `"initialize"`); n != 2 || failures != 2 {
		t.Errorf("it was started %d times and told of %d failures, want 2", n, failures)
	}
}
