package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/setup"
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

func (a *api) invitation(t setup.Ticket, d *countersign.Directory) invite {
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

func (a *api) invites(w http.ResponseWriter, r *http.Request, _ caller) error {
	list, err := a.desk.Invites(r.Context())
	if err != nil {
		return unavailable("invitations", err)
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
	return reply(w, http.StatusOK, out)
}

// invite adds a person, or asks people to let them in, and answers the link with
// which they enrol their passkey.
func (a *api) invite(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Name   string   `json:"name"`
		Groups []string `json:"groups"`
	}
	if err := body(w, r, maxBody, &in); err != nil {
		return err
	}
	if err := a.freshly(c); err != nil {
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
	added, err := a.gate.SetPerson(r.Context(), a.who(r, c), p)
	held, waits := errors.AsType[*gate.HeldError](err)
	if err != nil && !waits {
		return err
	}
	if !waits {
		p = added
	}
	t, secret, err := a.desk.Invite(r.Context(), p, in.Groups, c.ID)
	if err != nil {
		return unavailable("invitations", err)
	}
	if !waits && !d.Paired { // later it would take two people
		if err := a.joinGroups(r, p, t); err != nil {
			return err
		}
	}
	out := a.invitation(t, d)
	out.Link = a.cfg.Origin + "/join#" + secret
	if waits {
		out.Request = held.Request.ID
		return reply(w, http.StatusAccepted, out)
	}
	return reply(w, http.StatusCreated, out)
}

// withdrawInvite ends an invitation. The person whom it added stays, without
// anything that they could do.
func (a *api) withdrawInvite(w http.ResponseWriter, r *http.Request, _ caller) error {
	if _, err := a.desk.Withdraw(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) notices(w http.ResponseWriter, r *http.Request, _ caller) error {
	list, err := a.desk.Notices(r.Context())
	if err != nil {
		return unavailable("notices", err)
	}
	if list == nil {
		list = []setup.Notice{}
	}
	return reply(w, http.StatusOK, struct {
		Notices []setup.Notice `json:"notices"`
	}{list})
}
