package countersign

import (
	"slices"
	"strings"
	"time"
)

// OnCallPrefix begins the name of every on-call group, "oncall:payments", and of
// no other.
const OnCallPrefix = "oncall:"

// IsOnCall reports whether the group is one whose members a schedule selects.
func (g Group) IsOnCall() bool { return strings.HasPrefix(g.Name, OnCallPrefix) }

// Lists reports whether the person stands among the members, since whenever.
func (g Group) Lists(person string) bool {
	return slices.ContainsFunc(g.Members, func(m Member) bool { return m.Person == person })
}

// has reports whether the person stands among the members since before the time.
func (g Group) has(person string, before time.Time) bool {
	return slices.ContainsFunc(g.Members, func(m Member) bool { return m.Person == person && m.Since.Before(before) })
}

// counts reports whether the group counts the person for a request made at the
// time. Of an on-call group it is who is on duty now and was in the pool then.
func (d *Directory) counts(g Group, person string, asked time.Time) bool {
	if !g.IsOnCall() {
		return g.has(person, asked)
	}
	return g.Lists(person) && d.Groups[g.Pool].has(person, asked)
}
