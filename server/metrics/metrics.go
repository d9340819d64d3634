// Package metrics counts what the server does, for Prometheus. New makes the
// Metrics; Recorded, Committed, Problem, Started and Parser are what the gate, the
// store, the doors, the upstreams and the parsers are given to tell it; Look has it
// read what waits each time somebody asks; and it answers /metrics itself.
//
// A label is from a list that is closed, or a name that the operator gave. There is
// no series of an agent, a person, a request or a command, and no label holds a text
// of theirs: how many series there are does not grow with what is asked.
package metrics

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/store"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one server.
type Metrics struct {
	http.Handler
	registry *prometheus.Registry

	requests   *prometheus.CounterVec
	held       *prometheus.HistogramVec
	decisions  *prometheus.CounterVec
	refused    *prometheus.CounterVec
	executions *prometheus.CounterVec
	took       *prometheus.HistogramVec
	problems   *prometheus.CounterVec
	starts     *prometheus.CounterVec
	parsers    *prometheus.CounterVec
	commits    *prometheus.CounterVec
	shared     prometheus.Histogram
	commit     prometheus.Histogram
	sync       prometheus.Histogram
}

// Buckets of seconds, for people, for upstreams and for the disk.
var (
	human  = [...]float64{1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400}
	remote = [...]float64{0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}
	disk   = [...]float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1}
)

// New returns the metrics of a server of the version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.requests = m.counters("requests_total", "Requests that went on record, by what the policy said first.", "resource", "effect")
	m.held = m.histograms("held_seconds", "From the ask to what ended the wait for people.", human[:], "decision")
	m.decisions = m.counters("decisions_total", "Choices that people, or the timer, made and that count.", "choice", "assurance", "channel")
	m.refused = m.counters("decisions_refused_total", "Choices that did not count, such as of one's own request.", "code")
	m.executions = m.counters("executions_total", "Commands that ran, by what became of them.", "resource", "execution")
	m.took = m.histograms("execution_seconds", "How long commands ran, by the kind of resource.", remote[:], "kind")
	m.problems = m.counters("problems_total", "Refusals that callers were given.", "door", "code")
	m.starts = m.counters("upstream_starts_total", "Starts of upstreams: the first, and each one after an end.", "resource", "result")
	m.parsers = m.counters("parser_starts_total", "Starts of the processes that read SQL and shell: two of each, and one after each end.", "language", "result")
	m.commits = m.counters("commits_total", "Commits of the record.", "result")
	m.shared = m.histograms("commit_changes", "Changes that shared one commit.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}).WithLabelValues().(prometheus.Histogram)
	m.commit = m.histograms("commit_seconds", "How long a commit took.", disk[:]).WithLabelValues().(prometheus.Histogram)
	m.sync = m.histograms("commit_sync_seconds", "How long a commit took to become durable.", disk[:]).WithLabelValues().(prometheus.Histogram)
	built := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "countersign_build_info", Help: "The version that runs.", ConstLabels: prometheus.Labels{"version": version},
	})
	built.Set(1)
	m.registry.MustRegister(built, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.begin()
	m.Handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	return m
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "countersign_" + name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "countersign_" + name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

// The values that labels can have. What is none of them is counted as other.
var (
	effects     = [...]string{"allow", "hold", "deny"}
	ends        = [...]string{"approved", "rejected", "expired", "withdrawn", "denied"}
	choices     = [...]string{"approve", "reject", "escalate"}
	assurances  = [...]string{"chat", "session", "passkey", "none"}
	channels    = [...]string{"console", "slack", "teams", "email", "webhook", "api", "cli", "demo", "timer"}
	attempts    = [...]string{"self_approval", "not_a_reviewer", "assurance_too_low", "digest_mismatch", "passkey_invalid"}
	outcomes    = [...]string{"succeeded", "failed", "unknown"}
	startResult = [...]string{"ok", "failed"}
)

func oneOf(value string, list []string) string {
	if slices.Contains(list, value) {
		return value
	}
	return "other"
}

// begin makes the series that alerts are about, so that they begin at 0 and the
// first of anything is a rise.
func (m *Metrics) begin() {
	for _, end := range ends {
		m.held.WithLabelValues(end)
	}
	for _, code := range attempts {
		m.refused.WithLabelValues(code)
	}
	for _, result := range startResult {
		m.commits.WithLabelValues(result)
	}
}

// Begin makes the series of a resource that is configured.
func (m *Metrics) Begin(resource string) {
	for _, e := range effects {
		m.requests.WithLabelValues(resource, e)
	}
	for _, x := range outcomes {
		m.executions.WithLabelValues(resource, x)
	}
	for _, result := range startResult {
		m.starts.WithLabelValues(resource, result)
	}
}

// Recorded counts what one commit did to a request.
func (m *Metrics) Recorded(s gate.Step) {
	resource := s.After.Resource.Name
	for _, e := range s.Events {
		switch b := e.Body.(type) {
		case countersign.Requested:
			m.requests.WithLabelValues(resource, oneOf(string(s.After.Verdict.Effect), effects[:])).Inc()
		case countersign.Decided:
			m.decided(b.Decision)
		case countersign.Escalated:
			m.decided(b.Decision)
		case countersign.Refused:
			m.refused.WithLabelValues(oneOf(string(b.Code), attempts[:])).Inc()
		case countersign.Completed:
			m.completed(resource, b.Outcome)
		}
	}
	if s.Before.Decision == countersign.DecisionPending && s.After.Decision != countersign.DecisionPending {
		m.held.WithLabelValues(oneOf(string(s.After.Decision), ends[:])).Observe(s.At.Sub(s.After.CreatedAt).Seconds())
	}
}

func (m *Metrics) decided(d countersign.Decision) {
	assurance := string(d.Assurance)
	if assurance == "" {
		assurance = "none"
	}
	m.decisions.WithLabelValues(oneOf(string(d.Choice), choices[:]), oneOf(assurance, assurances[:]), oneOf(d.Channel, channels[:])).Inc()
}

func (m *Metrics) completed(resource string, o countersign.Outcome) {
	m.executions.WithLabelValues(resource, oneOf(string(o.Execution), outcomes[:])).Inc()
	if o.StartedAt.IsZero() || o.FinishedAt.Before(o.StartedAt) {
		return
	}
	kind, _, _ := strings.Cut(resource, "/")
	m.took.WithLabelValues(kind).Observe(o.FinishedAt.Sub(o.StartedAt).Seconds())
}

// Committed counts what one commit took.
func (m *Metrics) Committed(c store.Cost) {
	if c.Err != nil {
		m.commits.WithLabelValues("failed").Inc()
		return
	}
	m.commits.WithLabelValues("ok").Inc()
	m.shared.Observe(float64(c.Changes))
	m.commit.Observe(c.Took.Seconds())
	m.sync.Observe(c.Sync.Seconds())
}

// Problem returns what counts the refusals of a door: "mcp", "api", "admin".
func (m *Metrics) Problem(door string) func(countersign.Code) {
	m.problems.WithLabelValues(door, string(countersign.CodeRateLimited))
	return func(c countersign.Code) { m.problems.WithLabelValues(door, string(c)).Inc() }
}

// Started returns what counts the starts of a resource's upstream.
func (m *Metrics) Started(resource string) func(error) {
	return starts(m.starts, resource)
}

// Parser returns what counts the starts of the processes that read a language: "sql",
// "shell".
func (m *Metrics) Parser(language string) func(error) {
	for _, result := range startResult {
		m.parsers.WithLabelValues(language, result)
	}
	return starts(m.parsers, language)
}

func starts(of *prometheus.CounterVec, name string) func(error) {
	return func(err error) {
		result := "ok"
		if err != nil {
			result = "failed"
		}
		of.WithLabelValues(name, result).Inc()
	}
}
