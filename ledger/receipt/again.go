package receipt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// again checks a request that is held once more: it keeps the stages that
// escalations added, and, unless all its approvals became void, the verdict it had
// with what it had come to need. It may only be approved earlier.
func (t *tally) again(b countersign.Held) error {
	left := slices.Clone(b.Verdict.Requirement.Stages)
	for _, s := range t.added {
		i := slices.IndexFunc(left, func(l countersign.Stage) bool {
			return slices.Equal(l.Reviewers, s.Reviewers) && l.Quorum >= s.Quorum && l.Assurance.Meets(s.Assurance)
		})
		if i < 0 {
			return fmt.Errorf("it is held again without the stage of %v that an escalation added", s.Reviewers)
		}
		left = slices.Delete(left, i, i+1)
	}
	if t.verdict == nil || slices.Contains(b.Void, "*") {
		return nil
	}
	return unchanged(*t.verdict, b.Verdict)
}

// unchanged checks the two verdicts of a request that keeps an approval.
func unchanged(had, now countersign.Verdict) error {
	needed := *had.Requirement
	if now.Requirement.NotBefore.After(needed.NotBefore) {
		return fmt.Errorf("it is held again, and not before %s", stamp(now.Requirement.NotBefore))
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

// adds takes in that an escalation added a stage: the next rung of the ladder if the
// gateway did.
func (t *tally) adds(s countersign.Stage, by countersign.PrincipalKind) {
	t.stages = append(t.stages[:len(t.stages):len(t.stages)], s)
	t.added = append(t.added, s)
	if t.verdict == nil {
		return
	}
	v := *t.verdict
	needed := *v.Requirement
	needed.Stages = t.stages
	if by == countersign.KindGateway && len(needed.Ladder) > 0 {
		needed.Ladder = needed.Ladder[1:]
	}
	v.Requirement, t.verdict = &needed, &v
}
