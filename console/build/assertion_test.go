package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// signed is a passkey's signature of one decision as package ledger judges it.
type signed struct {
	Name      string                `json:"name"`
	Assertion countersign.Assertion `json:"assertion"`
	Ceremony  map[string]string     `json:"ceremony"`
	Holds     bool                  `json:"holds"`
}

// authenticator signs as a passkey does.
type authenticator struct {
	name string
	key  []byte // COSE_Key
	sign func(t *testing.T, data []byte) []byte
}

// assertions are honest ones of each kind of key, and each of them with one part
// that is another.
func assertions(t *testing.T) []signed {
	t.Helper()
	c := ledger.Ceremony{
		Nonce: make([]byte, 32), Command: countersign.Digest{1}, Choice: countersign.Approve, Request: "req_b7n0e3vyk2sm",
		Held: ledger.Hash{2}, Policy: countersign.Digest{3}, View: countersign.Digest{4}, Approver: "per_bøb",
	}
	var all []signed
	add := func(name string, a countersign.Assertion, c ledger.Ceremony) {
		all = append(all, signed{name, a, namesOf(c), ledger.CheckAssertion(a, c) == nil})
	}
	for _, by := range []authenticator{es256(t), eddsa(t), rs256(t, 2048), rs256(t, 1024)} {
		add(by.name, by.assert(t, c, 0x05, ""), c)
		add(by.name+" synced", by.assert(t, c, 0x1d, ""), c)
		for _, flags := range []byte{0x00, 0x01, 0x04, 0x15, 0x45, 0x85} {
			add(fmt.Sprintf("%s with flags %02x", by.name, flags), by.assert(t, c, flags, ""), c)
		}
		for _, more := range []string{`,"crossOrigin":false,"x":1.5`, `,"crossOrigin":true`, `,"crossOrigin":null`, `,"topOrigin":"https://a"`, `,"type":"webauthn.get"`, `,"Type":"webauthn.create"`} {
			add(by.name+" with client data "+more, by.assert(t, c, 0x05, more), c)
		}
		for i := range 8 {
			a, other := by.assert(t, c, 0x05, ""), c
			change(i, &a, &other)
			add(fmt.Sprintf("%s, change %d", by.name, i), a, other)
		}
		for name, key := range map[string][]byte{"with a byte more": append(by.key[:len(by.key):len(by.key)], 0), "cut": by.key[:len(by.key)-1], "with no bytes": nil} {
			a := by.assert(t, c, 0x05, "")
			a.Key = key
			add(by.name+", key "+name, a, c)
		}
	}
	good := es256(t).assert(t, c, 0x05, "")
	for good.Signature[3] != 32 { // its first number is to have room for a zero
		good = es256(t).assert(t, c, 0x05, "")
	}
	for name, sig := range map[string][]byte{"long form": append([]byte{0x30, 0x81}, good.Signature[1:]...), "byte more": append(good.Signature[:len(good.Signature):len(good.Signature)], 0), "raw": make([]byte, 64), "longer numbers": longer(good.Signature)} {
		a := good
		a.Signature = sig
		add("ES256 in "+name, a, c)
	}
	return all
}

// longer is the signature with a zero before its first number, which means the same.
func longer(der []byte) []byte {
	return append([]byte{der[0], der[1] + 1, der[2], der[3] + 1, 0}, der[4:]...)
}

func change(i int, a *countersign.Assertion, c *ledger.Ceremony) {
	switch i {
	case 0:
		c.Command[5] ^= 1
	case 1:
		c.Choice = countersign.Reject
	case 2:
		c.Choice = countersign.Escalate
	case 3:
		c.Held[31] ^= 1
	case 4:
		c.Approver = "per_alice"
	case 5:
		a.RPID = "example.com"
	case 6:
		a.Origin = "https://localhost"
	case 7:
		a.Signature[len(a.Signature)-1] ^= 1
	}
}

func namesOf(c ledger.Ceremony) map[string]string {
	return map[string]string{
		"command": hex.EncodeToString(c.Command[:]), "choice": string(c.Choice), "request": string(c.Request),
		"held": hex.EncodeToString(c.Held[:]), "policy": hex.EncodeToString(c.Policy[:]), "view": hex.EncodeToString(c.View[:]),
		"approver": c.Approver,
	}
}

// assert signs the ceremony on localhost; more are members of the client data.
func (by authenticator) assert(t *testing.T, c ledger.Ceremony, flags byte, more string) countersign.Assertion {
	t.Helper()
	challenge, rp := c.Challenge(), sha256.Sum256([]byte("localhost"))
	client := fmt.Sprintf(`{"type":"webauthn.get","challenge":%q,"origin":"http://localhost:8480"%s}`,
		base64.RawURLEncoding.EncodeToString(challenge[:]), more)
	hash := sha256.Sum256([]byte(client))
	auth := append(rp[:], flags, 0, 0, 0, 7)
	return countersign.Assertion{
		Credential: "Y3JlZA", Nonce: c.Nonce, ClientData: []byte(client), AuthData: auth, Key: by.key,
		Signature: by.sign(t, append(auth[:len(auth):len(auth)], hash[:]...)), RPID: "localhost", Origin: "http://localhost:8480",
	}
}

func es256(t *testing.T) authenticator {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cose := append([]byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 0x20), point[33:]...)
	return authenticator{"ES256", cose, func(t *testing.T, data []byte) []byte { return signWith(t, private, data, crypto.SHA256) }}
}

func eddsa(t *testing.T) authenticator {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cose := append([]byte{0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20}, public...)
	return authenticator{"EdDSA", cose, func(t *testing.T, data []byte) []byte { return signWith(t, private, data, 0) }}
}

func rs256(t *testing.T, bits int) authenticator {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // of 1,024 bits too, to be refused
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	n := private.N.Bytes()
	cose := append([]byte{0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59, byte(len(n) >> 8), byte(len(n))}, n...)
	e := big.NewInt(int64(private.E)).Bytes()
	cose = append(append(cose, 0x21, 0x40|byte(len(e))), e...)
	return authenticator{fmt.Sprintf("RS256 of %d bits", bits), cose, func(t *testing.T, data []byte) []byte { return signWith(t, private, data, crypto.SHA256) }}
}

func signWith(t *testing.T, key crypto.Signer, data []byte, hash crypto.Hash) []byte {
	t.Helper()
	if hash != 0 {
		sum := sha256.Sum256(data)
		data = sum[:]
	}
	sig, err := key.Sign(rand.Reader, data, hash)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}
