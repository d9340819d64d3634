package countersign

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
)

// A Control is a change of the control plane as a command: from a certain
// version of one entity to what the body says. It is asked for, held, decided
// and run like any other command, on the built-in resource.
type Control struct {
	// Entity is what would change: "policy", "per_…", "grp:dba", "res:mcp/files".
	Entity RequestID
	// From is the version of the entity that the change was made against, 0 for
	// one that is new. It is not applied to any other.
	From uint64
	// BodyKind and Body are the event that would be recorded: its kind and the
	// canonical JSON of its body. What begins with the change, such as a
	// membership, has the zero time in it.
	BodyKind EventKind
	Body     []byte
}

// KindControl is the kind of a Control.
const KindControl = "control.change"

// ControlResource is the name of the built-in resource that a Control is on. No
// configuration names it, and the gate itself runs what is released for it.
const ControlResource = "countersign"

// Everyone is the built-in group of all active people. Nobody can change it.
const Everyone = "everyone"

// The ids of the built-in rules: on changes of the control plane, and on agents of
// which somebody has everything held.
const (
	TwoPeople      = "countersign.two-people"
	HoldEverything = "countersign.hold-everything"
)

// Kind implements Command.
func (Control) Kind() string { return KindControl }

// On implements Command.
func (Control) On() string { return ControlResource }

func (Control) command() {}

// BuiltIn is the resource that every Control is on.
func BuiltIn() Resource { return Resource{Name: ControlResource, Owners: []string{Everyone}} }

// Changing returns the command that would record the body as the next event of
// the entity.
func Changing(entity RequestID, from uint64, b Body) (Control, error) {
	body, err := canon.Marshal(b)
	if err != nil {
		return Control{}, fmt.Errorf("%s of %s: %w", b.Kind(), entity, err)
	}
	return Control{Entity: entity, From: from, BodyKind: b.Kind(), Body: body}, nil
}

// Event is the body that would be recorded, with the zero time where something
// begins with the change.
func (c Control) Event() (Body, error) { return ParseBody(c.BodyKind, c.Body) }

// Verb names what a change of the kind does, such as "control.policy"; it is
// empty for a kind that nobody can ask for.
func (k EventKind) Verb() string {
	switch k {
	case KindPolicyChanged:
		return "control.policy"
	case KindPersonChanged:
		return "control.person"
	case KindGroupChanged:
		return "control.group"
	case KindAgentChanged:
		return "control.agent"
	case KindResourceChanged:
		return "control.resource"
	case KindHaltChanged:
		return "control.halt"
	}
	return ""
}

// Beginning is the body with the time in place of each zero time at which
// something begins.
func Beginning(b Body, at time.Time) Body {
	switch b := b.(type) {
	case PersonChanged:
		if b.Person.Since.IsZero() {
			b.Person.Since = at
		}
		if b.Person.Away != nil && b.Person.Away.Since.IsZero() {
			away := *b.Person.Away
			away.Since = at
			b.Person.Away = &away
		}
		return b
	case GroupChanged:
		members := append([]Member{}, b.Group.Members...)
		for i := range members {
			if members[i].Since.IsZero() {
				members[i].Since = at
			}
		}
		b.Group.Members = members
		return b
	}
	return b
}

// Begins is the latest time at which something in the body begins, zero if nothing
// does.
func Begins(b Body) time.Time {
	var latest time.Time
	later := func(at time.Time) {
		if at.After(latest) {
			latest = at
		}
	}
	switch b := b.(type) {
	case PersonChanged:
		later(b.Person.Since)
		if b.Person.Away != nil {
			later(b.Person.Away.Since)
		}
	case GroupChanged:
		for _, m := range b.Group.Members {
			later(m.Since)
		}
	}
	return latest
}

// Did reports whether the recorded event is the change that the command asks
// for: to the same version, with the same body, apart from the times at which
// something begins, which are none before the release.
func (c Control) Did(e Event, released time.Time) bool {
	asked, err := c.Event()
	if err != nil || e.Request != c.Entity || e.Version != c.From+1 || e.Kind() != c.BodyKind {
		return false
	}
	began, ok := began(asked, e.Body)
	if !ok || !began.IsZero() && (began.Before(released) || !e.At.IsZero() && began.After(e.At.Add(time.Minute))) {
		return false
	}
	want, err := canon.Marshal(Beginning(asked, began))
	got, err2 := canon.Marshal(e.Body)
	return err == nil && err2 == nil && bytes.Equal(want, got)
}

// began is the time that stands in the recorded body where the asked one has
// none; zero if there is no such place.
func began(asked, done Body) (time.Time, bool) {
	switch a := asked.(type) {
	case PersonChanged:
		d, ok := done.(PersonChanged)
		switch {
		case !ok || (a.Person.Away == nil) != (d.Person.Away == nil):
			return time.Time{}, false
		case a.Person.Since.IsZero():
			return d.Person.Since, true
		case a.Person.Away != nil && a.Person.Away.Since.IsZero():
			return d.Person.Away.Since, true
		}
		return time.Time{}, true
	case GroupChanged:
		d, ok := done.(GroupChanged)
		if !ok || len(d.Group.Members) != len(a.Group.Members) {
			return time.Time{}, false
		}
		for i, m := range a.Group.Members {
			if m.Since.IsZero() {
				return d.Group.Members[i].Since, true
			}
		}
	}
	return time.Time{}, true
}

// controlWire is a Control's canonical form.
type controlWire struct {
	Body     string    `json:"body"`
	BodyKind EventKind `json:"body_kind"`
	Entity   RequestID `json:"entity"`
	From     string    `json:"from"` // a decimal number
	Kind     string    `json:"kind"`
	Resource string    `json:"resource"`
}

func (c Control) canonical() ([]byte, error) {
	if err := canon.Check(c.Body); err != nil {
		return nil, fmt.Errorf("body of a change of %s: %w", c.Entity, err)
	}
	return canon.Marshal(controlWire{
		Body: string(c.Body), BodyKind: c.BodyKind, Entity: c.Entity, From: strconv.FormatUint(c.From, 10),
		Kind: KindControl, Resource: ControlResource,
	})
}

func decodeControl(b []byte) (Command, error) {
	var w controlWire
	if err := canon.Unmarshal(b, &w); err != nil {
		return nil, fmt.Errorf("command: %w", err)
	}
	from, err := strconv.ParseUint(w.From, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("command: from %q is no version", w.From)
	}
	return Control{Entity: w.Entity, From: from, BodyKind: w.BodyKind, Body: []byte(w.Body)}, nil
}
