package workload

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
)

// An actor is somebody in a token's chain: its subject, or one of those in act.
type actor struct {
	Issuer  string          `json:"iss"`
	Subject string          `json:"sub"`
	Actor   json.RawMessage `json:"act"`

	raw []byte // with whatever other claims it has
}

// known is who the token means by the actor: the one agent that an identity on
// record knows by it, a person here, or somebody of whom nothing else is known, and
// who is taken for that person if they come. Of an agent its owner must not decide,
// and a hold must hold, so one that could be several, or that is not active, is
// nobody to ask for.
func (c claims) known(d *countersign.Directory, a actor) (countersign.Principal, error) {
	who := countersign.Principal{Kind: countersign.KindPerson, ID: a.Issuer + "|" + a.Subject, Name: a.Subject, Issuer: a.Issuer, Subject: a.Subject}
	people, agents, inactive := 0, 0, 0
	for _, p := range d.People {
		if p.Issuer == a.Issuer && p.Subject == a.Subject {
			who = p.Principal()
			people++
		}
	}
	for _, agent := range d.Agents {
		switch {
		case !slices.ContainsFunc(agent.Identities, func(id countersign.Identity) bool { return c.means(id, a) }):
		case agent.Inactive:
			inactive++
		default:
			who = agent.Principal()
			who.Issuer, who.Subject = a.Issuer, a.Subject
			agents++
		}
	}
	switch {
	case agents > 1 || agents > 0 && people > 0:
		return who, refused("have the operator tell them apart under issuers:", "%s, for whom the token asks, is known here as more than one", short(a.Subject))
	case agents == 0 && inactive > 0:
		return who, refused("have the agent taken out of the token's chain, or made active again", "%s, for whom the token asks, is an agent that is not active", short(a.Subject))
	}
	return who, nil
}

// means reports whether the identity is the actor's. An actor has few claims: what
// names it elsewhere, as the subject or the client of a token of its own, is its
// subject here. Of the other claims those that it has must fit.
func (c claims) means(id countersign.Identity, a actor) bool {
	_, elsewhere := id.Claims["act.iss"]
	if id.Issuer != a.Issuer && !(elsewhere && id.Issuer == c.Issuer) {
		return false
	}
	named, fit := false, 0
	for claim, values := range id.Claims {
		has := a.values(claim)
		name := claim == "sub" || claim == "act.sub" || slices.Contains(clientClaims[:], claim)
		if name {
			has = append(has, a.Subject)
		}
		switch fits := slices.ContainsFunc(has, func(v string) bool { return slices.Contains(values, v) }); {
		case fits:
			named, fit = named || name, fit+1
		case !name && len(has) > 0:
			return false
		}
	}
	return named || fit > 0 && fit == len(id.Claims)
}

// values are those of the actor's claim. What an identity says of act is of it.
func (a actor) values(claim string) []string {
	switch strings.TrimPrefix(claim, "act.") {
	case "iss":
		return []string{a.Issuer}
	case "sub":
		return []string{a.Subject}
	}
	return claims{raw: a.raw}.values(claim)
}
