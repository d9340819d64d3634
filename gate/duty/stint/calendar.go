package stint

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"
)

// A Calendar reads stints from an iCalendar (RFC 5545). Who is on duty in an event
// is what People says of its attendees, or else of its summary; nothing is guessed.
type Calendar struct {
	// Zone is that of days, and of times without a zone. Nil is UTC.
	Zone *time.Location
	// People are issuer|subject by address in lower case, "alice@example.com", or by
	// the whole of a summary.
	People map[string]string
}

const (
	maxEvents   = 5000
	maxRules    = 200    // RRULEs of all events together
	maxRepeated = 50_000 // repetitions that are looked at, of all events together
)

// errTooMany is the answer to a calendar with which somebody means ill.
var errTooMany = fmt.Errorf("the calendar has more than %d events, %d that repeat, %d stints in the time asked for, or repetitions without end", maxEvents, maxRules, Most)

// Stints are those of the calendar between the times. Unknown are the summaries of
// events in that time that put nobody on duty.
func (c Calendar) Stints(text []byte, from, to time.Time) (stints []Stint, unknown []string, err error) {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	cal, err := ical.NewDecoder(bytes.NewReader(text)).Decode()
	if err != nil {
		return nil, nil, fmt.Errorf("it is no iCalendar: %w", err)
	}
	r := reading{Calendar: c, from: from, to: to, moved: map[string][]time.Time{}}
	events := cal.Events()
	if len(events) > maxEvents {
		return nil, nil, errTooMany
	}
	for _, e := range events {
		if err := r.moves(e); err != nil {
			return nil, nil, about(e, err)
		}
	}
	for _, e := range events {
		if err := r.event(e); err != nil {
			return nil, nil, about(e, err)
		}
	}
	slices.Sort(r.unknown)
	return within(r.stints, from, to), slices.Compact(r.unknown), nil
}

func about(e ical.Event, err error) error {
	uid, _ := e.Props.Text(ical.PropUID)
	return fmt.Errorf("event %.80q: %w", uid, err)
}

// reading is the state of one.
type reading struct {
	Calendar
	from, to time.Time
	// moved are the repetitions, by the event's UID, that another event replaces.
	moved    map[string][]time.Time
	rules    int
	repeated int
	stints   []Stint
	unknown  []string
}

// moves notes which repetition of another event this one replaces.
func (r *reading) moves(e ical.Event) error {
	id := e.Props.Get(ical.PropRecurrenceID)
	if id == nil {
		return nil
	}
	if id.Params.Get(ical.ParamRange) != "" {
		return errors.New("a change of this and all later repetitions (RANGE) is not read; write them as an event of their own")
	}
	uid, err := e.Props.Text(ical.PropUID)
	if err != nil {
		return err
	}
	at, err := r.time(id)
	r.moved[uid] = append(r.moved[uid], at)
	return err
}

// event adds the stints of one event.
func (r *reading) event(e ical.Event) error {
	status, err := e.Status()
	if err != nil || status == ical.EventCancelled {
		return err
	}
	begin := e.Props.Get(ical.PropDateTimeStart)
	if begin == nil {
		return errors.New("it has no DTSTART")
	}
	start, err := r.time(begin)
	if err != nil {
		return err
	}
	ends, err := r.ends(e, start)
	if err != nil {
		return err
	}
	starts := []time.Time{start}
	if e.Props.Get(ical.PropRecurrenceID) == nil {
		if starts, err = r.repetitions(e, start, ends); err != nil {
			return err
		}
	}
	people, named := r.people(e)
	for _, s := range starts {
		end := ends(s)
		if !s.Before(r.to) || !r.from.Before(end) {
			continue
		}
		if len(people) == 0 {
			r.unknown = append(r.unknown, named)
		}
		for _, p := range people {
			r.stints = append(r.stints, Stint{p, s, end})
		}
		if len(r.stints) > Most {
			return errTooMany
		}
	}
	return nil
}

// ends says of each repetition when it ends: as long after its start as the first,
// in whole days on the wall clock where it is of days.
func (r *reading) ends(e ical.Event, start time.Time) (func(time.Time) time.Time, error) {
	day := e.Props.Get(ical.PropDateTimeStart).ValueType() == ical.ValueDate || len(e.Props.Get(ical.PropDateTimeStart).Value) == len("20060102")
	var end time.Time
	switch until, lasts := e.Props.Get(ical.PropDateTimeEnd), e.Props.Get(ical.PropDuration); {
	case until != nil:
		var err error
		if end, err = r.time(until); err != nil {
			return nil, err
		}
	case lasts != nil:
		d, err := lasts.Duration()
		if err != nil {
			return nil, err
		}
		end = start.Add(d)
	case day:
		end = start.AddDate(0, 0, 1)
	}
	if end.Before(start) {
		end = start
	}
	if days := int(end.Sub(start).Round(24*time.Hour) / (24 * time.Hour)); day {
		return func(s time.Time) time.Time { return s.AddDate(0, 0, days) }, nil
	}
	return func(s time.Time) time.Time { return s.Add(end.Sub(start)) }, nil
}

// time reads a date or a time; one without a zone is in the calendar's.
func (r *reading) time(p *ical.Prop) (time.Time, error) {
	if zone := p.Params.Get(ical.PropTimezoneID); zone != "" {
		if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
			return time.Time{}, fmt.Errorf("the time zone %.60q is none of the IANA database", zone)
		}
	}
	t, err := p.DateTime(r.Zone)
	if err == nil && (t.Year() < 1970 || t.Year() > 2200) {
		err = fmt.Errorf("%s is %s, out of all time", p.Name, t.Format(time.DateOnly))
	}
	return t, err
}

// repetitions are the starts of the event up to the end of the window, less those
// that are excluded or moved.
func (r *reading) repetitions(e ical.Event, start time.Time, ends func(time.Time) time.Time) ([]time.Time, error) {
	uid, err := e.Props.Text(ical.PropUID)
	if err != nil {
		return nil, err
	}
	gone := slices.Clone(r.moved[uid])
	excluded, err := r.list(e, ical.PropExceptionDates)
	if err != nil {
		return nil, err
	}
	gone = append(gone, excluded...)
	starts, err := r.list(e, ical.PropRecurrenceDates)
	if err != nil {
		return nil, err
	}
	rules := e.Props.Values(ical.PropRecurrenceRule)
	switch len(rules) {
	case 0:
		starts = append(starts, start)
	case 1:
		repeats, err := r.rule(rules[0].Value, start, ends)
		if err != nil {
			return nil, err
		}
		starts = append(starts, repeats...)
	default:
		return nil, errors.New("it has more than one RRULE")
	}
	return slices.DeleteFunc(starts, func(t time.Time) bool { return slices.ContainsFunc(gone, t.Equal) }), nil
}

// rule are the repetitions of an RRULE.
func (r *reading) rule(text string, start time.Time, ends func(time.Time) time.Time) ([]time.Time, error) {
	o, err := rrule.StrToROptionInLocation(text, start.Location())
	if err != nil {
		return nil, fmt.Errorf("RRULE: %w", err)
	}
	if o.Freq > rrule.DAILY || len(o.Byhour)+len(o.Byminute)+len(o.Bysecond) > 0 {
		return nil, errors.New("RRULE: a duty that repeats within a day is not read")
	}
	if r.rules++; r.rules > maxRules {
		return nil, errTooMany
	}
	o.Dtstart = start
	rule, err := rrule.NewRRule(*o)
	if err != nil {
		return nil, fmt.Errorf("RRULE: %w", err)
	}
	var starts []time.Time
	for next := rule.Iterator(); ; {
		at, more := next()
		if !more || !at.Before(r.to) {
			return starts, nil
		}
		if r.repeated++; r.repeated > maxRepeated {
			return nil, errTooMany
		}
		if r.from.Before(ends(at)) {
			starts = append(starts, at)
		}
	}
}

// list reads times that stand in one property, with commas, or in several.
func (r *reading) list(e ical.Event, name string) ([]time.Time, error) {
	var times []time.Time
	for _, p := range e.Props.Values(name) {
		for one := range strings.SplitSeq(p.Value, ",") {
			single := p
			single.Value = one
			t, err := r.time(&single)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if times = append(times, t); len(times) > Most {
				return nil, errTooMany
			}
		}
	}
	return times, nil
}

// people are those of the event, and what it is called.
func (r *reading) people(e ical.Event) (people []string, called string) {
	called, _ = e.Props.Text(ical.PropSummary)
	for _, a := range e.Props.Values(ical.PropAttendee) {
		scheme, address, _ := strings.Cut(a.Value, ":")
		if !strings.EqualFold(scheme, "mailto") || strings.EqualFold(a.Params.Get(ical.ParamParticipationStatus), "DECLINED") {
			continue
		}
		if p, ok := r.People[strings.ToLower(strings.TrimSpace(address))]; ok {
			people = append(people, p)
		}
	}
	if p, ok := r.People[strings.TrimSpace(called)]; ok && len(people) == 0 {
		people = append(people, p)
	}
	return people, cmp.Or(called, "an event without a summary")
}
