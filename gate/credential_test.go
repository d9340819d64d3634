package gate_test

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/ledgertest"
	"github.com/countersignhq/countersign/store"
)

func TestThePasskeysOfTheFirstTwoNeedNobodyAndTheNextASecondPerson(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for who, by := range map[string]string{"bob": "operator", "erin": "operator"} {
		if w.enrolled(who, by).Credential.Pending {
			t.Errorf("the passkey of %s is pending, and nobody could confirm it", who)
		}
	}
	w.clock.Advance(time.Second)
	carols := w.enrolled("carol", "per_bob")
	if !carols.Credential.Pending {
		t.Error("carol's passkey counts on the inviter's word alone")
	}
	id := carols.Credential.ID
	w.refused(w.gate.ConfirmCredential(ctx, w.person("bob"), id), countersign.CodeForbidden)   // invited her
	w.refused(w.gate.ConfirmCredential(ctx, w.person("carol"), id), countersign.CodeForbidden) // is her
	w.refused(w.gate.ConfirmCredential(ctx, w.person("dave"), id), countersign.CodeForbidden)  // has none
	w.refused(w.gate.ConfirmCredential(ctx, w.person("nobody"), id), countersign.CodeForbidden)
	w.refused(w.gate.ConfirmCredential(ctx, operator(), "unknown"), countersign.CodeNotFound)
	must(t, w.gate.ConfirmCredential(ctx, operator(), id))
	w.refused(w.gate.ConfirmCredential(ctx, operator(), id), countersign.CodeForbidden) // stands for it already
	d, err := w.gate.Directory(ctx)
	must(t, err)
	c := d.Credentials[id]
	if c.Pending || !c.Since.Equal(w.clock.Now()) || len(c.VouchedBy) != 2 || d.Enrolled() != 3 {
		t.Errorf("got %+v and %d enrolled, want it confirmed as of now by two", c, d.Enrolled())
	}
	if second := w.enrolled("carol", "per_carol"); second.Credential.Pending {
		t.Error("her earlier passkey signed for it, and it is pending")
	}
	w.holds()
}

func TestNobodyEnrolsWhatCannotCount(t *testing.T) {
	w := newWorld(t)
	bobs := w.enrolled("bob", "operator")
	enrol := func(change func(c *countersign.Credential)) error {
		c := ledgertest.NewPasskey(t, "per_carol", "phone").Credential
		c.VouchedBy = []string{"per_bob"}
		change(&c)
		_, err := w.gate.Enrol(t.Context(), operator(), c)
		return err
	}
	for name, c := range map[string]struct {
		want   countersign.Code
		change func(c *countersign.Credential)
	}{
		"no key":                      {countersign.CodeBadRequest, func(c *countersign.Credential) { c.Key = nil }},
		"no id":                       {countersign.CodeBadRequest, func(c *countersign.Credential) { c.ID = "" }},
		"an id of another alphabet":   {countersign.CodeBadRequest, func(c *countersign.Credential) { c.ID = "a+b/" }},
		"no origin":                   {countersign.CodeBadRequest, func(c *countersign.Credential) { c.Origin = "" }},
		"the id of another":           {countersign.CodeConflict, func(c *countersign.Credential) { c.ID = bobs.Credential.ID }},
		"nobody stands for it":        {countersign.CodeForbidden, func(c *countersign.Credential) { c.VouchedBy = nil }},
		"a stranger stands for it":    {countersign.CodeForbidden, func(c *countersign.Credential) { c.VouchedBy = []string{"per_mallory"} }},
		"she herself, with no other":  {countersign.CodeForbidden, func(c *countersign.Credential) { c.VouchedBy = []string{"per_carol"} }},
		"of somebody who is not here": {countersign.CodeForbidden, func(c *countersign.Credential) { c.Person = "per_mallory" }},
	} {
		t.Run(name, func(t *testing.T) { w.refused(enrol(c.change), c.want) })
	}
	must(t, enrol(func(*countersign.Credential) {}))
}

func TestAPasskeyIsRemovedByItsPersonOrTheOperator(t *testing.T) {
	w, bobs, carols := newPasskeyWorld(t)
	ctx := t.Context()
	w.refused(w.gate.RemoveCredential(ctx, w.person("carol"), bobs.Credential.ID, ""), countersign.CodeForbidden)
	must(t, w.gate.RemoveCredential(ctx, w.person("bob"), bobs.Credential.ID, ""))
	must(t, w.gate.RemoveCredential(ctx, operator(), carols.Credential.ID, "lost"))
	w.refused(w.gate.RemoveCredential(ctx, operator(), carols.Credential.ID, "again"), countersign.CodeNotFound)
	_, err := w.gate.Enrol(ctx, operator(), bobs.Credential)
	w.refused(err, countersign.CodeConflict)
	w.holds()
}

// Alice owns the bot. Mallory is here on her word alone, whatever Mallory holds.
func TestWhoIsHereOnTheAskersWordAloneCannotDecide(t *testing.T) {
	w, bobs, _ := newPasskeyWorld(t)
	// What people and groups are is written past the rules on changes: this is
	// about what comes of it.
	mallory := countersign.Person{ID: "per_mallory", Name: "mallory", Issuer: "local", Subject: "mallory", InvitedBy: "per_alice", Since: w.clock.Now()}
	w.put(countersign.RequestID(mallory.ID), countersign.PersonChanged{Person: mallory, Solo: true})
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	g := d.Groups["platform"]
	g.Members = append(g.Members[:len(g.Members):len(g.Members)], countersign.Member{Person: mallory.ID, Since: w.clock.Now()})
	w.put(countersign.GroupID("platform"), countersign.GroupChanged{Group: g, Solo: true})
	w.clock.Advance(time.Second)
	id := w.held("write_file", `{}`).ID
	w.refused(w.decide("mallory", countersign.Approve, id), countersign.CodeSelfApproval)

	theirs := w.enrolled("mallory", "per_alice")
	w.clock.Advance(time.Second)
	id = w.held("grant", `{}`).ID
	w.refused(w.decide("mallory", countersign.Approve, id), countersign.CodeSelfApproval)
	must(t, w.gate.ConfirmCredential(t.Context(), w.person("bob"), theirs.Credential.ID))
	w.clock.Advance(time.Second)
	id = w.held("grant", `{"anew":1}`).ID
	must(t, w.take(w.signed(theirs, countersign.Approve, id))) // bob stands for it too

	// A second passkey that only the owner stands for signs nothing of hers.
	second := ledgertest.NewPasskey(t, "per_mallory", "second")
	second.Credential.VouchedBy, second.Credential.Since = []string{"per_alice"}, w.clock.Now()
	w.put(countersign.CredentialID(second.Credential.ID), countersign.CredentialEnrolled{Credential: second.Credential})
	w.clock.Advance(time.Second)
	id = w.held("grant", `{"anew":2}`).ID
	decision := w.signed(bobs, countersign.Approve, id)
	decision.By.ID = "per_mallory"
	c, keys, err := w.gate.Ceremony(t.Context(), id, decision.By, countersign.Approve, decision.View, ledgertest.Nonce())
	must(t, err)
	if len(keys) != 1 || keys[0].ID != theirs.Credential.ID {
		t.Errorf("got %+v to sign with, want the one that bob stands for", keys)
	}
	decision.Assertion = second.Sign(t, c)
	w.refused(w.take(decision), countersign.CodePasskeyInvalid)
}

// put records an event of an entity past the gate.
func (w *world) put(id countersign.RequestID, b countersign.Body) {
	w.t.Helper()
	w.putBy(operator(), id, b)
}

func (w *world) putBy(who countersign.Who, id countersign.RequestID, b countersign.Body) {
	w.t.Helper()
	d, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	e, err := ledger.Encode(countersign.Event{Request: id, Version: d.Versions[id] + 1, Who: who, Body: b})
	must(w.t, err)
	_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(w.t, err)
}

// recovered enrols a passkey with a recovery code.
func (w *world) recovered(person, name string) countersign.Credential {
	w.t.Helper()
	c := ledgertest.NewPasskey(w.t, "per_"+person, name).Credential
	c.VouchedBy, c.Pending = []string{"operator"}, true
	c, err := w.gate.Enrol(w.t.Context(), w.person(person), c)
	must(w.t, err)
	return c
}

func TestARecoveredPasskeyThatNobodyConfirmsLapses(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.enrolled("dave", "operator")
	w.enrolled("alice", "operator")
	confirmed, forgotten, late := w.recovered("bob", "phone"), w.recovered("carol", "phone"), w.recovered("erin", "phone")
	w.clock.Advance(time.Second)
	invited := w.enrolled("bob", "per_alice").Credential
	w.clock.Advance(7*24*time.Hour - 2*time.Second)
	must(t, w.gate.Tick(ctx))
	must(t, w.gate.ConfirmCredential(ctx, w.person("dave"), confirmed.ID))
	w.clock.Advance(time.Second)
	w.refused(w.gate.ConfirmCredential(ctx, w.person("dave"), late.ID), countersign.CodeConflict)
	must(t, w.gate.Tick(ctx))
	must(t, w.gate.Tick(ctx))
	d, err := w.gate.Directory(ctx)
	must(t, err)
	for id, gone := range map[string]bool{confirmed.ID: false, invited.ID: false, forgotten.ID: true, late.ID: true} {
		if d.Credentials[id].Removed != gone {
			t.Errorf("got %+v, want it gone: %v", d.Credentials[id], gone)
		}
	}
	if n := d.Versions[countersign.CredentialID(forgotten.ID)]; n != 2 {
		t.Errorf("%d events are on record of a passkey that lapsed, want 2", n)
	}
	w.holds()
}
