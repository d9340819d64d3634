// Package account is who somebody is here and how they come in: sign-in and session,
// enrolment, invitation and recovery, the accounts in chats that are theirs, and
// their absence. Routes lists the calls; SessionsOf says whose session a request
// carries.
package account

import (
	"context"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/chat"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/store"
)

// Config is what the calls about people may be told. Its zero value works.
type Config struct {
	// Passkeys are the ceremonies. Nil: there are none, and the calls that need
	// them say so.
	Passkeys *passkey.Passkeys
	// LinkCode makes the one-time code that a person types in a chat to link their
	// account. Nil: no chat is connected.
	LinkCode func(ctx context.Context, in string, p chat.Proof) (code string, ends time.Time, err error)
	// Chats are the names of those that are connected: "slack".
	Chats []string
	// Desk keeps what opens an enrolment. Defaults to one of the store's own.
	Desk *setup.Desk
	// About is what the server says of itself to people.
	About About
}

// About is what a server says of itself to the people who are signed in.
type About struct {
	Version string
	// Log names the log, and VKey is the key that verifies it.
	Log, VKey string
	// Demo is true for the demo's server, where links approve.
	Demo bool
}

// Ceremonies are the Passkeys, where this server has a name that they work under.
func (c Config) Ceremonies() (*passkey.Passkeys, error) {
	if c.Passkeys == nil {
		return nil, &countersign.Error{
			Code: countersign.CodeUnavailable, Detail: "no passkey works under the address of this server",
			Hint: "set public_url to one with a host name: localhost, or https:// and the server's name",
		}
	}
	return c.Passkeys, nil
}

type accounts struct {
	door  *rest.Door
	gate  *gate.Gate
	store store.Store
	cfg   Config
}

// Routes are the calls about people themselves.
func Routes(door *rest.Door, g *gate.Gate, s store.Store, cfg Config) []rest.Route {
	if cfg.Desk == nil {
		cfg.Desk = setup.New(s.Ephemeral(), door.Now)
	}
	a := &accounts{door: door, gate: g, store: s, cfg: cfg}
	person := []countersign.PrincipalKind{countersign.KindPerson}
	people := []countersign.PrincipalKind{countersign.KindPerson, countersign.KindOperator}
	return []rest.Route{
		rest.On("POST", "/v1/session/challenge", nil, a.beginSignIn),
		rest.On("POST", "/v1/session", nil, a.signIn),
		rest.On("DELETE", "/v1/session", person, a.signOut),
		rest.On("POST", "/v1/passkeys/challenge", nil, a.beginEnrolment),
		rest.On("POST", "/v1/passkeys", nil, a.enrol),
		rest.On("DELETE", "/v1/passkeys/{id}", people, a.removePasskey),
		rest.On("POST", "/v1/passkeys/{id}/confirm", person, a.confirmPasskey),
		rest.On("GET", "/v1/invites", person, a.invites),
		rest.On("POST", "/v1/invites", person, a.invite),
		rest.On("DELETE", "/v1/invites/{id}", person, a.withdrawInvite),
		rest.On("POST", "/v1/recovery", nil, a.recover),
		rest.On("POST", "/v1/recovery/codes", person, a.newCodes),
		rest.On("GET", "/v1/notices", person, a.notices),
		rest.On("GET", "/v1/links", person, a.links),
		rest.On("POST", "/v1/links", person, a.linkCode),
		rest.On("DELETE", "/v1/links/{chat}/{workspace}/{account}", person, a.unlink),
		rest.On("GET", "/v1/me", person, a.me),
		rest.On("GET", "/v1/me/away", person, a.away),
		rest.On("PUT", "/v1/me/away", person, a.setAway),
		rest.On("DELETE", "/v1/me/away", person, a.endAway),
	}
}
