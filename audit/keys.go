package audit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// key is a passkey as the log tells of it.
type key struct {
	countersign.Credential
	// leaf is the index of the leaf since which it signs: its enrolment, or its
	// confirmation.
	leaf int64
}

// enrol takes the enrolment of a passkey in. It checks that somebody stood for
// it, and that one which signs at once had no need of a second person.
func (p *people) enrol(e countersign.Event, c countersign.Credential) error {
	_, twice := p.keys[c.ID]
	alone := c.Pending || p.needsNobody(c)
	p.keys[c.ID] = key{c, p.leaf}
	person, known := p.persons[c.Person]
	switch {
	case twice:
		return fmt.Errorf("the passkey %s was enrolled twice", c.ID)
	case e.Request != countersign.CredentialID(c.ID):
		return fmt.Errorf("the enrolment of %s stands under %s", c.ID, e.Request)
	case !known || person.Inactive:
		return fmt.Errorf("a passkey was enrolled for %s, who was no active person", c.Person)
	case len(c.VouchedBy) == 0 || c.Removed:
		return fmt.Errorf("nobody stood for the passkey %s of %s", c.ID, c.Person)
	case !alone:
		return fmt.Errorf("the passkey %s of %s signs at once, and takes a second person", c.ID, c.Person)
	}
	return nil
}

// needsNobody reports whether the passkey counts without a confirmation: an
// earlier one signed for it, two others stand for it, or it comes before two
// people have passkeys.
func (p *people) needsNobody(c countersign.Credential) bool {
	others := map[string]bool{}
	for _, id := range c.VouchedBy {
		others[id] = true
	}
	for _, k := range p.keys {
		person := p.persons[k.Person]
		if k.Pending || k.Removed || person.Inactive {
			continue
		}
		if k.Person == c.Person && others[c.Person] {
			return true
		}
	}
	delete(others, c.Person)
	return len(others) > 1 || !p.paired
}

// amend takes a confirmation, a removal or a lapse in: nothing else changes of a
// passkey.
func (p *people) amend(e countersign.Event, c countersign.Credential) error {
	old, ok := p.keys[c.ID]
	by := e.Who.Actor
	confirmed := !c.Pending && !slices.Equal(old.VouchedBy, c.VouchedBy)
	p.keys[c.ID] = key{c, p.leaf}
	switch {
	case !ok || e.Request != countersign.CredentialID(c.ID):
		return fmt.Errorf("the passkey %s was changed under %s and never enrolled there", c.ID, e.Request)
	case old.Removed || old.Person != c.Person || !bytes.Equal(old.Key, c.Key) || old.RPID != c.RPID || old.Origin != c.Origin || !old.ConfirmBy.Equal(c.ConfirmBy):
		return fmt.Errorf("the passkey %s became another, or came back", c.ID)
	case c.Removed && (old.Pending != c.Pending || !slices.Equal(old.VouchedBy, c.VouchedBy)):
		return fmt.Errorf("the passkey %s was removed and changed besides", c.ID)
	case c.Removed && by.Kind == countersign.KindGateway:
		if !old.Pending || old.ConfirmBy.IsZero() || e.At.Before(old.ConfirmBy) {
			return fmt.Errorf("the passkey %s lapsed before its time", c.ID)
		}
		return nil
	case c.Removed:
		if by.Kind != countersign.KindOperator && by.ID != c.Person {
			return fmt.Errorf("%s removed a passkey of %s", by.ID, c.Person)
		}
		return nil
	case !confirmed || !slices.Equal(c.VouchedBy, append(slices.Clone(old.VouchedBy), by.ID)):
		return fmt.Errorf("the passkey %s was changed and neither confirmed nor removed", c.ID)
	case !old.ConfirmBy.IsZero() && !c.Since.Before(old.ConfirmBy):
		return fmt.Errorf("the passkey %s was confirmed by %s after it had lapsed", c.ID, by.ID)
	case by.Kind == countersign.KindOperator && !slices.Contains(old.VouchedBy, by.ID):
		return nil
	case by.ID == c.Person || slices.Contains(old.VouchedBy, by.ID) || p.persons[c.Person].InvitedBy == by.ID:
		return fmt.Errorf("%s, who is no second person, confirmed the passkey %s", by.ID, c.ID)
	}
	person, known := p.persons[by.ID]
	if !known || person.Inactive || !p.signing(by.ID) {
		return fmt.Errorf("%s confirmed the passkey %s and has none that signs", by.ID, c.ID)
	}
	return nil
}

func (p *people) signing(person string) bool {
	for _, k := range p.keys {
		if k.Person == person && !k.Pending && !k.Removed {
			return true
		}
	}
	return false
}

// asserted checks that a decision which says passkey is signed by one, over this
// very decision, and that the key counted for the person when it was asked.
func (a *auditor) asserted(acc *account, e countersign.Event, d countersign.Decision) error {
	s, claims := e.Who.Assertion, d.Assurance == countersign.Passkey
	switch {
	case claims && s == nil:
		return fmt.Errorf("%s decided it with a passkey, and none signed it", e.Who.Actor.ID)
	case !claims && s != nil:
		return fmt.Errorf("%s decided it with %q, and a passkey signed it", e.Who.Actor.ID, d.Assurance)
	case s == nil:
		return nil
	}
	if err := ledger.CheckAssertion(*s, ledger.Ceremony{
		Nonce: s.Nonce, Command: d.Digest, Choice: d.Choice, Request: e.Request,
		Held: acc.held, Policy: acc.heldUnder, View: d.View, Approver: e.Who.Actor.ID,
	}); err != nil {
		return fmt.Errorf("the passkey of %s did not sign this decision: %w", e.Who.Actor.ID, err)
	}
	k := a.people.keys[s.Credential]
	if !bytes.Equal(k.Key, s.Key) || k.RPID != s.RPID || k.Origin != s.Origin {
		return fmt.Errorf("the key that signed for %s is not the one that was enrolled", e.Who.Actor.ID)
	}
	return a.counting(acc, e.Who.Actor.ID, s.Credential)
}

// counting checks that the passkey signs now what the person decides of the
// request: enrolled and confirmed before it was asked, not removed, and stood for
// by somebody who is not barred from it.
func (a *auditor) counting(acc *account, person, credential string) error {
	k, ok := a.people.keys[credential]
	switch {
	case !ok || k.Person != person:
		return fmt.Errorf("%s signed with a passkey that is not theirs", person)
	case k.Removed:
		return fmt.Errorf("%s signed with a passkey that was removed", person)
	case k.Pending:
		return fmt.Errorf("%s signed with a passkey that nobody had confirmed", person)
	case k.leaf > acc.first || !k.Since.Before(acc.created):
		return fmt.Errorf("%s signed with a passkey that was enrolled after it was asked", person)
	case !a.people.stood(k, a.barred(acc)):
		return errors.New("for the passkey of " + person + " stood only people who are barred from it")
	}
	return nil
}

// barred are the ids of everybody who cannot decide the request now.
func (a *auditor) barred(acc *account) map[string]bool {
	ids := a.people.madeUp(a.people.behind(acc.who))
	for _, id := range acc.asked.Barred {
		ids[id] = true
	}
	return ids
}

// madeUp adds to the ids those of everybody for whom nobody else stood, again
// and again until nobody is added.
func (p *people) madeUp(ids []string) map[string]bool {
	barred := map[string]bool{}
	for _, id := range ids {
		barred[id] = true
	}
	for before := -1; before != len(barred); {
		before = len(barred)
		for id, person := range p.persons {
			stood, keys := false, false
			for _, k := range p.keys {
				if k.Person == id && !k.Pending && !k.Removed {
					keys, stood = true, stood || p.stood(k, barred)
				}
			}
			if keys && !stood || !keys && person.InvitedBy != "" && barred[person.InvitedBy] {
				barred[id] = true
			}
		}
	}
	return barred
}

// stood reports whether somebody who is not barred stood for the passkey, or for
// the person's first where only an earlier one signed for it.
func (p *people) stood(k key, barred map[string]bool) bool {
	if slices.IndexFunc(k.VouchedBy, func(id string) bool { return id != k.Person }) < 0 {
		for _, other := range p.keys {
			if older := other.Since.Compare(k.Since); other.Person == k.Person && (older < 0 || older == 0 && other.ID < k.ID) {
				k = other
			}
		}
	}
	for _, id := range k.VouchedBy {
		if id != k.Person && !barred[id] {
			return true
		}
	}
	return false
}
