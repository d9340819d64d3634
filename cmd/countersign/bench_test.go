package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/gate"
)

// durations are what was measured of one thing.
type durations []time.Duration

func (d durations) at(share float64) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, int(float64(len(d))*share))]
}

// benchServer is the demo's server, shop and agent, on ports of its own. The shop
// keeps its arrivals in the file, if there is a name.
func benchServer(b testing.TB, arrivals string) (*server, string) {
	b.Helper()
	cfg, err := demoConfig(filepath.Join(b.TempDir(), "data"), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	cfg.Doors, cfg.Limits = "127.0.0.1:0", config.Limits{} // one agent asks as fast as it can
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	shop := filepath.Join(b.TempDir(), "shop")
	if err := os.WriteFile(shop, []byte("#!/bin/sh\n"+asTimed+"='"+arrivals+"' COUNTERSIGN_TEST_SHOP=1 exec '"+self+"'\n"), 0o700); err != nil {
		b.Fatal(err)
	}
	cfg.Resources[0].Upstream.Command = []string{shop}
	s, err := build(b.Context(), cfg, options{demo: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() { served <- s.serve(ctx, func() { close(ready) }) }()
	<-ready
	b.Cleanup(func() { stop(); <-served; s.close(context.Background()) })
	_, secret, err := s.stage(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s, secret
}

// durable is how long one append of 4 KiB takes to be on the disk: the limit of
// whatever records before it answers.
func durable(b *testing.B) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "append"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var took durations
	for range 200 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			b.Fatal(err)
		}
		if err := fdatasync(f); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took.at(0.5)
}

// direct times calls of the upstream's own tool over its own pipe.
func direct(b *testing.B, n int) durations {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{"COUNTERSIGN_TEST_SHOP=1"}
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	buf := make([]byte, 64<<10)
	var took durations
	for range n {
		began := time.Now()
		fmt.Fprintln(in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_plans","arguments":{}}}`)
		if _, err := out.Read(buf); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took
}

// BenchmarkAllowedCall compares a tool call that the policy allows, and that is
// recorded twice before it is answered, with the same call of the upstream
// itself. The goal at one client is two durable appends and a millisecond.
func BenchmarkAllowedCall(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s, secret := benchServer(b, "")
			var mu sync.Mutex
			var took durations
			for b.Loop() {
				var all sync.WaitGroup
				for range clients {
					all.Go(func() {
						agent := &mcpAgent{url: "http://" + s.doors.Addr().String() + "/mcp/northwind", token: secret}
						if err := agent.connect(b.Context()); err != nil {
							b.Error(err)
							return
						}
						for range 50 {
							began := time.Now()
							if got, err := agent.call(b.Context(), "list_plans", `{}`); err != nil || got.IsError {
								b.Errorf("%v %v", got, err)
								return
							}
							mu.Lock()
							took = append(took, time.Since(began))
							mu.Unlock()
						}
					})
				}
				all.Wait()
			}
			alone, sync := direct(b, 500).at(0.5), durable(b)
			goal := 2*sync + time.Millisecond
			b.ReportMetric(float64(took.at(0.5).Microseconds()), "p50-µs")
			b.ReportMetric(float64(took.at(0.99).Microseconds()), "p99-µs")
			b.ReportMetric(float64(alone.Microseconds()), "direct-p50-µs")
			b.ReportMetric(float64(sync.Microseconds()), "append-µs")
			b.ReportMetric(float64(took.at(0.5))/float64(goal), "of-goal")
		})
	}
}

// BenchmarkDecisionToUpstream measures from a person's approval being taken to
// the upstream reading the first byte of the command, with the decision and the
// release durable in between; and to the outcome being on record.
func BenchmarkDecisionToUpstream(b *testing.B) {
	arrivals := filepath.Join(b.TempDir(), "arrivals")
	s, secret := benchServer(b, arrivals)
	var took, ended durations
	n := 0
	for b.Loop() {
		n++
		agent := &mcpAgent{url: "http://" + s.doors.Addr().String() + "/mcp/northwind", token: secret}
		if err := agent.connect(b.Context()); err != nil {
			b.Fatal(err)
		}
		go agent.call(b.Context(), "create_refund", fmt.Sprintf(`{"charge":"ch_%d","amount":"1.00","currency":"EUR"}`, n))
		r, err := s.newest(b.Context(), "agt_demo000000bot", map[countersign.RequestID]bool{})
		for err == nil && r.Decision != countersign.DecisionPending {
			r, err = s.newest(b.Context(), "agt_demo000000bot", map[countersign.RequestID]bool{r.ID: true})
		}
		if err != nil {
			b.Fatal(err)
		}
		d, err := s.gate.Directory(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		_, err = s.gate.Decide(b.Context(), gate.Decision{Request: r.ID, Decision: countersign.Decision{
			By: countersign.Principal{Kind: countersign.KindPerson, ID: bob}, Choice: countersign.Approve,
			Digest: r.Digest, View: brief.Build(r, d).Digest(), Assurance: countersign.Session, Method: "demo", Channel: "demo", Solo: true,
		}})
		if err != nil {
			b.Fatal(err)
		}
		after, err := s.settled(b.Context(), r.ID)
		if err != nil || after.Execution != countersign.ExecutionSucceeded {
			b.Fatalf("%v %s", err, after.Execution)
		}
		ended = append(ended, time.Since(began))
		took = append(took, lastArrival(b, arrivals, n).Sub(began))
	}
	b.ReportMetric(float64(took.at(0.5).Microseconds()), "p50-µs")
	b.ReportMetric(float64(took.at(0.99).Microseconds()), "p99-µs")
	b.ReportMetric(float64(ended.at(0.5).Microseconds()), "outcome-p50-µs")
	b.ReportMetric(float64(ended.at(0.99).Microseconds()), "outcome-p99-µs")
	b.ReportMetric(float64(durable(b).Microseconds()), "append-µs")
}

// lastArrival is when the last of n calls reached the shop.
func lastArrival(b *testing.B, file string, n int) time.Time {
	b.Helper()
	all, err := os.ReadFile(file)
	if err != nil || len(all) != 8*n {
		b.Fatalf("%d bytes of arrivals, %v; want 8 for each of %d calls", len(all), err, n)
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(all[len(all)-8:])))
}

// BenchmarkStart measures the real binary: until it is ready, its memory when
// idle, and its size. The goals are 100 ms, 60 MB and 45 MB.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	program := filepath.Join(dir, "countersign")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "countersign.yaml"), []byte("listen: 127.0.0.1:0\ndoors: 127.0.0.1:0\nlimits: {requests_per_minute: 0, pending: 0}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	var took durations
	var memory int
	for b.Loop() {
		cmd := exec.Command(program, "up")
		cmd.Dir = dir
		stderr, err := cmd.StderrPipe()
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		said := ""
		for buf := make([]byte, 4096); !strings.Contains(said, "Doors"); {
			n, err := stderr.Read(buf)
			if err != nil {
				b.Fatalf("%v: %s", err, said)
			}
			said += string(buf[:n])
		}
		took = append(took, time.Since(began))
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil {
			b.Fatal(err)
		}
		_, rss, _ := strings.Cut(string(status), "VmRSS:")
		fmt.Sscan(rss, &memory)
		cmd.Process.Kill()
		cmd.Wait()
	}
	info, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took.at(0.5).Milliseconds()), "start-ms")
	b.ReportMetric(float64(memory)/1024, "idle-MB")
	b.ReportMetric(float64(info.Size())/(1<<20), "binary-MB")
}
