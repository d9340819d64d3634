package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/store"
)

// How often and how long something is tried.
const (
	maxTries  = 20
	maxWaits  = 2 * time.Hour // of being told to wait, about as long as 20 tries take
	firstWait = time.Second
	longWait  = 10 * time.Minute
	lease     = time.Minute
	workFor   = 45 * time.Second // less than the lease
	atOnce    = 8                // jobs that are worked on at the same time
)

// A task is the body of a job: what to do, how often that failed, and since when
// the chat has been saying that it should wait, which is no failure.
type task struct {
	Tries int       `json:"tries,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Body  []byte    `json:"body,omitempty"`
	// Notice is what the gate had to say of a link.
	Notice json.RawMessage `json:"notice,omitempty"`
}

// A chore does one job of a kind by its key.
type chore func(ctx context.Context, key string, t task) error

// work claims what is due of the kind and does it, each job by itself. It returns
// how many were claimed.
func (d *Desk) work(ctx context.Context, kind string, do chore) (int, error) {
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
func (d *Desk) try(ctx context.Context, j store.Job, do chore) error {
	var t task
	if len(j.Body) > 0 {
		if err := json.Unmarshal(j.Body, &t); err != nil {
			return fmt.Errorf("job %s of %s: %w", j.Kind, j.Key, err)
		}
	}
	short, cancel := context.WithTimeout(ctx, workFor)
	failed := do(short, j.Key, t)
	cancel()
	if ctx.Err() != nil {
		return nil // we stop; the lease ends by itself
	}
	if failed == nil {
		return errors.Join(unlessReplaced(d.jobs.Finish(ctx, j)), d.alive(ctx, j.Kind, j.Key))
	}
	wait, told := t.failed(failed, d.cfg.Now())
	switch {
	case told && d.cfg.Now().Sub(t.Since) >= maxWaits:
		return d.giveUp(ctx, j, t, fmt.Errorf("told to wait for %s: %w", maxWaits, failed))
	case t.Tries >= maxTries:
		return d.giveUp(ctx, j, t, failed)
	}
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if told {
		level = slog.LevelDebug // of a burst, nearly every try
	}
	d.cfg.Log.Log(ctx, level, "a chat did not answer well; it is tried again", "job", j.Kind, "key", j.Key, "tries", t.Tries, "in", wait, "err", failed)
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

// failed notes a failure and says how long to pause after it, and whether that is
// because we were told to wait and nothing else is wrong.
func (t *task) failed(err error, now time.Time) (pause time.Duration, told bool) {
	if wait, told := errors.AsType[*channel.RetryError](err); told {
		if t.Since.IsZero() {
			t.Since = now
		}
		return max(wait.After, firstWait), true
	}
	t.Tries++
	t.Since = time.Time{}
	return min(firstWait<<min(t.Tries-1, 30), longWait), false
}

// together is one error of several. To be told to wait is the least of them: where
// nothing else is wrong it is the shortest wait.
func together(errs []error) error {
	var wrong []error
	var soonest *channel.RetryError
	for _, err := range errs {
		wait, told := errors.AsType[*channel.RetryError](err)
		switch {
		case !told:
			wrong = append(wrong, err)
		case soonest == nil || wait.After < soonest.After:
			soonest = wait
		}
	}
	if err := errors.Join(wrong...); err != nil || soonest == nil {
		return err
	}
	return soonest
}
