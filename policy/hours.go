package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the zones of schedules are known on machines that have none

	"go.yaml.in/yaml/v3"

	"github.com/countersignhq/countersign"
)

// hours are the times of a week in which people decide.
type hours struct {
	zone *time.Location
	week [7][]span // by time.Weekday
}

// A span is a part of a day on the wall clock, in minutes from midnight: from
// and not to.
type span struct{ from, to int }

// A window is a time in which a freeze holds: from and not to.
type window struct{ from, to time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.from) && at.Before(w.to) }

// NextFreeze returns when the next freeze after the time begins, whatever it speaks
// of, in the milliseconds of the record; zero if none does.
func (p *Policy) NextFreeze(after time.Time) time.Time {
	var next time.Time
	if p == nil {
		return next
	}
	for _, r := range p.rules {
		if r.freeze == nil || !r.freeze.from.After(after) {
			continue
		}
		if from := r.freeze.from.Add(time.Millisecond - 1).Truncate(time.Millisecond); next.IsZero() || from.Before(next) {
			next = from
		}
	}
	return next
}

func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// schedules reads the weekly hours that rules name.
func (l *loader) schedules(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		l.report(n.Line, "want schedules by name")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, at := n.Content[i].Value, n.Content[i]
		switch _, twice := l.policy.hours[name]; {
		case !ruleID.MatchString(name):
			l.report(at.Line, "want the name of a schedule of letters, digits, dots, dashes and underscores, at most 64, got %q", name)
		case twice:
			l.report(at.Line, "there is a schedule %s already", name)
		default:
			if l.policy.hours == nil {
				l.policy.hours = map[string]hours{}
			}
			l.policy.hours[name] = l.week(n.Content[i+1])
		}
	}
}

func (l *loader) week(n *yaml.Node) (h hours) {
	var open *yaml.Node
	if !l.mapping(n, "schedule", []field{
		{"zone", func(v *yaml.Node) {
			var err error
			if h.zone, err = time.LoadLocation(l.text(v)); err != nil || v.Value == "Local" {
				l.report(v.Line, "want a time zone of the IANA database, such as Europe/Berlin, got %q", v.Value)
			}
		}},
		{"hours", func(v *yaml.Node) { open = v }},
	}) {
		return h
	}
	if open == nil || open.Kind != yaml.MappingNode || len(open.Content) == 0 || h.zone == nil {
		l.report(n.Line, "a schedule needs a zone, and hours by day such as {mon-fri: \"09:00-17:30\"}")
		h.zone = time.UTC
		return h
	}
	for i := 0; i+1 < len(open.Content); i += 2 {
		days, ok := daysOf(open.Content[i].Value)
		if !ok {
			l.report(open.Content[i].Line, "want a day or days such as mon, sat-sun or mon-fri, got %q", open.Content[i].Value)
			continue
		}
		spans := l.spans(open.Content[i+1])
		for _, d := range days {
			h.week[d] = append(h.week[d], spans...)
		}
	}
	return h
}

// daysOf are the weekdays of "mon" or "fri-mon".
func daysOf(text string) (days []int, ok bool) {
	first, last, two := strings.Cut(text, "-")
	if !two {
		last = first
	}
	i, j := slices.Index(weekdays(), first), slices.Index(weekdays(), last)
	if i < 0 || j < 0 {
		return nil, false
	}
	for ; ; i = (i + 1) % 7 {
		if days = append(days, i); i == j {
			return days, true
		}
	}
}

// spans reads "09:00-12:00, 13:00-17:30".
func (l *loader) spans(n *yaml.Node) (all []span) {
	for part := range strings.SplitSeq(l.text(n), ",") {
		from, to, _ := strings.Cut(strings.TrimSpace(part), "-")
		s := span{minute(from), minute(to)}
		if s.from < 0 || s.to <= s.from {
			l.report(n.Line, "want hours such as 09:00-17:30, up to 24:00, got %q", part)
			continue
		}
		all = append(all, s)
	}
	return all
}

// minute is that of a time on the wall clock, -1 if it is none.
func minute(text string) int {
	if text == "24:00" {
		return 24 * 60
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return -1
	}
	return t.Hour()*60 + t.Minute()
}

// open reports whether people decide at the time.
func (h hours) open(at time.Time) bool {
	local := at.In(h.zone)
	now := local.Hour()*60 + local.Minute()
	return slices.ContainsFunc(h.week[local.Weekday()], func(s span) bool { return s.from <= now && now < s.to })
}

// opens is when people decide next, at or after the time. A clock that goes
// forward over an opening opens with it.
func (h hours) opens(at time.Time) (time.Time, bool) {
	if h.open(at) {
		return at, true
	}
	local := at.In(h.zone)
	for day := range 8 {
		var next time.Time
		for _, s := range h.week[(int(local.Weekday())+day)%7] {
			t := time.Date(local.Year(), local.Month(), local.Day()+day, s.from/60, s.from%60, 0, 0, h.zone)
			if t.After(at) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
		if !next.IsZero() {
			return next.UTC(), true
		}
	}
	return time.Time{}, false
}

// hours reads the name of a schedule. It is looked up when all files are read.
func (l *loader) hours(n *yaml.Node) string {
	name := l.text(n)
	l.named = append(l.named, mention{name, l.name, n.Line, l.rule})
	return name
}

// A mention is a place where a schedule is named.
type mention struct {
	schedule, file string
	line           int
	rule           string
}

// unknownSchedules reports names of schedules that no file has.
func (l *loader) unknownSchedules() {
	var names []string
	for name := range l.policy.hours {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, m := range l.named {
		if !slices.Contains(names, m.schedule) {
			l.findings = append(l.findings, Finding{Error, m.file, m.line, m.rule, unknownWord("schedule", m.schedule, names)})
		}
	}
}

// readFreeze reads a freeze: a rule that speaks in a window of time.
func (l *loader) readFreeze(n *yaml.Node, set defaults) {
	r := rule{file: l.name, line: n.Line, set: set, effect: countersign.Hold, freeze: &window{}}
	l.rule = peek(n, "id")
	if !l.mapping(n, "freeze", []field{
		{"id", func(v *yaml.Node) { r.id = l.text(v) }},
		{"why", func(v *yaml.Node) { r.why = strings.TrimSpace(l.text(v)) }},
		{"from", func(v *yaml.Node) { r.freeze.from = l.time(v) }},
		{"to", func(v *yaml.Node) { r.freeze.to = l.time(v) }},
		{"match", func(v *yaml.Node) { r.match = l.match(v) }},
		{"effect", func(v *yaml.Node) { r.effect = countersign.Effect(l.oneOf(v, "effect")) }},
	}) {
		return
	}
	switch {
	case !ruleID.MatchString(r.id) || strings.HasPrefix(r.id, builtInRules):
		l.report(n.Line, "a freeze needs an id as a rule has one, got %q", r.id)
	case r.effect == countersign.Allow:
		l.report(n.Line, "a freeze holds or denies; it allows nothing")
	case r.freeze.from.IsZero() || !r.freeze.from.Before(r.freeze.to):
		l.report(n.Line, "a freeze needs from and, later, to")
	}
	l.policy.rules = append(l.policy.rules, r)
}

func (l *loader) time(n *yaml.Node) time.Time {
	if n.Kind == yaml.ScalarNode {
		if t, err := time.Parse(time.RFC3339, n.Value); err == nil {
			return t.UTC()
		}
	}
	l.report(n.Line, "want a time with its offset such as 2026-12-20T00:00:00+01:00, got %s", describe(n))
	return time.Time{}
}

// frozen reports whether a freeze holds it now.
func (u *union) frozen() bool {
	return slices.ContainsFunc(u.d.rules, func(j judged) bool { return j.freeze != nil && j.counts() })
}

// maxLooks is how many freezes and closed hours one after the other are looked
// through.
const maxLooks = 100

// closed says until when nobody can approve it, and why; no reason if somebody
// can now.
func (u *union) closed() (until time.Time, why []string) {
	if u.policy == nil || u.d.in.isControl() {
		return time.Time{}, nil
	}
	at := u.d.in.Now
	for range maxLooks {
		next := at
		for _, j := range u.d.rules {
			if j.freeze != nil && j.effect == countersign.Hold && j.freeze.holds(at) && j.freeze.to.After(next) {
				next = j.freeze.to
				why = append(why, fmt.Sprintf("%s until %s: %s", j.id, stamp(next), j.why))
			}
		}
		for _, name := range u.hours {
			opens, ok := u.policy.hours[name].opens(at)
			if !ok {
				u.block("the schedule %s is never open", name)
				return time.Time{}, nil
			}
			if opens.After(next) {
				next = opens
				why = append(why, fmt.Sprintf("the schedule %s is closed until %s", name, wall(next, u.policy.hours[name].zone)))
			}
		}
		if next.Equal(at) {
			break
		}
		at = next
	}
	if len(why) > 0 && at.Sub(u.d.in.Now) > maxDuration {
		u.block("nobody can approve it before %s, and it would wait for more than %s", stamp(at), maxDuration)
	}
	return at, why
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// wall is the stamp of the time, with what clocks in the zone show then.
func wall(t time.Time, zone *time.Location) string {
	if zone == time.UTC {
		return stamp(t)
	}
	return stamp(t) + t.In(zone).Format(", Mon 15:04 in ") + zone.String()
}
