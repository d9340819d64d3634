package amend

import (
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
)

func agent(d *countersign.Directory, by countersign.Principal, a countersign.Agent) error {
	_, owner := d.People[a.Owner]
	group, team := d.Groups[a.Owner]
	if group.IsOnCall() {
		e := refused(countersign.CodeBadRequest, "%q changes hands by a schedule, and owns nothing", a.Owner)
		e.Hint = "the owner is a person, or a group such as " + group.Pool
		return e
	}
	if !owner && !team {
		e := refused(countersign.CodeBadRequest, "%q, the owner, is neither a person nor a group", a.Owner)
		e.Hint = "every agent has an owner: add the person first"
		return e
	}
	if _, known := d.Agents[a.ID]; !known && !strings.HasPrefix(a.ID, "agt_") {
		return refused(countersign.CodeBadRequest, "%q is no id of an agent", a.ID)
	}
	for id, other := range d.Agents {
		if id != a.ID && other.Name == a.Name {
			e := refused(countersign.CodeConflict, "there is an agent %s already (%s)", a.Name, id)
			e.Hint = "choose another name"
			return e
		}
	}
	return inTheirName(d, by, a)
}

// inTheirName refuses what would hide who stands behind the agent: another maker or
// issuer than the person who asks, and a known token that becomes another.
func inTheirName(d *countersign.Directory, by countersign.Principal, a countersign.Agent) error {
	old, known := d.Agents[a.ID]
	person, me := by.Kind == countersign.KindPerson, d.People[by.ID].Principal()
	if person && (known && old.CreatedBy != a.CreatedBy || !known && a.CreatedBy != me) {
		return refused(countersign.CodeBadRequest, "the agent %s is made by who made it", a.Name)
	}
	for _, t := range a.Tokens {
		i := slices.IndexFunc(old.Tokens, func(o countersign.Token) bool { return o.ID == t.ID })
		switch {
		case i < 0 && person && t.IssuedBy != me:
			return refused(countersign.CodeBadRequest, "the token %s is issued by who issues it", t.ID)
		case i >= 0 && !lessToken(old.Tokens[i], t):
			e := refused(countersign.CodeBadRequest, "the token %s can only be revoked, or end earlier", t.ID)
			e.Hint = "issue another one"
			return e
		}
	}
	return nil
}

// lessToken reports whether next is the token as it was, or lets in less.
func lessToken(was, next countersign.Token) bool {
	return next.ID == was.ID && next.Hash == was.Hash && next.IssuedBy == was.IssuedBy && next.IssuedAt.Equal(was.IssuedAt) &&
		!next.Expires.After(was.Expires) && (next.Revoked || !was.Revoked)
}
