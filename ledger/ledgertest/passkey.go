// Package ledgertest has a passkey in software, for tests of what a passkey
// signs.
package ledgertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// A Passkey is an authenticator with one ES256 key. Flags and Origin are what it
// says when it signs; change them to attack.
type Passkey struct {
	// Credential is ready to be enrolled; who vouches for it is the caller's to say.
	Credential countersign.Credential
	Origin     string
	Flags      byte // of the authenticator data: user present and verified
	key        *ecdsa.PrivateKey
}

// NewPasskey returns a fresh passkey of the person.
func NewPasskey(t testing.TB, person, name string) *Passkey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	// A COSE_Key of kty EC2, alg ES256, crv P-256.
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 32), point[33:]...)
	const origin = "http://localhost:8480"
	return &Passkey{key: key, Origin: origin, Flags: 0x05, Credential: countersign.Credential{
		ID: base64.RawURLEncoding.EncodeToString(Nonce()[:16]), Person: person, Name: name, Key: cose, RPID: "localhost", Origin: origin,
	}}
}

// Nonce returns 32 random bytes.
func Nonce() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// Sign signs the ceremony, as a browser and an authenticator do together.
func (p *Passkey) Sign(t testing.TB, c ledger.Ceremony) *countersign.Assertion {
	t.Helper()
	challenge := c.Challenge()
	client, err := json.Marshal(struct {
		Type        string `json:"type"`
		Challenge   string `json:"challenge"`
		Origin      string `json:"origin"`
		CrossOrigin bool   `json:"crossOrigin"`
	}{"webauthn.get", base64.RawURLEncoding.EncodeToString(challenge[:]), p.Origin, false})
	if err != nil {
		t.Fatal(err)
	}
	rp, clientHash := sha256.Sum256([]byte(p.Credential.RPID)), sha256.Sum256(client)
	auth := append(rp[:], p.Flags, 0, 0, 0, 1)
	hash := sha256.Sum256(append(auth[:len(auth):len(auth)], clientHash[:]...))
	sig, err := p.key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return &countersign.Assertion{
		Credential: p.Credential.ID, Nonce: c.Nonce, ClientData: client, AuthData: auth, Signature: sig,
		Key: p.Credential.Key, RPID: p.Credential.RPID, Origin: p.Origin,
	}
}
