package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/store"
)

// Get returns a request, with the approvals that count no longer marked void.
func (g *Gate) Get(ctx context.Context, id countersign.RequestID) (countersign.Request, error) {
	r, err := g.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return r, &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no request %s", id), Hint: "countersign ls shows what waits"}
	}
	if err != nil {
		return r, unavailable(err)
	}
	if len(r.Decisions) == 0 {
		return r, nil
	}
	d, err := g.Directory(ctx)
	if err != nil {
		return r, err
	}
	return quorum.Current(d, r), nil
}

// Watch returns the request once its version is above after, or as it is when
// the context ends. Server-sent events, long polls and held doors all wait here.
func (g *Gate) Watch(ctx context.Context, id countersign.RequestID, after uint64) (countersign.Request, error) {
	return g.watch(context.WithoutCancel(ctx), ctx.Done(), id, after)
}

func (g *Gate) watch(ctx context.Context, ended <-chan struct{}, id countersign.RequestID, after uint64) (countersign.Request, error) {
	changed, done := g.hub.Register(id)
	defer done()
	look := time.NewTicker(time.Second) // a wake is a hint; the row is the truth
	defer look.Stop()
	for {
		r, err := g.Get(ctx, id)
		if err != nil || r.Version > after {
			return r, err
		}
		select {
		case <-ended:
			return r, nil
		case <-g.drained:
			return r, nil
		case <-changed:
		case <-look.C:
		}
	}
}

// Wait waits, as a live ask of the requester, for what becomes of a request,
// and runs it if it is approved. It returns what Submit returns.
func (g *Gate) Wait(ctx context.Context, by countersign.Principal, id countersign.RequestID, out Sink) (Result, error) {
	own := context.WithoutCancel(ctx)
	r, err := g.Get(own, id)
	if err != nil {
		return nil, err
	}
	if r.Requester.ID != by.ID {
		return nil, &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no request %s of yours", id), Hint: "only who asked for it can run it"}
	}
	return g.await(own, ctx.Done(), r, g.executor(r.Resource.Name), out)
}

// Waiting is how many wait for a request to change, or for any: held calls, long
// polls, streams of events.
func (g *Gate) Waiting() int { return g.hub.Waiting() }

// await waits until the request is settled, and spends its approval when it is
// approved: only a live ask releases. An asker who does not wait at all is there
// for one look.
func (g *Gate) await(ctx context.Context, ended <-chan struct{}, r countersign.Request, via Executor, out Sink) (Result, error) {
	for {
		switch {
		case r.Settled():
			return g.late(ctx, r, out)
		case r.Decision == countersign.DecisionApproved && r.Execution == countersign.ExecutionNone:
			waits, err := g.halted(ctx, ended, r)
			if err != nil {
				return nil, err
			}
			if waits {
				return Pending{r}, nil
			}
			result, err := g.release(ctx, r.ID, via, out)
			if result != nil || (err != nil && !errors.Is(err, store.ErrConflict)) {
				return result, err
			}
			if r, err = g.Get(ctx, r.ID); err != nil {
				return nil, err
			}
			continue
		}
		next, err := g.watch(ctx, ended, r.ID, r.Version)
		if err != nil {
			return nil, err
		}
		if (gone(ended) || gone(g.drained)) && !next.Settled() {
			return Pending{next}, nil // nobody is there to run it for
		}
		r = next
	}
}

func gone(ended <-chan struct{}) bool {
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

// late answers from what was kept.
func (g *Gate) late(ctx context.Context, r countersign.Request, out Sink) (Result, error) {
	if r.Execution != countersign.ExecutionSucceeded && r.Execution != countersign.ExecutionFailed {
		return answer(r, nil, out)
	}
	result, err := g.Result(ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", &countersign.Error{
			Code: countersign.CodeUnavailable, Detail: fmt.Sprintf("%s has run, and what was kept of its answer cannot be read", r.ID),
			Hint: "ask the same again in a moment: it does not run a second time",
		}, err)
	}
	return answer(r, result, out)
}

// Result returns the kept result of a request, nil if there is none (any more).
func (g *Gate) Result(ctx context.Context, id countersign.RequestID) ([]byte, error) {
	e, err := g.store.Ephemeral().Get(ctx, resultKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return e.Value, nil
}

// Delivered says that the asker has had the whole answer: the next identical
// ask is a new request.
func (g *Gate) Delivered(ctx context.Context, id countersign.RequestID) {
	err := g.store.Ephemeral().Put(context.WithoutCancel(ctx), store.Entry{
		Key: deliveredKey(id), Subject: string(id), Expires: g.cfg.Now().Add(answerLife),
	})
	if err != nil {
		g.cfg.Log.Warn("a delivery is not noted; a repeat may be answered twice", "request", id, "err", err)
	}
}

func (g *Gate) delivered(ctx context.Context, id countersign.RequestID) bool {
	_, err := g.store.Ephemeral().Get(ctx, deliveredKey(id))
	return err == nil
}

func deliveredKey(id countersign.RequestID) string { return "delivered:" + string(id) }

// Withdraw takes a request back, by who asked for it or by the operator.
func (g *Gate) Withdraw(ctx context.Context, id countersign.RequestID, who countersign.Who, reason string) (countersign.Request, error) {
	r, err := g.retry(ctx, id, func(r countersign.Request) (change, error) {
		if who.Actor.Kind != countersign.KindOperator && r.Requester.ID != who.Actor.ID {
			return change{}, &countersign.Error{Code: countersign.CodeForbidden, Detail: fmt.Sprintf("only %s, who asked for it, can withdraw %s", r.Requester.Name, id)}
		}
		if r.Settled() || r.Execution != countersign.ExecutionNone {
			return change{}, &countersign.Error{Code: countersign.CodeAlreadySettled, Detail: fmt.Sprintf("%s is %s and %s already", id, r.Decision, r.Execution)}
		}
		return change{events: []countersign.Event{step(who, countersign.DecisionWithdrawn, countersign.ExecutionNone, countersign.Withdrawn{Reason: reason})}}, nil
	})
	return r, told(err, id)
}

// Resolve records what really happened after an unknown outcome.
func (g *Gate) Resolve(ctx context.Context, id countersign.RequestID, who countersign.Who, x countersign.ExecutionState, reason string) (countersign.Request, error) {
	if reason == "" || (x != countersign.ExecutionSucceeded && x != countersign.ExecutionFailed) {
		return countersign.Request{}, &countersign.Error{Code: countersign.CodeBadRequest, Detail: "to resolve needs succeeded or failed, and a reason", Hint: "say how you know"}
	}
	r, err := g.retry(ctx, id, func(r countersign.Request) (change, error) {
		if r.Execution != countersign.ExecutionUnknown {
			return change{}, &countersign.Error{Code: countersign.CodeConflict, Detail: fmt.Sprintf("the outcome of %s is %s, not unknown", id, r.Execution)}
		}
		if who.Actor.ID == r.Requester.ID {
			return change{}, &countersign.Error{Code: countersign.CodeForbidden, Detail: "who asked for it cannot say what became of it", Hint: "ask a person"}
		}
		outcome := *r.Outcome
		outcome.Execution = x
		return change{events: []countersign.Event{step(who, r.Decision, x, countersign.Resolved{Outcome: outcome, Reason: reason})}}, nil
	})
	return r, told(err, id)
}

// told is the error as whoever acted on the request is told it.
func told(err error, id countersign.RequestID) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no request %s", id)}
	default:
		return unavailable(err)
	}
}
