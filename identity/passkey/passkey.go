// Package passkey runs WebAuthn ceremonies (W3C Web Authentication level 3):
// BeginEnrolment and Enrol make a passkey, BeginSignIn and SignIn open a session
// with one, BeginDecision and Sign have one sign a single decision. Every ceremony
// lives five minutes and is taken once. What Sign returns is evidence: package
// gate checks it against the record before it counts.
package passkey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Life is how long a ceremony can be finished.
const Life = 5 * time.Minute

// Passkeys runs the ceremonies of one origin. It is safe for concurrent use.
type Passkeys struct {
	kept         store.Ephemeral
	rp           *webauthn.WebAuthn
	rpID, origin string
	now          func() time.Time
}

// New returns the ceremonies of the console at the public URL, whose host has to
// be a name: an address is no relying party id. The name is for ever, since a
// passkey works under the one it was made under and no other.
func New(kept store.Ephemeral, publicURL string, now func() time.Time) (*Passkeys, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("public_url %q is no address", publicURL)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, fmt.Errorf("public_url %q names a host by its address, and a passkey needs a name", publicURL)
	}
	p := &Passkeys{kept: kept, rpID: u.Hostname(), origin: u.Scheme + "://" + u.Host, now: now}
	p.rp, err = webauthn.New(&webauthn.Config{
		RPID: p.rpID, RPDisplayName: "Countersign", RPOrigins: []string{p.origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: new(true),
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login: webauthn.TimeoutConfig{Timeout: Life}, Registration: webauthn.TimeoutConfig{Timeout: Life},
		},
		// Some password managers answer credProps unasked; nothing here rests on it.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("public_url %q cannot have passkeys: %w", publicURL, err)
	}
	return p, nil
}

// Options are what a browser's navigator.credentials is called with, in the JSON
// of PublicKeyCredentialCreationOptionsJSON or …RequestOptionsJSON, and the id of
// the ceremony to finish with what it answers.
type Options struct {
	Ceremony  string          `json:"ceremony"`
	PublicKey json.RawMessage `json:"public_key"`
}

// An Answer is what a browser sends back: the id that the ceremony was begun with,
// and PublicKeyCredential.toJSON.
type Answer struct {
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"`
}

// The kinds of ceremonies; one of a kind is never finished as another.
const (
	enrolment = "enrolment"
	signIn    = "sign-in"
	decision  = "decision"
)

// A begun is what is kept of a ceremony until it is finished.
type begun struct {
	Kind    string                `json:"kind"`
	Session *webauthn.SessionData `json:"session,omitempty"`
	Person  string                `json:"person,omitempty"`
	// Grant is what the caller gave along with an enrolment.
	Grant json.RawMessage `json:"grant,omitempty"`
	// What a decision is about.
	Signing Signing `json:"signing,omitzero"`
	Nonce   []byte  `json:"nonce,omitempty"`
}

// begin keeps the ceremony and makes its options.
func (p *Passkeys) begin(ctx context.Context, b begun, publicKey any) (Options, error) {
	options, err := json.Marshal(publicKey)
	if err != nil {
		return Options{}, err
	}
	value, err := json.Marshal(b)
	if err != nil {
		return Options{}, err
	}
	id := rand.Text()
	err = p.kept.Put(ctx, store.Entry{Key: key(id), Subject: b.Person, Value: value, Expires: p.now().Add(Life)})
	if err != nil {
		return Options{}, fmt.Errorf("keep the ceremony: %w", err)
	}
	return Options{Ceremony: id, PublicKey: options}, nil
}

// take ends the ceremony and returns what was kept of it: of many who finish it,
// one gets it, whatever comes of that.
func (p *Passkeys) take(ctx context.Context, id, kind string) (begun, error) {
	var b begun
	e, err := p.kept.Take(ctx, key(id))
	if errors.Is(err, store.ErrNotFound) {
		return b, refused("this ceremony is over, or was never begun", "begin again")
	}
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(e.Value, &b); err != nil {
		return b, err
	}
	if b.Kind != kind {
		return b, refused("the ceremony was begun for something else", "begin again")
	}
	return b, nil
}

func key(id string) string {
	sum := sha256.Sum256([]byte("countersign/ceremony/v1\n" + id))
	return "ceremony:" + hex.EncodeToString(sum[:])
}

func refused(detail, hint string) error {
	return &countersign.Error{Code: countersign.CodePasskeyInvalid, Detail: detail, Hint: hint}
}

// invalid tells what the library found, which names no secret.
func invalid(what string, err error) error {
	detail := err.Error()
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		detail = e.Details
	}
	return refused(what+": "+detail, "begin again")
}

// exactOrigin is what the library compares without regard to case.
func (p *Passkeys) exactOrigin(c protocol.CollectedClientData) error {
	if c.Origin != p.origin || c.CrossOrigin || c.TopOrigin != "" {
		return refused(fmt.Sprintf("the passkey answered %.200q, not %s", c.Origin, p.origin), "open the console at "+p.origin)
	}
	return nil
}

// A user is a person as the library wants them.
type user struct {
	id, name string
	keys     []countersign.Credential
}

func (u user) WebAuthnID() []byte          { return []byte(u.id) }
func (u user) WebAuthnName() string        { return u.name }
func (u user) WebAuthnDisplayName() string { return u.name }

// WebAuthnCredentials implements webauthn.User.
func (u user) WebAuthnCredentials() []webauthn.Credential {
	var list []webauthn.Credential
	for _, c := range u.keys {
		if id, err := base64.RawURLEncoding.DecodeString(c.ID); err == nil {
			list = append(list, webauthn.Credential{ID: id, PublicKey: c.Key, Flags: webauthn.CredentialFlags{BackupEligible: c.Synced}})
		}
	}
	return list
}

func descriptors(keys []countersign.Credential) []protocol.CredentialDescriptor {
	list := []protocol.CredentialDescriptor{}
	for _, c := range (user{keys: keys}).WebAuthnCredentials() {
		list = append(list, c.Descriptor())
	}
	return list
}
