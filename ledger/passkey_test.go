package ledger_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// A passkey is an authenticator in software. Its signatures are the same every
// time.
type passkey struct {
	countersign.Credential
	sign func(b []byte) []byte
}

func newPasskey(t testing.TB, name string, of countersign.Principal, cose []byte, sign func(b []byte) []byte) passkey {
	t.Helper()
	if err := ledger.CheckKey(cose); err != nil {
		t.Fatal(err)
	}
	id := sha256.Sum256([]byte("test credential " + name))
	return passkey{sign: sign, Credential: countersign.Credential{
		ID: base64.RawURLEncoding.EncodeToString(id[:16]), Person: of.ID, Name: name, Key: cose,
		RPID: "acme.example", Origin: "https://countersign.acme.example", Since: noon.Add(-time.Hour), VouchedBy: []string{"operator"},
	}}
}

func es256(t testing.TB, name string, of countersign.Principal) passkey {
	t.Helper()
	seed := sha256.Sum256([]byte("test passkey " + name))
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 32), point[33:]...)
	return newPasskey(t, name, of, cose, func(b []byte) []byte { return signed(t, private, b) })
}

func ed25519Passkey(t testing.TB, name string, of countersign.Principal) passkey {
	t.Helper()
	seed := sha256.Sum256([]byte("test passkey " + name))
	private := ed25519.NewKeyFromSeed(seed[:])
	cose := append([]byte{0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32}, private.Public().(ed25519.PublicKey)...)
	return newPasskey(t, name, of, cose, func(b []byte) []byte { return ed25519.Sign(private, b) })
}

func rs256(t testing.TB, name string, of countersign.Principal) passkey {
	t.Helper()
	file, err := os.ReadFile("testdata/rs256.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(file)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	private := key.(*rsa.PrivateKey)
	cose := append([]byte{0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 0}, private.N.Bytes()...)
	cose = append(cose, 0x21, 0x43, 1, 0, 1)
	return newPasskey(t, name, of, cose, func(b []byte) []byte { return signed(t, private, b) })
}

// signed is deterministic: RFC 6979, or PKCS #1 v1.5.
func signed(t testing.TB, key crypto.Signer, b []byte) []byte {
	t.Helper()
	hash := sha256.Sum256(b)
	sig, err := key.Sign(nil, hash[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// A signing is one ceremony with what an attacker may change of it.
type signing struct {
	key        passkey
	ceremony   func(c *ledger.Ceremony)       // before the browser gets the challenge
	clientData func(b []byte) []byte          // before the authenticator signs it
	authData   func(b []byte) []byte          //
	assertion  func(a *countersign.Assertion) // before it goes on record
}

func (s signing) assert(c ledger.Ceremony) countersign.Assertion {
	if s.ceremony != nil {
		s.ceremony(&c)
	}
	challenge := c.Challenge()
	a := countersign.Assertion{Credential: s.key.ID, Nonce: c.Nonce, Key: s.key.Key, RPID: s.key.RPID, Origin: s.key.Origin}
	a.ClientData = fmt.Appendf(nil, `{"type":"webauthn.get","challenge":"%s","origin":"%s","crossOrigin":false,"other_keys_can_be_added_here":"do not compare"}`,
		base64.RawURLEncoding.EncodeToString(challenge[:]), a.Origin)
	if s.clientData != nil {
		a.ClientData = s.clientData(a.ClientData)
	}
	rp := sha256.Sum256([]byte(a.RPID))
	a.AuthData = append(rp[:], ledger.FlagUserPresent|ledger.FlagUserVerified|ledger.FlagBackupAble, 0, 0, 0, 7)
	if s.authData != nil {
		a.AuthData = s.authData(a.AuthData)
	}
	hash := sha256.Sum256(a.ClientData)
	a.Signature = s.key.sign(append(bytes.Clone(a.AuthData), hash[:]...))
	if s.assertion != nil {
		s.assertion(&a)
	}
	return a
}

// countersigned has a passkey sign the last event.
func (s *story) countersigned(by signing) *story {
	i := len(s.events) - 1
	if s.signed == nil {
		s.signed = map[int]func(ledger.Entry) *countersign.Assertion{}
	}
	s.signed[i] = func(held ledger.Entry) *countersign.Assertion {
		nonce := sha256.Sum256(fmt.Append(nil, "test nonce ", i))
		c := ledger.Ceremony{Nonce: nonce[:], Command: s.digest, Request: "req_b7n0e3vyk2sm", Held: ledger.LeafHash(held.Leaf),
			Policy: digestOf("policy"), View: digestOf("view"), Approver: s.events[i].Who.Actor.ID, Choice: countersign.Approve}
		if b, ok := s.events[i].Body.(countersign.Decided); ok {
			c.Choice = b.Decision.Choice
		}
		return new(by.assert(c))
	}
	return s
}

func enrolment(c countersign.Credential) countersign.Event {
	return countersign.Event{Request: countersign.CredentialID(c.ID), Version: 1, At: c.Since, Who: signedIn(alice), Body: countersign.CredentialEnrolled{Credential: c}}
}

func change(version uint64, at time.Time, c countersign.Credential) countersign.Event {
	return countersign.Event{Request: countersign.CredentialID(c.ID), Version: version, At: at, Who: signedIn(alice), Body: countersign.CredentialChanged{Credential: c}}
}

func (s *story) enrolled(events ...countersign.Event) *story {
	s.before = append(s.before, events...)
	return s
}

func (s *story) afterwards(i int, events ...countersign.Event) *story {
	s.after = map[int][]countersign.Event{i: events}
	return s
}

// enrol writes events of credentials, each of its own chain.
func (r *record) enrol(t testing.TB, events ...countersign.Event) {
	t.Helper()
	for _, ev := range events {
		e, err := ledger.Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		e.At = ev.At
		if r.keys == nil {
			r.keys = map[countersign.RequestID]ledger.Hash{}
		}
		prev, command := r.prev, r.command
		r.prev, r.command = r.keys[ev.Request], ledger.Commitment{}
		entry := r.seal(t, e)
		r.keys[ev.Request] = r.prev
		r.prev, r.command = prev, command
		r.grow(t, r.gap)
		entry.Index, entry.Open = r.edge.Size(), ledger.Disclosure{Context: entry.Open.Context}
		r.enrolments = append(r.enrolments, entry)
		r.hash(t, ledger.LeafHash(entry.Leaf))
	}
}

// heldForPasskey is the story of a request that waits for one passkey.
func heldForPasskey(t testing.TB) *story {
	t.Helper()
	return tell(t).held(stage(1, countersign.Passkey, "payments"))
}

// approvedBy is the usual story: bob signs with the passkey, and it runs.
func approvedBy(t testing.TB, by signing) *story {
	t.Helper()
	return heldForPasskey(t).decided(approved, bob, countersign.Approve, countersign.Passkey).countersigned(by).
		released(3).completed(countersign.ExecutionSucceeded)
}

// honestPasskeys are receipts whose signatures hold.
func honestPasskeys(t testing.TB) []receiptCase {
	t.Helper()
	key := es256(t, "bob's phone", bob)
	hers := ed25519Passkey(t, "priya's laptop", priya)
	windows := rs256(t, "bob's desktop", bob)
	usual := func() *story { return approvedBy(t, signing{key: key}).enrolled(enrolment(key.Credential)) }
	pendingFirst := key.Credential
	pendingFirst.Pending, pendingFirst.Since = true, noon.Add(-2*time.Hour)
	removed := key.Credential
	removed.Removed = true
	two := tell(t).enrolled(enrolment(key.Credential), enrolment(hers.Credential), change(2, noon.Add(-time.Minute), key.Credential)).
		held(stage(2, countersign.Passkey, "payments", "dba")).
		decided(pending, priya, countersign.Approve, countersign.Passkey).countersigned(signing{key: hers}).
		decided(approved, bob, countersign.Approve, countersign.Passkey).countersigned(signing{key: key}).
		released(3, 4).completed(countersign.ExecutionSucceeded)
	rejected := heldForPasskey(t).enrolled(enrolment(key.Credential)).
		decided(countersign.State{Decision: countersign.DecisionRejected, Execution: countersign.ExecutionNone}, bob, countersign.Reject, countersign.Passkey).
		countersigned(signing{key: key})
	anew := heldForPasskey(t).enrolled(enrolment(key.Credential), enrolment(hers.Credential)).
		decided(approved, bob, countersign.Approve, countersign.Passkey).countersigned(signing{key: key}).
		afterwards(2, change(2, noon, removed)).voided(stage(1, countersign.Passkey, "payments"), bob.ID).
		decided(approved, priya, countersign.Approve, countersign.Passkey).countersigned(signing{key: hers}).
		released(5).completed(countersign.ExecutionSucceeded)
	hiding := func(hide func(r *record)) []byte {
		r := usual().recorded()
		hide(r)
		return r.file(t)
	}
	return []receiptCase{
		{name: "passkey", says: "1 of 1", at: 10, file: usual().recorded().file(t)},
		{name: "passkey-meets-the-requirement", says: "1 of 1 of payments", at: 11, file: usual().recorded().file(t)},
		{name: "passkey-ed25519", says: "1 of 1", at: 10, file: heldForPasskey(t).enrolled(enrolment(hers.Credential)).
			decided(approved, priya, countersign.Approve, countersign.Passkey).countersigned(signing{key: hers}).recorded().file(t)},
		{name: "passkey-rs256", says: "1 of 1", at: 10, file: approvedBy(t, signing{key: windows}).enrolled(enrolment(windows.Credential)).recorded().file(t)},
		{name: "passkey-with-extension", says: "1 of 1", at: 10, file: approvedBy(t, signing{key: key, authData: func(b []byte) []byte {
			b[32] |= ledger.FlagExtended
			return append(b, 0xa0)
		}}).enrolled(enrolment(key.Credential)).recorded().file(t)},
		{name: "passkeys-of-two", says: "2 of 2", at: 10, file: two.recorded().file(t)},
		{name: "passkey-rejected", says: "1 of 1", at: 10, file: rejected.recorded().file(t)},
		{name: "passkey-confirmed", says: "1 of 1", at: 10, file: approvedBy(t, signing{key: key}).
			enrolled(enrolment(pendingFirst), change(2, noon.Add(-time.Hour), key.Credential)).recorded().file(t)},
		{name: "passkey-removed-later", says: "1 of 1", at: 10, file: usual().afterwards(4, change(2, noon.Add(time.Minute), removed)).recorded().file(t)},
		{name: "passkey-removed-and-approved-anew", says: "2 of 2", at: 10, file: anew.recorded().file(t)},
		{name: "passkey-who-not-disclosed", says: "0 of 1, 1 not disclosed", at: 10, file: hiding(func(r *record) { r.entries[2].Open.Who, r.enrolments = nil, nil })},
		{name: "passkey-context-not-disclosed", says: "0 of 1, 1 not disclosed", at: 10, file: hiding(func(r *record) { r.entries[2].Open.Context = nil })},
		{name: "passkey-command-not-disclosed", says: "1 of 1", at: 10, file: hiding(func(r *record) { r.entries[0].Open.Command = nil })},
		{name: "enrolment-not-disclosed", says: "0 of 1, 1 not disclosed", at: 10, file: hiding(func(r *record) { r.enrolments[0].Open.Context = nil })},
	}
}
