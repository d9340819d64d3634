package policy

import (
	"context"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
)

// What the built-in rule asks for. A bundle may ask for more people, for certain
// ones, or for less time; nothing that it says asks for fewer or for less.
const (
	controlPeople  = 2
	controlExpires = 24 * time.Hour
	// builtInRules begins the ids of rules that no bundle can have.
	builtInRules = "countersign."
	// builtInFile is where the trace of a built-in rule says that it stands.
	builtInFile = "built-in"
)

// isControl reports whether the request would change the control plane.
func (in Input) isControl() bool { return in.Resource.Name == countersign.ControlResource }

// twoPeople is the rule that stands beside every bundle, and without one: a
// change of the control plane needs two people with passkeys.
func twoPeople() rule {
	return rule{
		id: countersign.TwoPeople, effect: countersign.Hold,
		why:  "Nobody changes the rules, or who or what they are about, alone.",
		need: need{expires: controlExpires},
	}
}

// everything is the rule that stands beside every bundle while somebody has all of
// an agent's actions held.
func everything(why string) rule {
	return rule{id: countersign.HoldEverything, effect: countersign.Hold, why: why}
}

// pair raises what other rules ask for to two people with passkeys: where these
// ask for fewer people, anybody may be the one more.
func (u *union) pair() {
	u.assurance = higher(u.assurance, countersign.Passkey)
	people := 0
	for _, s := range u.stages {
		people += s.Quorum
	}
	if people >= controlPeople {
		return
	}
	more := u.stages[countersign.Everyone]
	more.Reviewers = []string{countersign.Everyone}
	more.Quorum += controlPeople - people
	u.stages[countersign.Everyone] = more
}

// Locks says why the policy could never be changed again once the bundle is
// active, empty if it could: a bundle that denies the operator's every change of
// it, or asks for what nobody can give, would take the house with it.
func (p *Policy) Locks(now time.Time) string {
	verb := countersign.KindPolicyChanged.Verb()
	v := p.Decide(context.Background(), Input{
		Facts: countersign.Facts{
			Verbs: []string{verb}, Certainty: countersign.Known,
			Objects:    []countersign.Object{{Name: string(countersign.PolicyID), Verb: verb, Certainty: countersign.Known}},
			Indicators: []countersign.Indicator{understand.Found("control.change", "", "", "record", countersign.Known)},
		},
		Resource: countersign.BuiltIn(), Requester: countersign.Operator(), Now: now,
	}, nil)
	if v.Effect == countersign.Deny {
		return "it denies every change of itself, by " + v.Leading()[0].ID
	}
	if len(v.Requirement.Blocked) > 0 {
		return "nobody could approve a change of it: " + strings.Join(v.Requirement.Blocked, "; ")
	}
	return ""
}
