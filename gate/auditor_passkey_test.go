package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/ledgertest"
	"github.com/countersignhq/countersign/store"
)

// finds fails unless the auditor finds something that says so.
func (w *world) finds(says string) {
	w.t.Helper()
	head, err := w.store.Head(w.t.Context())
	must(w.t, err)
	report, err := audit.Run(w.t.Context(), audit.Source{Trust: w.trust, Checkpoint: head.Note, Entries: (&history{world: w}).entries})
	must(w.t, err)
	for _, v := range report.Violations {
		if strings.Contains(v.Says, says) {
			return
		}
	}
	w.t.Errorf("the auditor found %v, want that %s", report.Violations, says)
}

// approveBehind records bob's approval past the gate.
func (w *world) approveBehind(r countersign.Request, with countersign.Assurance, a *countersign.Assertion) {
	w.t.Helper()
	d := w.says("bob", countersign.Approve, r.ID)
	d.Assurance = with
	e, err := ledger.Encode(countersign.Event{
		Request: r.ID, Version: r.Version + 1, Who: countersign.Who{Actor: w.person("bob").Actor, Assertion: a},
		State: countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionNone},
		Body:  countersign.Decided{Decision: d.Decision, RunBy: w.clock.Now().Add(time.Minute)},
	})
	must(w.t, err)
	_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(w.t, err)
}

// Each approval is put on record past the gate, and signed by the log like
// everything else.
func TestTheAuditorChecksEverySignatureAgain(t *testing.T) {
	for name, c := range map[string]struct {
		says  string
		forge func(w *world, bobs *ledgertest.Passkey, r countersign.Request, c ledger.Ceremony) *countersign.Assertion
		with  countersign.Assurance
	}{
		"nothing is wrong": {"", func(w *world, bobs *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			return bobs.Sign(w.t, c)
		}, countersign.Passkey},
		"no signature": {"none signed it", func(*world, *ledgertest.Passkey, countersign.Request, ledger.Ceremony) *countersign.Assertion {
			return nil
		}, countersign.Passkey},
		"a session with a signature": {"a passkey signed it", func(w *world, bobs *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			return bobs.Sign(w.t, c)
		}, countersign.Session},
		"over a rejection": {"did not sign this decision", func(w *world, bobs *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			c.Choice = countersign.Reject
			return bobs.Sign(w.t, c)
		}, countersign.Passkey},
		"over another hold": {"did not sign this decision", func(w *world, bobs *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			c.Held[3] ^= 1
			return bobs.Sign(w.t, c)
		}, countersign.Passkey},
		"by an unknown key": {"not the one that was enrolled", func(w *world, _ *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			return ledgertest.NewPasskey(w.t, "per_bob", "unknown").Sign(w.t, c)
		}, countersign.Passkey},
		"by a key under another's id": {"not the one that was enrolled", func(w *world, bobs *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			a := ledgertest.NewPasskey(w.t, "per_bob", "unknown").Sign(w.t, c)
			a.Credential = bobs.Credential.ID
			return a
		}, countersign.Passkey},
		"by a removed key": {"was removed", func(w *world, bobs *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			must(w.t, w.gate.RemoveCredential(w.t.Context(), operator(), bobs.Credential.ID, "lost"))
			return bobs.Sign(w.t, c)
		}, countersign.Passkey},
		"by a key of later": {"enrolled after it was asked", func(w *world, _ *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			w.clock.Advance(-time.Millisecond)
			return w.enrolled("bob", "per_bob").Sign(w.t, c)
		}, countersign.Passkey},
		"by carol's key": {"not theirs", func(w *world, _ *ledgertest.Passkey, _ countersign.Request, c ledger.Ceremony) *countersign.Assertion {
			return w.enrolled("carol", "operator", "per_bob").Sign(w.t, c)
		}, countersign.Passkey},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": passkeyPolicy}))
			bobs := w.enrolled("bob", "operator")
			w.clock.Advance(time.Second)
			r := w.held("grant", `{}`)
			d := w.says("bob", countersign.Approve, r.ID)
			ceremony, _, err := w.gate.Ceremony(t.Context(), r.ID, d.By, countersign.Approve, d.View, ledgertest.Nonce())
			must(t, err)
			w.approveBehind(r, c.with, c.forge(w, bobs, r, ceremony))
			if c.says == "" {
				w.holds()
				return
			}
			w.finds(c.says)
		})
	}
}

func TestTheAuditorChecksHowPasskeysCame(t *testing.T) {
	for name, c := range map[string]struct {
		says string
		put  func(w *world, bobs, fresh countersign.Credential)
	}{
		"it signs at once on one word": {"takes a second person", func(w *world, _, fresh countersign.Credential) {
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialEnrolled{Credential: fresh})
		}},
		"nobody stands for it": {"nobody stood for", func(w *world, _, fresh countersign.Credential) {
			fresh.VouchedBy = nil
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialEnrolled{Credential: fresh})
		}},
		"of nobody who is here": {"no active person", func(w *world, _, fresh countersign.Credential) {
			fresh.Person = "per_zoe"
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialEnrolled{Credential: fresh})
		}},
		"under another id": {"stands under", func(w *world, _, fresh countersign.Credential) {
			w.put("key:other", countersign.CredentialEnrolled{Credential: fresh})
		}},
		"enrolled twice": {"enrolled twice", func(w *world, bobs, _ countersign.Credential) {
			w.put("key:other", countersign.CredentialEnrolled{Credential: bobs})
		}},
		"another key under the same id": {"became another", func(w *world, bobs, fresh countersign.Credential) {
			bobs.Key = fresh.Key
			w.put(countersign.CredentialID(bobs.ID), countersign.CredentialChanged{Credential: bobs})
		}},
		"it came back": {"came back", func(w *world, bobs, _ countersign.Credential) {
			bobs.Removed = true
			w.put(countersign.CredentialID(bobs.ID), countersign.CredentialChanged{Credential: bobs})
			bobs.Removed = false
			w.put(countersign.CredentialID(bobs.ID), countersign.CredentialChanged{Credential: bobs})
		}},
		"changed for nothing": {"neither confirmed nor removed", func(w *world, bobs, _ countersign.Credential) {
			bobs.Name = "another name"
			w.put(countersign.CredentialID(bobs.ID), countersign.CredentialChanged{Credential: bobs})
		}},
		"it lapsed before its time": {"lapsed before its time", func(w *world, _, fresh countersign.Credential) {
			fresh.Pending, fresh.ConfirmBy = true, w.clock.Now().Add(time.Minute)
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialEnrolled{Credential: fresh})
			fresh.Removed = true
			w.putBy(gatewayWho(), countersign.CredentialID(fresh.ID), countersign.CredentialChanged{Credential: fresh})
		}},
		"it lapsed and no time was set": {"lapsed before its time", func(w *world, bobs, _ countersign.Credential) {
			bobs.Removed = true
			w.putBy(gatewayWho(), countersign.CredentialID(bobs.ID), countersign.CredentialChanged{Credential: bobs})
		}},
		"its time was put off": {"became another", func(w *world, _, fresh countersign.Credential) {
			fresh.Pending, fresh.ConfirmBy = true, w.clock.Now().Add(time.Minute)
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialEnrolled{Credential: fresh})
			fresh.ConfirmBy = fresh.ConfirmBy.Add(time.Hour)
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialChanged{Credential: fresh})
		}},
		"confirmed after it lapsed": {"after it had lapsed", func(w *world, _, fresh countersign.Credential) {
			fresh.Pending, fresh.ConfirmBy = true, w.clock.Now().Add(time.Minute)
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialEnrolled{Credential: fresh})
			w.clock.Advance(time.Minute)
			fresh.Pending, fresh.Since, fresh.VouchedBy = false, w.clock.Now(), append(fresh.VouchedBy, "per_bob")
			w.putBy(w.person("bob"), countersign.CredentialID(fresh.ID), countersign.CredentialChanged{Credential: fresh})
		}},
		"confirmed by who invited": {"no second person", func(w *world, _, fresh countersign.Credential) {
			fresh.Pending = true
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialEnrolled{Credential: fresh})
			fresh.Pending, fresh.VouchedBy = false, append(fresh.VouchedBy, "operator")
			w.put(countersign.CredentialID(fresh.ID), countersign.CredentialChanged{Credential: fresh})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bobs := w.enrolled("bob", "operator")
			w.enrolled("dave", "operator")
			fresh := ledgertest.NewPasskey(t, "per_carol", "fresh").Credential
			fresh.Since, fresh.VouchedBy = w.clock.Now(), []string{"operator"}
			c.put(w, bobs.Credential, fresh)
			w.finds(c.says)
		})
	}
}
