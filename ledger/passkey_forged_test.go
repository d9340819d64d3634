package ledger_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
)

// forgedPasskeys are receipts that show a passkey's signature that is none over
// this decision, or of a key that was not enrolled for it. The log's key signed
// every one.
func forgedPasskeys(t testing.TB) []receiptCase {
	t.Helper()
	var cases []receiptCase
	add := func(name, says string, s *story) {
		cases = append(cases, receiptCase{name: name, step: 10, says: says, file: s.recorded().file(t)})
	}
	for _, c := range forgedSignatures(t) {
		add(c.name, c.says, c.story)
	}
	for _, c := range forgedEnrolments(t) {
		add(c.name, c.says, c.story)
	}
	return append(cases, changedEnrolments(t)...)
}

func forgedSignatures(t testing.TB) []storyCase {
	t.Helper()
	key := es256(t, "bob's phone", bob)
	other := es256(t, "somebody's phone", bob)
	with := func(s signing) *story {
		s.key = key
		return approvedBy(t, s).enrolled(enrolment(key.Credential))
	}
	ceremony := func(change func(c *ledger.Ceremony)) *story { return with(signing{ceremony: change}) }
	client := func(old, replacement string) *story {
		return with(signing{clientData: func(b []byte) []byte {
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("%s is not in %s", old, b)
			}
			return bytes.Replace(b, []byte(old), []byte(replacement), 1)
		}})
	}
	flags := func(change func(f *byte)) *story {
		return with(signing{authData: func(b []byte) []byte { change(&b[32]); return b }})
	}
	record := func(change func(a *countersign.Assertion)) *story { return with(signing{assertion: change}) }
	var first ledger.Entry
	replayed := heldForPasskey(t).enrolled(enrolment(key.Credential)).decided(approved, bob, countersign.Approve, countersign.Passkey).
		countersigned(signing{key: key}).voided(stage(1, countersign.Passkey, "payments"), bob.ID).
		decided(approved, bob, countersign.Approve, countersign.Passkey).released(5).completed(countersign.ExecutionSucceeded)
	sign := replayed.signed[2]
	replayed.signed[2] = func(held ledger.Entry) *countersign.Assertion { first = held; return sign(held) }
	replayed.signed[4] = func(ledger.Entry) *countersign.Assertion { return sign(first) }
	escalation := escalated(t).enrolled(enrolment(key.Credential))
	escalation.edit(func(e *countersign.Event) {
		b := e.Body.(countersign.Escalated)
		b.Decision.Assurance, e.Who.Actor = countersign.Passkey, bob
		e.Body = b
	}).countersigned(signing{key: key})
	agent := with(signing{})
	agent.events[2].Who.Actor.Kind = countersign.KindAgent
	weaker := heldForPasskey(t).enrolled(enrolment(key.Credential)).
		decided(pending, bob, countersign.Approve, countersign.Session).countersigned(signing{key: key})
	return []storyCase{
		{name: "passkey-signed-a-rejection", says: "challenge", story: ceremony(func(c *ledger.Ceremony) { c.Choice = countersign.Reject })},
		{name: "passkey-signed-another-request", says: "challenge", story: ceremony(func(c *ledger.Ceremony) { c.Request = "req_000000000000" })},
		{name: "passkey-signed-another-command", says: "challenge", story: ceremony(func(c *ledger.Ceremony) { c.Command = digestOf("another") })},
		{name: "passkey-signed-another-view", says: "challenge", story: ceremony(func(c *ledger.Ceremony) { c.View = digestOf("another") })},
		{name: "passkey-signed-another-policy", says: "challenge", story: ceremony(func(c *ledger.Ceremony) { c.Policy = digestOf("another") })},
		{name: "passkey-signed-for-another-person", says: "challenge", story: ceremony(func(c *ledger.Ceremony) { c.Approver = priya.ID })},
		{name: "passkey-signed-for-another-hold", says: "challenge", story: ceremony(func(c *ledger.Ceremony) { c.Held[0] ^= 1 })},
		{name: "passkey-replayed-when-held-again", says: "challenge", story: replayed},
		{name: "passkey-nonce-changed", says: "challenge", story: record(func(a *countersign.Assertion) { a.Nonce = bytes.Repeat([]byte{7}, 32) })},
		{name: "passkey-nonce-short", says: "31 bytes", story: ceremony(func(c *ledger.Ceremony) { c.Nonce = c.Nonce[1:] })},
		{name: "passkey-challenge-padded", says: "challenge", story: client(`","origin"`, `=","origin"`)},
		{name: "passkey-of-an-enrolment-ceremony", says: "webauthn.create", story: client("webauthn.get", "webauthn.create")},
		{name: "passkey-on-a-foreign-origin", says: "evil.example", story: client("https://countersign.acme.example", "https://evil.example")},
		{name: "passkey-within-another-page", says: "another origin", story: client(`"crossOrigin":false`, `"crossOrigin":true`)},
		{name: "passkey-under-another-top", says: "another origin", story: client(`"crossOrigin":false`, `"topOrigin":"https://evil.example"`)},
		{name: "passkey-client-data-read-two-ways", says: "Origin", story: client(`"crossOrigin":false`, `"Origin":"https://evil.example"`)},
		{name: "passkey-client-data-is-none", says: "client data", story: with(signing{clientData: func([]byte) []byte { return []byte("{") }})},
		{name: "passkey-of-another-relying-party", says: "relying party", story: with(signing{authData: func(b []byte) []byte { b[0] ^= 1; return b }})},
		{name: "passkey-user-not-verified", says: "not verified", story: flags(func(f *byte) { *f &^= ledger.FlagUserVerified })},
		{name: "passkey-user-not-present", says: "not present", story: flags(func(f *byte) { *f &^= ledger.FlagUserPresent })},
		{name: "passkey-backed-up-and-cannot-be", says: "backed up", story: flags(func(f *byte) { *f = *f&^ledger.FlagBackupAble | ledger.FlagBackedUp })},
		{name: "passkey-with-an-attested-key", says: "of an enrolment", story: flags(func(f *byte) { *f |= ledger.FlagAttested })},
		{name: "passkey-auth-data-longer", says: "38 bytes", story: with(signing{authData: func(b []byte) []byte { return append(b, 0) }})},
		{name: "passkey-auth-data-shorter", says: "36 bytes", story: with(signing{authData: func(b []byte) []byte { return b[:36] }})},
		{name: "passkey-signed-by-another-key", says: "not one of this key", story: with(signing{assertion: func(a *countersign.Assertion) { a.Signature = other.sign(a.AuthData) }})},
		{name: "passkey-signature-cut", says: "not one of this key", story: record(func(a *countersign.Assertion) { a.Signature = a.Signature[:40] })},
		{name: "passkey-key-is-none", says: "COSE_Key", story: record(func(a *countersign.Assertion) { a.Key = []byte{0xa0} })},
		{name: "passkey-key-of-another-algorithm", says: "COSE_Key", story: record(func(a *countersign.Assertion) { a.Key = bytes.Replace(a.Key, []byte{3, 0x26}, []byte{3, 0x27}, 1) })},
		{name: "passkey-by-an-agent", says: "no person", story: agent},
		{name: "passkey-on-an-escalation", says: "approvals and rejections", story: escalation},
		{name: "passkey-and-claims-a-session", says: "claims", story: weaker},
	}
}

func forgedEnrolments(t testing.TB) []storyCase {
	t.Helper()
	key := es256(t, "bob's phone", bob)
	other := es256(t, "somebody's phone", bob)
	with := func(events ...countersign.Event) *story { return approvedBy(t, signing{key: key}).enrolled(events...) }
	as := func(change func(c *countersign.Credential)) countersign.Credential {
		c := key.Credential
		change(&c)
		return c
	}
	removed := as(func(c *countersign.Credential) { c.Removed = true })
	impostor := other
	impostor.ID = key.ID
	return []storyCase{
		{name: "passkey-not-enrolled", says: "was enrolled before", story: with()},
		{name: "passkey-enrolled-after-the-request", says: "was enrolled before", story: with().afterwards(0, enrolment(key.Credential))},
		{name: "passkey-since-after-the-request", says: "did not count yet", story: with(enrolment(as(func(c *countersign.Credential) { c.Since = noon })))},
		{name: "passkey-pending", says: "did not count yet", story: with(enrolment(as(func(c *countersign.Credential) { c.Pending = true })))},
		{name: "passkey-confirmed-after-the-request", says: "did not count yet", story: with(enrolment(as(func(c *countersign.Credential) { c.Pending = true }))).
			afterwards(0, change(2, noon, key.Credential))},
		{name: "passkey-removed-before-the-request", says: "had been removed", story: with(enrolment(key.Credential), change(2, noon, removed))},
		{name: "passkey-removed-before-the-decision", says: "had been removed", story: with(enrolment(key.Credential)).afterwards(1, change(2, noon, removed))},
		{name: "passkey-removed-before-the-release", says: "had been removed", story: with(enrolment(key.Credential)).afterwards(2, change(2, noon, removed))},
		{name: "passkey-of-another-person", says: "is of " + priya.ID, story: with(enrolment(as(func(c *countersign.Credential) { c.Person = priya.ID })))},
		{name: "passkey-with-another-key", says: "not the one that was enrolled", story: approvedBy(t, signing{key: impostor}).enrolled(enrolment(key.Credential))},
		{name: "passkey-enrolled-on-another-origin", says: "enrolled for", story: with(enrolment(as(func(c *countersign.Credential) { c.Origin = "https://elsewhere.example" })))},
		{name: "passkey-enrolled-for-another-party", says: "enrolled for", story: with(enrolment(as(func(c *countersign.Credential) { c.RPID = "example" })))},
		{name: "enrolment-of-a-passkey-that-signed-nothing", says: "signed none", story: with(enrolment(key.Credential), enrolment(other.Credential))},
	}
}

// changedEnrolments fail before step 10.
func changedEnrolments(t testing.TB) []receiptCase {
	t.Helper()
	key := es256(t, "bob's phone", bob)
	build := func(change func(r *receipt.Receipt)) []byte {
		r := approvedBy(t, signing{key: key}).enrolled(enrolment(key.Credential), change2(key)).recorded().receipt(t)
		change(&r)
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	drop := func(i int) func(r *receipt.Receipt) {
		return func(r *receipt.Receipt) {
			l := &r.Enrolments
			l.Entries, l.Proofs = append(l.Entries[:i:i], l.Entries[i+1:]...), append(l.Proofs[:i:i], l.Proofs[i+1:]...)
		}
	}
	return []receiptCase{
		{name: "enrolment-discloses-who", step: 1, says: "nothing but its context", file: build(func(r *receipt.Receipt) { r.Enrolments.Entries[0].Open.Who = r.Entries[0].Open.Who })},
		{name: "enrolment-is-of-a-request", step: 5, says: "no event of a passkey", file: build(func(r *receipt.Receipt) { r.Enrolments.Entries[0].Leaf = r.Entries[0].Leaf })},
		{name: "enrolment-leaf-changed", step: 6, says: "credential.enrolled", file: build(func(r *receipt.Receipt) {
			r.Enrolments.Entries[0].Leaf = []byte(strings.Replace(string(r.Enrolments.Entries[0].Leaf), `"actor":"person"`, `"actor":"operator"`, 1))
		})},
		{name: "enrolment-left-out", step: 7, says: "an event is missing", file: build(drop(0))},
		{name: "enrolments-swapped", step: 7, says: "an event is missing", file: build(func(r *receipt.Receipt) {
			e, p := r.Enrolments.Entries, r.Enrolments.Proofs
			e[0], e[1], p[0], p[1] = e[1], e[0], p[1], p[0]
		})},
		{name: "enrolment-context-changed", step: 8, says: "does not open", file: build(func(r *receipt.Receipt) {
			o := *r.Enrolments.Entries[0].Open.Context
			o.Value = bytes.Replace(o.Value, []byte("bob's phone"), []byte("bob's phony"), 1)
			r.Enrolments.Entries[0].Open.Context = &o
		})},
	}
}

func change2(key passkey) countersign.Event { return change(2, noon.Add(-time.Minute), key.Credential) }
