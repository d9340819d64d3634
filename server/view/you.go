package view

import (
	"fmt"
	"maps"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate/quorum"
)

// The things that a person may do about a request.
const (
	MayApprove  = "approve"
	MayReject   = "reject"
	MayEscalate = "escalate"
	MayUndo     = "undo" // reject what is approved and has not run
)

// You is what one person may do about one request, now.
type You struct {
	May []string `json:"may"`
	// Needs is what an approval of theirs takes: a passkey's signature, or a
	// session that is fresh. Empty where they may not approve, or a chat would do.
	Needs countersign.Assurance `json:"needs"`
	// WhyNot says why they may not approve; nil if they may.
	WhyNot         *countersign.Error `json:"why_not"`
	ReasonRequired bool               `json:"reason_required"`
	// TypeName is the name that a person types to approve; empty: none.
	TypeName string `json:"type_name"`
	// Groups are those that it can be escalated to.
	Groups []string `json:"groups"`
}

// A Standing is who a person is, and how they proved it.
type Standing struct {
	Person string
	// Assurance is what their session lends a decision now, Solo whether a link
	// of the operator opened it.
	Assurance countersign.Assurance
	Solo      bool
	// Demo lets links approve what comes from the server's own account.
	Demo bool
}

// YouOf is what the person may do about the request.
func YouOf(d *countersign.Directory, r countersign.Request, b brief.Brief, s Standing) You {
	y := You{May: []string{}, Groups: []string{}}
	if why := quorum.MayDecide(d, r, s.Person); why != nil {
		y.WhyNot = why
		return y
	}
	switch {
	case r.Decision == countersign.DecisionPending:
	case r.Decision == countersign.DecisionApproved && r.Execution == countersign.ExecutionNone:
		y.May = []string{MayUndo}
		fallthrough
	default:
		y.WhyNot = &countersign.Error{Code: countersign.CodeAlreadySettled, Detail: fmt.Sprintf("%s is %s already", r.ID, r.Decision)}
		return y
	}
	y.May = []string{MayReject, MayEscalate}
	y.Groups = slices.Sorted(maps.Keys(d.Groups))
	if y.Needs, y.WhyNot = needs(d, r, b, s); y.WhyNot != nil {
		y.Needs = ""
		return y
	}
	y.May = slices.Insert(y.May, 0, MayApprove)
	y.ReasonRequired = b.Deciders.Reason
	if b.Severity == countersign.Critical {
		y.TypeName = r.Resource.Name
	}
	return y
}

// needs says what the person's approval takes, or why there can be none.
func needs(d *countersign.Directory, r countersign.Request, b brief.Brief, s Standing) (countersign.Assurance, *countersign.Error) {
	refuse := func(code countersign.Code, detail, hint string) (countersign.Assurance, *countersign.Error) {
		return "", &countersign.Error{Code: code, Detail: detail, Hint: hint}
	}
	least := Least(d, r, b, s.Person)
	keys := d.CredentialsOf(s.Person)
	confirmed := slices.ContainsFunc(keys, func(c countersign.Credential) bool { return !c.Pending })
	counts := slices.ContainsFunc(keys, func(c countersign.Credential) bool { return quorum.MaySign(d, r, s.Person, c.ID) == nil })
	switch {
	case !b.Approvable:
		detail := "nobody can approve this"
		if len(b.Obstacles) > 0 {
			detail += ": " + b.Obstacles[0].String()
		}
		return refuse(countersign.CodeCannotApprove, detail, "reject it, or escalate it")
	case Said(r, s.Person) != "":
		return refuse(countersign.CodeAlreadyDecided, "you have approved it and count once", "another person is needed")
	case counts:
		return countersign.Passkey, nil
	case confirmed:
		return "", quorum.MaySign(d, r, s.Person, keys[0].ID)
	case len(keys) > 0 && s.Assurance == "":
		return refuse(countersign.CodePasskeyInvalid, "your passkey waits for a second person to confirm it", "ask somebody who did not invite you, or the operator")
	case least == countersign.Passkey:
		return refuse(countersign.CodeAssuranceTooLow, "this needs a passkey, and you have enrolled none", "enrol one; it counts for what is asked after it")
	case s.Solo && r.Origin.ServerAccount && !s.Demo:
		return refuse(countersign.CodeAssuranceTooLow, "the agent runs under this server's own account, so a session opened by a link cannot approve what it asks for", "run the agent as another user, or enrol a passkey")
	case !s.Assurance.Meets(least):
		return refuse(countersign.CodeAssuranceTooLow, "your sign-in is more than 15 min old", "sign in again to approve it")
	case least == countersign.Chat:
		return "", nil
	}
	return least, nil
}

// Least is the least assurance with which the person's approval counts in a
// stage of theirs.
func Least(d *countersign.Directory, r countersign.Request, b brief.Brief, person string) countersign.Assurance {
	least, mine := countersign.Passkey, quorum.Seats(d, r, person)
	for i, s := range r.Verdict.Requirement.Stages {
		if needs := b.Deciders.Stages[i].Assurance; quorum.Overlap(s.Reviewers, mine) && least.Meets(needs) {
			least = needs
		}
	}
	return least
}
