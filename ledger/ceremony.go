package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// A Ceremony is everything that the signature of one decision names. Nothing of
// it can be another without another challenge.
type Ceremony struct {
	Nonce   []byte // 32 random bytes, of this ceremony alone
	Command countersign.Digest
	Choice  countersign.Choice // approve or reject
	Request countersign.RequestID
	// Held is the leaf hash of the last held event before the decision, and
	// Policy the bundle that its verdict was given by.
	Held   Hash
	Policy countersign.Digest
	// View is the digest of what the person was shown.
	View     countersign.Digest
	Approver string // "per_…"
}

// Challenge returns what the passkey signs; docs/log-format.md, section 11, has
// its bytes.
func (c Ceremony) Challenge() [32]byte {
	b := append([]byte("countersign/decision/v1\n"), c.Nonce...)
	b = append(b, c.Command[:]...)
	b = appendText(b, string(c.Choice))
	b = appendText(b, string(c.Request))
	b = append(b, c.Held[:]...)
	b = append(b, c.Policy[:]...)
	b = append(b, c.View[:]...)
	b = appendText(b, c.Approver)
	return sha256.Sum256(b)
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

func (c Ceremony) check() error {
	switch {
	case len(c.Nonce) != 32:
		return fmt.Errorf("the nonce has %d bytes, want 32", len(c.Nonce))
	case c.Choice != countersign.Approve && c.Choice != countersign.Reject:
		return fmt.Errorf("a passkey signs approve or reject, not %q", c.Choice)
	case c.Held == Hash{} || c.Request == "" || c.Approver == "":
		return errors.New("request, approver and the leaf it is held by must all be named")
	case len(c.Request) > 1<<10 || len(c.Approver) > 1<<10:
		return errors.New("the request or the approver is longer than 1024 bytes")
	}
	return nil
}

// CheckAssertion returns an error unless the assertion is a signature, by the key
// that it carries, over the challenge of the ceremony, made with the user verified
// on the origin that it names (W3C Web Authentication level 3, section 7.2).
// Whether the key is enrolled, and for whom, is for the caller to know.
func CheckAssertion(a countersign.Assertion, c Ceremony) error {
	if !bytes.Equal(a.Nonce, c.Nonce) {
		return errors.New("the assertion is of another ceremony: its nonce differs")
	}
	if err := c.check(); err != nil {
		return err
	}
	if err := checkClientData(a.ClientData, c.Challenge(), a.Origin); err != nil {
		return fmt.Errorf("client data: %w", err)
	}
	if err := checkAuthData(a.AuthData, a.RPID); err != nil {
		return fmt.Errorf("authenticator data: %w", err)
	}
	key, err := parseKey(a.Key)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(a.ClientData)
	signed := append(bytes.Clone(a.AuthData), hash[:]...)
	if ok, err := webauthncose.VerifySignature(key, signed, a.Signature); err != nil || !ok {
		return errors.New("the signature is not one of this key over this decision")
	}
	return nil
}

func checkClientData(b []byte, challenge [32]byte, origin string) error {
	if err := canon.Check(b); err != nil {
		return err
	}
	for _, want := range []struct{ member, value string }{
		{"type", "webauthn.get"},
		{"challenge", base64.RawURLEncoding.EncodeToString(challenge[:])},
		{"origin", origin},
	} {
		var got string
		raw, _ := canon.Member(b, want.member)
		if err := json.Unmarshal(raw, &got); err != nil || got != want.value {
			return fmt.Errorf("%s is %s, want %q", want.member, raw, want.value)
		}
	}
	if cross, ok := canon.Member(b, "crossOrigin"); ok && string(cross) != "false" {
		return errors.New("it was signed within a page of another origin")
	}
	if _, ok := canon.Member(b, "topOrigin"); ok {
		return errors.New("it was signed within a page of another origin")
	}
	return nil
}

// The flags of authenticator data (section 6.1).
const (
	flagUserPresent  = 0x01
	flagUserVerified = 0x04
	flagBackupAble   = 0x08
	flagBackedUp     = 0x10
	flagAttested     = 0x40
	flagExtended     = 0x80
	authDataSize     = 37
)

func checkAuthData(b []byte, rpID string) error {
	if len(b) < authDataSize {
		return fmt.Errorf("%d bytes, want %d at least", len(b), authDataSize)
	}
	flags := b[32]
	switch want := sha256.Sum256([]byte(rpID)); {
	case !bytes.Equal(b[:32], want[:]):
		return fmt.Errorf("it is for another relying party than %q", rpID)
	case flags&flagUserPresent == 0:
		return errors.New("nobody was there: the user was not present")
	case flags&flagUserVerified == 0:
		return errors.New("the user was not verified; use a passkey with a PIN, a fingerprint or a face")
	case flags&flagBackedUp != 0 && flags&flagBackupAble == 0:
		return errors.New("the key is backed up and cannot be")
	case flags&flagAttested != 0:
		return errors.New("it is of an enrolment")
	case flags&flagExtended == 0 && len(b) != authDataSize:
		return fmt.Errorf("%d bytes and no extension, want %d", len(b), authDataSize)
	}
	return nil
}

// CheckKey returns an error unless the COSE_Key is one that decisions can be
// signed with: ES256, Ed25519 or RS256 of 2,048 bits at least.
func CheckKey(cose []byte) error {
	_, err := parseKey(cose)
	return err
}

// minModulus is the size of the smallest RSA modulus in bytes.
const minModulus = 2048 / 8

func parseKey(cose []byte) (any, error) {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return nil, fmt.Errorf("passkey: the key is no COSE_Key that this version knows: %w", err)
	}
	switch k := key.(type) {
	case webauthncose.EC2PublicKeyData:
		if k.Algorithm == int64(webauthncose.AlgES256) {
			return k, nil
		}
	case webauthncose.OKPPublicKeyData:
		if k.Algorithm == int64(webauthncose.AlgEdDSA) {
			return k, nil
		}
	case webauthncose.RSAPublicKeyData:
		if k.Algorithm == int64(webauthncose.AlgRS256) && len(bytes.TrimLeft(k.Modulus, "\x00")) >= minModulus {
			return k, nil
		}
	}
	return nil, errors.New("passkey: the key is none of ES256, Ed25519 and RS256 of 2048 bits; use another authenticator")
}
