package metrics

import (
	"context"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/prometheus/client_golang/prometheus"
)

// A Record is what is looked at each time somebody asks.
type Record interface {
	store.Log
	store.Directory
	store.Counter
}

// patience is how long the record may take to be looked at.
const patience = 5 * time.Second

// Look has every answer also say what waits: on the record, by now (the clock that
// the record also has), and in the gate. It is called once.
func (m *Metrics) Look(r Record, waiting func() int, now func() time.Time) {
	m.registry.MustRegister(&looker{record: r, waiting: waiting, now: now})
}

type looker struct {
	record  Record
	waiting func() int
	now     func() time.Time
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("countersign_"+name, help, labels, nil)
}

// What is looked at.
var (
	readable  = gauge("record_readable", "1 if the record could be read for what follows, 0 if not.")
	pending   = gauge("pending", "Requests that wait for people.")
	oldest    = gauge("pending_oldest_seconds", "How long the oldest of them has waited; 0 if none does.")
	running   = gauge("running", "Commands that run.")
	unknown   = gauge("unknown", "Requests whose outcome nobody knows, and that somebody must resolve.")
	waiters   = gauge("waiting", "Callers and streams that wait for something to change.")
	halts     = gauge("halts", "Holds on everything: of one agent each, or of all.", "of")
	leaves    = gauge("log_leaves", "Leaves of the log.")
	lastLeaf  = gauge("log_last_event_timestamp_seconds", "When the newest checkpoint was signed, with its last event.")
	jobs      = gauge("jobs", "Timers and deliveries that there are; dead are those that no try could do.", "kind")
	jobsDue   = gauge("jobs_due", "Those whose time has come.", "kind")
	jobsSince = gauge("jobs_due_oldest_seconds", "How long the first of those is due; 0 if none is.", "kind")
)

// Describe implements prometheus.Collector.
func (l *looker) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{readable, pending, oldest, running, unknown, waiters, halts, leaves, lastLeaf, jobs, jobsDue, jobsSince} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What cannot be read is left out, and
// record_readable says so.
func (l *looker) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tell := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	tell(waiters, float64(l.waiting()))
	sight, err := l.look(ctx)
	if err != nil {
		tell(readable, 0)
		return
	}
	tell(readable, 1)
	tell(pending, float64(sight.Pending))
	tell(oldest, l.since(sight.Oldest))
	tell(running, float64(sight.Running))
	tell(unknown, float64(sight.Unknown))
	tell(halts, float64(sight.ofAll), "all")
	tell(halts, float64(sight.ofAgents), "agent")
	tell(leaves, float64(sight.size))
	if !sight.last.IsZero() {
		tell(lastLeaf, float64(sight.last.UnixMilli())/1000)
	}
	for _, b := range byKind(sight.Jobs) {
		tell(jobs, float64(b.Jobs), b.Kind)
		tell(jobsDue, float64(b.Due), b.Kind)
		tell(jobsSince, l.since(b.Since), b.Kind)
	}
}

// kinds are those of jobs: timers, deliveries, and the deliveries that no try could
// do.
var kinds = [...]string{"expire", "lapse", "escalate", "remind", "cards", "reminders", "notices", "inbox", "dead", "other"}

// byKind has one backlog of each kind, in their order.
func byKind(found []store.Backlog) []store.Backlog {
	all := make([]store.Backlog, len(kinds))
	for i, kind := range kinds {
		all[i].Kind = kind
	}
	for _, b := range found {
		to := &all[slices.Index(kinds[:], oneOf(b.Kind, kinds[:]))]
		to.Jobs, to.Due = to.Jobs+b.Jobs, to.Due+b.Due
		if to.Since.IsZero() || !b.Since.IsZero() && b.Since.Before(to.Since) {
			to.Since = b.Since
		}
	}
	return all
}

// since is how many seconds ago it was, 0 for the zero time.
func (l *looker) since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, l.now().Sub(t).Seconds())
}

// A sight is the record as one look found it.
type sight struct {
	store.Census
	ofAll, ofAgents int
	size            int64
	last            time.Time // of the last event
}

func (l *looker) look(ctx context.Context) (sight, error) {
	var s sight
	var err error
	if s.Census, err = l.record.Census(ctx); err != nil {
		return s, err
	}
	d, err := l.record.Snapshot(ctx)
	if err != nil {
		return s, err
	}
	for agent, h := range d.Halts {
		switch {
		case !h.On:
		case agent == countersign.AllAgents:
			s.ofAll++
		default:
			s.ofAgents++
		}
	}
	head, err := l.record.Head(ctx)
	if err != nil || head.Size == 0 {
		return s, err
	}
	s.size = head.Size
	newest, err := l.record.Leaves(ctx, head.Size-1, head.Size)
	if err != nil || len(newest) != 1 {
		return s, err
	}
	st, err := ledger.ParseLeaf(newest[0])
	s.last = st.Event.At
	return s, err
}
