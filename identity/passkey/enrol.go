package passkey

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/countersignhq/countersign"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/google/uuid"
)

// BeginEnrolment begins to make a passkey for the person, who may have the keys
// already; those are not made again. grant is given back by Enrol: on what
// grounds the passkey may be made.
func (p *Passkeys) BeginEnrolment(ctx context.Context, person countersign.Person, keys []countersign.Credential, grant json.RawMessage) (Options, error) {
	u := user{person.ID, person.Name, keys}
	options, session, err := p.rp.BeginRegistration(u, func(o *protocol.PublicKeyCredentialCreationOptions) error {
		o.CredentialExcludeList = descriptors(keys)
		o.Parameters = algorithms()
		return nil
	})
	if err != nil {
		return Options{}, err
	}
	return p.begin(ctx, begun{Kind: enrolment, Session: session, Person: person.ID, Grant: grant}, options.Response)
}

// algorithms are those that a verifier of the record knows: every platform makes
// one of them.
func algorithms() []protocol.CredentialParameter {
	var list []protocol.CredentialParameter
	for _, alg := range []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256} {
		list = append(list, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	return list
}

// Enrol finishes an enrolment with what the browser answered, the JSON of
// PublicKeyCredential.toJSON. What it returns is on record only once the caller
// records it.
func (p *Passkeys) Enrol(ctx context.Context, ceremony string, answer []byte) (c countersign.Credential, grant json.RawMessage, err error) {
	b, err := p.take(ctx, ceremony, enrolment)
	if err != nil {
		return c, nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return c, nil, invalid("the browser's answer cannot be read", err)
	}
	if err := p.exactOrigin(parsed.Response.CollectedClientData); err != nil {
		return c, nil, err
	}
	made, err := p.rp.CreateCredential(user{id: b.Person}, *b.Session, parsed)
	if err != nil {
		return c, nil, invalid("the passkey cannot be enrolled", err)
	}
	c = countersign.Credential{
		ID: base64.RawURLEncoding.EncodeToString(made.ID), Person: b.Person, Key: made.PublicKey,
		RPID: p.rpID, Origin: p.origin, Synced: made.Flags.BackupEligible,
	}
	if id, err := uuid.FromBytes(made.Authenticator.AAGUID); err == nil && id != uuid.Nil {
		c.AAGUID = id.String()
	}
	return c, b.Grant, nil
}
