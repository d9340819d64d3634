package countersign

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Request is an agent asking for one command, and all that has become of it:
// the fold of its events. Versions count the events.
type Request struct {
	ID      RequestID
	Version uint64
	State
	// Digest names the command; Canonical are its bytes, and Command is read
	// from them.
	Digest    Digest
	Canonical []byte
	Command   Command

	Resource   Resource
	Requester  Principal
	OnBehalfOf []Principal
	Origin     Origin
	Reason     string // a claim
	Facts      Facts
	Repeats    *Repeat
	// Barred are the ids of the people who could not decide it when it came.
	Barred []string

	Verdict Verdict
	// Because says why it is pending again, or why it was denied without a rule.
	Because   string
	Decisions []Decision
	// Added are the stages that escalations added, in order.
	Added []Stage
	// Refusals are choices that were not counted.
	Refusals []Refused
	// Reveals are who had the hidden parts of it shown, in order.
	Reveals []Reveal
	// RunBy is when a complete approval lapses.
	RunBy   time.Time
	Outcome *Outcome
	// ResolvedBy and ResolvedWhy say who recorded what happened after all.
	ResolvedBy  *Principal
	ResolvedWhy string

	CreatedAt time.Time
	UpdatedAt time.Time
	SettledAt time.Time
}

// AskedBy reports whether the asker, on behalf of the same whole chain, made the
// request.
func (r Request) AskedBy(who Who) bool {
	same := func(p, q Principal) bool { return p.ID == q.ID && p.Issuer == q.Issuer && p.Subject == q.Subject }
	return r.Requester.ID == who.Actor.ID && slices.EqualFunc(r.OnBehalfOf, who.OnBehalfOf, same)
}

// ExpiresAt is when a pending request is refused; zero if it is not held.
func (r Request) ExpiresAt() time.Time {
	if r.Verdict.Requirement == nil {
		return time.Time{}
	}
	return r.Verdict.Requirement.ExpiresAt
}

// Approvals returns the approvals that still count.
func (r Request) Approvals() []Decision {
	var yes []Decision
	for _, d := range r.Decisions {
		if d.Choice == Approve && d.Void == "" {
			yes = append(yes, d)
		}
	}
	return yes
}

// Fold returns the request that the events make, in the order of versions.
func Fold(events []Event) (Request, error) {
	var r Request
	for _, e := range events {
		if err := r.Apply(e); err != nil {
			return r, err
		}
	}
	return r, nil
}

// Apply takes one event in. It refuses an event of another request, out of
// order, or whose move is not in the table.
func (r *Request) Apply(e Event) error {
	if e.Version != r.Version+1 || (r.ID != "" && r.ID != e.Request) {
		return fmt.Errorf("event %s version %d of %s does not follow version %d of %s",
			e.Kind(), e.Version, e.Request, r.Version, r.ID)
	}
	if err := CheckMove(Move{r.State, e.Kind(), e.State}); err != nil {
		return fmt.Errorf("%s: %w", e.Request, err)
	}
	if err := r.take(e); err != nil {
		return fmt.Errorf("%s: %w", e.Request, err)
	}
	r.ID, r.Version, r.State, r.UpdatedAt = e.Request, e.Version, e.State, e.At
	if r.Settled() && r.SettledAt.IsZero() {
		r.SettledAt = e.At
	}
	return nil
}

func (r *Request) take(e Event) error {
	switch b := e.Body.(type) {
	case Requested:
		c, err := ParseCommand(e.Command)
		if err != nil {
			return err
		}
		r.Canonical, r.Command, r.Digest = e.Command, c, DigestOfCanonical(e.Command)
		r.Resource, r.Facts, r.Reason, r.Repeats = b.Resource, b.Facts, b.Reason, b.Repeats
		r.Barred = b.Barred
		r.Requester, r.OnBehalfOf, r.Origin = e.Who.Actor, e.Who.OnBehalfOf, e.Who.Origin
		r.CreatedAt = e.At
	case Denied:
		r.Verdict, r.Because = b.Verdict, b.Because
	case Allowed:
		r.Verdict = b.Verdict
	case Held:
		r.hold(b)
	case Decided:
		r.supersede(b.Decision, e.Who.Actor.ID)
		r.decide(b.Decision, e)
		r.RunBy = b.RunBy
	case Escalated:
		if r.Verdict.Requirement == nil {
			return errors.New("it was escalated and is not held")
		}
		r.decide(b.Decision, e)
		r.addStage(b.Stage)
		if e.Who.Actor.Kind == KindGateway {
			return r.climb()
		}
	case Refused:
		b.Decision.By, b.Decision.At = e.Who.Actor, e.At
		r.Refusals = append(r.Refusals, b)
	case Revealed:
		r.reveal(b, e)
	case Completed:
		r.Outcome = &b.Outcome
	case Resolved:
		r.Outcome, r.ResolvedBy, r.ResolvedWhy = &b.Outcome, &e.Who.Actor, b.Reason
	case Joined, Expired, Withdrawn, Lapsed, Released:
	default:
		return fmt.Errorf("event %s is not about a request", e.Kind())
	}
	return nil
}

func (r *Request) decide(d Decision, e Event) {
	d.By, d.At, d.AuthTime, d.Method, d.Assertion = e.Who.Actor, e.At, e.Who.AuthTime, e.Who.Method, e.Who.Assertion
	d.Link, d.Version = e.Who.Link(), e.Version
	r.Decisions = append(r.Decisions, d)
}

// supersede has an approval take the place of what the same person approved before:
// somebody whose approval became void may approve again, and counts once.
func (r *Request) supersede(d Decision, person string) {
	for i := range r.Decisions {
		if old := &r.Decisions[i]; d.Choice == Approve && old.Choice == Approve && old.By.ID == person && old.Void == "" {
			old.Void = "its person approved it again"
		}
	}
}

func (r *Request) hold(b Held) {
	r.Verdict, r.Because, r.RunBy = b.Verdict, b.Because, time.Time{}
	for _, id := range b.Void {
		for i := range r.Decisions {
			if d := &r.Decisions[i]; id == "*" || d.By.ID == id {
				d.Void = b.Because
			}
		}
	}
}

// addStage copies before it appends: the requirement is shared with whoever was
// given the request before.
func (r *Request) addStage(s Stage) {
	req := *r.Verdict.Requirement
	req.Stages = append(req.Stages[:len(req.Stages):len(req.Stages)], s)
	r.Verdict.Requirement = &req
	r.Added = append(r.Added[:len(r.Added):len(r.Added)], s)
}

// climb takes the rung that was climbed off the ladder. The requirement is a copy
// already.
func (r *Request) climb() error {
	req := r.Verdict.Requirement
	if len(req.Ladder) == 0 {
		return errors.New("it was escalated by the gateway, and no rung of a ladder is left")
	}
	req.Ladder = req.Ladder[1:]
	return nil
}

// NextRung returns the stage that is added next if nobody decides, and whether
// there is one.
func (r Request) NextRung() (Rung, bool) {
	if r.Decision != DecisionPending || r.Verdict.Requirement == nil || len(r.Verdict.Requirement.Ladder) == 0 {
		return Rung{}, false
	}
	return r.Verdict.Requirement.Ladder[0], true
}
