package passkey

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// BeginSignIn begins a sign-in with any passkey of this console that the browser
// has: nobody types a name.
func (p *Passkeys) BeginSignIn(ctx context.Context) (Options, error) {
	options, session, err := p.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return Options{}, err
	}
	return p.begin(ctx, begun{Kind: signIn, Session: session}, options.Response)
}

// SignIn finishes a sign-in with what the browser answered, and returns the
// passkey of the directory that was used. One that was removed, or whose person is
// inactive, is refused.
func (p *Passkeys) SignIn(ctx context.Context, d *countersign.Directory, ceremony string, answer []byte) (countersign.Credential, error) {
	var found countersign.Credential
	b, err := p.take(ctx, ceremony, signIn)
	if err != nil {
		return found, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return found, invalid("the browser's answer cannot be read", err)
	}
	if err := p.exactOrigin(parsed.Response.CollectedClientData); err != nil {
		return found, err
	}
	_, _, err = p.rp.ValidatePasskeyLogin(func(rawID, userHandle []byte) (webauthn.User, error) {
		c, ok := d.Credentials[base64.RawURLEncoding.EncodeToString(rawID)]
		person, known := d.People[c.Person]
		if !ok || c.Removed || !known || person.Inactive || string(userHandle) != c.Person || c.RPID != p.rpID || c.Origin != p.origin {
			return nil, fmt.Errorf("it is no passkey of anybody who is active here")
		}
		found = c
		return user{person.ID, person.Name, []countersign.Credential{c}}, nil
	}, *b.Session, parsed)
	if err != nil {
		return countersign.Credential{}, invalid("the passkey does not sign in", err)
	}
	return found, nil
}
