package audit

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
)

// asks is what a request to change the control plane has come to.
type asks struct {
	control  countersign.Control
	released time.Time
	made     bool
}

// controlled checks that a change of the control plane was one person's to make:
// before two people had passkeys, where it only takes rights away, or because a
// request for exactly this was approved by two and released.
func (a *auditor) controlled(e countersign.Event) error {
	if e.Body.Kind().Verb() == "" {
		return nil
	}
	if e.Who.Actor.Kind == countersign.KindGateway {
		if e.Kind() == countersign.KindGroupChanged {
			return nil // on-call duty: grouped judges it
		}
		return a.pinned(e)
	}
	if !solo(e.Body) {
		return a.countersigned(e)
	}
	if e.Who.Request != "" {
		return errors.New("it names a request and says that nobody else stood for it")
	}
	if a.people.paired && !a.reduces(e.Body) {
		return fmt.Errorf("%s was changed by one alone after two people had passkeys", e.Request)
	}
	return nil
}

func solo(b countersign.Body) bool {
	switch b := b.(type) {
	case countersign.PolicyChanged:
		return b.Solo
	case countersign.ResourceChanged:
		return b.Solo
	case countersign.PersonChanged:
		return b.Solo
	case countersign.GroupChanged:
		return b.Solo
	case countersign.AgentChanged:
		return b.Solo
	case countersign.HaltChanged:
		return b.Solo
	}
	return true
}

// pinned checks that the gateway changed nothing but what it has seen of tools.
func (a *auditor) pinned(e countersign.Event) error {
	b, ok := e.Body.(countersign.ResourceChanged)
	old, known := a.people.resources[b.Resource.Name]
	seen := b.Resource
	seen.Pins, seen.Changed, seen.Claims = old.Pins, old.Changed, old.Claims
	if !ok || !known || b.Removed || !reflect.DeepEqual(old, seen) {
		return fmt.Errorf("the gateway changed %s by itself", e.Request)
	}
	for tool, pin := range old.Pins {
		if b.Resource.Pins[tool] != pin {
			return fmt.Errorf("the gateway moved the pin of %s by itself", tool)
		}
	}
	return nil
}

// reduces reports whether the change only takes rights away.
func (a *auditor) reduces(b countersign.Body) bool {
	switch b := b.(type) {
	case countersign.HaltChanged:
		return b.Halt.On
	case countersign.PersonChanged:
		old, ok := a.people.persons[b.Person.ID]
		less := lessAway(old.Away, b.Person.Away)
		if less {
			old.Away = b.Person.Away
		}
		if !ok || !b.Person.Inactive && (old.Inactive || !less) {
			return false
		}
		old.Inactive = b.Person.Inactive
		return reflect.DeepEqual(old, b.Person)
	case countersign.AgentChanged:
		old, ok := a.people.agents[b.Agent.ID]
		if !ok || len(old.Tokens) != len(b.Agent.Tokens) || old.Inactive && !b.Agent.Inactive {
			return false
		}
		for i, t := range b.Agent.Tokens {
			was := old.Tokens[i]
			if was.Revoked && !t.Revoked {
				return false
			}
			if was.Revoked = t.Revoked; was != t {
				return false
			}
		}
		for _, i := range b.Agent.Identities {
			if !slices.ContainsFunc(old.Identities, i.Equal) {
				return false
			}
		}
		old.Inactive, old.Tokens, old.Identities = b.Agent.Inactive, b.Agent.Tokens, b.Agent.Identities
		return reflect.DeepEqual(old, b.Agent)
	}
	return false
}

// countersigned checks that the request which the change names is for exactly
// this change, by who made it, approved by two with passkeys, and not used up.
func (a *auditor) countersigned(e countersign.Event) error {
	acc := a.cases[e.Who.Request]
	switch {
	case acc == nil || acc.asks == nil:
		return fmt.Errorf("%s was changed by nobody alone, and by no request: it names %q", e.Request, e.Who.Request)
	case acc.sealed:
		return nil // counted as sealed
	case acc.state != countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionRunning}:
		return fmt.Errorf("%s was changed for %s, which is %s and %s", e.Request, e.Who.Request, acc.state.Decision, acc.state.Execution)
	case acc.asks.made:
		return fmt.Errorf("%s was used for a second change", e.Who.Request)
	case acc.who.Actor.ID != e.Who.Actor.ID:
		return fmt.Errorf("%s asked for it and %s is said to have made it", acc.who.Actor.ID, e.Who.Actor.ID)
	case !acc.asks.control.Did(e, acc.asks.released):
		return fmt.Errorf("%s was changed otherwise than %s asked for", e.Request, e.Who.Request)
	}
	acc.asks.made = true
	return a.twoStoodFor(acc)
}

func (a *auditor) twoStoodFor(acc *account) error {
	people := map[string]bool{}
	for _, p := range acc.approvals {
		if p.assurance == countersign.Passkey && a.standing(acc, p.person) == nil {
			people[p.person] = true
		}
	}
	if len(people) < 2 {
		return fmt.Errorf("it was made on the word of %d people with passkeys, and two are the least", len(people))
	}
	return nil
}
