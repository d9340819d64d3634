package passkey

import (
	"context"
	"crypto/rand"

	"github.com/countersignhq/countersign"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// A Signing is what a decision's ceremony is begun for. It is finished for the
// same and nothing else.
type Signing struct {
	Person  string                `json:"person"` // "per_…"
	Request countersign.RequestID `json:"request"`
	Choice  countersign.Choice    `json:"choice"`
}

// Nonce returns the 32 random bytes of one ceremony.
func Nonce() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// BeginDecision begins to have one of the keys sign the challenge, that of
// ledger.Ceremony with the nonce.
func (p *Passkeys) BeginDecision(ctx context.Context, s Signing, keys []countersign.Credential, nonce []byte, challenge [32]byte) (Options, error) {
	options, _, err := p.rp.BeginLogin(user{id: s.Person, keys: keys},
		webauthn.WithUserVerification(protocol.VerificationRequired), webauthn.WithChallenge(challenge[:]))
	if err != nil {
		return Options{}, err
	}
	return p.begin(ctx, begun{Kind: decision, Person: s.Person, Signing: s, Nonce: nonce}, options.Response)
}

// Sign finishes a decision with what the browser answered. The assertion is what
// was said, not yet what is true: gate.Decide checks it against the record.
func (p *Passkeys) Sign(ctx context.Context, s Signing, ceremony string, answer []byte) (*countersign.Assertion, error) {
	b, err := p.take(ctx, ceremony, decision)
	if err != nil {
		return nil, err
	}
	if b.Signing != s {
		return nil, refused("the ceremony was begun for another decision", "open the request again and sign it anew")
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, invalid("the browser's answer cannot be read", err)
	}
	said := parsed.Raw.AssertionResponse
	return &countersign.Assertion{
		Credential: parsed.ID, Nonce: b.Nonce,
		ClientData: said.ClientDataJSON, AuthData: said.AuthenticatorData, Signature: said.Signature,
		RPID: p.rpID, Origin: p.origin,
	}, nil
}
