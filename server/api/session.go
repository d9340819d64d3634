package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/session"
	"github.com/countersignhq/countersign/store"
)

// SessionsOf returns whose browser session a request carries, for Config.Sessions.
func SessionsOf(g *gate.Gate, kept store.Ephemeral, now func() time.Time) func(*http.Request) (countersign.Principal, AuthInfo, bool) {
	return func(r *http.Request) (countersign.Principal, AuthInfo, bool) {
		found, ok, err := session.Find(r.Context(), kept, r)
		if err != nil || !ok {
			return countersign.Principal{}, AuthInfo{}, false
		}
		d, err := g.Directory(r.Context())
		if err != nil || !found.Stands(d) {
			return countersign.Principal{}, AuthInfo{}, false
		}
		p, auth := known(found, d, now())
		return p, auth, true
	}
}

// known is who a session is of, and what it lends.
func known(s session.Session, d *countersign.Directory, now time.Time) (countersign.Principal, AuthInfo) {
	return d.People[s.Person].Principal(), AuthInfo{
		AuthTime: s.AuthTime, ExpiresAt: s.Expires(), Method: s.Method, Channel: "console",
		Assurance: s.Lends(d, now), Solo: s.Method != methodPasskey, Pending: s.Pending(d),
	}
}

// methodPasskey is the method of what a passkey proved.
const methodPasskey = "passkey"

// An answered ceremony is what a browser sends back: the id that it was begun
// with, and PublicKeyCredential.toJSON.
type answeredCeremony struct {
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"`
}

// passkeys are the ceremonies, where this server has a name that they work under.
func (a *api) passkeys() (*passkey.Passkeys, error) {
	if a.cfg.Passkeys == nil {
		return nil, &countersign.Error{
			Code: countersign.CodeUnavailable, Detail: "no passkey works under the address of this server",
			Hint: "set public_url to one with a host name: localhost, or https:// and the server's name",
		}
	}
	return a.cfg.Passkeys, nil
}

// beginSignIn answers what the browser signs to say who somebody is.
func (a *api) beginSignIn(w http.ResponseWriter, r *http.Request, _ caller) error {
	keys, err := a.passkeys()
	if err != nil {
		return err
	}
	if err := body(w, r, maxBody, &struct{}{}); err != nil {
		return err
	}
	options, err := keys.BeginSignIn(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, options)
}

// signIn opens a session with a passkey.
func (a *api) signIn(w http.ResponseWriter, r *http.Request, _ caller) error {
	var in answeredCeremony
	if err := body(w, r, maxBody, &in); err != nil {
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
	return reply(w, http.StatusOK, me)
}

// provenBy is the passkey with which a sign-in ceremony was finished.
func (a *api) provenBy(r *http.Request, in answeredCeremony) (countersign.Credential, error) {
	keys, err := a.passkeys()
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
func (a *api) open(w http.ResponseWriter, r *http.Request, c countersign.Credential) (any, error) {
	s := session.Session{Person: c.Person, AuthTime: a.cfg.Now().UTC(), Method: methodPasskey, Credential: c.ID}
	if err := session.Open(r.Context(), a.store.Ephemeral(), w, r, s); err != nil {
		return nil, unavailable("sessions", err)
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return nil, err
	}
	p, auth := known(s, d, a.cfg.Now())
	a.cfg.Log.Info("signed in", "person", p.ID, "method", s.Method)
	return a.meOf(r.Context(), caller{p, auth, "session"})
}

// signOut ends the caller's session.
func (a *api) signOut(w http.ResponseWriter, r *http.Request, _ caller) error {
	if err := session.End(r.Context(), a.store.Ephemeral(), w, r); err != nil {
		return unavailable("sessions", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// confirmed refuses whoever came with a passkey that nobody has said yet is theirs.
func confirmed(c caller) error {
	if !c.auth.Pending {
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeAssuranceTooLow, Detail: "the passkey that you signed in with waits for a second person to confirm it",
		Hint: "sign in with one that counts, or have it confirmed; nothing was changed",
	}
}

// freshly refuses whoever did not prove with a passkey that signs, a short while
// ago, that they are there: what a browser keeps longer is not enough to let
// others in.
func (a *api) freshly(c caller) error {
	if err := confirmed(c); err != nil {
		return err
	}
	age := a.cfg.Now().Sub(c.auth.AuthTime)
	if c.auth.Method == methodPasskey && age <= sessionLife && age > -time.Minute {
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeAssuranceTooLow, Detail: "this needs a sign-in with a passkey at most 15 min ago",
		Hint: "sign in again and do it then; nothing was changed",
	}
}
