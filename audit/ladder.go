package audit

import (
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// climbed checks that what the gateway escalated by itself is the next rung of the
// requirement's ladder, not before its time and for no less assurance than the
// stages that are there. It only adds.
func climbed(acc *account, e countersign.Event, b countersign.Escalated) error {
	if len(acc.requirement.Ladder) == 0 {
		return fmt.Errorf("the gateway escalated it to %v by itself, and no rung of a ladder is left", b.Stage.Reviewers)
	}
	rung := acc.requirement.Ladder[0]
	switch {
	case e.At.Before(rung.At):
		return fmt.Errorf("the gateway escalated it at %s, before its time %s", e.At, rung.At)
	case !slices.Equal(b.Stage.Reviewers, rung.To):
		return fmt.Errorf("the gateway escalated it to %v, and the next rung is %v", b.Stage.Reviewers, rung.To)
	case !b.Stage.Assurance.Meets(countersign.HighestAssurance(acc.requirement.Stages)):
		return fmt.Errorf("the gateway escalated it to a stage of assurance %q, less than what it needs", b.Stage.Assurance)
	}
	return nil
}

// keeps checks that a request which is held again still has the stages that
// escalations added to it.
func keeps(acc *account) error {
	left := slices.Clone(acc.requirement.Stages)
	for _, s := range acc.added {
		i := slices.IndexFunc(left, func(l countersign.Stage) bool {
			return slices.Equal(l.Reviewers, s.Reviewers) && l.Quorum >= s.Quorum && l.Assurance.Meets(s.Assurance)
		})
		if i < 0 {
			return fmt.Errorf("it is held again without the stage of %v that an escalation added", s.Reviewers)
		}
		left = slices.Delete(left, i, i+1)
	}
	return nil
}
