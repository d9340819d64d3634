// Package view says what people see of requests, and what they may do about
// them: it makes the rows of lists, sorts an Inbox, and knows what a reviewer may
// still do. The console's API and the pages without script both draw from it.
// It is pure: all it knows is the directory and the requests. RowOf and YouOf are
// the two to know.
package view

import (
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
)

// Sees reports whether the caller may see the request; nobody else may.
//
//   - the operator sees all
//   - an agent, by a token of its own, sees what it asked for on nobody's behalf
//   - a person sees what was routed to a group that they were in when it was
//     asked, or that somebody was for whom they stand in, what they decided, and what an agent that they own asked for
func Sees(d *countersign.Directory, who countersign.Principal, r countersign.Request) bool {
	switch who.Kind {
	case countersign.KindOperator:
		return true
	case countersign.KindAgent:
		return r.Requester.Kind == countersign.KindAgent && r.AskedBy(countersign.Who{Actor: who})
	case countersign.KindPerson:
		return Owns(d, who.ID, r.Requester) || decided(r, who.ID) || routed(d, r, who.ID)
	}
	return false
}

// Owns reports whether the person, or a group that they are in, owns the agent.
func Owns(d *countersign.Directory, person string, asker countersign.Principal) bool {
	a, ok := d.Agents[asker.ID]
	if asker.Kind != countersign.KindAgent || !ok {
		return false
	}
	team := d.Groups[a.Owner].Members
	return a.Owner == person || slices.ContainsFunc(team, func(m countersign.Member) bool { return m.Person == person })
}

func decided(r countersign.Request, person string) bool {
	return slices.ContainsFunc(r.Decisions, func(d countersign.Decision) bool { return d.By.ID == person })
}

func routed(d *countersign.Directory, r countersign.Request, person string) bool {
	if r.Verdict.Requirement == nil {
		return false
	}
	groups := append(d.GroupsOf(person, r.CreatedAt), d.SeatsOf(person, r.CreatedAt, nil)...)
	return slices.ContainsFunc(r.Verdict.Requirement.Stages, func(s countersign.Stage) bool {
		return quorum.Overlap(s.Reviewers, groups)
	})
}
