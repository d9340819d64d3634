package gate

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// maxCredentialID is in bytes (W3C Web Authentication level 3, section 4).
const maxCredentialID = 1023

// confirmLife is how long a recovered passkey waits for somebody to confirm it.
const confirmLife = 7 * 24 * time.Hour

// operatorID stands in VouchedBy and InvitedBy for whoever uses the admin socket.
const operatorID = "operator"

// Enrol records a person's new passkey: nothing signs before it is on record.
// VouchedBy says who stands for it. Until two people have passkeys it counts at
// once, as solo. From then on it is pending until a second person confirms it,
// unless an earlier passkey of the person signed for it, or two others stand for
// it. One that comes as pending, a recovered one, is so in any case, and lapses
// after seven days.
func (g *Gate) Enrol(ctx context.Context, who countersign.Who, c countersign.Credential) (countersign.Credential, error) {
	if err := enrollable(c); err != nil {
		return c, err
	}
	pending := c.Pending
	err := g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		p, ok := d.People[c.Person]
		if !ok || p.Inactive {
			return "", nil, &countersign.Error{Code: countersign.CodeForbidden, Detail: fmt.Sprintf("%s is no active person here", c.Person), Hint: "ask the operator"}
		}
		if _, ok := d.Credentials[c.ID]; ok {
			return "", nil, &countersign.Error{Code: countersign.CodeConflict, Detail: "this passkey is enrolled already, or was", Hint: "make a new one"}
		}
		if err := vouched(d, c); err != nil {
			return "", nil, err
		}
		since, err := g.beginning(ctx)
		if err != nil {
			return "", nil, err
		}
		c.Since, c.Removed, c.ConfirmBy = since, false, time.Time{}
		if pending {
			c.ConfirmBy = since.Add(confirmLife)
		}
		c.Pending = pending || needsSecond(d, c)
		return countersign.CredentialID(c.ID), countersign.CredentialEnrolled{Credential: c, Solo: !d.Paired}, nil
	})
	return c, err
}

func enrollable(c countersign.Credential) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(c.ID)
	switch {
	case err != nil || len(raw) == 0 || len(raw) > maxCredentialID:
		err = fmt.Errorf("the id %q is not base64url of 1 to %d bytes", clip(c.ID, 40), maxCredentialID)
	case c.RPID == "" || c.Origin == "":
		err = errors.New("the relying party and the origin must be named")
	default:
		err = ledger.CheckKey(c.Key)
	}
	if err != nil {
		return &countersign.Error{Code: countersign.CodeBadRequest, Detail: "the passkey cannot be enrolled: " + err.Error(), Hint: "make a new one"}
	}
	return nil
}

// vouched checks that whoever is said to stand for the credential is there.
func vouched(d *countersign.Directory, c countersign.Credential) error {
	for _, id := range c.VouchedBy {
		p, ok := d.People[id]
		switch {
		case id == operatorID:
		case !ok || p.Inactive:
			return &countersign.Error{Code: countersign.CodeForbidden, Detail: fmt.Sprintf("%s, who is to stand for the passkey, is no active person here", id)}
		case id == c.Person && !signs(d, id):
			return &countersign.Error{Code: countersign.CodeForbidden, Detail: p.Name + " has no passkey yet that could sign for another", Hint: "ask somebody for an invitation"}
		}
	}
	if len(c.VouchedBy) == 0 {
		return &countersign.Error{Code: countersign.CodeForbidden, Detail: "nobody stands for the passkey", Hint: "use a setup link, or an invitation"}
	}
	return nil
}

// signs reports whether the person has a passkey that signs what counts.
func signs(d *countersign.Directory, person string) bool {
	return slices.ContainsFunc(d.CredentialsOf(person), func(c countersign.Credential) bool { return !c.Pending })
}

func needsSecond(d *countersign.Directory, c countersign.Credential) bool {
	others := slices.DeleteFunc(slices.Clone(c.VouchedBy), func(id string) bool { return id == c.Person })
	slices.Sort(others)
	switch {
	case slices.Contains(c.VouchedBy, c.Person), len(slices.Compact(others)) > 1:
		return false
	}
	return d.Paired
}

// ConfirmCredential has one more person, who is not the inviter, stand for a
// passkey. It counts for what is asked from now on: of requests that only those
// ask for, or own the agent of, who stood for it before, too.
func (g *Gate) ConfirmCredential(ctx context.Context, who countersign.Who, id string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		c, err := live(d, id)
		if err != nil {
			return "", nil, err
		}
		if err := mayConfirm(d, who.Actor, c); err != nil {
			return "", nil, err
		}
		if c.Since, err = g.beginning(ctx); err != nil {
			return "", nil, err
		}
		if c.Lapsed(c.Since) {
			return "", nil, &countersign.Error{Code: countersign.CodeConflict, Detail: "nobody confirmed this passkey within seven days, and it has lapsed", Hint: "have its person ask the operator for a link"}
		}
		c.Pending = false
		c.VouchedBy = append(slices.Clone(c.VouchedBy), who.Actor.ID)
		return countersign.CredentialID(id), countersign.CredentialChanged{Credential: c, Because: "confirmed", Solo: who.Actor.Kind == countersign.KindOperator}, nil
	})
}

func mayConfirm(d *countersign.Directory, by countersign.Principal, c countersign.Credential) error {
	e := &countersign.Error{Code: countersign.CodeForbidden, Hint: "ask a third person, or the operator"}
	inviter := d.People[c.Person].InvitedBy
	p, known := d.People[by.ID]
	switch {
	case by.ID == c.Person:
		e.Detail = "nobody confirms their own passkey"
	case by.Kind == countersign.KindOperator && !slices.Contains(c.VouchedBy, by.ID):
		return nil
	case slices.Contains(c.VouchedBy, by.ID) || by.ID == inviter:
		e.Detail = by.Name + " stands for it already; it takes another person"
	case by.Kind != countersign.KindPerson || !known || p.Inactive || !signs(d, by.ID):
		e.Detail = by.Name + " has no passkey of their own, and cannot confirm another's"
	default:
		return nil
	}
	return e
}

// RemoveCredential removes a passkey, by its person or by the operator. What it
// signed and has not been released becomes void.
func (g *Gate) RemoveCredential(ctx context.Context, who countersign.Who, id, because string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		c, err := live(d, id)
		if err != nil {
			return "", nil, err
		}
		if who.Actor.Kind != countersign.KindOperator && who.Actor.ID != c.Person {
			return "", nil, &countersign.Error{Code: countersign.CodeForbidden, Detail: "only its owner or the operator removes a passkey", Hint: "ask the operator"}
		}
		if because = strings.TrimSpace(because); because == "" {
			because = "removed"
		}
		c.Removed = true
		return countersign.CredentialID(id), countersign.CredentialChanged{Credential: c, Because: because, Solo: who.Actor.Kind == countersign.KindOperator}, nil
	})
}

// lapseKeys removes the passkeys that nobody confirmed in time.
func (g *Gate) lapseKeys(ctx context.Context) error {
	for {
		lapsed := false
		err := g.direct(ctx, gateway(), func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
			lapsed = false
			for _, c := range d.Credentials {
				if !c.Removed && c.Lapsed(g.now()) {
					c.Removed, lapsed = true, true
					return countersign.CredentialID(c.ID), countersign.CredentialChanged{Credential: c, Because: "lapsed: nobody confirmed it in time"}, nil
				}
			}
			return "", nil, nil
		})
		if err != nil || !lapsed {
			return err
		}
	}
}

func live(d *countersign.Directory, id string) (countersign.Credential, error) {
	c, ok := d.Credentials[id]
	if !ok || c.Removed {
		return c, &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no passkey %s", clip(id, 40))}
	}
	return c, nil
}
