package audit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// inTheOpen is what the leaves of one request say of it to whoever may not open
// anything. Who decided, what the command is and which rules there are is not in
// it.
type inTheOpen struct {
	approvals map[uint64]countersign.Assurance // by version
	stages    []countersign.Stage
	expires   time.Time
	runBy     time.Time
}

// inTheOpen takes the open part of an event in and returns what is wrong with
// it, as far as that shows.
func (a *auditor) inTheOpen(acc *account, e ledger.Event) error {
	o, p := &acc.open, e.Public
	if e.Request.IsEntity() {
		if e.Kind == countersign.KindPolicyChanged {
			a.people.policy = p.Policy
		}
		if p.Actor == countersign.KindAgent {
			return errors.New("an agent changed the control plane")
		}
		return nil
	}
	switch e.Kind {
	case countersign.KindAllowed:
		if p.Effect != countersign.Allow {
			return fmt.Errorf("it was allowed and its verdict is %s", p.Effect)
		}
		return a.underPolicy(p.Policy)
	case countersign.KindHeld:
		o.stages, o.expires, o.runBy = slices.Clone(p.Stages), p.ExpiresAt, time.Time{}
		if p.Effect == countersign.Deny || len(p.Stages) == 0 {
			return errors.New("it was held and nothing says what it needs")
		}
	case countersign.KindDecided:
		return o.decided(e)
	case countersign.KindEscalated:
		o.stages = append(o.stages, p.Stages...)
		if p.Actor == countersign.KindGateway {
			return nil // by the ladder, which is sealed
		}
		return byPerson(e)
	case countersign.KindExpired:
		return due(e.At, o.expires, "expired")
	case countersign.KindLapsed:
		return due(e.At, o.runBy, "lapsed")
	case countersign.KindReleased:
		if acc.state.Decision != countersign.DecisionAllowed {
			return errors.Join(o.released(e), a.underPolicy(p.Policy))
		}
	}
	return nil
}

func (a *auditor) underPolicy(policy countersign.Digest) error {
	if policy != a.people.policy {
		return fmt.Errorf("it was judged under policy %s while %s was active", policy, a.people.policy)
	}
	return nil
}

func byPerson(e ledger.Event) error {
	if e.Public.Actor != countersign.KindPerson {
		return fmt.Errorf("%s, no person, decided it", e.Public.Actor)
	}
	return nil
}

func (o *inTheOpen) decided(e ledger.Event) error {
	if e.Public.Choice != countersign.Approve {
		return byPerson(e)
	}
	if o.approvals == nil {
		o.approvals = map[uint64]countersign.Assurance{}
	}
	o.approvals[e.Version] = e.Public.Assurance
	if e.State.Decision == countersign.DecisionApproved {
		o.runBy = e.Public.RunBy
	}
	if e.At.After(o.expires) {
		return fmt.Errorf("it was approved at %s, after it expired at %s", e.At, o.expires)
	}
	return byPerson(e)
}

func (o *inTheOpen) released(e ledger.Event) error {
	counted := map[uint64]bool{}
	var assurances []countersign.Assurance
	for _, version := range e.Public.Approvals {
		v := uint64(version)
		assurance, there := o.approvals[v]
		if !there || counted[v] {
			return fmt.Errorf("it was released on version %d, which is no approval or was counted already", version)
		}
		counted[v] = true
		assurances = append(assurances, assurance)
	}
	switch {
	case e.Public.Effect == countersign.Deny || len(e.Public.Stages) == 0:
		return errors.New("it was released and nothing says that the policy still let it")
	case !enough(assurances, o.stages), !enough(assurances, e.Public.Stages):
		return errors.New("it was released and the decisions it needs are not there")
	case e.At.After(o.runBy):
		return fmt.Errorf("it was released at %s, after its approval lapsed at %s", e.At, o.runBy)
	}
	return nil
}

// enough reports whether there are as many approvals as the stages have places,
// of each assurance too. Whether they are of those who had to is not in the open.
func enough(approvals []countersign.Assurance, stages []countersign.Stage) bool {
	for _, least := range stages {
		places, there := 0, 0
		for _, s := range stages {
			if s.Assurance.Meets(least.Assurance) {
				places += s.Quorum
			}
		}
		for _, a := range approvals {
			if a.Meets(least.Assurance) {
				there++
			}
		}
		if there < places {
			return false
		}
	}
	return len(stages) > 0
}
