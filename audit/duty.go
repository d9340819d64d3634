package audit

import (
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// longest is the longest that an absence may last.
const longest = 30 * 24 * time.Hour

// absent checks a new absence: announced by the person or the operator, of bounded
// length, and with a stand-in who is somebody else.
func (p *people) absent(e countersign.Event, next countersign.Person) error {
	old, known := p.persons[next.ID]
	if next.Away == nil || old.Away != nil && old.Away.Equal(*next.Away) {
		return nil
	}
	begins := next.Away.Since
	if next.Away.From.After(begins) {
		begins = next.Away.From
	}
	standIn, there := p.persons[next.Away.StandIn]
	switch by := e.Who.Actor; {
	case !known:
		return fmt.Errorf("%s is new and away", next.ID)
	case by.Kind != countersign.KindOperator && by.ID != next.ID:
		return fmt.Errorf("%s said that %s is away", by.ID, next.ID)
	case !next.Away.Until.After(begins) || next.Away.Until.Sub(begins) > longest:
		return fmt.Errorf("%s is away from %s to %s, which is over at once or longer than 30 days", next.ID, begins, next.Away.Until)
	case next.Away.Since.After(e.At.Add(time.Minute)):
		return fmt.Errorf("the absence of %s is on record since %s, later than it is", next.ID, next.Away.Since)
	case backdated(next.Away.Since, e):
		return fmt.Errorf("the absence of %s is on record since %s, earlier than it is", next.ID, next.Away.Since)
	case next.Away.StandIn == next.ID:
		return fmt.Errorf("%s stands in for themselves", next.ID)
	case next.Away.StandIn != "" && (!there || standIn.Inactive):
		return fmt.Errorf("%s, who stands in for %s, was no active person", next.Away.StandIn, next.ID)
	}
	return nil
}

// out reports whether the person is away at the time.
func out(p countersign.Person, now time.Time) bool {
	return p.Away != nil && !now.Before(p.Away.Since) && !now.Before(p.Away.From) && now.Before(p.Away.Until)
}

// present checks that the person is not away while they decide.
func (a *auditor) present(id string) error {
	if out(a.people.persons[id], a.last) {
		return fmt.Errorf("%s decided it while away", id)
	}
	return nil
}

// sits reports whether the person has a seat of one of the groups now: their own,
// or that of somebody who is away, named them when it was not asked yet, and could
// decide it themselves.
func (a *auditor) sits(acc *account, groups []string, person string) bool {
	if a.member(groups, person, acc.created) {
		return true
	}
	var barred map[string]bool
	for id, p := range a.people.persons {
		if id == person || !out(p, a.last) || p.Away.StandIn != person || p.Inactive || !p.Away.Since.Before(acc.created) || !a.member(groups, id, acc.created) {
			continue
		}
		if barred == nil {
			barred = a.barred(acc)
		}
		if !barred[id] {
			return true
		}
	}
	return false
}

// grouped takes in that a group has these members now. Who is on duty is for the
// gateway to say, as a schedule does, and from whom it selects for everybody else.
func (p *people) grouped(e countersign.Event, g countersign.Group) error {
	onCall := strings.HasPrefix(g.Name, "oncall:")
	before := p.groups[g.Name]
	members := map[string]time.Time{}
	for _, m := range g.Members {
		members[m.Person] = m.Since
	}
	pool, declared := p.pools[g.Name]
	p.groups[g.Name] = members
	if onCall {
		p.pools[g.Name] = g.Pool
	}
	byGateway := e.Who.Actor.Kind == countersign.KindGateway
	switch {
	case onCall != (g.Pool != ""):
		return fmt.Errorf("%s has the pool %q", e.Request, g.Pool)
	case byGateway && (!onCall || !declared || pool != g.Pool):
		return fmt.Errorf("the gateway changed %s by itself, and not only who is on duty", e.Request)
	case onCall && !byGateway && len(members) > 0:
		return fmt.Errorf("%s said who is on duty for %s, which only its schedule does", e.Who.Actor.ID, g.Name)
	}
	if !byGateway {
		return joined(e, g, before)
	}
	for id, since := range members {
		if _, in := p.groups[g.Pool][id]; !in || p.persons[id].Inactive {
			return fmt.Errorf("%s was on duty for %s and no active member of %s", id, g.Name, g.Pool)
		}
		if was, on := before[id]; on && !was.Equal(since) {
			return fmt.Errorf("%s is on duty for %s since %s, and was since %s before", id, g.Name, since, was)
		}
	}
	return nil
}

// joined checks that whoever is new in a group is a member since the change that
// made them one.
func joined(e countersign.Event, g countersign.Group, before map[string]time.Time) error {
	for _, m := range g.Members {
		if was, in := before[m.Person]; (!in || !was.Equal(m.Since)) && backdated(m.Since, e) {
			return fmt.Errorf("%s is a member of %s since %s, before the change at %s", m.Person, g.Name, m.Since, e.At)
		}
	}
	return nil
}

// came checks that who is new is here since the change that added them, and that
// of nobody else this is changed.
func (p *people) came(e countersign.Event, next countersign.Person) error {
	old, known := p.persons[next.ID]
	if (!known || !old.Since.Equal(next.Since)) && backdated(next.Since, e) {
		return fmt.Errorf("%s is here since %s, before the change at %s", next.ID, next.Since, e.At)
	}
	return nil
}

// backdated reports whether something is said to begin before the event that began
// it: it would count for what was asked before. A minute is for clocks.
func backdated(since time.Time, e countersign.Event) bool {
	return since.Before(e.At.Add(-time.Minute))
}

// lessAway reports whether the absence is another and gives nobody a seat.
func lessAway(old, next *countersign.Away) bool {
	switch {
	case next == nil:
		return old != nil
	case next.StandIn != "":
		return false
	}
	return old == nil || !old.Equal(*next)
}
