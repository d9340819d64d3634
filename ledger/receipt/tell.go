package receipt

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// tell says in words what a receipt that holds is about.
func (v *verification) tell(r *Report) {
	for _, d := range v.tally.decisions {
		if d.By.Name == "" {
			d.By.Name = notDisclosed
		}
		r.Who = append(r.Who, d.Decision)
	}
	r.Digest = v.digest
	r.What, r.Why, r.Outcome = v.what(), v.why(), v.happened()
}

func (v *verification) what() string {
	first := v.events[0]
	if first.Who.Actor.Name == "" && first.Command == nil && first.Body == nil {
		return notDisclosed
	}
	who, tool, where, environment := notDisclosed, notDisclosed, notDisclosed, ""
	if first.Who.Actor.Name != "" {
		who = first.Who.Actor.Name
	}
	if c, err := countersign.ParseCommand(first.Command); err == nil {
		where, tool = c.On(), c.Kind()
		if m, ok := c.(countersign.MCPRequest); ok {
			tool = m.Method
		}
	}
	if b, ok := first.Body.(countersign.Requested); ok {
		where, environment = b.Resource.Name, b.Resource.Environment
		if b.Facts.Tool != "" {
			tool = b.Facts.Tool
		}
	}
	what := fmt.Sprintf("%s asked for %s on %s", who, tool, where)
	if environment != "" {
		what += ", " + environment
	}
	return what
}

// why tells of the last verdict: the effect, the rules that led to it, the policy.
func (v *verification) why() string {
	for i, st := range slices.Backward(v.statements) {
		p := st.Event.Public
		switch st.Event.Kind {
		case countersign.KindDenied, countersign.KindAllowed, countersign.KindHeld:
		default:
			continue
		}
		var rules []string
		for _, r := range p.Rules {
			rules = append(rules, r.ID)
		}
		if verdict := verdictOf(v.events[i]); verdict != nil {
			rules = nil
			for _, r := range verdict.Leading() {
				rules = append(rules, r.ID)
			}
		}
		if b, ok := v.events[i].Body.(countersign.Denied); ok && b.Because != "" {
			return fmt.Sprintf("denied: %s, policy %s", b.Because, short(p.Policy))
		}
		if len(rules) == 0 {
			rules = []string{"default"}
		}
		return fmt.Sprintf("%s by %s, policy %s", st.Event.Kind, strings.Join(rules, ", "), short(p.Policy))
	}
	return "not judged yet"
}

func verdictOf(e countersign.Event) *countersign.Verdict {
	switch b := e.Body.(type) {
	case countersign.Denied:
		return &b.Verdict
	case countersign.Allowed:
		return &b.Verdict
	case countersign.Held:
		return &b.Verdict
	}
	return nil
}

func (v *verification) happened() string {
	last := v.statements[len(v.statements)-1].Event
	switch last.State.Execution {
	case countersign.ExecutionRunning:
		return "released, no outcome on record yet"
	case countersign.ExecutionUnknown:
		return "unknown: nobody can tell whether it ran"
	case countersign.ExecutionNone:
		return "did not run: " + string(last.State.Decision)
	}
	said := fmt.Sprintf("%s %s", last.State.Execution, v.endedAt().UTC().Format("2006-01-02 15:04:05.000 UTC"))
	if o := v.outcome(); o != nil {
		if o.Bytes != "" {
			said += ", " + grouped(o.Bytes) + " bytes"
		}
		if o.Detail != "" {
			said += ": " + o.Detail
		}
	}
	return said
}

// endedAt is when the outcome was recorded.
func (v *verification) endedAt() time.Time {
	for _, st := range slices.Backward(v.statements) {
		if k := st.Event.Kind; k == countersign.KindCompleted || k == countersign.KindResolved {
			return st.Event.At
		}
	}
	return time.Time{}
}
