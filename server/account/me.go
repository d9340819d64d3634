package account

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/identity/chat"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/wire"
	"github.com/countersignhq/countersign/store"
)

// me answers who is signed in and what is still to be done.
func (a *accounts) me(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	out, err := a.meOf(r.Context(), c)
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, out)
}

func (a *accounts) meOf(ctx context.Context, c rest.Caller) (client.Me, error) {
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return client.Me{}, err
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return client.Me{}, rest.Unavailable("the head of the log", err)
	}
	asked, _, err := a.gate.Search(ctx, store.Query{Limit: 1})
	if err != nil {
		return client.Me{}, err
	}
	p := d.People[c.ID]
	me := client.Me{
		Session: client.Session{
			Method: c.Auth.Method, AuthTime: c.Auth.AuthTime, OpenedAt: c.Auth.AuthTime, ExpiresAt: c.Auth.ExpiresAt,
			Assurance: string(c.Assurance(a.door.Now())), Solo: solo(c, d),
		},
		Passkeys: wire.Passkeys(d, c.ID), Enrolled: d.Enrolled(), Paired: d.Paired, Claimed: a.claimed(d), Demo: a.cfg.About.Demo,
		Version: a.cfg.About.Version, PublicURL: a.door.Origin,
		Log:       client.Log{Origin: a.cfg.About.Log, Size: strconv.FormatInt(head.Size, 10), Root: head.Root.String(), VKey: a.cfg.About.VKey},
		Checklist: checklist(d, c.ID, len(asked) > 0),
	}
	me.Person.ID, me.Person.Name, me.Person.Since = p.ID, p.Name, p.Since
	me.Person.Groups = groupsNow(d, p.ID, a.door.Now())
	return me, nil
}

// solo reports whether what the caller decides is on the word of one alone: a link
// of the operator opened the session, or nobody else has a passkey.
func solo(c rest.Caller, d *countersign.Directory) bool { return c.Auth.Solo || d.Enrolled() < 2 }

// groupsNow are the groups that count the person for what is asked now.
func groupsNow(d *countersign.Directory, person string, now time.Time) []string {
	if groups := d.GroupsOf(person, now); groups != nil {
		return groups
	}
	return []string{}
}

// claimed reports whether somebody has taken the server over with a passkey.
func (a *accounts) claimed(d *countersign.Directory) bool {
	return a.cfg.About.Demo || d.Enrolled() > 0
}

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

// links answers the chat accounts that are the caller's, and where one can be linked.
func (a *accounts) links(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	out := client.Links{Links: []client.Link{}, Chats: append([]string{}, a.cfg.Chats...)}
	for _, l := range d.LinksOf(c.ID) {
		out.Links = append(out.Links, client.Link{Chat: l.Chat, Workspace: l.Workspace, Account: l.Account, Name: l.Name, Since: l.Since})
	}
	return rest.Reply(w, http.StatusOK, out)
}

// linkCode answers the one-time code that the caller types in the chat. Once two
// people have passkeys, they have signed in with theirs a short while ago.
func (a *accounts) linkCode(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	var in struct {
		Chat string `json:"chat"`
	}
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if err := c.NeedConfirmed(); err != nil {
		return err
	}
	if d.Paired {
		if err := c.NeedFresh(a.door.Now()); err != nil {
			return err
		}
	}
	if a.cfg.LinkCode == nil {
		return &countersign.Error{Code: countersign.CodeNotFound, Detail: "no chat is connected", Hint: "add one under channels: in the configuration"}
	}
	code, ends, err := a.cfg.LinkCode(r.Context(), in.Chat, chat.Proof{Person: c.ID, Method: c.Auth.Method, AuthTime: c.Auth.AuthTime})
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusCreated, client.LinkCode{Code: code, Type: "/countersign link " + code, ExpiresAt: ends.Truncate(time.Second)})
}

// unlink breaks a link of the caller.
func (a *accounts) unlink(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	id := countersign.LinkID(r.PathValue("chat"), r.PathValue("workspace"), r.PathValue("account"))
	if err := a.gate.Unlink(r.Context(), a.door.Who(r, c), id, "by its person"); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// notices answers what everybody is told.
func (a *accounts) notices(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	list, err := a.cfg.Desk.Notices(r.Context())
	if err != nil {
		return rest.Unavailable("notices", err)
	}
	if list == nil {
		list = []setup.Notice{}
	}
	return rest.Reply(w, http.StatusOK, struct {
		Notices []setup.Notice `json:"notices"`
	}{list})
}
