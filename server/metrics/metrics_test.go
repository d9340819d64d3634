package metrics_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server/metrics"
	"github.com/countersignhq/countersign/store"
)

// secret stands in arguments, reasons and errors of the tests.
const secret = "hunter2-4f9c"

// read is what /metrics answers: values by series.
func (w *world) read() map[string]string {
	w.t.Helper()
	got := httptest.NewRecorder()
	w.metrics.ServeHTTP(got, httptest.NewRequest("GET", "/metrics", nil))
	if got.Code != 200 {
		w.t.Fatalf("got status %d: %s", got.Code, got.Body)
	}
	series := map[string]string{}
	for line := range strings.Lines(got.Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		series[line[:at]] = strings.TrimSpace(line[at:])
	}
	return series
}

func (w *world) expect(when string, want map[string]string) {
	w.t.Helper()
	got := w.read()
	for series, value := range want {
		if got[series] != value {
			w.t.Errorf("%s: %s is %q, want %q", when, series, got[series], value)
		}
	}
}

func TestWhatIsAskedDecidedAndRunIsCounted(t *testing.T) {
	w := newWorld(t)
	bot := w.agent("bot")
	w.expect("before anything", map[string]string{
		`countersign_requests_total{effect="hold",resource="mcp/files"}`: "0", `countersign_pending`: "0", `countersign_pending_oldest_seconds`: "0",
		`countersign_record_readable`: "1", `countersign_jobs{kind="dead"}`: "0", `countersign_unknown`: "0",
		`countersign_held_seconds_count{decision="approved"}`: "0", `countersign_build_info{version="v1.2.3"}`: "1",
	})
	w.ask(bot, "read_file", "a")
	w.ask(bot, "drop_all", "a")
	first, _ := w.ask(bot, "write_file", "a")
	second, _ := w.ask(bot, "write_file", "b")
	w.now = w.now.Add(90 * time.Second)
	w.expect("two wait", map[string]string{
		`countersign_requests_total{effect="allow",resource="mcp/files"}`: "1",
		`countersign_requests_total{effect="deny",resource="mcp/files"}`:  "1",
		`countersign_requests_total{effect="hold",resource="mcp/files"}`:  "2",
		`countersign_pending`:                                                          "2",
		`countersign_pending_oldest_seconds`:                                           "90",
		`countersign_jobs{kind="expire"}`:                                              "2",
		`countersign_jobs_due{kind="expire"}`:                                          "0",
		`countersign_executions_total{execution="succeeded",resource="mcp/files"}`:     "1",
		`countersign_execution_seconds_bucket{kind="mcp",le="0.025"}`:                  "0",
		`countersign_execution_seconds_bucket{kind="mcp",le="0.05"}`:                   "1",
		`countersign_decisions_total{assurance="session",channel="console",choice=""}`: "",
	})
	w.decide(second.(gate.Pending).Request, countersign.Escalate, "reviewers")
	w.decide(first.(gate.Pending).Request, countersign.Approve, "")
	w.decide(second.(gate.Pending).Request, countersign.Reject, "")
	w.ends = countersign.ExecutionUnknown
	w.ask(bot, "write_file", "a") // joins, and runs
	w.expect("both are decided", map[string]string{
		`countersign_decisions_total{assurance="session",channel="console",choice="approve"}`:  "1",
		`countersign_decisions_total{assurance="session",channel="console",choice="reject"}`:   "1",
		`countersign_decisions_total{assurance="session",channel="console",choice="escalate"}`: "1",
		`countersign_held_seconds_count{decision="approved"}`:                                  "1",
		`countersign_held_seconds_bucket{decision="approved",le="60"}`:                         "0",
		`countersign_held_seconds_bucket{decision="approved",le="120"}`:                        "1",
		`countersign_held_seconds_count{decision="rejected"}`:                                  "1",
		`countersign_requests_total{effect="hold",resource="mcp/files"}`:                       "2",
		`countersign_executions_total{execution="unknown",resource="mcp/files"}`:               "1",
		`countersign_pending`: "0",
		`countersign_unknown`: "1",
	})
	must(t, w.gate.Halt(t.Context(), operator(), countersign.AllAgents, "drill"))
	w.ask(bot, "read_file", "c")
	w.now = w.now.Add(48 * time.Hour)
	must(t, w.gate.Tick(t.Context()))
	w.expect("everything is held, and nobody decides", map[string]string{
		`countersign_halts{of="all"}`: "1", `countersign_halts{of="agent"}`: "0",
		`countersign_held_seconds_count{decision="expired"}`: "1",
	})
}

func TestAttemptsThatDoNotCountAreCounted(t *testing.T) {
	w := newWorld(t)
	asked, _ := w.ask(w.agent("bot"), "write_file", "a")
	eve := countersign.Person{ID: countersign.NewID("per"), Name: "Eve", Issuer: "local", Subject: "eve"}
	_, err := w.gate.SetPerson(t.Context(), operator(), eve)
	must(t, err)
	r := asked.(gate.Pending).Request
	_, err = w.gate.Decide(t.Context(), gate.Decision{Request: r.ID, Decision: countersign.Decision{
		By: eve.Principal(), Choice: countersign.Approve, Digest: r.Digest, Assurance: countersign.Session, Channel: "console",
	}})
	if countersign.CodeOf(err) != countersign.CodeNotAReviewer {
		t.Fatalf("got %v, want it refused", err)
	}
	w.expect("Eve tried", map[string]string{
		`countersign_decisions_refused_total{code="not_a_reviewer"}`: "1", `countersign_decisions_refused_total{code="self_approval"}`: "0",
	})
}

func TestWhatTheOthersTellIsCounted(t *testing.T) {
	w := newWorld(t)
	w.metrics.Committed(store.Cost{Changes: 3, Leaves: 9, Took: 3 * time.Millisecond, Sync: time.Millisecond})
	w.metrics.Committed(store.Cost{Err: errors.New("disk")})
	w.metrics.Problem("mcp")(countersign.CodeRateLimited)
	w.metrics.Problem("api")
	started := w.metrics.Started("mcp/files")
	started(nil)
	started(errors.New("gone"))
	w.metrics.Parser("shell")
	parser := w.metrics.Parser("sql")
	parser(nil)
	parser(nil)
	parser(errors.New("no memory"))
	w.expect("told", map[string]string{
		`countersign_commits_total{result="ok"}`: "1", `countersign_commits_total{result="failed"}`: "1",
		`countersign_commit_changes_sum`: "3", `countersign_commit_seconds_sum`: "0.003", `countersign_commit_sync_seconds_sum`: "0.001",
		`countersign_problems_total{code="rate_limited",door="mcp"}`: "1", `countersign_problems_total{code="rate_limited",door="api"}`: "0",
		`countersign_parser_starts_total{language="sql",result="ok"}`: "2", `countersign_parser_starts_total{language="sql",result="failed"}`: "1",
		`countersign_parser_starts_total{language="shell",result="failed"}`:   "0",
		`countersign_upstream_starts_total{resource="mcp/files",result="ok"}`: "1", `countersign_upstream_starts_total{resource="mcp/files",result="failed"}`: "1",
	})
}

func TestARecordThatCannotBeReadIsSaid(t *testing.T) {
	w := newWorld(t)
	w.store.Faults().Crash(errors.New("disk on fire"))
	got := w.read()
	if got["countersign_record_readable"] != "0" || got["countersign_waiting"] != "0" {
		t.Errorf("readable is %q and waiting %q, want 0 of both", got["countersign_record_readable"], got["countersign_waiting"])
	}
	if v, ok := got["countersign_pending"]; ok {
		t.Errorf("pending is %q, want nothing said of what could not be read", v)
	}
}

// traffic has so many agents each ask for so many things, of all kinds.
func (w *world) traffic(round, agents, requests int) (names []string) {
	for a := range agents {
		bot := w.agent(fmt.Sprintf("bot-%d-%d", round, a))
		names = append(names, bot.ID, bot.Name)
		for i := range requests {
			argument := fmt.Sprintf("/srv/%s/%d/%d/%d", secret, round, a, i)
			w.ends = []countersign.ExecutionState{countersign.ExecutionSucceeded, countersign.ExecutionFailed, countersign.ExecutionUnknown}[i%3]
			for _, tool := range []string{"read_file", "drop_all"} {
				w.ask(bot, tool, argument)
			}
			held, _ := w.ask(bot, "write_file", argument)
			p, ok := held.(gate.Pending)
			if !ok {
				w.t.Fatalf("the ask is %T, want it held", held)
			}
			names = append(names, string(p.Request.ID), p.Request.Digest.String(), argument)
			w.decide(p.Request, []countersign.Choice{countersign.Approve, countersign.Reject}[i%2], "")
			w.ask(bot, "write_file", argument)
		}
	}
	return names
}

// T18, T23: whatever agents ask for, however many they are, makes no new series and
// stands in no label.
func TestT23NoSeriesIsOfAnAgentOrHoldsWhatItSends(t *testing.T) {
	w := newWorld(t)
	sent := w.traffic(1, 2, 6)
	before := w.read()
	sent = append(sent, w.traffic(2, 12, 6)...)
	after := w.read()
	for series := range after {
		if _, ok := before[series]; !ok {
			t.Errorf("%s is new since more agents asked for more", series)
		}
	}
	if n := len(after); n < 100 || n > 600 {
		t.Errorf("there are %d series, want some hundred", n)
	}
	sent = append(sent, secret, w.bob.ID, w.bob.Name, "10.1.2.3", "client-of", "because", "reason", "no such row", "read_file", "write_file", "drop_all", "reviewers")
	for _, series := range slices.Sorted(maps.Keys(after)) {
		for _, text := range sent {
			if strings.Contains(series, text) {
				t.Errorf("%s holds %q", series, text)
			}
		}
	}
	if after[`countersign_requests_total{effect="hold",resource="mcp/files"}`] != "84" {
		t.Errorf("%s requests were held, want 84", after[`countersign_requests_total{effect="hold",resource="mcp/files"}`])
	}
}

func BenchmarkAStepOfARequest(b *testing.B) {
	m := metrics.New("v1.2.3")
	at := time.Now()
	s := gate.Step{
		After: countersign.Request{
			Resource: countersign.Resource{Name: "mcp/files"}, Verdict: countersign.Verdict{Effect: countersign.Allow},
			State: countersign.State{Decision: countersign.DecisionAllowed},
		},
		Events: []countersign.Event{{Body: countersign.Requested{}}, {Body: countersign.Allowed{}}, {Body: countersign.Released{}},
			{Body: countersign.Completed{Outcome: countersign.Outcome{Execution: countersign.ExecutionSucceeded, StartedAt: at, FinishedAt: at.Add(time.Millisecond)}}}},
	}
	cost := store.Cost{Changes: 1, Leaves: 3, Took: time.Millisecond, Sync: time.Millisecond}
	for b.Loop() { // what one call that is allowed costs: three events, one, and two commits
		m.Recorded(s)
		m.Committed(cost)
		m.Committed(cost)
	}
}
