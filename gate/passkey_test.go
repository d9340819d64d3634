package gate_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/ledgertest"
	"github.com/countersignhq/countersign/ledger/receipt"
)

// passkeyPolicy wants a passkey where testPolicy wants two sessions.
var passkeyPolicy = strings.Replace(testPolicy, "quorum: 2, assurance: session", "quorum: 1, assurance: passkey", 1)

// newPasskeyWorld is a world in which bob and carol have passkeys.
func newPasskeyWorld(t testing.TB) (w *world, bobs, carols *ledgertest.Passkey) {
	t.Helper()
	w = newWorld(t)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": passkeyPolicy}))
	bobs, carols = w.enrolled("bob", "operator"), w.enrolled("carol", "operator", "per_bob")
	w.clock.Advance(time.Second)
	return w, bobs, carols
}

// enrolled is a new passkey of the person.
func (w *world) enrolled(person string, vouchedBy ...string) *ledgertest.Passkey {
	w.t.Helper()
	p := ledgertest.NewPasskey(w.t, "per_"+person, person+"'s phone")
	p.Credential.VouchedBy = vouchedBy
	c, err := w.gate.Enrol(w.t.Context(), operator(), p.Credential)
	must(w.t, err)
	p.Credential = c
	return p
}

// signed is the person's choice with their passkey's signature over it.
func (w *world) signed(p *ledgertest.Passkey, choice countersign.Choice, id countersign.RequestID) gate.Decision {
	w.t.Helper()
	d := w.says(strings.TrimPrefix(p.Credential.Person, "per_"), choice, id)
	c, _, err := w.gate.Ceremony(w.t.Context(), id, d.By, choice, d.View, ledgertest.Nonce())
	must(w.t, err)
	d.Assertion, d.Assurance = p.Sign(w.t, c), countersign.Passkey
	return d
}

func (w *world) take(d gate.Decision) error {
	w.t.Helper()
	_, err := w.gate.Decide(w.t.Context(), d)
	return err
}

// proven fails unless the receipt of the request verifies, and the auditor finds
// nothing in the log.
func (w *world) proven(id countersign.RequestID) receipt.Report {
	w.t.Helper()
	entries, err := w.store.Events(w.t.Context(), id)
	must(w.t, err)
	head, err := w.store.Head(w.t.Context())
	must(w.t, err)
	made, err := receipt.Of(w.t.Context(), entries, w.store.Events, w.store.Tile, head)
	must(w.t, err)
	b, err := made.Marshal()
	must(w.t, err)
	report := receipt.Verify(b, w.trust)
	if !report.Holds {
		w.t.Errorf("the receipt of %s does not hold: %+v", id, report.Steps)
	}
	w.holds()
	return report
}

func TestAPasskeyDecidesWhatNeedsOne(t *testing.T) {
	w, bobs, _ := newPasskeyWorld(t)
	id := w.held("grant", `{}`).ID
	w.refused(w.decide("bob", countersign.Approve, id), countersign.CodeAssuranceTooLow)
	must(t, w.take(w.signed(bobs, countersign.Approve, id)))
	w.run(id)
	w.ran(id, 1)
	r, err := w.gate.Get(t.Context(), id)
	must(t, err)
	d := r.Decisions[0]
	if d.Assurance != countersign.Passkey || d.Assertion == nil || d.Method != "passkey" || d.Solo || !bytes.Equal(d.Assertion.Key, bobs.Credential.Key) {
		t.Errorf("got %+v, want bob's signature on record", d)
	}
	if report := w.proven(id); report.Steps[9].Detail != "1 of 1" {
		t.Errorf("step 10 says %q, want one signature", report.Steps[9].Detail)
	}
}

func TestAPasskeyRejectsToo(t *testing.T) {
	w, bobs, _ := newPasskeyWorld(t)
	id := w.held("grant", `{}`).ID
	must(t, w.take(w.signed(bobs, countersign.Reject, id)))
	if got := w.state(id).Decision; got != countersign.DecisionRejected {
		t.Errorf("got %s, want rejected", got)
	}
	w.proven(id)
}

// Each is a signature of bob's own passkey, and none is one over this decision.
func TestASignatureOverAnythingElseIsRefused(t *testing.T) {
	for name, attack := range map[string]func(w *world, d *gate.Decision, bobs, carols *ledgertest.Passkey, c ledger.Ceremony){
		"swap of verdict": func(w *world, d *gate.Decision, bobs, _ *ledgertest.Passkey, _ ledger.Ceremony) {
			rejected := w.signed(bobs, countersign.Reject, d.Request)
			d.Assertion = rejected.Assertion
		},
		"swap of request": func(w *world, d *gate.Decision, bobs, _ *ledgertest.Passkey, _ ledger.Ceremony) {
			other := w.signed(bobs, countersign.Approve, w.held("grant", `{"to":"another"}`).ID)
			d.Assertion = other.Assertion
		},
		"swap of view": func(w *world, d *gate.Decision, bobs, _ *ledgertest.Passkey, c ledger.Ceremony) {
			c.View[0] ^= 1
			d.Assertion = bobs.Sign(w.t, c)
		},
		"swap of policy": func(w *world, d *gate.Decision, bobs, _ *ledgertest.Passkey, c ledger.Ceremony) {
			c.Policy[0] ^= 1
			d.Assertion = bobs.Sign(w.t, c)
		},
		"another nonce": func(w *world, d *gate.Decision, _, _ *ledgertest.Passkey, _ ledger.Ceremony) {
			d.Assertion.Nonce = ledgertest.Nonce()
		},
		"no user verification": func(w *world, d *gate.Decision, bobs, _ *ledgertest.Passkey, c ledger.Ceremony) {
			bobs.Flags &^= 0x04
			d.Assertion = bobs.Sign(w.t, c)
		},
		"foreign origin": func(w *world, d *gate.Decision, bobs, _ *ledgertest.Passkey, c ledger.Ceremony) {
			bobs.Origin = "http://localhost:9999"
			d.Assertion = bobs.Sign(w.t, c)
		},
		"somebody else's passkey": func(w *world, d *gate.Decision, _, carols *ledgertest.Passkey, c ledger.Ceremony) {
			d.Assertion = carols.Sign(w.t, c)
		},
		"a key that was never enrolled": func(w *world, d *gate.Decision, bobs, _ *ledgertest.Passkey, c ledger.Ceremony) {
			forged := ledgertest.NewPasskey(w.t, "per_bob", "forged").Sign(w.t, c)
			forged.Credential = bobs.Credential.ID
			d.Assertion = forged
		},
		"an unknown credential": func(w *world, d *gate.Decision, _, _ *ledgertest.Passkey, c ledger.Ceremony) {
			d.Assertion = ledgertest.NewPasskey(w.t, "per_bob", "unknown").Sign(w.t, c)
		},
		"no signature at all": func(_ *world, d *gate.Decision, _, _ *ledgertest.Passkey, _ ledger.Ceremony) { d.Assertion = nil },
		"an escalation": func(_ *world, d *gate.Decision, _, _ *ledgertest.Passkey, _ ledger.Ceremony) {
			d.Choice, d.To = countersign.Escalate, "dba"
		},
		"more than can be kept": func(_ *world, d *gate.Decision, _, _ *ledgertest.Passkey, _ ledger.Ceremony) {
			d.Assertion.ClientData = append(d.Assertion.ClientData, bytes.Repeat([]byte(" "), 5000)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, bobs, carols := newPasskeyWorld(t)
			id := w.held("grant", `{}`).ID
			d := w.says("bob", countersign.Approve, id)
			c, _, err := w.gate.Ceremony(t.Context(), id, d.By, countersign.Approve, d.View, ledgertest.Nonce())
			must(t, err)
			d.Assertion, d.Assurance = bobs.Sign(t, c), countersign.Passkey
			attack(w, &d, bobs, carols, c)
			w.refused(w.take(d), countersign.CodePasskeyInvalid)
			if got := w.state(id).Decision; got != countersign.DecisionPending {
				t.Errorf("it is %s, want pending", got)
			}
			r, err := w.gate.Get(t.Context(), id)
			must(t, err)
			if len(r.Refusals) != 1 || r.Refusals[0].Code != countersign.CodePasskeyInvalid || r.Refusals[0].Decision.Assurance != "" {
				t.Errorf("the refusals on record are %+v, want this one, worth nothing", r.Refusals)
			}
			w.run(id)
			w.ran(id, 0)
			w.proven(id)
		})
	}
}

func TestASignatureIsOfOneHoldAlone(t *testing.T) {
	w := newWorld(t)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": passkeyPolicy}))
	bobs := w.enrolled("bob", "operator")
	w.clock.Advance(time.Second)
	id := w.held("grant", `{}`).ID
	d := w.signed(bobs, countersign.Approve, id)
	must(t, w.take(d))
	bob := countersign.Person{ID: "per_bob", Name: "bob", Issuer: "local", Subject: "bob", Inactive: true}
	_, err := w.gate.SetPerson(t.Context(), operator(), bob)
	must(t, err)
	w.run(id) // his approval is void, and it is held again
	bob.Inactive = false
	_, err = w.gate.SetPerson(t.Context(), operator(), bob)
	must(t, err)
	if got := w.state(id).Decision; got != countersign.DecisionPending {
		t.Fatalf("it is %s, want pending", got)
	}
	fresh := w.says("bob", countersign.Approve, id)
	d.View = fresh.View
	w.refused(w.take(d), countersign.CodePasskeyInvalid)
	must(t, w.take(w.signed(bobs, countersign.Approve, id)))
	w.run(id)
	w.ran(id, 1)
	w.proven(id)
}

func TestAPasskeyThatIsRemovedMeanwhileVoidsWhatItSigned(t *testing.T) {
	w, bobs, carols := newPasskeyWorld(t)
	id := w.held("grant", `{}`).ID
	must(t, w.take(w.signed(bobs, countersign.Approve, id)))
	must(t, w.gate.RemoveCredential(t.Context(), operator(), bobs.Credential.ID, "lost"))
	w.run(id)
	w.ran(id, 0)
	r, err := w.gate.Get(t.Context(), id)
	must(t, err)
	if r.Decision != countersign.DecisionPending || r.Decisions[0].Void == "" || !strings.Contains(r.Because, "removed") {
		t.Errorf("it is %s because %q, want it pending again because the passkey was removed", r.Decision, r.Because)
	}
	_, _, err = w.gate.Ceremony(t.Context(), id, countersign.Principal{ID: "per_bob"}, countersign.Approve, w.says("bob", countersign.Approve, id).View, ledgertest.Nonce())
	w.refused(err, countersign.CodePasskeyInvalid)
	must(t, w.take(w.signed(carols, countersign.Approve, id)))
	w.run(id)
	w.ran(id, 1)
	if report := w.proven(id); report.Steps[9].Detail != "2 of 2" {
		t.Errorf("step 10 says %q, want both signatures", report.Steps[9].Detail)
	}
}

func TestAPasskeyCountsOnlyForWhatIsAskedAfterIt(t *testing.T) {
	w, bobs, _ := newPasskeyWorld(t)
	id := w.held("grant", `{}`).ID
	w.clock.Advance(time.Second)
	late := w.enrolled("bob", "per_bob")
	d := w.signed(bobs, countersign.Approve, id)
	c, keys, err := w.gate.Ceremony(t.Context(), id, d.By, countersign.Approve, d.View, ledgertest.Nonce())
	must(t, err)
	if len(keys) != 1 || keys[0].ID != bobs.Credential.ID {
		t.Errorf("got %+v to sign with, want the old passkey alone", keys)
	}
	d.Assertion = late.Sign(t, c)
	w.refused(w.take(d), countersign.CodePasskeyInvalid)
	w.clock.Advance(time.Second)
	must(t, w.take(w.signed(late, countersign.Approve, w.held("grant", `{"later":true}`).ID)))
}

// The clock went back, so the enrolment looks older than the request that it
// follows in the log.
func TestTheOrderOfTheLogDecidesWhichCameFirst(t *testing.T) {
	w, bobs, _ := newPasskeyWorld(t)
	id := w.held("grant", `{}`).ID
	w.clock.Advance(-500 * time.Millisecond)
	late := w.enrolled("bob", "per_bob")
	w.clock.Advance(time.Second)
	d := w.signed(bobs, countersign.Approve, id)
	c, _, err := w.gate.Ceremony(t.Context(), id, d.By, countersign.Approve, d.View, ledgertest.Nonce())
	must(t, err)
	d.Assertion = late.Sign(t, c)
	w.refused(w.take(d), countersign.CodePasskeyInvalid)
}

func TestACeremonyIsRefusedWhereItsDecisionWouldBe(t *testing.T) {
	w, bobs, _ := newPasskeyWorld(t)
	id := w.held("grant", `{}`).ID
	view := w.says("bob", countersign.Approve, id).View
	ceremony := func(person string, choice countersign.Choice, view countersign.Digest) error {
		_, _, err := w.gate.Ceremony(t.Context(), id, countersign.Principal{ID: "per_" + person}, choice, view, ledgertest.Nonce())
		return err
	}
	w.refused(ceremony("alice", countersign.Approve, view), countersign.CodeSelfApproval)
	w.refused(ceremony("dave", countersign.Approve, view), countersign.CodeNotAReviewer)
	w.refused(ceremony("erin", countersign.Approve, view), countersign.CodePasskeyInvalid) // she has none
	w.refused(ceremony("nobody", countersign.Approve, view), countersign.CodeForbidden)
	w.refused(ceremony("bob", countersign.Approve, countersign.Digest{}), countersign.CodeViewChanged)
	must(t, ceremony("bob", countersign.Reject, view))
	if n := w.recorded(id, countersign.KindRefused); n != 0 {
		t.Errorf("%d refusals are on record, want none: nobody decided anything", n)
	}
	must(t, w.take(w.signed(bobs, countersign.Approve, id)))
	w.refused(ceremony("carol", countersign.Approve, view), countersign.CodeAlreadySettled)
}
