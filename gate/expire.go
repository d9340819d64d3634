package gate

import (
	"context"
	"errors"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// KeepTime expires, lapses, escalates and reminds of what is due, recovered passkeys
// too, about once a second, until the context ends. It only tidies: what is late is refused by the
// transaction that would have counted it, whether or not this has run.
func (g *Gate) KeepTime(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := g.Tick(ctx); err != nil && ctx.Err() == nil {
			g.cfg.Log.Warn("timers are late", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Tick does what is due now. Of several gates over one store each timer is the
// business of one.
func (g *Gate) Tick(ctx context.Context) error {
	g.recordLate(ctx)
	return errors.Join(
		g.due(ctx, jobExpire, g.expire),
		g.due(ctx, jobLapse, g.lapse),
		g.due(ctx, jobEscalate, g.climb),
		g.due(ctx, jobRemind, g.remind),
		g.lapseKeys(ctx),
		g.turn(ctx),
	)
}

// errNotDue ends a change that has nothing to do.
var errNotDue = errors.New("not due")

// expire refuses a request that nobody decided in time.
func (g *Gate) expire(ctx context.Context, id countersign.RequestID) (again time.Time, err error) {
	_, err = g.retry(ctx, id, func(r countersign.Request) (change, error) {
		again = time.Time{}
		if r.Decision != countersign.DecisionPending {
			return change{}, errNotDue
		}
		if g.cfg.Now().Before(r.ExpiresAt()) {
			again = r.ExpiresAt()
			return change{}, errNotDue
		}
		return change{
			events:    []countersign.Event{step(gateway(), countersign.DecisionExpired, countersign.ExecutionNone, countersign.Expired{})},
			notBefore: r.ExpiresAt(),
		}, nil
	})
	return again, done(err)
}

// lapse ends an approval that nobody ran in time.
func (g *Gate) lapse(ctx context.Context, id countersign.RequestID) (again time.Time, err error) {
	err = g.lapseOnce(ctx, id, func(runBy time.Time) bool {
		again = time.Time{}
		if g.cfg.Now().Before(runBy) {
			again = runBy
		}
		return again.IsZero()
	})
	return again, err
}

// lapseLate ends an approval of which the record says that it is too late to
// run: its clock never goes back, and the gate's may have. If that was not the
// record's clock, and went back meanwhile, the approval lives on.
func (g *Gate) lapseLate(ctx context.Context, late countersign.Request) error {
	tried := false
	return g.lapseOnce(ctx, late.ID, func(runBy time.Time) bool {
		due := !tried && runBy.Equal(late.RunBy)
		tried = true
		return due
	})
}

func (g *Gate) lapseOnce(ctx context.Context, id countersign.RequestID, due func(runBy time.Time) bool) error {
	_, err := g.retry(ctx, id, func(r countersign.Request) (change, error) {
		if r.Decision != countersign.DecisionApproved || r.Execution != countersign.ExecutionNone || !due(r.RunBy) {
			return change{}, errNotDue
		}
		return change{
			events:    []countersign.Event{step(gateway(), countersign.DecisionExpired, countersign.ExecutionNone, countersign.Lapsed{})},
			notBefore: r.RunBy,
		}, nil
	})
	return done(err)
}

func done(err error) error {
	if errors.Is(err, errNotDue) {
		return nil
	}
	return err
}

// recover records as unknown what an earlier process left running: it was
// released, and nobody can tell whether it ran. It is never run again.
func (g *Gate) recover(ctx context.Context) error {
	for {
		left, _, err := g.store.Search(ctx, store.Query{Execution: countersign.ExecutionRunning, Limit: 100})
		if err != nil || len(left) == 0 {
			return err
		}
		for _, r := range left {
			outcome, err := g.left(ctx, r)
			if err == nil {
				_, err = g.settle(ctx, r, outcome, nil)
			}
			if err != nil {
				return err
			}
			g.cfg.Log.Warn("the gateway stopped while a command ran", "request", r.ID, "execution", outcome.Execution)
		}
	}
}
