// Package brief builds the one presentation of a request that every channel lays
// out: Build makes a Brief of a Request, and its Digest names what a person was
// shown. Channels differ in how they draw a Brief, never in what it says; what
// none of them may leave out is in Mandatory.
//
// All text in a Brief comes as spans. What stands in the text of a span that is
// not hidden can be seen; a channel still escapes it for its own markup.
package brief

import (
	"time"

	"github.com/countersignhq/countersign"
)

// A Brief is a request as people are shown it.
type Brief struct {
	ID       countersign.RequestID `json:"id"`
	State    countersign.State     `json:"state"`
	Severity countersign.Severity  `json:"severity"`
	AskedAt  time.Time             `json:"asked_at"`
	Sentence Text                  `json:"sentence"`
	// Because says why it waits again, or why it was denied without a rule.
	Because    Text        `json:"because,omitempty"`
	Facts      []Fact      `json:"facts"`
	Command    Command     `json:"command"`
	Touches    Touches     `json:"touches"`
	Why        Why         `json:"why"`
	Indicators []Indicator `json:"indicators"`
	// Claim is the reason that the requester gives, empty if there is none. It
	// may have several lines and is always shown as a claim: ClaimMark.
	Claim  Text   `json:"claim,omitempty"`
	Bounds string `json:"bounds,omitempty"`
	// Repeats says what became of the same command before, empty if it is new.
	Repeats  Text     `json:"repeats,omitempty"`
	Deciders Deciders `json:"deciders"`
	// ExpiresAt is when it is refused if nobody decides; zero if it is not held.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Outcome   *Outcome  `json:"outcome,omitempty"`
	// Obstacles are sentences that say why nobody can approve this.
	Obstacles []Text `json:"obstacles"`
	// Approvable is true while it is pending and there is no obstacle. A channel
	// offers Approve then, and at no other time.
	Approvable bool `json:"approvable"`
}

// ClaimMark stands beside every claim.
const ClaimMark = "not checked by anyone"

// Build makes the Brief of a request. It depends on nothing but its arguments;
// d may be nil, and then names that the request does not carry are ids.
func Build(r countersign.Request, d *countersign.Directory) Brief {
	p := people{d}
	b := Brief{
		ID: r.ID, State: r.State, Severity: r.Facts.Severity(),
		AskedAt: r.CreatedAt, Sentence: sentence(r), Because: inline(r.Because),
		Facts: facts(r, p), Touches: touches(r), Why: why(r.Verdict), Indicators: indicators(r.Facts),
		Claim: asSent(r.Reason), Bounds: bounds(r.Verdict.Requirement), Repeats: repeats(r),
		Deciders: deciders(r, p), ExpiresAt: r.ExpiresAt(), Outcome: outcome(r),
		Obstacles: []Text{},
	}
	var obstacles []string
	b.Command, obstacles = command(r)
	for _, o := range obstacles {
		b.Obstacles = append(b.Obstacles, say(o))
	}
	if r.Verdict.Requirement != nil {
		for _, o := range r.Verdict.Requirement.Blocked {
			b.Obstacles = append(b.Obstacles, inline(o))
		}
	}
	if b.Digest().IsZero() {
		b.Obstacles = append(b.Obstacles, say("This view has no digest, so it cannot be approved."))
	}
	pending := r.State == countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone}
	b.Approvable = pending && r.Verdict.Effect == countersign.Hold && len(b.Deciders.Stages) > 0 && len(b.Obstacles) == 0
	return b
}
