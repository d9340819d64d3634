package stint

import "time"

// A Rota is a roster: people who take turns, and exceptions from that.
type Rota struct {
	// Zone is where the times of handovers stand on the wall clock.
	Zone      *time.Location
	Rotations []Rotation
	Overrides []Override
}

// A Rotation has people take turns, each for so many days, from one time of day to
// the same.
type Rotation struct {
	Name   string // may be empty
	People []string
	// Begins is the first handover, to the first of the people. Before it nobody is
	// on duty.
	Begins time.Time
	Days   int // 1 or 7
}

// An Override puts one person on duty for a time, in place of everybody whom the
// rotation has then; without a name, of everybody.
type Override struct {
	Rotation string
	Person   string
	From, To time.Time
}

// Stints are those of the roster between the times.
func (r Rota) Stints(from, to time.Time) []Stint {
	var all []Stint
	for _, rotation := range r.Rotations {
		turns := rotation.turns(r.Zone, from, to)
		for _, o := range r.Overrides {
			if o.Rotation == "" || o.Rotation == rotation.Name {
				turns = without(turns, o.From, o.To)
			}
		}
		all = append(all, turns...)
	}
	for _, o := range r.Overrides {
		all = append(all, Stint{o.Person, o.From, o.To})
	}
	return within(all, from, to)
}

// turns are those of one rotation. A handover stays where it is on the wall clock
// when the clocks change.
func (r Rotation) turns(zone *time.Location, from, to time.Time) []Stint {
	first := r.Begins.In(zone)
	handover := func(n int) time.Time {
		return time.Date(first.Year(), first.Month(), first.Day()+n*r.Days, first.Hour(), first.Minute(), 0, 0, zone)
	}
	n := 0
	if passed := int(from.Sub(first)/(24*time.Hour)) / r.Days; passed > 1 {
		n = passed - 1 // a day may have 23 hours
	}
	var turns []Stint
	for ; len(turns) < Most; n++ {
		begins := handover(n)
		if !begins.Before(to) {
			break
		}
		turns = append(turns, Stint{r.People[n%len(r.People)], begins, handover(n + 1)})
	}
	return turns
}

// without cuts the time out of the stints.
func without(stints []Stint, from, to time.Time) []Stint {
	var left []Stint
	for _, s := range stints {
		if !s.From.Before(to) || !from.Before(s.To) {
			left = append(left, s)
			continue
		}
		if s.From.Before(from) {
			left = append(left, Stint{s.Person, s.From, from})
		}
		if to.Before(s.To) {
			left = append(left, Stint{s.Person, to, s.To})
		}
	}
	return left
}
