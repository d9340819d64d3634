package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// judge checks one opened event of a request against what came before it, and
// returns what is wrong with it.
func (a *auditor) judge(acc *account, e countersign.Event) []error {
	switch b := e.Body.(type) {
	case countersign.Requested:
		return []error{a.requested(acc, e, b)}
	case countersign.Joined:
		return []error{a.joined(acc, e, b)}
	case countersign.Denied:
		return []error{a.denied(b)}
	case countersign.Allowed:
		return []error{a.allowed(b)}
	case countersign.Held:
		return []error{a.held(acc, b)}
	case countersign.Decided:
		return []error{a.decided(acc, e, b)}
	case countersign.Escalated:
		return []error{a.escalated(acc, e, b)}
	case countersign.Expired:
		return []error{due(e.At, expiry(acc), "expired")}
	case countersign.Lapsed:
		return []error{due(e.At, acc.runBy, "lapsed")}
	case countersign.Withdrawn:
		return []error{withdrawn(acc, e)}
	case countersign.Released:
		return a.released(acc, e, b)
	case countersign.Completed:
		return []error{outcome(e, b.Outcome)}
	case countersign.Resolved:
		return []error{resolved(acc, e, b)}
	case countersign.Refused:
		return nil
	case countersign.Revealed:
		return []error{revealed(e, b)}
	}
	return []error{fmt.Errorf("an event of kind %s is not about a request", e.Kind())}
}

func (a *auditor) requested(acc *account, e countersign.Event, b countersign.Requested) error {
	command, err := countersign.ParseCommand(e.Command)
	if err != nil {
		return fmt.Errorf("the command is not canonical: %w", err)
	}
	acc.digest = countersign.DigestOfCanonical(e.Command)
	acc.asked, acc.who, acc.created = b, e.Who, e.At
	if c, ok := command.(countersign.Control); ok {
		acc.asks = &asks{control: c}
	}
	if command.On() != b.Resource.Name {
		return fmt.Errorf("the command is for %s and was judged as one for %s", command.On(), b.Resource.Name)
	}
	for person := range a.people.madeUp(a.people.behind(e.Who)) {
		if !slices.Contains(b.Barred, person) {
			return fmt.Errorf("%s stands behind the asker and is not barred", person)
		}
	}
	return nil
}

func (a *auditor) joined(acc *account, e countersign.Event, b countersign.Joined) error {
	same := func(p, q countersign.Principal) bool {
		return p.ID == q.ID && p.Issuer == q.Issuer && p.Subject == q.Subject
	}
	if !same(e.Who.Actor, acc.who.Actor) || !slices.EqualFunc(e.Who.OnBehalfOf, acc.who.OnBehalfOf, same) {
		return errors.New("somebody else joined it")
	}
	if b.Key != acc.asked.Key {
		return errors.New("it was joined with another key than it was asked with")
	}
	life := 10 * time.Minute
	if b.Key != (countersign.Digest{}) {
		life = 24 * time.Hour
	}
	if acc.state.Settled() && e.At.After(acc.settled.Add(life)) {
		return fmt.Errorf("it was joined more than %s after it was settled", life)
	}
	return nil
}

// verdict checks that the verdict was given under the policy that was active.
func (a *auditor) verdict(v countersign.Verdict) error {
	if v.Policy != a.people.policy {
		return fmt.Errorf("it was judged under policy %s while %s was active", v.Policy, a.people.policy)
	}
	return nil
}

// weight is what the recorded values of the rules come to: deny over hold over
// allow over the default, which holds. What is unknown or an error counts for
// hold and deny, and not for allow.
func weight(v countersign.Verdict) countersign.Effect {
	effect := countersign.Hold
	allowed := false
	for _, r := range v.Rules {
		yes := r.Value == countersign.RuleTrue
		doubt := r.Value == countersign.RuleUnknown || r.Value == countersign.RuleError
		switch {
		case r.Effect == countersign.Deny && (yes || doubt):
			return countersign.Deny
		case r.Effect == countersign.Hold && (yes || doubt):
			allowed = false
			effect = "held"
		case r.Effect == countersign.Allow && yes && effect != "held":
			allowed = true
		}
	}
	if allowed {
		return countersign.Allow
	}
	return countersign.Hold
}

func (a *auditor) denied(b countersign.Denied) error {
	if b.Because != "" {
		return nil
	}
	if weight(b.Verdict) != countersign.Deny {
		return errors.New("it was denied and no rule denies it")
	}
	return a.verdict(b.Verdict)
}

func (a *auditor) allowed(b countersign.Allowed) error {
	if got := weight(b.Verdict); got != countersign.Allow {
		return fmt.Errorf("it was allowed and its rules come to %s", got)
	}
	return a.verdict(b.Verdict)
}

func (a *auditor) held(acc *account, b countersign.Held) error {
	if b.Verdict.Requirement == nil {
		return errors.New("it was held and nothing says what it needs")
	}
	again, had, needed := acc.requirement != nil && !slices.Contains(b.Void, "*"), acc.verdict, acc.requirement
	acc.verdict, acc.requirement = b.Verdict, b.Verdict.Requirement
	acc.runBy = time.Time{}
	if err := keeps(acc); err != nil {
		return err
	}
	acc.approvals = slices.DeleteFunc(acc.approvals, func(p approval) bool {
		return slices.Contains(b.Void, "*") || slices.Contains(b.Void, p.person)
	})
	if weight(b.Verdict) == countersign.Deny {
		return errors.New("it was held and a rule denies it")
	}
	if again { // for want of votes, or because what it waited for was lifted
		return unchanged(had, *needed, b.Verdict)
	}
	return a.verdict(b.Verdict)
}

// unchanged checks that a request which is held again without all of its approvals
// becoming void is held under the verdict it had, with what it had come to need.
// It may only be approved earlier.
func unchanged(had countersign.Verdict, needed countersign.Requirement, now countersign.Verdict) error {
	if now.Requirement.NotBefore.After(needed.NotBefore) {
		return fmt.Errorf("it is held again, and not before %s instead of %s", now.Requirement.NotBefore, needed.NotBefore)
	}
	needed.NotBefore, needed.Closed, needed.Frozen = now.Requirement.NotBefore, now.Requirement.Closed, now.Requirement.Frozen
	had.Requirement = &needed
	one, err := json.Marshal(had)
	two, err2 := json.Marshal(now)
	if err != nil || err2 != nil || !bytes.Equal(one, two) {
		return errors.Join(errors.New("it is held again under another verdict than it had"), err, err2)
	}
	return nil
}

func (a *auditor) decided(acc *account, e countersign.Event, b countersign.Decided) error {
	person := e.Who.Actor.ID
	if err := a.mayDecide(acc, e); err != nil {
		return err
	}
	if err := errors.Join(a.asserted(acc, e, b.Decision), a.linked(e, b.Decision)); err != nil {
		return err
	}
	if b.Decision.Digest != acc.digest {
		return fmt.Errorf("%s decided other bytes than were asked for", person)
	}
	if b.Decision.Choice == countersign.Reject {
		if strings.TrimSpace(b.Decision.Reason) == "" {
			return fmt.Errorf("%s rejected it without a reason", person)
		}
		return leadsTo(e, countersign.DecisionRejected)
	}
	if b.Decision.Choice != countersign.Approve {
		return fmt.Errorf("choice %q was counted", b.Decision.Choice)
	}
	if err := errors.Join(a.approved(acc, e, b), a.linkedBefore(acc, e)); err != nil {
		return err
	}
	vote := approval{person: person, assurance: b.Decision.Assurance, version: e.Version}
	if s := e.Who.Assertion; s != nil {
		vote.key = s.Credential
	}
	if e.Who.Method == methodChat {
		vote.through = through(e)
		vote.link = a.people.links[vote.through]
	}
	acc.approvals = slices.DeleteFunc(acc.approvals, func(p approval) bool { return p.person == person })
	acc.approvals = append(acc.approvals, vote)
	if a.filled(acc, acc.requirement.Stages) {
		acc.runBy = b.RunBy
		within := time.Duration(acc.requirement.RunWithinSeconds) * time.Second
		if b.RunBy.After(e.At.Add(within + time.Minute)) {
			return fmt.Errorf("the approval lives until %s, longer than %s", b.RunBy, within)
		}
		return leadsTo(e, countersign.DecisionApproved)
	}
	return leadsTo(e, countersign.DecisionPending)
}

// approved checks what an approval needs beside the right to decide.
func (a *auditor) approved(acc *account, e countersign.Event, b countersign.Decided) error {
	person := e.Who.Actor.ID
	switch {
	case e.At.After(expiry(acc)):
		return fmt.Errorf("%s approved it at %s, after it expired at %s", person, e.At, expiry(acc))
	case e.At.Before(acc.requirement.NotBefore):
		return fmt.Errorf("%s approved it at %s, and nobody could before %s: %s", person, e.At, acc.requirement.NotBefore, strings.Join(acc.requirement.Closed, "; "))
	case len(acc.requirement.Blocked) > 0:
		return fmt.Errorf("%s approved what nobody could approve: %s", person, acc.requirement.Blocked[0])
	case b.Decision.View.IsZero():
		return fmt.Errorf("nothing says what %s was shown", person)
	case acc.requirement.Reason && strings.TrimSpace(b.Decision.Reason) == "":
		return fmt.Errorf("%s approved it without the reason it needs", person)
	case slices.ContainsFunc(acc.approvals, func(p approval) bool { return p.person == person && a.counts(acc, p) }):
		return fmt.Errorf("%s approved it twice", person)
	case !b.Decision.Assurance.Meets(acc.asked.Facts.Severity().Floor()):
		return fmt.Errorf("%s approved a request of severity %s with %s", person, acc.asked.Facts.Severity(), b.Decision.Assurance)
	}
	return nil
}

func (a *auditor) escalated(acc *account, e countersign.Event, b countersign.Escalated) error {
	if acc.requirement == nil {
		return errors.New("it was escalated before it was held")
	}
	more := *acc.requirement
	if e.Who.Actor.Kind == countersign.KindGateway {
		if err := climbed(acc, e, b); err != nil {
			return err
		}
		more.Ladder = more.Ladder[1:]
	} else if err := errors.Join(a.mayDecide(acc, e), a.linked(e, b.Decision)); err != nil {
		return err
	}
	switch {
	case b.Stage.Quorum < 1 || len(b.Stage.Reviewers) == 0:
		return errors.New("the escalation adds a stage that needs nobody")
	case b.Decision.Assurance == countersign.Passkey || e.Who.Assertion != nil:
		return fmt.Errorf("%s escalated it with a passkey, which signs no such thing", e.Who.Actor.ID)
	}
	more.Stages = append(slices.Clone(more.Stages), b.Stage)
	acc.requirement = &more
	acc.added = append(acc.added, b.Stage)
	return nil
}

func (a *auditor) released(acc *account, e countersign.Event, b countersign.Released) []error {
	errs := []error{nil}
	say := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if b.Executor != acc.asked.Resource.Name {
		say("it was released to %s and asked for on %s", b.Executor, acc.asked.Resource.Name)
	}
	for _, p := range append([]countersign.Principal{acc.who.Actor}, acc.who.OnBehalfOf...) {
		if p.Kind == countersign.KindAgent && (a.people.halts[p.ID] || a.people.halts[countersign.AllAgents]) {
			say("it was released while everything of %s was held", p.ID)
		}
	}
	if acc.asks != nil {
		acc.asks.released = e.At
	} else if r, ok := a.people.resources[b.Executor]; !ok || r.Target != b.Target {
		say("it was released for an upstream that %s did not have", b.Executor)
	}
	if b.Policy != a.people.policy {
		say("it was released under policy %s while %s was active", b.Policy, a.people.policy)
	}
	if acc.state.Decision == countersign.DecisionAllowed {
		return errs
	}
	switch v := b.Verdict; {
	case v == nil || weight(*v) == countersign.Deny || v.Policy != b.Policy:
		say("it was released and nothing says that the policy still let it")
	case v.Requirement != nil && v.Requirement.Frozen:
		say("it was released in a freeze: %s", strings.Join(v.Requirement.Closed, "; "))
	case v.Requirement != nil && !a.filled(acc, v.Requirement.Stages):
		say("it was released and the decisions that the policy of then asks for are not there")
	case acc.requirement == nil || !a.filled(acc, acc.requirement.Stages):
		say("it was released and the decisions it needs are not there")
	}
	if e.At.After(acc.runBy) {
		say("it was released at %s, after its approval lapsed at %s", e.At, acc.runBy)
	}
	return errs
}

func withdrawn(acc *account, e countersign.Event) error {
	if k := e.Who.Actor.Kind; k != countersign.KindOperator && e.Who.Actor.ID != acc.who.Actor.ID {
		return fmt.Errorf("%s withdrew what somebody else asked for", e.Who.Actor.ID)
	}
	return nil
}

func outcome(e countersign.Event, o countersign.Outcome) error {
	if o.Execution != e.State.Execution {
		return fmt.Errorf("the outcome says %s and the state %s", o.Execution, e.State.Execution)
	}
	return nil
}

func resolved(acc *account, e countersign.Event, b countersign.Resolved) error {
	if strings.TrimSpace(b.Reason) == "" {
		return errors.New("it was resolved and nobody says how they know")
	}
	if e.Who.Actor.ID == acc.who.Actor.ID {
		return errors.New("who asked for it said what became of it")
	}
	return outcome(e, b.Outcome)
}

// revealed checks that a person says why they had what is hidden shown.
func revealed(e countersign.Event, b countersign.Revealed) error {
	if e.Who.Actor.Kind != countersign.KindPerson || strings.TrimSpace(b.Reason) == "" {
		return fmt.Errorf("%s had hidden parts of it shown, and is no person or gives no reason", e.Who.Actor.ID)
	}
	return nil
}

func expiry(acc *account) time.Time {
	if acc.requirement == nil {
		return time.Time{}
	}
	return acc.requirement.ExpiresAt
}

func due(at, when time.Time, what string) error {
	if when.IsZero() || at.Before(when) {
		return fmt.Errorf("it %s at %s, before its time %s", what, at, when)
	}
	return nil
}

func leadsTo(e countersign.Event, want countersign.DecisionState) error {
	if e.State.Decision != want {
		return fmt.Errorf("%s by %s leads to %s, and should lead to %s", e.Kind(), e.Who.Actor.ID, e.State.Decision, want)
	}
	return nil
}
