package api

import (
	"fmt"
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/view"
)

// A page is the request as a reviewer is shown it, with what they may do.
type page struct {
	brief.Brief
	ViewDigest countersign.Digest `json:"view_digest"`
	Version    uint64             `json:"version"`
	// You is nil for whoever is no person.
	You    *view.You   `json:"you"`
	Events []view.Step `json:"events"`
	// Like are earlier requests of the same agent for the same tool, the newest
	// few of LikeTotal.
	Like      []view.Row `json:"like"`
	LikeTotal int        `json:"like_total"`
	// Redacted is true where a secret is hidden; reveal shows it, on record.
	Redacted bool `json:"redacted"`
}

// brief answers the request as reviewers are shown it.
func (a *api) brief(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	found, d, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	p, err := a.page(r, c, d, found, brief.Build(found, d))
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, p)
}

// page is the brief with all that stands around it.
func (a *api) page(r *http.Request, c rest.Caller, d *countersign.Directory, found countersign.Request, b brief.Brief) (page, error) {
	p := page{Brief: b, ViewDigest: b.Digest(), Version: found.Version, Like: []view.Row{}, Redacted: b.Command.End.Redacted > 0}
	if c.Kind == countersign.KindPerson {
		you := view.YouOf(d, found, b, a.standing(c, d))
		p.You = &you
	}
	entries, err := a.store.Events(r.Context(), found.ID)
	if err != nil {
		return p, rest.Unavailable(fmt.Sprintf("the events of %s", found.ID), err)
	}
	if p.Events, err = view.StepsOf(found, b, entries); err != nil {
		return p, err
	}
	like, n, err := view.Alike(r.Context(), a.gate.Search, d, c.Principal, found)
	if err != nil {
		return p, err
	}
	p.LikeTotal = n
	for _, one := range like {
		p.Like = append(p.Like, view.RowOf(d, one))
	}
	return p, nil
}

// reveal puts on record that the caller has the secrets of the command shown to
// them, and shows them. Only this view can be approved then.
func (a *api) reveal(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	reason, err := rest.ReadReason(w, r)
	if err != nil {
		return err
	}
	if err := c.NeedConfirmed(); err != nil {
		return err
	}
	found, _, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if found, err = a.gate.Reveal(r.Context(), found.ID, c.Principal, a.door.From(r), reason); err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	p, err := a.page(r, c, d, found, brief.Reveal(found, d))
	if err != nil {
		return err
	}
	p.Redacted = false
	return rest.Reply(w, http.StatusOK, p)
}

// standing is who the caller is, for what they may do.
func (a *api) standing(c rest.Caller, d *countersign.Directory) view.Standing {
	return view.Standing{Person: c.ID, Assurance: c.Assurance(a.door.Now()), Solo: c.Auth.Solo, Demo: a.cfg.Accounts.About.Demo}
}
