package desk

import (
	"maps"
	"path"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
)

// Reviewers is the address that stands for everyone who is asked and has linked
// an account: each is told in private.
const Reviewers channel.Address = "reviewers"

// A Route says where cards go. Of a chat's routes all that match count; one
// without resources and groups counts where no other does.
type Route struct {
	// Resources are patterns of names as of path.Match, "db/*"; none is all.
	Resources []string
	// Groups are those that are asked; a route counts if one of them is. None is all.
	Groups []string
	To     []channel.Address
}

// Addresses are where the request's card goes in the chat, in order, each once.
func Addresses(routes []Route, chat string, r countersign.Request, dir *countersign.Directory) []channel.Address {
	asked := askedGroups(r)
	var to, rest []channel.Address
	for _, route := range routes {
		switch {
		case len(route.Resources) == 0 && len(route.Groups) == 0:
			rest = append(rest, route.To...)
		case route.matches(r.Resource.Name, asked):
			to = append(to, route.To...)
		}
	}
	if len(to) == 0 {
		to = rest
	}
	var list []channel.Address
	add := func(a channel.Address) {
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	for _, a := range to {
		if a != Reviewers {
			add(a)
			continue
		}
		for _, person := range reviewers(r, dir, asked) {
			for _, l := range dir.LinksOf(person) {
				if l.Chat == chat {
					add(channel.Address(l.Account))
				}
			}
		}
	}
	return list
}

// names reports whether a route itself names the address. A copy anywhere else is in
// the account of somebody who is, or was, asked.
func (c Chat) names(a channel.Address) bool {
	return a != Reviewers && slices.ContainsFunc(c.Routes, func(r Route) bool { return slices.Contains(r.To, a) })
}

func (route Route) matches(resource string, asked []string) bool {
	named := func(pattern string) bool { ok, err := path.Match(pattern, resource); return ok && err == nil }
	overlaps := func(group string) bool { return slices.Contains(asked, group) }
	return (len(route.Resources) == 0 || slices.ContainsFunc(route.Resources, named)) &&
		(len(route.Groups) == 0 || slices.ContainsFunc(route.Groups, overlaps))
}

func askedGroups(r countersign.Request) []string {
	if r.Verdict.Requirement == nil {
		return nil
	}
	var names []string
	for _, s := range r.Verdict.Requirement.Stages {
		names = append(names, s.Reviewers...)
	}
	return names
}

// reviewers are the ids, sorted, of the people whom the request waits for. Who
// may really decide is for the gate to say, when they do.
func reviewers(r countersign.Request, dir *countersign.Directory, groups []string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(dir.People)) {
		member := func(g string) bool { return slices.Contains(groups, g) }
		if !dir.People[id].Inactive && !slices.Contains(r.Barred, id) && slices.ContainsFunc(dir.SeatsOf(id, r.CreatedAt, r.Barred), member) {
			ids = append(ids, id)
		}
	}
	return ids
}

func sortedNames(chats map[string]Chat) []string { return slices.Sorted(maps.Keys(chats)) }
