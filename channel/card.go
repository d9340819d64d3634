package channel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// A Setting is what the configuration says of one chat that its cards depend on.
type Setting struct {
	// Regions are those that the chat keeps its data in. Empty: nobody knows.
	Regions []string
	// Console is the origin of the console, "https://gate.example".
	Console string
}

// NewCard returns the card of a request as it stands: all that a chat may show
// and offer, apart from what does not fit into it. It has no key and no token.
func NewCard(r countersign.Request, d *countersign.Directory, s Setting) Card {
	b := brief.Build(r, d)
	c := Card{Brief: b, Status: status(b), OpenURL: s.Console + "/r/" + string(r.ID)}
	pending := r.Decision == countersign.DecisionPending
	if !at(s.Regions, r.Resource.Regions) {
		c.Brief = brief.Brief{ID: b.ID, State: b.State, Severity: b.Severity, AskedAt: b.AskedAt, ExpiresAt: b.ExpiresAt, Why: brief.Why{Effect: b.Why.Effect}}
		c.Elsewhere = "What this is about may not leave its region, and this chat keeps its data elsewhere or does not say where. Open it to read it."
		c.Status = stateSays(r.State)
		c.Confirm = false
		return c
	}
	if !pending {
		return c
	}
	c.Groups = groups(r, d)
	inChat := slices.ContainsFunc(b.Deciders.Stages, func(s brief.Stage) bool { return countersign.Chat.Meets(s.Assurance) })
	c.Confirm = b.Approvable && slices.ContainsFunc(b.Deciders.Stages, func(s brief.Stage) bool { return !countersign.Chat.Meets(s.Assurance) })
	switch {
	case b.Approvable && inChat:
		c.Offers = append(c.Offers, countersign.Approve)
	case b.Approvable:
		c.Why = "An approval of this needs more than a click in a chat."
	default:
		c.Why = "This view does not show everything, so it cannot be approved here."
	}
	c.Offers = append(c.Offers, countersign.Reject)
	if len(c.Groups) > 0 {
		c.Offers = append(c.Offers, countersign.Escalate)
	}
	return c
}

// Unfit is the card for a chat that cannot show all of it at once.
func (c Card) Unfit() Card {
	c.Offers = slices.DeleteFunc(slices.Clone(c.Offers), func(o countersign.Choice) bool { return o == countersign.Approve })
	c.Why = "This is more than the chat can show, so it cannot be approved here."
	return c
}

// TakenBack is the card of a copy in an account that the request is not for any
// more: a line that says so and the link, whatever becomes of the request.
func (c Card) TakenBack() Card {
	return Card{Brief: brief.Brief{ID: c.Brief.ID, Why: brief.Why{Effect: c.Brief.Why.Effect}}, OpenURL: c.OpenURL, Elsewhere: "This request is not for this account any more."}
}

// at reports whether data that is bound to some regions may be in a chat.
func at(chat, bound []string) bool {
	if len(bound) == 0 {
		return true
	}
	outside := func(region string) bool { return !slices.Contains(bound, region) }
	return len(chat) > 0 && !slices.ContainsFunc(chat, outside)
}

// groups are those that the request can be escalated to: not those that decide it.
func groups(r countersign.Request, d *countersign.Directory) []string {
	asked := map[string]bool{}
	if q := r.Verdict.Requirement; q != nil {
		for _, s := range q.Stages {
			for _, g := range s.Reviewers {
				asked[g] = true
			}
		}
	}
	var names []string
	for name, g := range d.Groups {
		if !asked[name] && len(g.Members) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// status says in a sentence how the request stands.
func status(b brief.Brief) string {
	switch b.State.Decision {
	case countersign.DecisionPending:
		left := max(b.Deciders.Needed-b.Deciders.Signed, 1)
		people := "1 person"
		if left > 1 {
			people = fmt.Sprintf("%d people", left)
		}
		if b.Deciders.Signed > 0 {
			people += " more"
		}
		return fmt.Sprintf("Waits for %s until %s.", people, b.ExpiresAt.UTC().Format("15:04 UTC, 2 Jan"))
	case countersign.DecisionApproved, countersign.DecisionRejected:
		return by(b) + ran(b)
	}
	return stateSays(b.State) + ran(b)
}

// by names who settled it: "Approved by Bob Tan and Ada Li." or "Rejected by Bob
// Tan: wrong table."
func by(b brief.Brief) string {
	want, verb := countersign.Approve, "Approved"
	if b.State.Decision == countersign.DecisionRejected {
		want, verb = countersign.Reject, "Rejected"
	}
	var names []string
	why := ""
	for _, c := range b.Deciders.Choices {
		if c.Choice != want || len(c.Void) > 0 {
			continue
		}
		if names = append(names, c.Name.String()); want == countersign.Reject {
			why = c.Reason.String()
		}
	}
	says := verb
	if len(names) > 0 {
		says += " by " + strings.Join(names, " and ")
	}
	if why != "" {
		return says + ": " + strings.TrimRight(why, ".") + "."
	}
	return says + "."
}

// ran says what became of it, with a space before.
func ran(b brief.Brief) string {
	switch b.State.Execution {
	case countersign.ExecutionRunning:
		return " It runs."
	case countersign.ExecutionSucceeded:
		return " It ran and succeeded."
	case countersign.ExecutionFailed:
		return " It failed."
	case countersign.ExecutionUnknown:
		return " Nobody can tell whether it ran."
	}
	if b.State.Decision == countersign.DecisionApproved {
		return " It has not run yet."
	}
	return ""
}

// stateSays is the decision alone as a sentence.
func stateSays(s countersign.State) string {
	switch s.Decision {
	case countersign.DecisionPending:
		return "Waits for people."
	case countersign.DecisionApproved:
		return "Approved."
	case countersign.DecisionRejected:
		return "Rejected."
	case countersign.DecisionExpired:
		return "Expired: nobody decided, or ran it, in time."
	case countersign.DecisionWithdrawn:
		return "Withdrawn."
	case countersign.DecisionDenied:
		return "Denied by the policy."
	}
	return "Settled."
}
