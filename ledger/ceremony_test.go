package ledger_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
)

type ceremonyVector struct {
	Nonce     []byte                `json:"nonce"`
	Command   countersign.Digest    `json:"command"`
	Choice    countersign.Choice    `json:"choice"`
	Request   countersign.RequestID `json:"request"`
	Held      ledger.Commitment     `json:"held"` // hex
	Policy    countersign.Digest    `json:"policy,omitzero"`
	View      countersign.Digest    `json:"view"`
	Approver  string                `json:"approver"`
	Challenge string                `json:"challenge"` // hex
}

func testCeremony() ledger.Ceremony {
	nonce := sha256.Sum256([]byte("test nonce"))
	return ledger.Ceremony{Nonce: nonce[:], Command: digestOf("command"), Choice: countersign.Approve, Request: "req_b7n0e3vyk2sm",
		Held: ledger.Hash(digestOf("held")), Policy: digestOf("policy"), View: digestOf("view"), Approver: bob.ID}
}

func TestTheChallengeVectorsHold(t *testing.T) {
	if *update {
		var vectors []ceremonyVector
		other := testCeremony()
		other.Choice, other.Policy, other.Approver = countersign.Reject, countersign.Digest{}, "per_Ü"
		for _, c := range []ledger.Ceremony{testCeremony(), other} {
			challenge := c.Challenge()
			vectors = append(vectors, ceremonyVector{c.Nonce, c.Command, c.Choice, c.Request, ledger.Commitment(c.Held), c.Policy, c.View, c.Approver, hex.EncodeToString(challenge[:])})
		}
		writeVectors(t, "challenges.json", vectors)
	}
	vectors := readVectors[[]ceremonyVector](t, "challenges.json")
	for _, v := range vectors {
		got := ledger.Ceremony{v.Nonce, v.Command, v.Choice, v.Request, ledger.Hash(v.Held), v.Policy, v.View, v.Approver}.Challenge()
		if hex.EncodeToString(got[:]) != v.Challenge {
			t.Errorf("challenge of %+v: got %x, want %s", v, got, v.Challenge)
		}
	}
	if len(vectors) == 0 {
		t.Error("there are no vectors")
	}
}

// The bytes are written here a second time, as docs/log-format.md says them.
func TestTheChallengeIsWhatTheFormatSays(t *testing.T) {
	c := testCeremony()
	h := sha256.New()
	text := func(s string) {
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(s))))
		h.Write([]byte(s))
	}
	h.Write([]byte("countersign/decision/v1\n"))
	h.Write(c.Nonce)
	h.Write(c.Command[:])
	text("approve")
	text("req_b7n0e3vyk2sm")
	h.Write(c.Held[:])
	h.Write(c.Policy[:])
	h.Write(c.View[:])
	text("per_b0b0000000000")
	if got := c.Challenge(); !bytes.Equal(got[:], h.Sum(nil)) {
		t.Errorf("got %x, want %x", got, h.Sum(nil))
	}
}

func TestEveryPartOfACeremonyChangesTheChallenge(t *testing.T) {
	seen := map[[32]byte]string{testCeremony().Challenge(): "nothing"}
	for name, change := range map[string]func(c *ledger.Ceremony){
		"nonce": func(c *ledger.Ceremony) { c.Nonce[31] ^= 1 }, "command": func(c *ledger.Ceremony) { c.Command[0] ^= 1 },
		"choice": func(c *ledger.Ceremony) { c.Choice = countersign.Reject }, "request": func(c *ledger.Ceremony) { c.Request += "x" },
		"held": func(c *ledger.Ceremony) { c.Held[0] ^= 1 }, "policy": func(c *ledger.Ceremony) { c.Policy[0] ^= 1 },
		"view": func(c *ledger.Ceremony) { c.View[0] ^= 1 }, "approver": func(c *ledger.Ceremony) { c.Approver += "x" },
		"a letter that moves": func(c *ledger.Ceremony) { c.Choice, c.Request = "approver", "eq_b7n0e3vyk2sm" },
	} {
		c := testCeremony()
		change(&c)
		if was, ok := seen[c.Challenge()]; ok {
			t.Errorf("changing %s gives the challenge of changing %s", name, was)
		}
		seen[c.Challenge()] = name
	}
}

func TestAnAssertionIsOfOneCeremony(t *testing.T) {
	c := testCeremony()
	good := signing{key: es256(t, "phone", bob)}.assert(c)
	if err := ledger.CheckAssertion(good, c); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *ledger.Ceremony){
		"another nonce":      func(c *ledger.Ceremony) { c.Nonce = bytes.Repeat([]byte{1}, 32) },
		"another choice":     func(c *ledger.Ceremony) { c.Choice = countersign.Reject },
		"an escalation":      func(c *ledger.Ceremony) { c.Choice = countersign.Escalate },
		"another request":    func(c *ledger.Ceremony) { c.Request = "req_000000000000" },
		"no held leaf":       func(c *ledger.Ceremony) { c.Held = ledger.Hash{} },
		"nobody to approve":  func(c *ledger.Ceremony) { c.Approver = "" },
		"a very long person": func(c *ledger.Ceremony) { c.Approver = strings.Repeat("x", 1<<16) },
	} {
		other := c
		change(&other)
		if err := ledger.CheckAssertion(good, other); err == nil {
			t.Errorf("%s: the assertion was taken", name)
		}
	}
	if err := ledger.CheckAssertion(countersign.Assertion{}, ledger.Ceremony{}); err == nil {
		t.Error("the empty assertion was taken")
	}
}

func TestKeysOfOtherKindsAreRefused(t *testing.T) {
	small := append([]byte{0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x58, 128}, bytes.Repeat([]byte{0xff}, 128)...)
	small = append(small, 0x21, 0x43, 1, 0, 1)
	trailing := append(es256(t, "phone", bob).Key, 0)
	pss := bytes.Replace(rs256(t, "desktop", bob).Key, []byte{0x39, 1, 0}, []byte{0x38, 36}, 1)
	for name, key := range map[string][]byte{"nothing": nil, "RSA of 1024 bits": small, "PSS": pss, "bytes behind it": trailing} {
		if err := ledger.CheckKey(key); err == nil {
			t.Errorf("%s: the key was taken", name)
		}
	}
}

func TestNoByteOfASignedReceiptIsFreeToChange(t *testing.T) {
	rnd := seeded(t)
	trust := testTrust(t)
	key := es256(t, "phone", bob)
	good := heldForPasskey(t).decided(approved, bob, countersign.Approve, countersign.Passkey).
		countersigned(signing{key: key}).enrolled(enrolment(key.Credential)).recorded().file(t)
	if r := receipt.Verify(good, trust); !r.Holds {
		t.Fatalf("it does not hold unchanged: %s", printed(r))
	}
	bits := make([]byte, len(good))
	for i := range bits {
		bits[i] = 1 << rnd.IntN(8)
	}
	var halves sync.WaitGroup
	for half := range 2 {
		halves.Go(func() {
			file := bytes.Clone(good)
			for i := half; i < len(file); i += 2 {
				file[i] ^= bits[i]
				if receipt.Verify(file, trust).Holds {
					t.Errorf("byte %d of %d is free: %q", i, len(file), around(file, i))
				}
				file[i] ^= bits[i]
			}
		})
	}
	halves.Wait()
}

func TestAReceiptHoldsTheEnrolmentsOfWhoSigned(t *testing.T) {
	bobs, hers, unused := es256(t, "phone", bob), ed25519Passkey(t, "laptop", priya), es256(t, "old phone", bob)
	r := tell(t).enrolled(enrolment(bobs.Credential), enrolment(unused.Credential), enrolment(hers.Credential), change(2, noon.Add(-time.Minute), bobs.Credential)).
		held(stage(2, countersign.Passkey, "payments")).
		decided(pending, priya, countersign.Approve, countersign.Passkey).countersigned(signing{key: hers}).
		decided(approved, bob, countersign.Approve, countersign.Passkey).countersigned(signing{key: bobs}).recorded()
	r.grow(t, 5)
	cp, _ := r.sign(t)
	later := change(3, noon.Add(time.Minute), bobs.Credential)
	r.enrol(t, later)
	read := readerOf(r)
	made, err := receipt.Of(t.Context(), r.entries, read, r.tile, cp)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(made.Enrolments.Entries); n != 3 {
		t.Errorf("got %d enrolments, want bob's two up to the checkpoint and priya's one", n)
	}
	b, err := made.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if report := receipt.Verify(b, testTrust(t)); !report.Holds || report.Steps[9].Detail != "2 of 2" || report.Who[1].Assertion == nil {
		t.Errorf("it does not hold: %s", printed(report))
	}
	events := receipt.Leaves{Entries: made.Entries, Proofs: made.Proofs}
	if _, err := receipt.Build(events, receipt.Leaves{}, cp); err == nil {
		t.Error("a receipt without the enrolments was built")
	}
	if _, err := receipt.Build(events, receipt.Leaves{Entries: made.Enrolments.Entries, Proofs: made.Enrolments.Proofs[1:]}, cp); err == nil {
		t.Error("a receipt with a proof too few was built")
	}
	if _, err := receipt.Build(events, receipt.Leaves{Entries: made.Enrolments.Entries, Proofs: events.Proofs[:3]}, cp); err == nil {
		t.Error("a receipt with the proofs of other leaves was built")
	}
	sealed := append([]ledger.Entry(nil), r.entries...)
	for i := range sealed {
		sealed[i].Open.Who = nil
	}
	made, err = receipt.Of(t.Context(), sealed, read, r.tile, cp)
	if err != nil || len(made.Enrolments.Entries) != 0 {
		t.Errorf("got %d enrolments and %v where nobody is disclosed, want none", len(made.Enrolments.Entries), err)
	}
}

// readerOf reads the enrolments of a record, as a store does.
func readerOf(r *record) receipt.EventsFunc {
	return func(_ context.Context, id countersign.RequestID) ([]ledger.Entry, error) {
		var found []ledger.Entry
		for _, e := range r.enrolments {
			st, err := ledger.ParseLeaf(e.Leaf)
			if err != nil {
				return nil, err
			}
			if st.Event.Request == id {
				found = append(found, e)
			}
		}
		return found, nil
	}
}
