package api

import (
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/identity/chat"
)

// links answers the chat accounts that are the caller's, and where one can be linked.
func (a *api) links(w http.ResponseWriter, r *http.Request, c caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	out := client.Links{Links: []client.Link{}, Chats: append([]string{}, a.cfg.Chats...)}
	for _, l := range d.LinksOf(c.ID) {
		out.Links = append(out.Links, client.Link{Chat: l.Chat, Workspace: l.Workspace, Account: l.Account, Name: l.Name, Since: l.Since})
	}
	return reply(w, http.StatusOK, out)
}

// linkCode answers the one-time code that the caller types in the chat. Once two
// people have passkeys, they have signed in with theirs a short while ago.
func (a *api) linkCode(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Chat string `json:"chat"`
	}
	if err := body(w, r, maxBody, &in); err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if err := confirmed(c); err != nil {
		return err
	}
	if d.Paired {
		if err := a.freshly(c); err != nil {
			return err
		}
	}
	if a.cfg.LinkCode == nil {
		return &countersign.Error{Code: countersign.CodeNotFound, Detail: "no chat is connected", Hint: "add one under channels: in the configuration"}
	}
	code, ends, err := a.cfg.LinkCode(r.Context(), in.Chat, chat.Proof{Person: c.ID, Method: c.auth.Method, AuthTime: c.auth.AuthTime})
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, client.LinkCode{Code: code, Type: "/countersign link " + code, ExpiresAt: ends.Truncate(time.Second)})
}

// unlink breaks a link of the caller.
func (a *api) unlink(w http.ResponseWriter, r *http.Request, c caller) error {
	id := countersign.LinkID(r.PathValue("chat"), r.PathValue("workspace"), r.PathValue("account"))
	if err := a.gate.Unlink(r.Context(), a.who(r, c), id, "by its person"); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
