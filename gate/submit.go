package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// Submit takes an ask down the whole path. It returns when the command has run
// (its result is then in out), when it is refused, or, with Pending, when the
// context ends while people have not decided: the request then lives on in the
// store, and the same ask joins it. A context that ends never stops a command
// that was released, and never withdraws one that is held.
func (g *Gate) Submit(ctx context.Context, ask Ask, out Sink) (Result, error) {
	if err := g.quotas.ask(ask.By, g.cfg.Now()); err != nil {
		return nil, err
	}
	for {
		result, err := g.submit(context.WithoutCancel(ctx), ctx.Done(), ask, out)
		if !errors.Is(err, store.ErrConflict) {
			return result, err
		}
		// Something it was judged on changed at the same moment: judge again.
	}
}

func (g *Gate) submit(ctx context.Context, ended <-chan struct{}, ask Ask, out Sink) (Result, error) {
	asked, err := g.understand(ctx, ask)
	if err != nil {
		return nil, err
	}
	verdict := g.judge(asked)
	if verdict.Effect != countersign.Allow || asked.Key != "" { // what is allowed joins by its own key alone
		open, ok, err := g.open(ctx, &asked)
		if err != nil {
			return nil, unavailable(err)
		}
		if ok {
			result, err := g.join(ctx, ended, open, asked, out)
			if !errors.Is(err, store.ErrLate) {
				return result, err
			}
			// Its answer is too old by the record's clock, which never goes back.
		}
	}
	var result Result
	switch verdict.Effect {
	case countersign.Deny:
		result, err = g.deny(ctx, asked, verdict)
	case countersign.Allow:
		result, err = g.allow(ctx, asked, verdict, out)
	case countersign.Hold:
		result, err = g.hold(ctx, ended, asked, verdict, out)
	default:
		return nil, fmt.Errorf("policy returned effect %q", verdict.Effect)
	}
	if _, ok := errors.AsType[*store.OpenError](err); ok {
		return nil, store.ErrConflict // the same ask was recorded first: look again
	}
	return result, unavailable(err)
}

// open returns the request that the ask would join: one for the same command of
// the same agent and chain that is not settled, or whose answer nobody has had; or
// that of the ask's own key, however often its answer was had.
func (g *Gate) open(ctx context.Context, a *asked) (countersign.Request, bool, error) {
	id, err := g.store.Open(ctx, a.openKey)
	if errors.Is(err, store.ErrNotFound) {
		return countersign.Request{}, false, nil
	}
	if err != nil {
		return countersign.Request{}, false, err
	}
	r, err := g.store.Get(ctx, id)
	if err != nil {
		return countersign.Request{}, false, err
	}
	if !r.Settled() {
		return r, true, nil
	}
	a.after = id
	if a.now.After(r.SettledAt.Add(a.life())) {
		return r, false, nil
	}
	return r, a.Key != "" || !g.delivered(ctx, id), nil
}

// join shares an open request's answer with the same ask come again. It is late
// (store.ErrLate) where that answer has become too old.
func (g *Gate) join(ctx context.Context, ended <-chan struct{}, r countersign.Request, a asked, out Sink) (Result, error) {
	if !a.same(r) {
		return nil, &countersign.Error{
			Code: countersign.CodeDigestMismatch, Detail: fmt.Sprintf("this Idempotency-Key is that of another command, %s", r.ID),
			Hint: "nothing was recorded and nothing ran; send a new Idempotency-Key with a new command",
		}
	}
	joined, err := g.retry(ctx, r.ID, func(r countersign.Request) (change, error) {
		c := change{events: []countersign.Event{step(a.who(), r.Decision, r.Execution, countersign.Joined{Key: countersign.DigestOfKey(a.Key)})}}
		if r.Settled() {
			c.notAfter = r.SettledAt.Add(a.life())
		}
		return c, nil
	})
	if errors.Is(err, store.ErrLate) {
		return nil, err
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return g.await(ctx, ended, joined, a.executor, out)
}

// life is how long the ask joins a request after that was settled.
func (a asked) life() time.Duration {
	if a.Key != "" {
		return keyLife
	}
	return answerLife
}

// same reports whether the ask is for the request's command. The resource or the
// tool may have changed since: what was sent is the same all the same.
func (a asked) same(r countersign.Request) bool {
	sent, err := countersign.Canonical(complete(r.Command, a.resource))
	return err == nil && bytes.Equal(sent, a.canonical)
}

// ownKey is the open key of what is joined by the asker's own key alone.
func (a asked) ownKey() string {
	if a.Key == "" {
		return ""
	}
	return a.openKey
}

// deny records the refusal and gives it.
func (g *Gate) deny(ctx context.Context, a asked, v countersign.Verdict) (Result, error) {
	r, _, err := g.record(ctx, countersign.Request{ID: countersign.NewRequestID()}, change{
		events: []countersign.Event{
			a.requested(),
			step(gateway(), countersign.DecisionDenied, countersign.ExecutionNone, countersign.Denied{Verdict: v}),
		},
		seen: a.directory, row: a.row(a.ownKey()),
	})
	if err != nil {
		return nil, err
	}
	return Refused{r, refusal(r)}, nil
}

// allow records the ask, the verdict and the release in one commit, then runs.
func (g *Gate) allow(ctx context.Context, a asked, v countersign.Verdict, out Sink) (Result, error) {
	r, done, err := g.record(ctx, countersign.Request{ID: countersign.NewRequestID()}, change{
		events: []countersign.Event{
			a.requested(),
			step(gateway(), countersign.DecisionAllowed, countersign.ExecutionNone, countersign.Allowed{Verdict: v}),
			step(gateway(), countersign.DecisionAllowed, countersign.ExecutionRunning, countersign.Released{
				Executor: a.resource.Name, Attempt: countersign.NewID("rel"), Target: a.resource.Target, Policy: v.Policy,
			}),
		},
		seen: a.directory, row: a.row(a.ownKey()), freeze: a.lens.policy.NextFreeze(a.now),
	})
	if err != nil {
		return nil, err
	}
	return g.run(ctx, r, done, a.executor, out)
}

// hold records the ask and what it needs, then waits.
func (g *Gate) hold(ctx context.Context, ended <-chan struct{}, a asked, v countersign.Verdict, out Sink) (Result, error) {
	if err := g.room(ctx, a.By); err != nil {
		return nil, err
	}
	id := countersign.NewRequestID()
	reach(a.directory, countersign.Request{
		Requester: a.By, OnBehalfOf: a.OnBehalfOf, CreatedAt: a.now, Verdict: v,
	})
	r, _, err := g.record(ctx, countersign.Request{ID: id}, change{
		events: []countersign.Event{
			a.requested(),
			step(gateway(), countersign.DecisionPending, countersign.ExecutionNone, countersign.Held{Verdict: v}),
		},
		seen: a.directory, row: a.row(a.openKey),
		jobs: timers(id, v.Requirement),
	})
	if err != nil {
		g.quotas.leave(a.By)
		return nil, err
	}
	return g.await(ctx, ended, r, a.executor, out)
}

// retry records a change to a request that others change too: on a conflict it
// reads the request again and asks what to record now.
func (g *Gate) retry(ctx context.Context, id countersign.RequestID, next func(countersign.Request) (change, error)) (countersign.Request, error) {
	for {
		r, err := g.store.Get(ctx, id)
		if err != nil {
			return r, err
		}
		c, err := next(r)
		if err != nil {
			return r, err
		}
		r, _, err = g.record(ctx, r, c)
		if !errors.Is(err, store.ErrConflict) {
			return r, err
		}
	}
}
