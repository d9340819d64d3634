package receipt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// enrolling returns an error unless the statement is of a credential's event: its
// enrolment first, changes after it.
func enrolling(st ledger.Statement) error {
	e := st.Event
	want := countersign.KindCredentialChanged
	if e.Version == 1 {
		want = countersign.KindCredentialEnrolled
	}
	if e.Kind != want || e.Request == countersign.CredentialID("") || !isCredential(e.Request) {
		return fmt.Errorf("%s, version %d of %s, is no event of a passkey's enrolment", e.Kind, e.Version, e.Request)
	}
	return nil
}

func isCredential(id countersign.RequestID) bool {
	return strings.HasPrefix(string(id), string(countersign.CredentialID("")))
}

// enrolledInOrder checks that the events of each credential follow one another.
func (v *verification) enrolledInOrder() (int, error) {
	type tip struct {
		version uint64
		leaf    ledger.Hash
	}
	tips := map[countersign.RequestID]tip{}
	for i, st := range v.enrolled {
		at := len(v.statements) + i
		e, before := st.Event, tips[st.Event.Request]
		switch {
		case e.Version != before.version+1:
			return at, fmt.Errorf("it is version %d, want %d: an event is missing", e.Version, before.version+1)
		case st.Prev != before.leaf:
			return at, fmt.Errorf("it names the leaf %s as the one before it, which hashes to %s", short(st.Prev), short(before.leaf))
		case i > 0 && (v.receipt.Enrolments.Entries[i].Index <= v.receipt.Enrolments.Entries[i-1].Index || e.At.Before(v.enrolled[i-1].Event.At)):
			return at, errors.New("it is recorded before the event that it stands behind")
		}
		tips[e.Request] = tip{e.Version, ledger.LeafHash(v.receipt.Enrolments.Entries[i].Leaf)}
	}
	return 0, nil
}

// asserted checks, for each decision that claims a passkey, that one signed this
// very decision, and that its key was enrolled for this person before the request
// was made.
func (v *verification) asserted() (string, []string) {
	good, hidden, held := 0, 0, -1
	signers := map[countersign.RequestID]bool{}
	for i, st := range v.statements {
		switch st.Event.Kind {
		case countersign.KindHeld:
			held = i
			continue
		case countersign.KindDecided, countersign.KindEscalated:
		default:
			continue
		}
		if a := v.events[i].Who.Assertion; a != nil {
			signers[countersign.CredentialID(a.Credential)] = true
		}
		shown, err := v.signedBy(i, held)
		switch {
		case err != nil:
			return "not signed", []string{v.leaf(i), err.Error()}
		case st.Event.Public.Assurance != countersign.Passkey:
		case shown:
			good++
		default:
			hidden++
		}
	}
	for i, st := range v.enrolled {
		if !signers[st.Event.Request] {
			return "not signed", []string{v.leaf(len(v.statements) + i), "it enrols a passkey that signed none of these decisions"}
		}
	}
	switch {
	case good+hidden == 0:
		return "no passkey decisions", nil
	case hidden > 0:
		return fmt.Sprintf("%d of %d, %d %s", good, good+hidden, hidden, notDisclosed), nil
	}
	return fmt.Sprintf("%d of %d", good, good), nil
}

// signedBy checks the signature of one decision. It reports false where what
// would show it is not disclosed.
func (v *verification) signedBy(i, held int) (bool, error) {
	e, open := v.events[i], v.statements[i].Event.Public
	claims := open.Assurance == countersign.Passkey
	if v.receipt.Entries[i].Open.Who == nil {
		return false, nil
	}
	a := e.Who.Assertion
	switch {
	case claims && a == nil:
		return false, errors.New("it claims a passkey, and the receipt holds no assertion of one")
	case !claims && a != nil:
		return false, fmt.Errorf("it carries the assertion of a passkey, and claims %q", open.Assurance)
	case a == nil:
		return true, nil
	case v.statements[i].Event.Kind != countersign.KindDecided:
		return false, errors.New("a passkey signs approvals and rejections only")
	case held < 0:
		return false, errors.New("nothing was held that it could decide")
	case e.Who.Actor.Kind != countersign.KindPerson:
		return false, fmt.Errorf("it is by %s, who is no person", e.Who.Actor.ID)
	}
	b, ok := e.Body.(countersign.Decided)
	if !ok {
		return false, nil
	}
	if err := ledger.CheckAssertion(*a, ledger.Ceremony{
		Nonce: a.Nonce, Command: b.Decision.Digest, Choice: b.Decision.Choice, Request: v.receipt.Request,
		Held: ledger.LeafHash(v.receipt.Entries[held].Leaf), Policy: v.statements[held].Event.Public.Policy,
		View: b.Decision.View, Approver: e.Who.Actor.ID,
	}); err != nil {
		return false, err
	}
	return v.enrolledBefore(i, *a)
}

// enrolledBefore checks that the assertion's key was enrolled for the actor of
// the event when the request was made, and was not removed before it counted.
func (v *verification) enrolledBefore(i int, a countersign.Assertion) (bool, error) {
	asked, counted := v.receipt.Entries[0].Index, v.receipt.Entries[v.countedAt(i)].Index
	there, known := false, false
	var c countersign.Credential
	for n, st := range v.enrolled {
		index := v.receipt.Enrolments.Entries[n].Index
		if st.Event.Request != countersign.CredentialID(a.Credential) || index > counted {
			continue
		}
		now, ok := credentialOf(v.enrolledAs[n])
		if ok && now.Removed {
			return false, fmt.Errorf("the passkey %q had been removed", a.Credential)
		}
		if index < asked {
			there, known, c = true, ok, now
		}
	}
	if !there {
		return false, fmt.Errorf("no passkey %q was enrolled before the request was made", a.Credential)
	}
	if !known {
		return false, nil
	}
	switch {
	case c.ID != a.Credential || !bytes.Equal(c.Key, a.Key):
		return false, errors.New("the key that signed is not the one that was enrolled")
	case c.RPID != a.RPID || c.Origin != a.Origin:
		return false, fmt.Errorf("it was signed for %s on %s, and enrolled for %s on %s", a.RPID, a.Origin, c.RPID, c.Origin)
	case c.Person != v.events[i].Who.Actor.ID:
		return false, fmt.Errorf("the passkey is of %s, and the decision of %s", c.Person, v.events[i].Who.Actor.ID)
	case !c.CountsFor(v.statements[0].Event.At):
		return false, errors.New("the passkey did not count yet when the request was made")
	}
	return true, nil
}

// countedAt is the last event at which the decision of event i counted: the
// release that names it, or itself.
func (v *verification) countedAt(i int) int {
	for n, st := range v.statements {
		if st.Event.Kind != countersign.KindReleased {
			continue
		}
		for _, version := range st.Event.Public.Approvals {
			if version == i+1 {
				return n
			}
		}
	}
	return i
}

// credentialOf returns the credential that an event tells of, if it is disclosed.
func credentialOf(e countersign.Event) (countersign.Credential, bool) {
	switch b := e.Body.(type) {
	case countersign.CredentialEnrolled:
		return b.Credential, true
	case countersign.CredentialChanged:
		return b.Credential, true
	}
	return countersign.Credential{}, false
}
