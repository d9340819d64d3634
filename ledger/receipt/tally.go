package receipt

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// tally counts decisions as the events come.
type tally struct {
	stages    []countersign.Stage
	bounds    map[string]string
	expires   time.Time
	within    time.Duration // how long a complete approval lives
	runBy     time.Time
	decisions []counted
	barred    []string // ids of who asked, for whom, and who stands behind them
	hidden    bool     // something that would have to be counted is not disclosed
	// verdict is that of the last held event with what it has come to need since, nil
	// if that is not disclosed; added are the stages of escalations.
	verdict *countersign.Verdict
	added   []countersign.Stage
}

type counted struct {
	countersign.Decision
	version int
}

func (t *tally) take(e countersign.Event, open ledger.Event) error {
	if e.Version == 1 {
		t.bar(e.Who)
	}
	if d, ok := decisionOf(e); ok {
		if d.By.ID == "" {
			t.hidden = true
		}
		t.decisions = append(t.decisions, counted{d, int(e.Version)})
	}
	switch b := e.Body.(type) {
	case nil:
		t.takeHidden(open)
	case countersign.Requested:
		t.barred = append(t.barred, b.Barred...)
	case countersign.Held:
		if b.Verdict.Requirement == nil {
			return fmt.Errorf("it is held and requires nothing")
		}
		if err := t.again(b); err != nil {
			return err
		}
		r := b.Verdict.Requirement
		t.verdict = &b.Verdict
		t.stages, t.bounds, t.expires, t.runBy = r.Stages, r.Bounds, r.ExpiresAt, time.Time{}
		t.within = time.Duration(min(r.RunWithinSeconds, math.MaxInt32)) * time.Second
		t.void(b)
	case countersign.Decided:
		t.runBy = b.RunBy
		if most := e.At.Add(t.within + ledger.ClockSkew); b.RunBy.After(most) {
			return fmt.Errorf("the approval lives until %s, and may only until %s", stamp(b.RunBy), stamp(most))
		}
	case countersign.Escalated:
		if k := open.Public.Actor; k == countersign.KindAgent || k == countersign.KindOperator {
			return fmt.Errorf("it is escalated by %s, who is no person", e.Who.Actor.ID)
		}
		t.adds(b.Stage, open.Public.Actor)
	}
	return nil
}

// bar notes who cannot decide because they asked.
func (t *tally) bar(asked countersign.Who) {
	t.hidden = asked.Actor.ID == ""
	for _, p := range append(asked.OnBehalfOf[:len(asked.OnBehalfOf):len(asked.OnBehalfOf)], asked.Actor) {
		t.barred = append(t.barred, p.ID, p.Owner)
	}
}

// takeHidden takes what a leaf says in the open of an event whose context is not
// disclosed.
func (t *tally) takeHidden(open ledger.Event) {
	switch open.Kind {
	case countersign.KindDecided, countersign.KindEscalated:
		t.decisions = append(t.decisions, counted{countersign.Decision{
			Choice: open.Public.Choice, Assurance: open.Public.Assurance, At: open.At, Solo: open.Public.Solo,
		}, int(open.Version)})
		t.hidden = true
		if !open.Public.RunBy.IsZero() {
			t.runBy = open.Public.RunBy
		}
		if open.Kind == countersign.KindEscalated {
			t.verdict = nil
		}
	case countersign.KindHeld:
		t.hidden, t.runBy, t.verdict = true, time.Time{}, nil
	}
}

func (t *tally) void(h countersign.Held) {
	for i := range t.decisions {
		if d := &t.decisions[i]; slices.Contains(h.Void, d.By.ID) || slices.Contains(h.Void, "*") {
			d.Void = h.Because
			if d.Void == "" {
				d.Void = "void"
			}
		}
	}
}

// released checks that the approvals which a release names were there, counted,
// and enough, for what was asked when it was held and for what the policy asked
// when it was released.
func (t *tally) released(e ledger.Event, body countersign.Body) (string, error) {
	if e.State.Decision == countersign.DecisionAllowed {
		if len(e.Public.Approvals) > 0 {
			return "", fmt.Errorf("the policy allowed it, and it names approvals")
		}
		return "none needed: the policy allowed it", nil
	}
	b, ok := body.(countersign.Released)
	if t.hidden || !ok {
		return notDisclosed, nil
	}
	if b.Verdict == nil || b.Verdict.Effect == countersign.Deny || b.Verdict.Policy != b.Policy {
		return "", fmt.Errorf("nothing says that the policy still let it when it was released")
	}
	if r := b.Verdict.Requirement; r != nil && r.Frozen {
		return "", fmt.Errorf("it was released in a freeze: %s", strings.Join(r.Closed, "; "))
	}
	var rest []countersign.Decision
	var people []string
	for _, version := range e.Public.Approvals {
		i := slices.IndexFunc(t.decisions, func(c counted) bool { return c.version == version })
		if i < 0 {
			return "", fmt.Errorf("it names version %d as an approval, which is none", version)
		}
		d := t.decisions[i].Decision
		if err := t.counts(d, people); err != nil {
			return "", fmt.Errorf("version %d does not count: %w", version, err)
		}
		rest, people = append(rest, d), append(people, d.By.ID)
	}
	if b.Verdict.Requirement != nil {
		if _, err := meets(b.Verdict.Requirement.Stages, rest); err != nil {
			return "", fmt.Errorf("as the policy was at release: %w", err)
		}
	}
	return meets(t.stages, rest)
}

func (t *tally) counts(d countersign.Decision, earlier []string) error {
	switch {
	case !d.Assurance.Meets(d.Assurance):
		return fmt.Errorf("its assurance, %q, is none", d.Assurance)
	case d.Choice != countersign.Approve:
		return fmt.Errorf("its choice is %s", d.Choice)
	case d.Void != "":
		return fmt.Errorf("it became void: %s", d.Void)
	case d.By.Kind != countersign.KindPerson:
		return fmt.Errorf("it is by %s, who is no person", d.By.ID)
	case slices.Contains(t.barred, d.By.ID):
		return fmt.Errorf("%s asked for it, or stands behind who asked", d.By.Name)
	case slices.Contains(earlier, d.By.ID):
		return fmt.Errorf("%s counts once", d.By.Name)
	case d.At.After(t.expires):
		return fmt.Errorf("it came at %s, after the request expired at %s", stamp(d.At), stamp(t.expires))
	}
	return nil
}

// meets places the approvals, strongest first, in the places that the stages
// offer, most demanding first: if any placing meets them all, this one does.
func meets(stages []countersign.Stage, approvals []countersign.Decision) (string, error) {
	var places []countersign.Assurance
	var groups []string
	total := 0
	for _, s := range stages {
		if s.Quorum < 1 {
			return "", fmt.Errorf("a stage needs %d people", s.Quorum)
		}
		// A receipt may say any number; places that nobody could fill are not laid out.
		places = append(places, slices.Repeat([]countersign.Assurance{s.Assurance}, min(s.Quorum, len(approvals)+1))...)
		total = min(total, math.MaxInt32) + min(s.Quorum, math.MaxInt32)
		groups = append(groups, strings.Join(s.Reviewers, " or "))
	}
	var have []countersign.Assurance
	for _, d := range approvals {
		have = append(have, d.Assurance)
	}
	slices.SortFunc(places, strongest)
	slices.SortFunc(have, strongest)
	met := 0
	for met < min(len(places), len(have)) && have[met].Meets(places[met]) {
		met++
	}
	who := strings.Join(groups, ", ")
	if met < len(places) || met == 0 {
		return "", fmt.Errorf("%d of %d places are met (%s)", met, total, who)
	}
	return fmt.Sprintf("%d of %d of %s", len(approvals), total, who), nil
}

func strongest(a, b countersign.Assurance) int {
	switch {
	case a == b:
		return 0
	case a.Meets(b):
		return -1
	}
	return 1
}
