package countersign

import (
	"slices"
	"time"
)

// MaxAway is the longest that one absence lasts.
const MaxAway = 30 * 24 * time.Hour

// An Away says that a person is out of office, and who sits in their seats
// meanwhile: a stage for a group of theirs takes the stand-in. It goes one hop: of a
// stand-in who is away too nobody stands in.
type Away struct {
	// StandIn is the id of the person who decides in their place; empty: nobody.
	StandIn string `json:"stand_in,omitempty"`
	// From is when it begins; zero: when it is recorded. At Until it is over.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until"`
	// Since is when it was recorded. The stand-in decides only what is asked after
	// it, as with a membership.
	Since time.Time `json:"since"`
}

// Begins is when the person is away from.
func (a Away) Begins() time.Time {
	if a.From.After(a.Since) {
		return a.From
	}
	return a.Since
}

// Equal reports whether both say the same.
func (a Away) Equal(b Away) bool {
	return a.StandIn == b.StandIn && a.From.Equal(b.From) && a.Until.Equal(b.Until) && a.Since.Equal(b.Since)
}

// On reports whether the person is away at the time.
func (a Away) On(now time.Time) bool { return !now.Before(a.Begins()) && now.Before(a.Until) }

// At is the directory looked at in that moment: absences begin and end by the
// clock. One that is looked at in no moment has everybody who has an absence away,
// and nobody standing in.
func (d *Directory) At(now time.Time) *Directory {
	at := *d
	at.Now = now
	return &at
}

// AwayOf returns the person's absence, and whether they are away.
func (d *Directory) AwayOf(person string) (Away, bool) {
	p, ok := d.People[person]
	if !ok || p.Away == nil {
		return Away{}, false
	}
	return *p.Away, d.Now.IsZero() || p.Away.On(d.Now)
}

// StandsInFor returns the ids, sorted, of the active people who are away and in
// whose seats the person sits: none for one who is away.
func (d *Directory) StandsInFor(person string) []string {
	me, ok := d.People[person]
	if _, away := d.AwayOf(person); !ok || away || me.Inactive || d.Now.IsZero() {
		return nil
	}
	var ids []string
	for id, p := range d.People {
		if p.Away != nil && p.Away.StandIn == person && id != person && !p.Inactive && p.Away.On(d.Now) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// SeatsOf returns the names, sorted, of the groups for which the person decides
// what was asked at the time: those that count them as a member, and those of whom
// they stand in for. Nobody sits in a seat of the barred, and whoever is away in
// none.
func (d *Directory) SeatsOf(person string, asked time.Time, barred []string) []string {
	if _, away := d.AwayOf(person); away {
		return nil
	}
	names := d.GroupsOf(person, asked)
	for _, id := range d.StandsInFor(person) {
		if d.People[id].Away.Since.Before(asked) && !slices.Contains(barred, id) {
			names = append(names, d.GroupsOf(id, asked)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Turn is the next moment at which an absence begins or ends, zero if there is
// none: what is found of who decides is true until then.
func (d *Directory) Turn() time.Time {
	var next time.Time
	for _, p := range d.People {
		if p.Away == nil {
			continue
		}
		for _, t := range []time.Time{p.Away.Begins(), p.Away.Until} {
			if t.After(d.Now) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}
