package account

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/server/rest"
)

// An invite is an invitation that can still be used; its link is shown once.
type invite struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Groups    []string  `json:"groups"`
	By        string    `json:"by"`
	ExpiresAt time.Time `json:"expires_at"`
	Link      string    `json:"link,omitempty"`
	// Request is what lets the person in, where people have to approve that first.
	Request countersign.RequestID `json:"request,omitempty"`
}

func (a *accounts) invitation(t setup.Ticket, d *countersign.Directory) invite {
	by := t.By
	if p, ok := d.People[t.By]; ok {
		by = p.Name
	}
	groups := t.Groups
	if groups == nil {
		groups = []string{}
	}
	return invite{ID: t.ID, Name: t.Name, Groups: groups, By: by, ExpiresAt: t.Expires.UTC()}
}

func (a *accounts) invites(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	list, err := a.cfg.Desk.Invites(r.Context())
	if err != nil {
		return rest.Unavailable("invitations", err)
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	out := struct {
		Invites []invite `json:"invites"`
	}{[]invite{}}
	for _, t := range list {
		out.Invites = append(out.Invites, a.invitation(t, d))
	}
	return rest.Reply(w, http.StatusOK, out)
}

// invite adds a person, or asks people to let them in, and answers the link with
// which they enrol their passkey.
func (a *accounts) invite(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	var in struct {
		Name   string   `json:"name"`
		Groups []string `json:"groups"`
	}
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	if err := c.NeedFresh(a.door.Now()); err != nil {
		return err
	}
	name, err := personName(in.Name)
	if err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	for _, group := range in.Groups {
		if _, ok := d.Groups[group]; !ok {
			return &countersign.Error{Code: countersign.CodeUnknownGroup, Detail: fmt.Sprintf("there is no group %.80q", group), Hint: "name one that there is"}
		}
	}
	p := countersign.Person{ID: countersign.NewID("per"), Name: name, Issuer: local, Subject: name, InvitedBy: c.ID}
	added, err := a.gate.SetPerson(r.Context(), a.door.Who(r, c), p)
	held, waits := errors.AsType[*gate.HeldError](err)
	if err != nil && !waits {
		return err
	}
	if !waits {
		p = added
	}
	t, secret, err := a.cfg.Desk.Invite(r.Context(), p, in.Groups, c.ID)
	if err != nil {
		return rest.Unavailable("invitations", err)
	}
	if !waits && !d.Paired { // later it would take two people
		if err := a.joinGroups(r, p, t); err != nil {
			return err
		}
	}
	out := a.invitation(t, d)
	out.Link = a.door.Origin + "/join#" + secret
	if waits {
		out.Request = held.Request.ID
		return rest.Reply(w, http.StatusAccepted, out)
	}
	return rest.Reply(w, http.StatusCreated, out)
}

// withdrawInvite ends an invitation. The person whom it added stays, without
// anything that they could do.
func (a *accounts) withdrawInvite(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	if _, err := a.cfg.Desk.Withdraw(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// joinGroups brings the person into the groups of the invitation, and who takes
// the server over into those that have nobody yet. Where people have to let that
// through, they are asked.
func (a *accounts) joinGroups(r *http.Request, p countersign.Person, t setup.Ticket) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	who, groups := a.operator(r), t.Groups
	if t.Why == setup.Setup {
		for name, g := range d.Groups {
			if len(g.Members) == 0 {
				groups = append(groups, name)
			}
		}
	}
	if by, ok := d.People[t.By]; ok {
		who.Actor, who.Method = by.Principal(), setup.Invited
	}
	for _, name := range groups {
		var ids []string
		for _, m := range d.Groups[name].Members {
			ids = append(ids, m.Person)
		}
		if slices.Contains(ids, p.ID) {
			continue
		}
		err := a.gate.SetGroup(r.Context(), who, name, append(ids, p.ID))
		if _, held := errors.AsType[*gate.HeldError](err); err != nil && !held {
			if err := a.left(r, p, who.Actor, name, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// left tells everybody, who invited and who came among them, that a group of the
// invitation was not joined.
func (a *accounts) left(r *http.Request, p countersign.Person, by countersign.Principal, group string, why error) error {
	a.door.Log.Warn("a group of an invitation is not joined", "person", p.ID, "group", group, "err", why)
	told := problem.Of(why)
	err := a.cfg.Desk.Notify(r.Context(), fmt.Sprintf("%s, whom %s invited, has not come into the group %s: %s. Ask for it again: on the page People, or the operator with countersign group set.",
		p.Name, by.Name, group, strings.TrimSuffix(told.Detail, ".")))
	if err != nil {
		return rest.Unavailable("notices", err)
	}
	return nil
}
