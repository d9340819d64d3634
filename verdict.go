package countersign

import (
	"fmt"
	"slices"
	"time"
)

// Effect is what a verdict comes to. The zero value is none of the three, and
// whoever switches on it refuses.
type Effect string

// The effects.
const (
	Allow Effect = "allow"
	Hold  Effect = "hold"
	Deny  Effect = "deny"
)

// A Verdict is the policy's answer to one request.
type Verdict struct {
	Effect Effect `json:"effect"`
	// Rules are the rules that were candidates, in the order of their ids, each
	// with the value it came to. An empty list means that the default held.
	Rules []RuleTrace `json:"rules,omitempty"`
	// Requirement is what a hold needs; nil otherwise.
	Requirement *Requirement `json:"requirement,omitempty"`
	// Policy, Catalogue and Understanding name what the verdict rests on: the
	// bundle, the resource as labelled, and the code that found the facts.
	Policy        Digest `json:"policy,omitzero"`
	Catalogue     Digest `json:"catalogue,omitzero"`
	Understanding string `json:"understanding,omitempty"`
}

// RuleValue is what a rule's condition came to.
type RuleValue string

// The values. Unknown and Error count as true for hold and deny and as false
// for allow.
const (
	RuleTrue    RuleValue = "true"
	RuleFalse   RuleValue = "false"
	RuleUnknown RuleValue = "unknown"
	RuleError   RuleValue = "error"
)

// A RuleTrace says what one rule made of a request.
type RuleTrace struct {
	ID     string    `json:"id"`
	Value  RuleValue `json:"value"`
	Effect Effect    `json:"effect"`
	// Counts is true when the rule bears on the verdict.
	Counts bool   `json:"counts,omitempty"`
	Why    string `json:"why,omitempty"`
	Source string `json:"source,omitempty"` // "policy/production.yaml:21"
	// Waits says what an unknown value waits for, or what an error was.
	Waits string `json:"waits,omitempty"`
}

// Leading returns the rules that bear on the verdict.
func (v Verdict) Leading() []RuleTrace {
	var lead []RuleTrace
	for _, r := range v.Rules {
		if r.Counts {
			lead = append(lead, r)
		}
	}
	return lead
}

// A Requirement is what a held request needs before it may run: every stage.
type Requirement struct {
	Stages []Stage `json:"stages"`
	// Reason is true when an approval must carry a reason.
	Reason bool `json:"reason,omitempty"`
	// ExpiresAt is when the request is refused if nobody has decided.
	ExpiresAt time.Time `json:"expires_at"`
	// RunWithinSeconds is how long a complete approval lives before it lapses.
	RunWithinSeconds int `json:"run_within_s"`
	// Bounds are limits that hold while it runs, by name ("rows", "bytes",
	// "seconds"), as decimal numbers.
	Bounds map[string]string `json:"bounds,omitempty"`
	// Blocked says why nobody can approve it as things stand, such as a bound
	// that cannot be computed. Empty when it can be approved.
	Blocked []string `json:"blocked,omitempty"`
	// NotBefore is when it can be approved at the earliest, and Closed says what
	// stands against it until then: a freeze, or hours in which nobody decides.
	// Zero: at once.
	NotBefore time.Time `json:"not_before,omitzero"`
	Closed    []string  `json:"closed,omitempty"`
	// Frozen is true where a freeze is among it: not even what was approved before
	// runs then.
	Frozen bool `json:"frozen,omitempty"`
	// Ladder are the stages still to be added if it stays pending, the next first.
	Ladder []Rung `json:"ladder,omitempty"`
	// Remind is when reviewers are asked again; nil: never.
	Remind *Reminder `json:"remind,omitempty"`
}

// A Rung is a stage that the gateway adds to a request which nobody has decided
// by the time: one of the groups as well, at no less than the highest assurance of
// the stages that are there. Nothing takes a stage away again.
type Rung struct {
	At time.Time `json:"at"`
	To []string  `json:"to"` // names of groups
}

// A Reminder has reviewers asked again at a time, and then every so many seconds
// while the request is pending; 0 is once.
type Reminder struct {
	At           time.Time `json:"at"`
	EverySeconds int       `json:"every_s,omitempty"`
}

// HighestAssurance is the highest that a stage needs, Chat without stages.
func HighestAssurance(stages []Stage) Assurance {
	top := Chat
	for _, s := range stages {
		if s.Assurance.Meets(top) {
			top = s.Assurance
		}
	}
	return top
}

// A Stage needs Quorum distinct people, each a member of at least one of the
// groups, each at no less than the assurance. Nobody counts in two stages.
type Stage struct {
	Reviewers []string  `json:"reviewers"` // names of groups
	Quorum    int       `json:"quorum"`
	Assurance Assurance `json:"assurance"`
}

// Assurance says how strongly a decision is tied to the person:
// chat < session < passkey.
type Assurance string

// The assurances.
const (
	Chat    Assurance = "chat"
	Session Assurance = "session"
	Passkey Assurance = "passkey"
)

var assurances = []Assurance{"", Chat, Session, Passkey}

// Meets reports whether a is at least want. An unknown word meets nothing.
func (a Assurance) Meets(want Assurance) bool {
	i, j := slices.Index(assurances, a), slices.Index(assurances, want)
	return i >= 0 && j >= 0 && i >= j
}

// Floor is the least assurance that an approval needs at the severity.
func (s Severity) Floor() Assurance {
	switch {
	case s >= High:
		return Passkey
	case s == Medium:
		return Session
	default:
		return Chat
	}
}

// MarshalText refuses a word that is no effect, so that none is ever recorded.
func (e Effect) MarshalText() ([]byte, error) {
	switch e {
	case Allow, Hold, Deny:
		return []byte(e), nil
	}
	return nil, fmt.Errorf("effect %q is none of allow, hold, deny", string(e))
}
