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

// A Decision is one person's choice on its way to the record.
type Decision struct {
	Request countersign.RequestID
	countersign.Decision
	Origin countersign.Origin
}

// Decide takes one person's choice. A choice that does not count (on one's own
// request, by nobody's reviewer, with too little assurance) is refused with an
// Error, and the attempt is on record. The transaction that would count it also
// refuses it when it comes too late.
func (g *Gate) Decide(ctx context.Context, d Decision) (countersign.Request, error) {
	for {
		r, err := g.decide(ctx, d)
		if err == nil {
			return g.finish(ctx, r), nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return r, err
		}
		// Somebody decided at the same moment: look again.
	}
}

func (g *Gate) decide(ctx context.Context, d Decision) (countersign.Request, error) {
	dir, r, err := g.deciding(ctx, d.Request, d.By.ID)
	if err != nil {
		return r, err
	}
	d.By = dir.People[d.By.ID].Principal()
	if d, err = through(dir, d); err != nil {
		return r, err
	}
	if err := settledAlready(r, d); err != nil {
		return r, err
	}
	if refused := quorum.MayDecide(dir, r, d.By.ID); refused != nil {
		return g.refuse(ctx, r, d, refused)
	}
	if d, err = g.signed(ctx, dir, r, d); err != nil {
		if refused, ok := errors.AsType[*countersign.Error](err); ok && refused.Code == countersign.CodePasskeyInvalid {
			return g.refuse(ctx, r, d, refused)
		}
		return r, err
	}
	refused := g.check(dir, r, d)
	if refused == nil {
		refused = needReason(r, d)
	}
	if refused != nil {
		return g.refuse(ctx, r, d, refused)
	}
	c, err := g.choice(dir, r, d)
	if err != nil {
		return r, err
	}
	c.seen = dir
	r, _, err = g.record(ctx, r, c)
	if errors.Is(err, store.ErrLate) {
		return r, &countersign.Error{Code: countersign.CodeAlreadySettled, Detail: fmt.Sprintf("%s has expired; nothing was recorded and nothing ran", r.ID)}
	}
	return r, unavailable(err)
}

// deciding returns what a decision of the person on the request is taken on.
func (g *Gate) deciding(ctx context.Context, id countersign.RequestID, person string) (*countersign.Directory, countersign.Request, error) {
	dir, err := g.Directory(ctx)
	if err != nil {
		return nil, countersign.Request{}, err
	}
	if _, ok := dir.People[person]; !ok {
		return nil, countersign.Request{}, &countersign.Error{Code: countersign.CodeForbidden, Detail: "only a person decides", Hint: "sign in as a reviewer"}
	}
	r, err := g.Get(ctx, id)
	if err != nil {
		return dir, r, err
	}
	again, err := g.reopen(ctx, dir, r)
	if again {
		err = store.ErrConflict // look at it as it is now
	}
	return dir, r, err
}

// settledAlready refuses a choice that comes too late, and says who was faster.
// A rejection still counts while an approved command has not been released.
func settledAlready(r countersign.Request, d Decision) error {
	undone := r.Decision == countersign.DecisionApproved && r.Execution == countersign.ExecutionNone && d.Choice == countersign.Reject
	if r.Decision == countersign.DecisionPending || undone {
		return nil
	}
	e := &countersign.Error{Code: countersign.CodeAlreadySettled, Detail: fmt.Sprintf("%s is %s already", r.ID, r.Decision)}
	if n := len(r.Decisions); n > 0 && r.Decisions[n-1].Choice != countersign.Escalate {
		e.Detail += " by " + r.Decisions[n-1].By.Name
	}
	e.Detail += "; your choice was not recorded"
	return e
}

// check refuses a choice for what it is, whoever makes it.
func (g *Gate) check(dir *countersign.Directory, r countersign.Request, d Decision) *countersign.Error {
	if d.Digest != r.Digest {
		return &countersign.Error{Code: countersign.CodeDigestMismatch, Detail: fmt.Sprintf("the choice is about another command than %s", r.ID), Hint: "open the request again and read it"}
	}
	switch d.Choice {
	case countersign.Approve:
		return g.checkApproval(dir, r, d)
	case countersign.Reject:
		return nil
	case countersign.Escalate:
		if _, ok := dir.Groups[d.To]; !ok {
			return &countersign.Error{Code: countersign.CodeUnknownGroup, Detail: fmt.Sprintf("there is no group %q", d.To), Hint: "name a group that can decide it"}
		}
		return nil
	}
	return &countersign.Error{Code: countersign.CodeBadRequest, Detail: fmt.Sprintf("choice %q is none of approve, reject, escalate", d.Choice)}
}

// needReason refuses a choice without the reason that it needs.
func needReason(r countersign.Request, d Decision) *countersign.Error {
	needs := d.Choice != countersign.Approve || r.Verdict.Requirement.Reason
	if needs && strings.TrimSpace(d.Reason) == "" {
		return &countersign.Error{Code: countersign.CodeReasonRequired, Detail: fmt.Sprintf("to %s needs a reason", d.Choice), Hint: "say why in a sentence; the agent sees it"}
	}
	return nil
}

func (g *Gate) checkApproval(dir *countersign.Directory, r countersign.Request, d Decision) *countersign.Error {
	need, refused, closed := r.Verdict.Requirement, unseen(dir, r, d), g.closed(context.Background(), dir, r)
	late := quorum.MayApproveThrough(dir, r, d.Decision)
	switch {
	case len(need.Blocked) > 0:
		return &countersign.Error{Code: countersign.CodeCannotApprove, Detail: "nobody can approve this: " + strings.Join(need.Blocked, "; "), Hint: "reject it, or change the policy"}
	case refused != nil:
		return refused
	case closed != nil:
		return closed
	case late != nil:
		return late
	case slices.ContainsFunc(r.Approvals(), func(a countersign.Decision) bool { return a.By.ID == d.By.ID }):
		return &countersign.Error{Code: countersign.CodeAlreadyDecided, Detail: d.By.Name + " has approved it already and counts once", Hint: "another person is needed"}
	case d.Solo && r.Origin.ServerAccount && !g.cfg.Demo:
		return &countersign.Error{Code: countersign.CodeAssuranceTooLow, Detail: "the agent runs under this server's own account, so a session opened by a link cannot approve what it asks for", Hint: "run the agent as another user, or the server"}
	}
	return enough(dir, r, d)
}

// enough refuses an approval that no stage of the person's would take.
func enough(dir *countersign.Directory, r countersign.Request, d Decision) *countersign.Error {
	groups := quorum.Seats(dir, r, d.By.ID)
	least := countersign.Passkey
	for _, s := range r.Verdict.Requirement.Stages {
		if !quorum.Overlap(s.Reviewers, groups) {
			continue
		}
		if d.Assurance.Meets(s.Assurance) {
			return nil
		}
		if least.Meets(s.Assurance) {
			least = s.Assurance
		}
	}
	return &countersign.Error{Code: countersign.CodeAssuranceTooLow, Detail: fmt.Sprintf("this needs a %s, and %s is less", least, orNone(d.Assurance)), Hint: "open the request in the console"}
}

func orNone(a countersign.Assurance) string {
	if a == "" {
		return "what you signed in with"
	}
	return "a " + string(a)
}

// refuse records a choice that does not count, and gives the reason. What is
// merely out of date or incomplete is no attempt at anything and leaves no trace.
func (g *Gate) refuse(ctx context.Context, r countersign.Request, d Decision, why *countersign.Error) (countersign.Request, error) {
	switch why.Code {
	case countersign.CodeSelfApproval, countersign.CodeNotAReviewer, countersign.CodeAssuranceTooLow, countersign.CodeDigestMismatch, countersign.CodePasskeyInvalid:
	default:
		return r, why
	}
	d.Assertion = nil // it shows nothing of a choice that does not count
	refused := step(d.who(), r.Decision, r.Execution, countersign.Refused{Decision: d.Decision, Code: why.Code})
	after, _, err := g.record(ctx, r, change{events: []countersign.Event{refused}})
	if err != nil {
		return r, unavailable(err)
	}
	return after, why
}

// choice is what to record for a choice that counts.
func (g *Gate) choice(dir *countersign.Directory, r countersign.Request, d Decision) (change, error) {
	body := countersign.Decided{Decision: d.Decision}
	none := countersign.ExecutionNone
	switch d.Choice {
	case countersign.Reject:
		return change{events: []countersign.Event{step(d.who(), countersign.DecisionRejected, none, body)}}, nil
	case countersign.Escalate:
		stage := countersign.Stage{Reviewers: []string{d.To}, Quorum: 1, Assurance: countersign.HighestAssurance(r.Verdict.Requirement.Stages)}
		return change{
			events:   []countersign.Event{step(d.who(), countersign.DecisionPending, none, countersign.Escalated{Decision: d.Decision, Stage: stage})},
			notAfter: r.ExpiresAt(),
		}, nil
	case countersign.Approve:
		with := r
		with.Decisions = append(slices.Clone(r.Decisions), d.Decision)
		voters, _ := quorum.Count(dir, with)
		opens := r.Verdict.Requirement.NotBefore
		if !quorum.Met(r.Verdict.Requirement.Stages, voters) {
			return change{events: []countersign.Event{step(d.who(), countersign.DecisionPending, none, body)}, notAfter: r.ExpiresAt(), notBefore: opens}, nil
		}
		now := g.now()
		if now.After(opens) {
			opens = now // no approval lives longer because the clock went back
		}
		body.RunBy = now.Add(time.Duration(r.Verdict.Requirement.RunWithinSeconds) * time.Second)
		return change{
			events:    []countersign.Event{step(d.who(), countersign.DecisionApproved, none, body)},
			notAfter:  r.ExpiresAt(),
			notBefore: opens,
			jobs:      []store.Job{{Kind: jobLapse, Key: string(r.ID), Due: body.RunBy}},
		}, nil
	}
	return change{}, fmt.Errorf("choice %q reached the record", d.Choice)
}

func (d Decision) who() countersign.Who {
	return countersign.Who{Actor: d.By, Origin: d.Origin, AuthTime: d.AuthTime, Method: d.Method, Assertion: d.Assertion}
}
