package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/store"
)

// How often and how long something is tried.
const (
	maxTries  = 20
	firstWait = time.Second
	longWait  = 10 * time.Minute
	lease     = time.Minute
	workFor   = 45 * time.Second // less than the lease
	atOnce    = 8                // jobs that are worked on at the same time
	maxAlarms = 50
)

// A task is the body of a job: what to do, and how often it was tried.
type task struct {
	Tries int    `json:"tries,omitempty"`
	Body  []byte `json:"body,omitempty"`
}

// work claims what is due of the kind and does it, each job by itself. It returns
// how many were claimed.
func (d *Desk) work(ctx context.Context, kind string, do func(context.Context, store.Job, task) error) (int, error) {
	jobs, err := d.jobs.Claim(ctx, kind, lease, atOnce)
	if err != nil {
		return 0, err
	}
	errs := make([]error, len(jobs))
	var each sync.WaitGroup
	for i, j := range jobs {
		each.Go(func() { errs[i] = d.try(ctx, j, do) })
	}
	each.Wait()
	return len(jobs), errors.Join(errs...)
}

// try does a job once. What fails is put off; what failed too often is given up.
func (d *Desk) try(ctx context.Context, j store.Job, do func(context.Context, store.Job, task) error) error {
	var t task
	if len(j.Body) > 0 {
		if err := json.Unmarshal(j.Body, &t); err != nil {
			return fmt.Errorf("job %s of %s: %w", j.Kind, j.Key, err)
		}
	}
	short, cancel := context.WithTimeout(ctx, workFor)
	failed := do(short, j, t)
	cancel()
	if ctx.Err() != nil {
		return nil // we stop; the lease ends by itself
	}
	t.Tries++
	switch {
	case failed == nil:
		return unlessReplaced(d.jobs.Finish(ctx, j))
	case t.Tries >= maxTries:
		d.giveUp(j, t, failed)
		return unlessReplaced(d.jobs.Finish(ctx, j))
	}
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	wait := pause(t.Tries, failed)
	d.cfg.Log.Warn("a chat did not answer well; it is tried again", "job", j.Kind, "key", j.Key, "tries", t.Tries, "in", wait, "err", failed)
	j.Body, j.Due = body, d.cfg.Now().Add(wait)
	return unlessReplaced(d.jobs.Postpone(ctx, j))
}

// unlessReplaced forgives that something newer is to be done, or that another
// process has taken over.
func unlessReplaced(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// pause is how long to wait after so many tries.
func pause(tries int, failed error) time.Duration {
	wait := min(firstWait<<min(tries-1, 30), longWait)
	if told, ok := errors.AsType[*channel.RetryError](failed); ok {
		wait = max(told.After, firstWait)
	}
	return wait
}

// giveUp raises the alarm for a job that is dropped.
func (d *Desk) giveUp(j store.Job, t task, why error) {
	d.cfg.Log.Error("given up; look at the connection to the chat", "job", j.Kind, "key", j.Key, "tries", t.Tries, "err", why)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alarms = append(d.alarms, fmt.Sprintf("%s of %s was given up after %d tries; look at the connection to the chat", j.Kind, j.Key, t.Tries))
	d.alarms = d.alarms[max(0, len(d.alarms)-maxAlarms):]
}
