package view

import (
	"cmp"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
)

// An Inbox is what is pending that a person sees.
type Inbox struct {
	// Mine are theirs to decide now, Waiting those that they approved and that
	// wait for other people, Others somebody else's, with the reason in Note.
	Mine    []Row `json:"mine"`
	Waiting []Row `json:"waiting"`
	Others  []Row `json:"others"`
	// Groups are those of Mine that one rule holds of one agent.
	Groups []Group `json:"groups"`
}

// InboxOf sorts pending requests for the person: the highest risk first, then
// what has waited longest. What they may not see is left out.
func InboxOf(d *countersign.Directory, person countersign.Person, pending []countersign.Request) Inbox {
	in := Inbox{Mine: []Row{}, Waiting: []Row{}, Others: []Row{}}
	for _, r := range pending {
		if !Sees(d, person.Principal(), r) {
			continue
		}
		row := RowOf(d, r)
		switch said, why := Said(r, person.ID), quorum.MayDecide(d, r, person.ID); {
		case said != "":
			row.Note = said
			in.Waiting = append(in.Waiting, row)
		case why != nil:
			row.Note = NotYours(d, r, person.ID, why)
			in.Others = append(in.Others, row)
		default:
			in.Mine = append(in.Mine, row)
		}
	}
	for _, rows := range [][]Row{in.Mine, in.Waiting, in.Others} {
		slices.SortFunc(rows, func(a, b Row) int {
			return cmp.Or(cmp.Compare(b.Severity, a.Severity), a.AskedAt.Compare(b.AskedAt), cmp.Compare(a.ID, b.ID))
		})
	}
	in.Groups = GroupsOf(in.Mine)
	return in
}

// Said is what the person has approved of the request, empty if nothing.
func Said(r countersign.Request, person string) string {
	for _, a := range r.Approvals() {
		if a.By.ID == person {
			return "you approved at " + a.At.UTC().Format("15:04:05") + " UTC"
		}
	}
	return ""
}

// NotYours says in words for the person why they cannot decide the request.
func NotYours(d *countersign.Directory, r countersign.Request, person string, why *countersign.Error) string {
	switch {
	case why.Code == countersign.CodeSelfApproval && Owns(d, person, r.Requester):
		return "you own the agent, so another person decides"
	case why.Code == countersign.CodeSelfApproval:
		return "you stand behind who asks, so another person decides"
	}
	if _, away := d.AwayOf(person); away {
		return "you are away, and decide nothing until your absence ends"
	}
	return "you were in no group that decides it when it was asked"
}
