// Package quorum says who may decide a request and when enough of them have. It
// is pure: all it knows is the directory and the request. MayDecide and Met are
// the two questions.
package quorum

import (
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
)

// Barred returns the ids, sorted, of the people who cannot decide what the
// principal asks for: the asker, everyone on whose behalf it asks, and for each
// agent among them its owner (of a team, every member), whoever made it and
// whoever issued one of its live tokens; and whoever is here on the word of such
// people alone. Nobody is exempt.
func Barred(d *countersign.Directory, by countersign.Principal, chain []countersign.Principal) []string {
	var ids []string
	for _, p := range append([]countersign.Principal{by}, chain...) {
		switch p.Kind {
		case countersign.KindPerson:
			ids = append(ids, p.ID)
			ids = append(ids, samePerson(d, p)...)
		case countersign.KindAgent:
			ids = append(ids, behind(d, p)...)
		}
	}
	ids = withVouched(d, ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// samePerson returns the ids of the people with the principal's verified
// identity: a chain from elsewhere names people by issuer and subject only.
func samePerson(d *countersign.Directory, p countersign.Principal) []string {
	var ids []string
	for id, person := range d.People {
		if person.Issuer == p.Issuer && person.Subject == p.Subject && p.Subject != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// behind returns the ids of the people behind an agent.
func behind(d *countersign.Directory, p countersign.Principal) []string {
	owners := []string{p.Owner}
	var ids []string
	if a, ok := d.Agents[p.ID]; ok {
		owners = append(owners, a.Owner)
		makers := []countersign.Principal{a.CreatedBy}
		for _, t := range a.Tokens {
			if !t.Revoked {
				makers = append(makers, t.IssuedBy)
			}
		}
		for _, m := range makers {
			if _, here := d.People[m.ID]; here || m.Kind == countersign.KindPerson { // whatever kind the record says they are
				ids = append(ids, m.ID)
			}
		}
	}
	for _, owner := range owners {
		team, ok := d.Groups[owner]
		for _, m := range team.Members {
			ids = append(ids, m.Person)
		}
		if _, here := d.People[owner]; here || !ok && owner != "" { // a name may be read both ways
			ids = append(ids, owner)
		}
	}
	return ids
}

// barredNow are the ids of the people who cannot decide the request: whoever
// could not when it came, and whoever has become so since.
func barredNow(d *countersign.Directory, r countersign.Request) []string {
	return append(Barred(d, r.Requester, r.OnBehalfOf), r.Barred...)
}

// Seats are the names of the groups for which the person decides the request: of
// those that count them, and of those of the people for whom they stand in, unless
// these could not decide it themselves.
func Seats(d *countersign.Directory, r countersign.Request, person string) []string {
	return d.SeatsOf(person, r.CreatedAt, barredNow(d, r))
}

// MayDecide returns nil if the person may decide the request: known, active,
// there before it was made, unbarred, not away, and in a seat of a group that a
// stage names.
func MayDecide(d *countersign.Directory, r countersign.Request, person string) *countersign.Error {
	p, ok := d.People[person]
	if !ok || p.Inactive {
		return &countersign.Error{Code: countersign.CodeForbidden, Detail: fmt.Sprintf("%s is no active person here", nameOf(d, person)), Hint: "ask the operator"}
	}
	if slices.Contains(barredNow(d, r), person) {
		return &countersign.Error{Code: countersign.CodeSelfApproval,
			Detail: fmt.Sprintf("%s asked for this, or stands behind %s, and cannot decide it", p.Name, r.Requester.Name),
			Hint:   "ask another reviewer"}
	}
	if away, on := d.AwayOf(person); on {
		return &countersign.Error{Code: countersign.CodeNotAReviewer,
			Detail: fmt.Sprintf("%s is away until %s, and decides nothing until then", p.Name, away.Until.UTC().Format("2006-01-02 15:04 UTC")),
			Hint:   "end your absence first"}
	}
	if r.Verdict.Requirement == nil || !p.Since.Before(r.CreatedAt) || !named(r.Verdict.Requirement.Stages, Seats(d, r, person)) {
		return &countersign.Error{Code: countersign.CodeNotAReviewer,
			Detail: fmt.Sprintf("%s was in no group that decides %s when it was asked", p.Name, r.ID),
			Hint:   "a membership counts only for what is asked after it; ask a reviewer"}
	}
	return nil
}

func named(stages []countersign.Stage, groups []string) bool {
	return slices.ContainsFunc(stages, func(s countersign.Stage) bool { return Overlap(s.Reviewers, groups) })
}

// Overlap reports whether the two lists share a word.
func Overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}

// A Voter is one person whose approval counts.
type Voter struct {
	id        string
	groups    []string
	assurance countersign.Assurance
}

// Count returns the people whose approvals count now, each once, and for those
// whose approvals do not, why.
func Count(d *countersign.Directory, r countersign.Request) (voters []Voter, void map[string]string) {
	void = map[string]string{}
	for _, a := range r.Approvals() {
		if why := whyVoid(d, r, a); why != "" {
			void[a.By.ID] = why
			continue
		}
		if slices.ContainsFunc(voters, func(v Voter) bool { return v.id == a.By.ID }) {
			continue
		}
		voters = append(voters, Voter{a.By.ID, Seats(d, r, a.By.ID), a.Assurance})
	}
	return voters, void
}

// Current is the request with each approval that does not count now marked void.
// One that is released or settled stays as it is: what it stood on counted then.
func Current(d *countersign.Directory, r countersign.Request) countersign.Request {
	if r.Settled() || r.Execution != countersign.ExecutionNone {
		return r
	}
	r.Decisions = slices.Clone(r.Decisions)
	for i, a := range r.Decisions {
		if a.Choice == countersign.Approve && a.Void == "" {
			r.Decisions[i].Void = whyVoid(d, r, a)
		}
	}
	return r
}

// whyVoid says why the approval does not count now, empty if it does.
func whyVoid(d *countersign.Directory, r countersign.Request, a countersign.Decision) string {
	if err := MayDecide(d, r, a.By.ID); err != nil {
		return err.Detail
	}
	if !d.Stands(a) {
		return a.By.Name + " approved it through an account of " + a.Channel + " that was unlinked since"
	}
	if err := MayApproveThrough(d, r, a); err != nil {
		return err.Detail
	}
	if a.Assurance == countersign.Passkey {
		if err := signedStill(d, r, a); err != nil {
			return err.Detail
		}
	}
	return ""
}

// MayApproveThrough returns nil if the link that the approval comes through was there
// before the request, or if it comes any other way. A rejection or an escalation,
// which lets nothing run, may come through a newer one.
func MayApproveThrough(d *countersign.Directory, r countersign.Request, a countersign.Decision) *countersign.Error {
	l := d.Links[a.Link]
	if a.Link == "" || l.CountsFor(r.CreatedAt) {
		return nil
	}
	return &countersign.Error{Code: countersign.CodeAssuranceTooLow,
		Detail: fmt.Sprintf("the account of %s was linked to %s after %s was asked for, and approves only what is asked after it", a.Channel, nameOf(d, a.By.ID), r.ID),
		Hint:   "approve it in the browser"}
}

// signedStill returns nil if the passkey that signed the approval still may.
func signedStill(d *countersign.Directory, r countersign.Request, a countersign.Decision) *countersign.Error {
	if a.Assertion == nil {
		return &countersign.Error{Code: countersign.CodePasskeyInvalid, Detail: a.By.Name + " signed it with no passkey"}
	}
	return MaySign(d, r, a.By.ID, a.Assertion.Credential)
}

// Met reports whether the voters fill every stage, nobody counting twice.
// Whoever could sit in two stages is put where they are needed (a matching of
// places to people by augmenting paths).
func Met(stages []countersign.Stage, voters []Voter) bool {
	var places []countersign.Stage
	for _, s := range stages {
		if s.Quorum < 1 || s.Quorum > len(voters) {
			return false
		}
		for range s.Quorum {
			places = append(places, s)
		}
	}
	seated := make(map[int]int) // voter to place
	for place := range places {
		if !seat(place, places, voters, seated, map[int]bool{}) {
			return false
		}
	}
	return len(places) > 0
}

// seat finds somebody for the place, moving those already seated if it must.
func seat(place int, places []countersign.Stage, voters []Voter, seated map[int]int, tried map[int]bool) bool {
	for i, v := range voters {
		stage := places[place]
		if tried[i] || !Overlap(stage.Reviewers, v.groups) || !v.assurance.Meets(stage.Assurance) {
			continue
		}
		tried[i] = true
		other, taken := seated[i]
		if !taken || seat(other, places, voters, seated, tried) {
			seated[i] = place
			return true
		}
	}
	return false
}
