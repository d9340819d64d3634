package receipt

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// digested compares the command with what each decision says it decided.
func (v *verification) digested() (string, []string) {
	var known countersign.Digest
	from := "command"
	if c := v.events[0].Command; c != nil {
		if _, err := countersign.ParseCommand(c); err != nil {
			return "no command", []string{err.Error()}
		}
		known = countersign.DigestOfCanonical(c)
	}
	for i, e := range v.events {
		d, ok := decisionOf(e)
		switch {
		case !ok:
		case known.IsZero():
			known, from = d.Digest, "earlier"
		case d.Digest != known:
			return "another", append([]string{v.leaf(i)}, hashLines("decided", ledger.Hash(d.Digest), from, ledger.Hash(known))...)
		}
	}
	v.digest = known
	if v.events[0].Command == nil {
		return "the command is not disclosed", nil
	}
	return short(known), nil
}

// decisionOf returns the decision of an event that counted, with who made it.
func decisionOf(e countersign.Event) (countersign.Decision, bool) {
	var d countersign.Decision
	switch b := e.Body.(type) {
	case countersign.Decided:
		d = b.Decision
	case countersign.Escalated:
		d = b.Decision
	default:
		return d, false
	}
	d.By, d.At, d.AuthTime, d.Method, d.Assertion = e.Who.Actor, e.At, e.Who.AuthTime, e.Who.Method, e.Who.Assertion
	return d, true
}

// required re-derives from the decisions that the requirement was met when the
// command was released. It shares no code with the gate. Who is in which group is
// not in a receipt.
func (v *verification) required() (string, []string) {
	detail := "not released"
	for i, e := range v.events {
		if v.statements[i].Event.Kind == countersign.KindReleased {
			var err error
			if detail, err = v.tally.released(v.statements[i].Event, e.Body); err != nil {
				return "not met", []string{v.leaf(i), err.Error()}
			}
		}
		if err := v.tally.take(e, v.statements[i].Event); err != nil {
			return "not met", []string{v.leaf(i), err.Error()}
		}
	}
	return detail, nil
}

// ended checks how the command ran: once, for the executor it is on, before the
// approval lapsed, and within the bounds that were approved.
func (v *verification) ended() (string, []string) {
	at := -1
	for i, st := range v.statements {
		if st.Event.Kind != countersign.KindReleased {
			continue
		}
		if at >= 0 {
			return "twice", []string{v.leaf(at), v.leaf(i)}
		}
		at = i
	}
	if at < 0 {
		return "not released", nil
	}
	if err := v.releasedInTime(at); err != nil {
		return "no", []string{v.leaf(at), err.Error()}
	}
	last := v.statements[len(v.statements)-1].Event.State.Execution
	switch last {
	case countersign.ExecutionRunning:
		return "once; no outcome on record yet", nil
	case countersign.ExecutionUnknown:
		return "once; the outcome is unknown", nil
	case countersign.ExecutionFailed:
		return "once; failed", nil
	}
	used, err := v.withinBounds(at)
	if err != nil {
		return "no", []string{v.leaf(at), err.Error()}
	}
	return used, nil
}

func (v *verification) releasedInTime(at int) error {
	e := v.statements[at].Event
	if err := v.releasedOn(at); err != nil {
		return err
	}
	if e.State.Decision == countersign.DecisionAllowed {
		return nil
	}
	if v.tally.runBy.IsZero() {
		return fmt.Errorf("no event says until when the approval lives")
	}
	if e.At.After(v.tally.runBy) {
		return fmt.Errorf("it is released at %s, and the approval lapsed at %s", stamp(e.At), stamp(v.tally.runBy))
	}
	for name, limit := range v.tally.bounds {
		if over(e.Public.Bounds[name], limit) {
			return fmt.Errorf("it is released with %s %q, and approved with %s", name, e.Public.Bounds[name], limit)
		}
	}
	return nil
}

// releasedOn checks that the release is for the resource of the command.
func (v *verification) releasedOn(at int) error {
	if v.events[0].Command == nil {
		return nil
	}
	c, err := countersign.ParseCommand(v.events[0].Command)
	if err != nil {
		return err
	}
	if executor := v.statements[at].Event.Public.Executor; c.On() != executor {
		return fmt.Errorf("it is released for %q, and the command is on %q", executor, c.On())
	}
	b, ok := v.events[at].Body.(countersign.Released)
	if m, isMCP := c.(countersign.MCPRequest); ok && isMCP && b.Target != m.Target {
		return fmt.Errorf("it is released for the target %s, and the command is for %s", b.Target, m.Target)
	}
	return nil
}

// over reports whether a decimal number is above the limit, or is none.
func over(value, limit string) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	most, err2 := strconv.ParseInt(limit, 10, 64)
	return err != nil || err2 != nil || n > most
}

// withinBounds checks what a successful outcome says of itself.
func (v *verification) withinBounds(at int) (string, error) {
	bounds := v.statements[at].Event.Public.Bounds
	outcome := v.outcome()
	if outcome == nil {
		return "once; succeeded", nil
	}
	took := outcome.FinishedAt.Sub(outcome.StartedAt)
	for name, used := range map[string]string{
		"bytes":   outcome.Bytes,
		"seconds": strconv.FormatInt(int64(took/time.Second), 10),
	} {
		if limit, ok := bounds[name]; ok && used != "" && over(used, limit) {
			return "", fmt.Errorf("it used %s %s, and the bound is %s", used, name, limit)
		}
	}
	if limit, ok := bounds["bytes"]; ok && outcome.Bytes != "" {
		return fmt.Sprintf("once; %s of %s bytes", grouped(outcome.Bytes), grouped(limit)), nil
	}
	return "once; succeeded", nil
}

// outcome is the last one that is disclosed.
func (v *verification) outcome() *countersign.Outcome {
	for _, e := range slices.Backward(v.events) {
		switch b := e.Body.(type) {
		case countersign.Completed:
			return &b.Outcome
		case countersign.Resolved:
			return &b.Outcome
		}
	}
	return nil
}
