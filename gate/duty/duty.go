// Package duty has the record say who is on duty: it reads the schedules of the
// on-call groups, and has the gate record each change of stint, once however many
// replicas there are. Keep is the place to start.
//
// A schedule selects. Who may decide for an on-call group is said by its pool, which
// is a group like any other; the gate leaves out whoever is not of it.
package duty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/gate/duty/stint"
	"github.com/countersignhq/countersign/store"
)

// A Group is an on-call group with its schedule.
type Group struct {
	Name string // "oncall:payments"
	// Read reads the stints between the times.
	Read func(ctx context.Context, from, to time.Time) ([]stint.Stint, error)
	// Every is how often it is read. Defaults to a minute.
	Every time.Duration
}

// Horizon is how far ahead a schedule is read: as long at most what was read last
// stands in for one that cannot be read.
const Horizon = 14 * 24 * time.Hour

const (
	job     = "duty"      // the key is the group's name
	lease   = time.Minute // longer than reading takes
	readFor = 30 * time.Second
	look    = time.Minute // pools and people change between the stints too
	most    = 100
)

// A Worker keeps the record of who is on duty. Its methods are for one goroutine.
type Worker struct {
	gate   *gate.Gate
	jobs   store.Jobs
	groups map[string]Group
	now    func() time.Time
	log    *slog.Logger
	// mine are the groups whose schedule this worker has read itself, and said what
	// was last said of each.
	mine map[string]bool
	said map[string]string
}

// New returns a worker for the groups, which are declared to the gate elsewhere. Now
// defaults to time.Now, and the log to slog.Default.
func New(g *gate.Gate, jobs store.Jobs, groups []Group, now func() time.Time, log *slog.Logger) *Worker {
	w := &Worker{gate: g, jobs: jobs, groups: map[string]Group{}, now: now, log: log, mine: map[string]bool{}, said: map[string]string{}}
	if w.now == nil {
		w.now = time.Now
	}
	if w.log == nil {
		w.log = slog.Default()
	}
	for _, one := range groups {
		if one.Every == 0 {
			one.Every = look
		}
		w.groups[one.Name] = one
	}
	return w
}

// Start records who is on duty now, as far as schedules can be read, takes everybody
// off duty of whose group there is no schedule any more, and sees that every stint
// will be kept.
func (w *Worker) Start(ctx context.Context) error {
	d, err := w.gate.Directory(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		if _, kept := w.groups[name]; !kept && d.Groups[name].IsOnCall() {
			if _, err := w.gate.SetDuty(ctx, name, nil); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.groups)) {
		if err := w.jobs.Add(ctx, store.Job{Kind: job, Key: name, Due: w.now()}); err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
		if k, err := w.read(ctx, name, known{}); err == nil {
			if err := w.record(ctx, name, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// Keep keeps the stints until the context ends.
func (w *Worker) Keep(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := w.Tick(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("who is on duty is recorded late", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Tick does what is due now. Of several workers over one store each stint is the
// business of one.
func (w *Worker) Tick(ctx context.Context) error {
	jobs, err := w.jobs.Claim(ctx, job, lease, most)
	errs := []error{err}
	for _, j := range jobs {
		err := w.do(ctx, j)
		if err != nil && !errors.Is(err, store.ErrConflict) { // a conflict: another has it
			errs = append(errs, fmt.Errorf("%s: %w", j.Key, err))
		}
	}
	return errors.Join(errs...)
}

// known is what is kept of a schedule: what it said when it was read last.
type known struct {
	Read   time.Time     `json:"read"`
	Stints []stint.Stint `json:"stints"`
}

func (w *Worker) do(ctx context.Context, j store.Job) error {
	one, ok := w.groups[j.Key]
	if !ok {
		return w.jobs.Finish(ctx, j)
	}
	var k known
	if len(j.Body) > 0 {
		if err := json.Unmarshal(j.Body, &k); err != nil {
			k = known{} // of another version: it is read again
		}
	}
	if !w.mine[j.Key] || !w.now().Before(k.Read.Add(one.Every)) {
		if again, err := w.read(ctx, j.Key, k); err == nil {
			k, w.mine[j.Key] = again, true
		}
	}
	if err := w.record(ctx, j.Key, k); err != nil {
		return err
	}
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	now := w.now()
	j.Body, j.Due = body, now.Add(look)
	if next := stint.Next(k.Stints, now); !next.IsZero() && next.Before(j.Due) {
		j.Due = next
	}
	return w.jobs.Postpone(ctx, j)
}

// read reads the schedule. One that cannot be read raises an alarm, and what is
// known of it stands in until its stints end.
func (w *Worker) read(ctx context.Context, name string, last known) (known, error) {
	now := w.now().UTC()
	short, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	stints, err := w.groups[name].Read(short, now, now.Add(Horizon))
	if err == nil && len(stints) > stint.Most {
		err = fmt.Errorf("it has more than %d stints in %s", stint.Most, Horizon)
	}
	if err != nil {
		w.log.Error("the schedule of an on-call group cannot be read; who is on duty by what it said last stays so until their stint ends",
			"group", name, "read", last.Read, "err", err)
		return last, err
	}
	return known{now, stints}, nil
}

// record has the gate record who is on duty, if that has changed.
func (w *Worker) record(ctx context.Context, name string, k known) error {
	d, err := w.gate.Directory(ctx)
	if err != nil {
		return err
	}
	var ids, nobody []string
	for _, person := range stint.On(k.Stints, w.now()) {
		if id := idOf(d, person); id != "" {
			ids = append(ids, id)
		} else {
			nobody = append(nobody, person)
		}
	}
	out, err := w.gate.SetDuty(ctx, name, ids)
	if err != nil {
		return err
	}
	for _, id := range out {
		nobody = append(nobody, d.People[id].Name)
	}
	if says := strings.Join(nobody, ", "); w.said[name] != says {
		if w.said[name] = says; says != "" {
			w.log.Error("the schedule has people on duty who are no active members of the pool; they decide nothing", "group", name, "pool", d.Groups[name].Pool, "people", says)
		}
	}
	return nil
}

// idOf is the id of the person whom the schedule calls issuer|subject.
func idOf(d *countersign.Directory, called string) string {
	for id, p := range d.People {
		if p.Issuer+"|"+p.Subject == called {
			return id
		}
	}
	return ""
}
