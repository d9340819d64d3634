// Package stint works out who is on duty when: Rota.Stints of a roster, Calendar of
// an iCalendar. It is pure, and knows people only by the words that the schedule has
// for them. On and Next are what a worker asks of the result.
package stint

import (
	"cmp"
	"slices"
	"time"
)

// Most is how many stints one schedule may have in the time that is asked for.
const Most = 2000

// A Stint is a time in which one person is on duty: from, and not to. Stints may
// overlap; then several are.
type Stint struct {
	Person string    `json:"person"` // issuer|subject: "local|alice"
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
}

// On are the people on duty at the time, sorted, each once.
func On(stints []Stint, at time.Time) []string {
	var people []string
	for _, s := range stints {
		if !at.Before(s.From) && at.Before(s.To) {
			people = append(people, s.Person)
		}
	}
	slices.Sort(people)
	return slices.Compact(people)
}

// Next is the first time after the given one at which a stint begins or ends, zero
// if there is none.
func Next(stints []Stint, after time.Time) time.Time {
	var next time.Time
	for _, s := range stints {
		for _, t := range []time.Time{s.From, s.To} {
			if t.After(after) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}

// within keeps what lies in the window, cut to nothing, in the order of time.
func within(stints []Stint, from, to time.Time) []Stint {
	kept := []Stint{}
	for _, s := range stints {
		if s.From.Before(s.To) && s.From.Before(to) && from.Before(s.To) {
			kept = append(kept, Stint{s.Person, s.From.UTC(), s.To.UTC()})
		}
	}
	slices.SortFunc(kept, func(a, b Stint) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Person, b.Person)) })
	return kept
}
