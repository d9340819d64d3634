package api

import (
	"fmt"
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/session"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/server/view"
)

// mostDecided is how many requests one call decides.
const mostDecided = 100

// decideSeveral takes one choice on several requests of one group to the gate, each
// by itself: each has its digest and its view, and an event of its own. Above low
// nothing is decided at all.
func (a *api) decideSeveral(w http.ResponseWriter, r *http.Request, c caller) error {
	var in client.Choices
	if err := body(w, r, maxAsk, &in); err != nil {
		return err
	}
	if len(in.Items) == 0 || len(in.Items) > mostDecided {
		return bad(fmt.Sprintf("a call decides from 1 to %d requests, and this names %d", mostDecided, len(in.Items)), "send several calls")
	}
	if in.Choice != string(countersign.Approve) && in.Choice != string(countersign.Reject) {
		return bad("several requests are approved or rejected together", "escalate each by itself")
	}
	decisions, dir, err := a.together(r, c, in)
	if err != nil {
		return err
	}
	out := client.Decided{Items: []client.DecidedItem{}}
	for _, d := range decisions {
		if session.Signs(dir, c.ID) {
			d.Assurance = "" // their choices are signed, one by one
		}
		item := client.DecidedItem{Request: string(d.Request)}
		after, err := a.gate.Decide(r.Context(), d)
		if err != nil {
			p := problem.Of(err)
			item.Problem = &p
		} else {
			item.Decision = string(after.Decision)
		}
		out.Items = append(out.Items, item)
	}
	return reply(w, http.StatusOK, out)
}

// together are the decisions of the call, if its requests are of one group.
func (a *api) together(r *http.Request, c caller, in client.Choices) ([]gate.Decision, *countersign.Directory, error) {
	dir, err := a.gate.Directory(r.Context())
	if err != nil {
		return nil, nil, err
	}
	var decisions []gate.Decision
	var rows []view.Row
	for _, item := range in.Items {
		found, _, err := a.find(r.Context(), c, item.Request)
		if err != nil {
			return nil, nil, err
		}
		d, err := a.choice(r, c, client.Choice{
			Choice: in.Choice, Digest: item.Digest, ViewDigest: item.ViewDigest, Reason: in.Reason, DwellMS: item.DwellMS,
		})
		if err != nil {
			return nil, nil, err
		}
		d.Request = found.ID
		decisions, rows = append(decisions, d), append(rows, view.RowOf(dir, found))
	}
	for _, row := range rows {
		switch {
		case row.Severity > countersign.Low:
			return nil, nil, &countersign.Error{
				Code:   countersign.CodeAssuranceTooLow,
				Detail: fmt.Sprintf("%s is of severity %s, and only what is low or less is decided together; nothing was decided", row.ID, row.Severity),
				Hint:   "open it and decide it by itself",
			}
		case row.Rule != rows[0].Rule || row.AgentID != rows[0].AgentID:
			return nil, nil, bad(fmt.Sprintf("%s is of another agent or held by another rule; nothing was decided", row.ID), "decide each group by itself")
		}
	}
	return decisions, dir, nil
}
