package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/store"
)

// The kinds of timers. The key of each is the request's id.
const (
	jobExpire   = "expire"   // nobody decided
	jobLapse    = "lapse"    // nobody ran it
	jobEscalate = "escalate" // nobody decided, and others are asked as well
	jobRemind   = "remind"   // nobody decided, and who was asked is asked again
)

// JobReminders is the kind of the jobs that have the reviewers of a pending request
// asked again. The key is the request's id.
const JobReminders = "reminders"

// lease is how long a worker has for the timers that it took.
const lease = time.Minute

// timers are the jobs of a request that is held, or held again.
func timers(id countersign.RequestID, need *countersign.Requirement) []store.Job {
	jobs := []store.Job{{Kind: jobExpire, Key: string(id), Due: need.ExpiresAt}}
	if len(need.Ladder) > 0 {
		jobs = append(jobs, store.Job{Kind: jobEscalate, Key: string(id), Due: need.Ladder[0].At})
	}
	if need.Remind != nil {
		jobs = append(jobs, store.Job{Kind: jobRemind, Key: string(id), Due: need.Remind.At})
	}
	return jobs
}

// due takes the timers of the kind that are due and does each. do says when it is
// due again; zero: never. One that fails is tried again when its lease is over.
func (g *Gate) due(ctx context.Context, kind string, do func(context.Context, countersign.RequestID) (again time.Time, err error)) error {
	const most = 100
	var errs []error
	for {
		jobs, err := g.store.Claim(ctx, kind, lease, most)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, j := range jobs {
			again, err := do(ctx, countersign.RequestID(j.Key))
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%s %s: %w", kind, j.Key, err))
				continue
			case again.IsZero():
				err = g.store.Finish(ctx, j)
			default:
				j.Due = again
				err = g.store.Postpone(ctx, j)
			}
			if err != nil && !errors.Is(err, store.ErrConflict) { // a conflict: it was replaced
				errs = append(errs, err)
			}
		}
		if len(jobs) < most {
			return errors.Join(errs...)
		}
	}
}

// climb adds the next stage of the ladder to a request that nobody has decided by
// its time. It never takes one away.
func (g *Gate) climb(ctx context.Context, id countersign.RequestID) (again time.Time, err error) {
	_, err = g.retry(ctx, id, func(r countersign.Request) (change, error) {
		again = time.Time{}
		rung, ok := r.NextRung()
		if !ok {
			return change{}, errNotDue
		}
		if g.cfg.Now().Before(rung.At) {
			again = rung.At
			return change{}, errNotDue
		}
		need := r.Verdict.Requirement
		c := change{notAfter: r.ExpiresAt(), notBefore: rung.At, events: []countersign.Event{
			step(gateway(), countersign.DecisionPending, countersign.ExecutionNone, countersign.Escalated{
				Decision: countersign.Decision{
					Choice: countersign.Escalate, Digest: r.Digest, To: strings.Join(rung.To, " or "), Channel: "timer",
					Reason: "not decided by " + rung.At.UTC().Format("2006-01-02 15:04:05 UTC"),
				},
				Stage: countersign.Stage{Reviewers: rung.To, Quorum: 1, Assurance: countersign.HighestAssurance(need.Stages)},
			}),
		}}
		if len(need.Ladder) > 1 {
			c.jobs = []store.Job{{Kind: jobEscalate, Key: string(id), Due: need.Ladder[1].At}}
		}
		return c, nil
	})
	if errors.Is(err, store.ErrLate) {
		err = nil // it expires
	}
	return again, done(err)
}

// remind queues that who was asked is asked again, while they have not decided.
func (g *Gate) remind(ctx context.Context, id countersign.RequestID) (again time.Time, err error) {
	r, err := g.store.Get(ctx, id)
	if err != nil {
		return again, err
	}
	now := g.cfg.Now()
	if r.Decision != countersign.DecisionPending || r.Verdict.Requirement.Remind == nil || !now.Before(r.ExpiresAt()) {
		return again, nil
	}
	plan := *r.Verdict.Requirement.Remind
	if now.Before(plan.At) {
		return plan.At, nil
	}
	if g.cfg.Cards {
		err = g.store.Add(ctx, store.Job{Kind: JobReminders, Key: string(id), Due: now})
		if err != nil && !errors.Is(err, store.ErrExists) { // one is on its way
			return again, err
		}
	}
	if plan.EverySeconds > 0 {
		again = now.Add(time.Duration(plan.EverySeconds) * time.Second)
	}
	return again, nil
}

// keepStages has a requirement of now keep what the request has come to: the stages
// that were added to it, and its end, unless it waits for a freeze.
func keepStages(now *countersign.Requirement, r countersign.Request) {
	if now.NotBefore.IsZero() {
		now.ExpiresAt = r.ExpiresAt()
	}
	for _, s := range r.Added {
		s.Assurance = countersign.HighestAssurance(append(slices.Clone(now.Stages), s))
		now.Stages = append(now.Stages, s)
	}
	now.Ladder = slices.DeleteFunc(now.Ladder, func(rung countersign.Rung) bool {
		return slices.ContainsFunc(r.Added, func(s countersign.Stage) bool { return slices.Equal(s.Reviewers, rung.To) })
	})
}

// reach notes in the requirement of a request why not enough people could approve
// it, so that whoever asks and whoever reads it knows at once.
func reach(d *countersign.Directory, r countersign.Request) {
	need := r.Verdict.Requirement
	if len(need.Blocked) == 0 {
		need.Blocked = quorum.Short(d, r)
	}
}

// reopen takes what stands against a decision out of a request's requirement, as
// far as the policy of now does not say it any more: a freeze that was lifted early,
// or hours that were widened. Nothing else of the requirement changes, nor does its
// end. It is held again, so that people are shown it anew, and reopen reports so.
func (g *Gate) reopen(ctx context.Context, dir *countersign.Directory, r countersign.Request) (bool, error) {
	was := r.Verdict.Requirement
	if r.Decision != countersign.DecisionPending || was == nil || !g.now().Before(was.NotBefore) {
		return false, nil
	}
	now := g.verdict(ctx, dir, r)
	need := *was
	need.NotBefore, need.Closed, need.Frozen = time.Time{}, nil, false
	switch {
	case now.Effect == countersign.Deny:
		return false, nil
	case now.Requirement != nil:
		need.NotBefore, need.Closed, need.Frozen = now.Requirement.NotBefore, now.Requirement.Closed, now.Requirement.Frozen
	}
	if !need.NotBefore.Before(was.NotBefore) {
		return false, nil
	}
	verdict := r.Verdict
	verdict.Requirement = &need
	again := heldAgain(verdict, "what it waited for was lifted early")
	_, _, err := g.record(ctx, r, change{events: []countersign.Event{*again}, seen: dir})
	return err == nil, unavailable(err)
}

// closed refuses an approval in a freeze, or in hours in which nobody decides: those
// of when it was held, and those of now.
func (g *Gate) closed(ctx context.Context, dir *countersign.Directory, r countersign.Request) *countersign.Error {
	now := g.now()
	for _, need := range []*countersign.Requirement{r.Verdict.Requirement, g.verdict(ctx, dir, r).Requirement} {
		if need != nil && now.Before(need.NotBefore) {
			return &countersign.Error{
				Code:   countersign.CodeCannotApprove,
				Detail: fmt.Sprintf("nobody can approve this before %s: %s", need.NotBefore.UTC().Format("2006-01-02 15:04 UTC"), strings.Join(need.Closed, "; ")),
				Hint:   "approve it then, or reject it now",
			}
		}
	}
	return nil
}
