package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign/store"
)

// jobDead is the kind of what was given up. It is never due to anybody: it lies
// there until it is tried again or is done otherwise.
const jobDead = "dead"

// mostDead is how many of them are looked at.
const mostDead = 1000

// A Dead is a job that no try could do.
type Dead struct {
	Kind  string    `json:"kind"` // "cards", "reminders", "notices", "inbox"
	Key   string    `json:"key"`  // the request's id, or what a delivery is called
	Since time.Time `json:"since"`
	Tries int       `json:"tries"`
	Why   string    `json:"why"` // the last error
}

// A grave is the body of a dead job.
type grave struct {
	Dead
	Body []byte `json:"body,omitempty"` // of the job
}

// String says it in a line.
func (d Dead) String() string {
	return fmt.Sprintf("%s of %s, given up %s after %d tries: %s", d.Kind, d.Key, d.Since.UTC().Format("2006-01-02 15:04 UTC"), d.Tries, d.Why)
}

func deadKey(kind, key string) string { return kind + "/" + key }

// Dead are what was given up, by whichever process, the oldest first, at most
// 1000. None is well.
func (d *Desk) Dead(ctx context.Context) ([]Dead, error) {
	// A claim of no time keeps it from nobody.
	jobs, err := d.jobs.Claim(ctx, jobDead, 0, mostDead)
	if err != nil {
		return nil, err
	}
	var all []Dead
	for _, j := range jobs {
		var g grave
		if err := json.Unmarshal(j.Body, &g); err != nil {
			return nil, fmt.Errorf("job %s of %s: %w", j.Kind, j.Key, err)
		}
		all = append(all, g.Dead)
	}
	return all, nil
}

// Retry has everything tried again that was given up, from the first try on, and
// returns how many that are.
func (d *Desk) Retry(ctx context.Context) (int, error) {
	jobs, err := d.jobs.Claim(ctx, jobDead, lease, mostDead)
	if err != nil {
		return 0, err
	}
	var errs []error
	n := 0
	for _, j := range jobs {
		if err := d.revive(ctx, j); err != nil {
			errs = append(errs, err)
			continue
		}
		n++
	}
	d.Wake()
	return n, errors.Join(errs...)
}

// revive queues the job before it forgets that it was dead. What has been queued
// anew since then is the newer.
func (d *Desk) revive(ctx context.Context, j store.Job) error {
	var g grave
	if err := json.Unmarshal(j.Body, &g); err != nil {
		return fmt.Errorf("job %s of %s: %w", j.Kind, j.Key, err)
	}
	err := d.jobs.Add(ctx, store.Job{Kind: g.Kind, Key: g.Key, Due: d.cfg.Now(), Body: g.Body})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	return unlessReplaced(d.jobs.Finish(ctx, j))
}

// giveUp keeps a job that no try could do, and raises the alarm.
func (d *Desk) giveUp(ctx context.Context, j store.Job, t task, why error) error {
	d.cfg.Log.Error("given up; look at the connection to the chat, then: countersign channel retry", "job", j.Kind, "key", j.Key, "tries", t.Tries, "err", why)
	g := grave{Dead: Dead{Kind: j.Kind, Key: j.Key, Since: d.cfg.Now().UTC().Truncate(time.Second), Tries: t.Tries, Why: clip(why.Error())}}
	t.Tries, t.Since = 0, time.Time{}
	var err error
	if g.Body, err = json.Marshal(t); err != nil {
		return err
	}
	body, err := json.Marshal(g)
	if err != nil {
		return err
	}
	err = d.jobs.Add(ctx, store.Job{Kind: jobDead, Key: deadKey(j.Kind, j.Key), Due: d.cfg.Now(), Body: body})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	return unlessReplaced(d.jobs.Finish(ctx, j))
}

// clip is an error in one line of at most 300 bytes.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.ToValidUTF8(s[:min(len(s), 300)], "")
}

// alive forgets that the job was given up once: a later one has done it.
func (d *Desk) alive(ctx context.Context, kind, key string) error {
	jobs, err := d.jobs.Claim(ctx, jobDead, 0, mostDead)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Key == deadKey(kind, key) {
			return unlessReplaced(d.jobs.Finish(ctx, j))
		}
	}
	return nil
}
