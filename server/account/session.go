package account

import (
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/session"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/store"
)

// SessionsOf returns whose browser session a request carries, for rest.Config.
func SessionsOf(g *gate.Gate, kept store.Ephemeral, now func() time.Time) func(*http.Request) (countersign.Principal, rest.AuthInfo, bool) {
	return func(r *http.Request) (countersign.Principal, rest.AuthInfo, bool) {
		found, ok, err := session.Find(r.Context(), kept, r)
		if err != nil || !ok {
			return countersign.Principal{}, rest.AuthInfo{}, false
		}
		d, err := g.Directory(r.Context())
		if err != nil || !found.Stands(d) {
			return countersign.Principal{}, rest.AuthInfo{}, false
		}
		p, auth := known(found, d, now())
		return p, auth, true
	}
}

// known is who a session is of, and what it lends.
func known(s session.Session, d *countersign.Directory, now time.Time) (countersign.Principal, rest.AuthInfo) {
	return d.People[s.Person].Principal(), rest.AuthInfo{
		AuthTime: s.AuthTime, ExpiresAt: s.Expires(), Method: s.Method, Channel: "console",
		Assurance: s.Lends(d, now), Solo: s.Method != rest.ByPasskey, Pending: s.Pending(d),
	}
}

// beginSignIn answers what the browser signs to say who somebody is.
func (a *accounts) beginSignIn(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	keys, err := a.cfg.Ceremonies()
	if err != nil {
		return err
	}
	if err := rest.Read(w, r, rest.Small, &struct{}{}); err != nil {
		return err
	}
	options, err := keys.BeginSignIn(r.Context())
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, options)
}

// signIn opens a session with a passkey.
func (a *accounts) signIn(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	var in passkey.Answer
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	c, err := a.provenBy(r, in)
	if err != nil {
		return err
	}
	me, err := a.open(w, r, c)
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, me)
}

// provenBy is the passkey with which a sign-in ceremony was finished.
func (a *accounts) provenBy(r *http.Request, in passkey.Answer) (countersign.Credential, error) {
	keys, err := a.cfg.Ceremonies()
	if err != nil {
		return countersign.Credential{}, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return countersign.Credential{}, err
	}
	return keys.SignIn(r.Context(), d, in.Ceremony, in.Credential)
}

// open opens a session of the passkey's person and returns who that is.
func (a *accounts) open(w http.ResponseWriter, r *http.Request, c countersign.Credential) (any, error) {
	s := session.Session{Person: c.Person, AuthTime: a.door.Now().UTC(), Method: rest.ByPasskey, Credential: c.ID}
	if err := session.Open(r.Context(), a.store.Ephemeral(), w, r, s); err != nil {
		return nil, rest.Unavailable("sessions", err)
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return nil, err
	}
	p, auth := known(s, d, a.door.Now())
	a.door.Log.Info("signed in", "person", p.ID, "method", s.Method)
	return a.meOf(r.Context(), rest.Caller{Principal: p, Auth: auth, Credential: "session"})
}

// signOut ends the caller's session.
func (a *accounts) signOut(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	if err := session.End(r.Context(), a.store.Ephemeral(), w, r); err != nil {
		return rest.Unavailable("sessions", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
