package amend

import (
	"time"

	"github.com/countersignhq/countersign"
)

// maxAhead is how long before it begins an absence can be announced.
const maxAhead = 90 * 24 * time.Hour

// away refuses an absence that is too long, that somebody else announces, or whose
// stand-in could not decide.
func away(d *countersign.Directory, by countersign.Principal, p countersign.Person, now time.Time) error {
	old, known := d.People[p.ID]
	if p.Away == nil || old.Away != nil && old.Away.Equal(*p.Away) {
		return nil
	}
	a := *p.Away
	begins := now
	if a.From.After(now) {
		begins = a.From
	}
	standIn, there := d.People[a.StandIn]
	switch {
	case !known:
		return refused(countersign.CodeBadRequest, "%s is new here, and away from nothing", p.Name)
	case by.Kind == countersign.KindPerson && by.ID != p.ID:
		e := refused(countersign.CodeForbidden, "%s says themselves when they are away", p.Name)
		e.Hint = "or the operator does"
		return e
	case !a.Since.IsZero():
		return refused(countersign.CodeBadRequest, "an absence is on record since the change that makes it")
	case !a.Until.After(begins):
		return refused(countersign.CodeBadRequest, "the absence is over at %s, before it begins", a.Until.UTC().Format(time.RFC3339))
	case a.Until.Sub(begins) > countersign.MaxAway:
		e := refused(countersign.CodeBadRequest, "an absence lasts at most 30 days")
		e.Hint = "announce the rest later"
		return e
	case a.From.After(now.Add(maxAhead)):
		return refused(countersign.CodeBadRequest, "an absence is announced at most 90 days ahead")
	case a.StandIn == "":
		return nil
	case a.StandIn == p.ID:
		return refused(countersign.CodeBadRequest, "%s cannot stand in for themselves", p.Name)
	case !there || standIn.Inactive:
		e := refused(countersign.CodeNotFound, "%q is no active person here", a.StandIn)
		e.Hint = "countersign person ls shows them"
		return e
	}
	return nil
}

// lessAway reports whether the absence is another and gives nobody a seat.
func lessAway(old, next *countersign.Away) bool {
	if next == nil {
		return old != nil
	}
	return next.StandIn == "" && (old == nil || !old.Equal(*next))
}

// onCall refuses a group by the name of an on-call group that is none, and the
// other way round. Its members are for the schedule alone to say.
func onCall(d *countersign.Directory, g countersign.Group) error {
	pool, there := d.Groups[g.Pool]
	switch {
	case g.IsOnCall() != (g.Pool != ""):
		e := refused(countersign.CodeBadRequest, "%q is an on-call group if its name begins with %s, and only then has a pool", g.Name, countersign.OnCallPrefix)
		e.Hint = "declare it under oncall: in the configuration"
		return e
	case !g.IsOnCall():
		return nil
	case !there || pool.IsOnCall():
		return refused(countersign.CodeUnknownGroup, "%q, the pool of %s, is no group of people", g.Pool, g.Name)
	case len(g.Members) > 0:
		return refused(countersign.CodeBadRequest, "the schedule says who is a member of %s", g.Name)
	}
	return nil
}
