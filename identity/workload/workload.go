// Package workload verifies agents by the tokens of other issuers: JWT access
// tokens (RFC 9068), and those that platforms give to what runs on them. New makes
// a Verifier of the issuers that the configuration names; its Authenticate says
// which agent a token is of, and on whose behalf it asks.
//
// A token says who its bearer is and nothing more. Which agent that makes it
// stands on record, in the agent's identities, and the configuration has to say
// the same: neither alone lets anybody in. Nobody is ever known by an e-mail
// address or a name.
package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// An Issuer is whose tokens are believed.
type Issuer struct {
	// URL is exactly what stands in iss.
	URL string
	// Keys is the address of its keys, a JWK set (RFC 7517). Empty is what the
	// issuer's metadata names (OpenID Connect Discovery, or RFC 8414).
	Keys string
	// Type is the typ that its access tokens carry, "at+jwt" where it follows RFC
	// 9068. Empty takes at+jwt, JWT, and none.
	Type string
	// Algorithms are those that it signs with. Empty is RS256, PS256, ES256, ES384
	// and EdDSA. None of a shared secret can be among them.
	Algorithms []string
	// Scopes are those that a token must have, all of them.
	Scopes []string
	// Agents are the claims by which tokens are of agents.
	Agents []Mapping
}

// A Mapping says that tokens with each of the claims, with one of its values, are
// of the agent with the name.
type Mapping struct {
	Agent  string
	Claims map[string][]string
}

const (
	// skew is how far the clock of an issuer may be ahead.
	skew = time.Minute
	// longest is how long a token may still live: what is stolen ends by itself.
	longest = 24 * time.Hour
	// maxToken is how many bytes one may have.
	maxToken = 16 << 10
	// deepest is how many actors a chain may have.
	deepest = 8
)

// usual are the algorithms of an issuer that names none.
var usual = [...]jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.ES384, jose.EdDSA}

// Algorithms returns all that an issuer can be said to sign with, by name.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// A Verifier knows agents by the tokens of its issuers. It is safe for concurrent
// use.
type Verifier struct {
	issuers map[string]*issuer
}

// An issuer is one with its keys.
type issuer struct {
	Issuer
	algorithms []jose.SignatureAlgorithm
	keys       *keys
}

// New returns a Verifier. It asks nobody anything before the first token comes.
func New(issuers []Issuer) (*Verifier, error) {
	v := &Verifier{issuers: map[string]*issuer{}}
	for _, in := range issuers {
		if _, twice := v.issuers[in.URL]; twice {
			return nil, fmt.Errorf("issuer %s stands twice", in.URL)
		}
		i := &issuer{Issuer: in, algorithms: usual[:]}
		if len(in.Algorithms) > 0 {
			i.algorithms = nil
		}
		for _, name := range in.Algorithms {
			if !slices.Contains(Algorithms(), name) {
				return nil, fmt.Errorf("issuer %s: %q is no algorithm that is believed; use %s", in.URL, name, strings.Join(Algorithms(), ", "))
			}
			i.algorithms = append(i.algorithms, jose.SignatureAlgorithm(name))
		}
		var err error
		if i.keys, err = newKeys(in); err != nil {
			return nil, err
		}
		v.issuers[in.URL] = i
	}
	return v, nil
}

// Identities returns what shall stand on record of the agent with the name.
func Identities(issuers []Issuer, agent string) []countersign.Identity {
	var all []countersign.Identity
	for _, i := range issuers {
		for _, m := range i.Agents {
			if m.Agent == agent {
				all = append(all, countersign.Identity{Issuer: i.URL, Keys: i.Keys, Claims: m.Claims})
			}
		}
	}
	return all
}

// A ScopeError is a token that is believed and lacks scopes.
type ScopeError struct {
	Needs []string // all that are needed
}

func (e *ScopeError) Error() string {
	return fmt.Sprintf("the token lacks a scope; ask the issuer for one with %s", strings.Join(e.Needs, " "))
}

// Unwrap returns the refusal as it is told to whoever asked.
func (e *ScopeError) Unwrap() error {
	return &countersign.Error{Code: countersign.CodeForbidden, Detail: "the token lacks a scope", Hint: "ask the issuer for one with " + strings.Join(e.Needs, " ")}
}

// An ExpiredError is a token whose time is over, or that does not say when it is.
type ExpiredError struct{}

func (e *ExpiredError) Error() string { return e.Unwrap().Error() }

// Unwrap returns the refusal as it is told to whoever asked.
func (e *ExpiredError) Unwrap() error {
	return refused("ask the issuer for a new one", "the token has expired, or does not say when it does")
}

// Authenticate returns who asks with the token at the resource with the URI: as
// Actor the active agent, with the token's issuer and subject, and the whole chain
// of those on whose behalf it asks, the first of them first. The token must be
// made for that resource and for nothing else (RFC 8707). The error is a
// *countersign.Error, or wraps one: a *ScopeError or an *ExpiredError.
func (v *Verifier) Authenticate(ctx context.Context, d *countersign.Directory, token, resource string, now time.Time) (countersign.Who, error) {
	i, c, err := v.verify(ctx, token, now)
	if err != nil {
		return countersign.Who{}, err
	}
	if err := i.check(c, resource, now); err != nil {
		return countersign.Who{}, err
	}
	agent, identity, err := i.agentOf(d, c)
	if err != nil {
		return countersign.Who{}, err
	}
	if !c.scoped(i.Scopes) {
		return countersign.Who{}, &ScopeError{Needs: i.Scopes}
	}
	subject, chain, err := c.chain(d, i.URL, identity)
	if err != nil {
		return countersign.Who{}, err
	}
	by := agent.Principal()
	by.Issuer, by.Subject = i.URL, subject
	return countersign.Who{Actor: by, OnBehalfOf: chain, Method: "jwt"}, nil
}

// verify returns the claims of a token that its issuer has signed.
func (v *Verifier) verify(ctx context.Context, text string, now time.Time) (*issuer, claims, error) {
	if len(text) > maxToken {
		return nil, claims{}, refused("ask the issuer for a smaller one", "the token has %d bytes and the limit is %d", len(text), maxToken)
	}
	var all []jose.SignatureAlgorithm
	for _, name := range Algorithms() {
		all = append(all, jose.SignatureAlgorithm(name))
	}
	t, err := jwt.ParseSigned(text, all)
	if err != nil || len(t.Headers) != 1 {
		return nil, claims{}, refused("send an agent's token, or a signed JWT of an issuer that the configuration names", "the credential is neither an agent's token nor a JWT whose signature can be checked")
	}
	var raw json.RawMessage
	if err := t.UnsafeClaimsWithoutVerification(&raw); err != nil {
		return nil, claims{}, refused("ask the issuer for a new one", "the token's claims cannot be read")
	}
	said, err := read(raw)
	if err != nil {
		return nil, claims{}, err
	}
	i, ok := v.issuers[said.Issuer]
	if !ok {
		return nil, claims{}, refused("the operator names issuers under issuers:", "tokens of the issuer %s are not taken here", short(said.Issuer))
	}
	h := t.Headers[0]
	if err := i.admits(h); err != nil {
		return nil, claims{}, err
	}
	candidates, err := i.keys.find(ctx, h.KeyID, now)
	if err != nil {
		return nil, claims{}, err
	}
	for _, key := range candidates {
		if key.Algorithm != "" && key.Algorithm != h.Algorithm {
			continue
		}
		if t.Claims(key.Key, &raw) == nil {
			c, err := read(raw)
			return i, c, err
		}
	}
	return nil, claims{}, refused("ask the issuer for a new one", "the token's signature is not one of %s", i.URL)
}

// admits checks what stands beside the claims.
func (i *issuer) admits(h jose.Header) error {
	if !slices.Contains(i.algorithms, jose.SignatureAlgorithm(h.Algorithm)) {
		return refused("have the issuer sign with one that the configuration names", "the token is signed with %s, which %s is not believed to do", short(h.Algorithm), i.URL)
	}
	if h.KeyID == "" {
		return refused("have the issuer name its key in kid", "the token does not say with which key it is signed")
	}
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	taken := []string{"", "jwt", "at+jwt"}
	if i.Type != "" {
		taken = []string{strings.TrimPrefix(strings.ToLower(i.Type), "application/")}
	}
	if !slices.Contains(taken, typ) {
		return refused("send an access token", "the token is of type %s, and no access token", short(typ))
	}
	return nil
}

func refused(hint, format string, args ...any) error {
	return &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

// short quotes what a token says, up to a length that is fit for an error.
func short(s string) string {
	const most = 120
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%+q", strings.ToValidUTF8(s, "?"))
}
