package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// sees reports whether the caller may see the request; nobody else may.
//
//   - the operator sees all
//   - an agent sees what it asked for
//   - a person sees what was routed to a group that they were in when it was
//     asked, what they decided, and what an agent that they own asked for
func (c caller) sees(r countersign.Request, d *countersign.Directory) bool {
	switch c.Kind {
	case operator:
		return true
	case agent:
		return r.Requester.Kind == agent && r.Requester.ID == c.ID
	case person:
		return c.owns(r.Requester, d) || c.decided(r) || c.routed(r, d)
	}
	return false
}

func (c caller) owns(asker countersign.Principal, d *countersign.Directory) bool {
	a, ok := d.Agents[asker.ID]
	if asker.Kind != agent || !ok {
		return false
	}
	team := d.Groups[a.Owner].Members
	return a.Owner == c.ID || slices.ContainsFunc(team, func(m countersign.Member) bool { return m.Person == c.ID })
}

func (c caller) decided(r countersign.Request) bool {
	return slices.ContainsFunc(r.Decisions, func(d countersign.Decision) bool { return d.By.ID == c.ID })
}

func (c caller) routed(r countersign.Request, d *countersign.Directory) bool {
	if r.Verdict.Requirement == nil {
		return false
	}
	groups := d.GroupsOf(c.ID, r.CreatedAt)
	return slices.ContainsFunc(r.Verdict.Requirement.Stages, func(s countersign.Stage) bool {
		return slices.ContainsFunc(s.Reviewers, func(g string) bool { return slices.Contains(groups, g) })
	})
}

// find returns the request if the caller may see it. One that they may not see
// is not there.
func (a *api) find(ctx context.Context, c caller, id string) (countersign.Request, *countersign.Directory, error) {
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return countersign.Request{}, nil, err
	}
	r, err := a.gate.Get(ctx, countersign.RequestID(id))
	if err != nil && countersign.CodeOf(err) != countersign.CodeNotFound {
		return r, d, err
	}
	if err != nil || !c.sees(r, d) {
		return r, d, notFound(id)
	}
	return r, d, nil
}

func notFound(id string) error {
	return &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no request %.40q that you may see", id), Hint: "GET /v1/requests lists those you may"}
}
