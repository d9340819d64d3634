package account

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/wire"
)

// local is the issuer of people whom no identity provider knows.
const local = "local"

// operatorID is who vouches for what a link of the operator's opened.
const operatorID = "operator"

// A grant says on what grounds a passkey may be enrolled; the ceremony carries it.
type grant struct {
	Why string `json:"why"`
	// Token is spent when the passkey is there; empty for whoever is signed in.
	Token string `json:"token,omitempty"`
	// Name is that of the person whom a setup link adds.
	Name string `json:"name,omitempty"`
	// Signed is true when an earlier passkey of the person signed for it.
	Signed bool `json:"signed,omitempty"`
}

// beginEnrolment answers what the browser makes a passkey with, for who has a
// setup link, an invitation or an open recovery code, or is signed in.
func (a *accounts) beginEnrolment(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	keys, err := a.cfg.Ceremonies()
	if err != nil {
		return err
	}
	var in struct {
		Token string `json:"token"`
		Name  string `json:"name"`
		// Assertion is a finished sign-in ceremony: whoever has a passkey signs
		// for another with it.
		Assertion *passkey.Answer `json:"assertion"`
	}
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	var p countersign.Person
	var g grant
	if in.Token != "" {
		p, g, err = a.byTicket(r.Context(), d, in.Token, in.Name)
	} else {
		p, g, err = a.bySession(r, d, in.Assertion)
	}
	if err != nil {
		return err
	}
	carried, err := json.Marshal(g)
	if err != nil {
		return err
	}
	options, err := keys.BeginEnrolment(r.Context(), p, d.CredentialsOf(p.ID), carried)
	if err != nil {
		return err
	}
	type who struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	return rest.Reply(w, http.StatusOK, struct {
		passkey.Options
		Person who    `json:"person"`
		Why    string `json:"why"`
	}{options, who{p.ID, p.Name}, g.Why})
}

// byTicket is who enrols with a link or a code. It is not spent yet.
func (a *accounts) byTicket(ctx context.Context, d *countersign.Directory, token, name string) (countersign.Person, grant, error) {
	t, err := a.cfg.Desk.Look(ctx, token)
	if err == nil {
		err = a.recoverable(ctx, t)
	}
	if err != nil {
		return countersign.Person{}, grant{}, err
	}
	g := grant{Why: t.Why, Token: token}
	if t.Why == setup.Setup {
		if d.Enrolled() > 0 {
			return countersign.Person{}, g, takenOver()
		}
		if g.Name, err = personName(name); err != nil {
			return countersign.Person{}, g, err
		}
		return countersign.Person{ID: countersign.NewID("per"), Name: g.Name}, g, nil
	}
	p, ok := d.People[t.Person]
	if !ok && t.Why == setup.Invited {
		return p, g, &countersign.Error{Code: countersign.CodePending, Detail: "the invitation waits for people to approve it", Hint: "open the link again when they have"}
	}
	if !ok || p.Inactive {
		return p, g, forbidden("this is of nobody who is active here", "ask the operator")
	}
	return p, g, nil
}

func takenOver() error {
	return forbidden("this server has been taken over already", "ask whoever did for an invitation")
}

func forbidden(detail, hint string) error {
	return &countersign.Error{Code: countersign.CodeForbidden, Detail: detail, Hint: hint}
}

// bySession is who enrols another passkey, or the first after a link of the
// operator's. Whoever has one signs with it now: a session that lies in a browser
// makes no key.
func (a *accounts) bySession(r *http.Request, d *countersign.Directory, signed *passkey.Answer) (countersign.Person, grant, error) {
	c, err := a.door.Identify(r)
	if err != nil {
		return countersign.Person{}, grant{}, err
	}
	if c.Kind != countersign.KindPerson {
		return countersign.Person{}, grant{}, forbidden("only people have passkeys", "sign in")
	}
	g := grant{Why: setup.Another}
	if signed != nil {
		by, err := a.provenBy(r, *signed)
		if err != nil {
			return countersign.Person{}, g, err
		}
		if by.Person != c.ID || by.Pending {
			return countersign.Person{}, g, forbidden("that passkey cannot sign for another of yours", "use one that you have, and that is confirmed")
		}
		g.Signed = true
	}
	if !g.Signed && (len(d.CredentialsOf(c.ID)) > 0 || c.Auth.Method != "link") {
		return countersign.Person{}, g, &countersign.Error{
			Code: countersign.CodeAssuranceTooLow, Detail: "another passkey needs the signature of one that you have",
			Hint: "finish POST /v1/session/challenge with it and send that as assertion",
		}
	}
	return d.People[c.ID], g, nil
}

func personName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || utf8.RuneCountInString(s) > 100 || strings.ContainsAny(s, "|\n\t") {
		return "", rest.Bad("a person has a name of at most 100 characters, without |", "say what others call you")
	}
	return s, nil
}

// enrol records the passkey that the browser made, and signs its person in.
func (a *accounts) enrol(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	keys, err := a.cfg.Ceremonies()
	if err != nil {
		return err
	}
	var in struct {
		passkey.Answer
		Name string `json:"name"`
	}
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	made, carried, err := keys.Enrol(r.Context(), in.Ceremony, in.Credential)
	if err != nil {
		return err
	}
	var g grant
	if err := json.Unmarshal(carried, &g); err != nil {
		return err
	}
	if made.Name = strings.TrimSpace(in.Name); made.Name == "" || utf8.RuneCountInString(made.Name) > 100 {
		made.Name = "Passkey"
	}
	made, first, err := a.admitKey(r, made, g)
	if err != nil {
		return err
	}
	return a.enrolled(w, r, made, g, first)
}

// admitKey has the grounds of the passkey hold, spends them, and puts it on
// record; first is true if its person had none before.
func (a *accounts) admitKey(r *http.Request, made countersign.Credential, g grant) (c countersign.Credential, first bool, err error) {
	ctx := r.Context()
	var t setup.Ticket
	if g.Token != "" {
		if t, err = a.cfg.Desk.Spend(ctx, g.Token); err != nil {
			return made, false, err
		}
		if err := a.recoverable(ctx, t); err != nil {
			return made, false, err
		}
	} else if c, err := a.door.Identify(r); err != nil || c.ID != made.Person {
		return made, false, errors.Join(forbidden("the session is no longer that of whom the passkey was made for", "sign in again"), err)
	}
	made, first, err = a.record(r, made, g, t)
	switch code := countersign.CodeOf(err); {
	case err == nil && t.Why == setup.Recovery:
		err = a.cfg.Desk.Notify(ctx, t.Name+" enrolled a passkey with a recovery code; it signs nothing until a second person confirms it.")
	case err != nil && g.Token != "" && code != countersign.CodeUnavailable && code != countersign.CodeInternal:
		// It was refused, so surely nothing is on record: what opened it was not used.
		err = errors.Join(err, a.cfg.Desk.Return(ctx, g.Token, t))
	}
	return made, first, err
}

// record puts the passkey on record, with the person and the groups that the
// ticket is good for.
func (a *accounts) record(r *http.Request, made countersign.Credential, g grant, t setup.Ticket) (c countersign.Credential, first bool, err error) {
	ctx := r.Context()
	if t.Why == setup.Setup {
		if err := a.addFirst(r, made.Person, g.Name); err != nil {
			return made, false, err
		}
	}
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return made, false, err
	}
	p := d.People[made.Person]
	made.VouchedBy, made.Pending = vouchers(d, made.Person, t, g), t.Why == setup.Recovery
	first = !hadKeys(d, p.ID)
	// Before the passkey: it may be the second here, and from then on nobody comes
	// into a group on one person's word.
	if err := a.joinGroups(r, p, t); err != nil {
		return made, first, err
	}
	who := countersign.Who{Actor: p.Principal(), Origin: a.door.From(r), AuthTime: a.door.Now().UTC(), Method: g.Why}
	made, err = a.gate.Enrol(ctx, who, made)
	return made, first, err
}

// hadKeys reports whether the person has, or had, a passkey.
func hadKeys(d *countersign.Directory, person string) bool {
	for _, c := range d.Credentials {
		if c.Person == person {
			return true
		}
	}
	return false
}

// vouchers are who stands for the person's new passkey.
func vouchers(d *countersign.Directory, person string, t setup.Ticket, g grant) []string {
	switch {
	case t.Why == setup.Invited:
		return []string{t.By}
	case g.Signed:
		return []string{person}
	case t.Why == setup.Recovery:
		// The code was given to whoever enrolled the first key.
		for _, c := range d.CredentialsOf(person) {
			if !c.Pending {
				return []string{person}
			}
		}
		if by := d.People[person].InvitedBy; by != "" {
			return []string{by}
		}
	}
	return []string{operatorID}
}

// addFirst adds the person who takes the server over. Nobody can a second time.
func (a *accounts) addFirst(r *http.Request, id, name string) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if d.Enrolled() > 0 {
		return takenOver()
	}
	_, err = a.gate.SetPerson(r.Context(), a.operator(r), countersign.Person{ID: id, Name: name, Issuer: local, Subject: name, InvitedBy: operatorID})
	return err
}

// operator is who did what a link of the operator's opened.
func (a *accounts) operator(r *http.Request) countersign.Who {
	return countersign.Who{Actor: countersign.Operator(), Origin: a.door.From(r), Method: setup.Setup}
}

// enrolled answers the passkey, with recovery codes for whoever has none yet. A
// recovered one brings none: it may be a thief's, and would void its person's.
func (a *accounts) enrolled(w http.ResponseWriter, r *http.Request, made countersign.Credential, g grant, first bool) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	out := struct {
		Passkey       client.Passkey `json:"passkey"`
		RecoveryCodes []string       `json:"recovery_codes"`
	}{}
	for _, k := range wire.Passkeys(d, made.Person) {
		if k.ID == made.ID {
			out.Passkey = k
		}
	}
	if first {
		if out.RecoveryCodes, err = a.cfg.Desk.Codes(r.Context(), d.People[made.Person]); err != nil {
			return rest.Unavailable("recovery codes", err)
		}
	}
	// A link's session goes on being worth more than that of a passkey that waits.
	if g.Token != "" || !made.Pending {
		if _, err := a.open(w, r, made); err != nil {
			return err
		}
	}
	return rest.Reply(w, http.StatusCreated, out)
}
