package config

import (
	"net/textproto"

	"go.yaml.in/yaml/v3"
)

// OAuth is a client of an authorization server that the gateway is (RFC 6749,
// section 4.4). Its credential goes to that server alone, its tokens to the
// upstream's origin alone, and no agent sees either.
type OAuth struct {
	// Issuer is the authorization server, whose metadata names where tokens are
	// asked for; an address on its own origin. Either it or TokenURL is required. Key
	// "issuer".
	Issuer string
	// TokenURL is where tokens are asked for. Key "token_url".
	TokenURL string
	// ClientID is how the server knows the gateway. Key "client_id".
	ClientID string
	// ClientSecret is its secret: "env:NAME". Either it or PrivateKey is required. Key
	// "client_secret".
	ClientSecret Value
	// PrivateKey signs a JWT in place of a secret (RFC 7523): "file:PATH" of a PEM file
	// with an RSA, P-256 or Ed25519 key. Key "private_key".
	PrivateKey Value
	// KeyID is by which the server knows the key. Key "key_id".
	KeyID string
	// Scopes are those that are asked for. Key "scopes".
	Scopes []string
	// Resource is what the tokens are for (RFC 8707). Defaults to the upstream's url.
	// Key "resource".
	Resource string
}

func (r *reader) oauth(n *yaml.Node) *OAuth {
	var o OAuth
	r.mapping(n, "oauth", keyed{
		"issuer": r.issuerURL("issuer", &o.Issuer), "token_url": r.issuerURL("token_url", &o.TokenURL),
		"client_id": r.text("client_id", &o.ClientID), "client_secret": r.secret("client_secret", &o.ClientSecret),
		"private_key": r.secret("private_key", &o.PrivateKey), "key_id": r.text("key_id", &o.KeyID),
		"scopes": r.texts("scopes", &o.Scopes), "resource": r.text("resource", &o.Resource),
	})
	switch {
	case n.Kind != yaml.MappingNode:
		return nil
	case (o.Issuer == "") == (o.TokenURL == ""):
		r.wrong(n, "issuer: https://idp.example.com, or token_url: where it gives tokens", "oauth has either an issuer or a token_url")
	case o.ClientID == "":
		r.wrong(n, "client_id: as the authorization server knows the gateway", "oauth has no client_id")
	case o.ClientSecret.IsReference() == o.PrivateKey.IsReference():
		r.wrong(n, "client_secret: env:NAME, or private_key: file:PATH", "oauth has either a client_secret or a private_key")
	}
	return &o
}

func fieldNamed(header map[string]Value, name string) bool {
	for field := range header {
		if textproto.CanonicalMIMEHeaderKey(field) == name {
			return true
		}
	}
	return false
}
