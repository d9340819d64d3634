package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// digested compares the command with what each decision says it decided.
func (v *verification) digested() (string, []string) {
	var known countersign.Digest
	from := "the command"
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
			known, from = d.Digest, v.leaf(i)
		case d.Digest != known:
			return "another", append([]string{v.leaf(i)}, hashLines("decided", Hash(d.Digest), from, Hash(known))...)
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
	d.By, d.At, d.AuthTime, d.Method = e.Who.Actor, e.At, e.Who.AuthTime, e.Who.Method
	return d, true
}

// asserted refuses a decision that claims a passkey: no event of this version
// carries the assertion that would show it.
func (v *verification) asserted() (string, []string) {
	for i, st := range v.statements {
		counts := st.Event.Kind == countersign.KindDecided || st.Event.Kind == countersign.KindEscalated
		if counts && st.Event.Public.Assurance == countersign.Passkey {
			return "no assertion", []string{v.leaf(i), "it claims a passkey, and the receipt holds no assertion of one"}
		}
	}
	return "no passkey decisions", nil
}

// required re-derives from the decisions that the requirement was met when the
// command was released. It shares no code with the gate. Who is in which group is
// not in a receipt.
func (v *verification) required() (string, []string) {
	detail := "not released"
	for i, e := range v.events {
		if v.statements[i].Event.Kind == countersign.KindReleased {
			var err error
			if detail, err = v.tally.released(v.statements[i].Event); err != nil {
				return "not met", []string{v.leaf(i), err.Error()}
			}
		}
		if err := v.tally.take(e, v.statements[i].Event); err != nil {
			return "not met", []string{v.leaf(i), err.Error()}
		}
	}
	return detail, nil
}

// tally counts decisions as the events come.
type tally struct {
	stages    []countersign.Stage
	bounds    map[string]string
	expires   time.Time
	runBy     time.Time
	decisions []counted
	barred    []string // ids of who asked, for whom, and who stands behind them
	hidden    bool     // something that would have to be counted is not disclosed
}

type counted struct {
	countersign.Decision
	version int
}

func (t *tally) take(e countersign.Event, open Event) error {
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
		r := b.Verdict.Requirement
		t.stages, t.bounds, t.expires, t.runBy = r.Stages, r.Bounds, r.ExpiresAt, time.Time{}
		t.void(b)
	case countersign.Decided:
		t.runBy = b.RunBy
	case countersign.Escalated:
		t.stages = append(t.stages[:len(t.stages):len(t.stages)], b.Stage)
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
func (t *tally) takeHidden(open Event) {
	switch open.Kind {
	case countersign.KindDecided, countersign.KindEscalated:
		t.decisions = append(t.decisions, counted{countersign.Decision{
			Choice: open.Public.Choice, Assurance: open.Public.Assurance, At: open.At, Solo: open.Public.Solo,
		}, int(open.Version)})
		t.hidden = true
		if !open.Public.RunBy.IsZero() {
			t.runBy = open.Public.RunBy
		}
	case countersign.KindHeld:
		t.hidden, t.runBy = true, time.Time{}
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
// and enough.
func (t *tally) released(e Event) (string, error) {
	if e.State.Decision == countersign.DecisionAllowed {
		if len(e.Public.Approvals) > 0 {
			return "", fmt.Errorf("the policy allowed it, and it names approvals")
		}
		return "none needed: the policy allowed it", nil
	}
	if t.hidden {
		return notDisclosed, nil
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
	return t.meets(rest)
}

func (t *tally) counts(d countersign.Decision, earlier []string) error {
	switch {
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
func (t *tally) meets(approvals []countersign.Decision) (string, error) {
	var places []countersign.Assurance
	var groups []string
	for _, s := range t.stages {
		if s.Quorum < 1 {
			return "", fmt.Errorf("a stage needs %d people", s.Quorum)
		}
		places = append(places, slices.Repeat([]countersign.Assurance{s.Assurance}, s.Quorum)...)
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
		return "", fmt.Errorf("%d of %d places are met (%s)", met, len(places), who)
	}
	return fmt.Sprintf("%d of %d of %s", len(approvals), len(places), who), nil
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
