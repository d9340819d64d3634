package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/wire"
	"github.com/countersignhq/countersign/store"
)

// About is what a server says of itself to the people who are signed in.
type About struct {
	Version string
	// Log names the log, and VKey is the key that verifies it.
	Log, VKey string
	// Demo is true for the demo's server, where links approve.
	Demo bool
}

// me answers who is signed in and what is still to be done.
func (a *api) me(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := a.meOf(r.Context(), c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, out)
}

func (a *api) meOf(ctx context.Context, c caller) (client.Me, error) {
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return client.Me{}, err
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return client.Me{}, unavailable("the head of the log", err)
	}
	asked, _, err := a.gate.Search(ctx, store.Query{Limit: 1})
	if err != nil {
		return client.Me{}, err
	}
	p := d.People[c.ID]
	me := client.Me{
		Session: client.Session{
			Method: c.auth.Method, AuthTime: c.auth.AuthTime, OpenedAt: c.auth.AuthTime, ExpiresAt: c.auth.ExpiresAt,
			Assurance: string(c.assurance(a.cfg.Now())), Solo: c.solo(d),
		},
		Passkeys: wire.Passkeys(d, c.ID), Enrolled: d.Enrolled(), Paired: d.Paired, Claimed: a.claimed(d), Demo: a.cfg.About.Demo,
		Version: a.cfg.About.Version, PublicURL: a.cfg.Origin,
		Log:       client.Log{Origin: a.cfg.About.Log, Size: strconv.FormatInt(head.Size, 10), Root: head.Root.String(), VKey: a.cfg.About.VKey},
		Checklist: checklist(d, c.ID, len(asked) > 0),
	}
	me.Person.ID, me.Person.Name, me.Person.Since = p.ID, p.Name, p.Since
	me.Person.Groups = groupsNow(d, p.ID, a.cfg.Now())
	return me, nil
}

// groupsNow are the groups that count the person for what is asked now.
func groupsNow(d *countersign.Directory, person string, now time.Time) []string {
	if groups := d.GroupsOf(person, now); groups != nil {
		return groups
	}
	return []string{}
}

// claimed reports whether somebody has taken the server over with a passkey.
func (a *api) claimed(d *countersign.Directory) bool { return a.cfg.About.Demo || d.Enrolled() > 0 }

// checklist is what a first run is made of.
func checklist(d *countersign.Directory, person string, asked bool) []client.Task {
	return []client.Task{
		{ID: "passkey", Done: len(d.CredentialsOf(person)) > 0, Title: "Enrol your passkey", Href: "/people",
			Detail: "It signs each decision by itself. There is no password, here or anywhere."},
		{ID: "second", Done: d.Enrolled() > 1, Title: "Invite a second reviewer", Href: "/people",
			Detail: "Two people make approval mean something: until then, every decision is recorded as solo."},
		{ID: "resource", Done: len(d.Resources) > 0, Title: "Protect a first resource", Href: "/resources",
			Detail: "Add it under resources: in the configuration and start the server again."},
		{ID: "agent", Done: len(d.Agents) > 0, Title: "Let a first agent in", Href: "/agents",
			Detail: "countersign agent create NAME --owner PERSON prints its token, once."},
		{ID: "request", Done: asked, Title: "See a first action held", Href: "/history",
			Detail: "Point the agent at the door and let it ask for something that writes."},
	}
}
