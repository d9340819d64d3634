package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionLife is how long a server may take an assertion for.
const assertionLife = time.Minute

var errKey = errors.New("oauth: the private key is no PEM document with an RSA key of 2048 bits or more, a P-256 or an Ed25519 key")

// A signer makes the assertions by which a client proves who it is (RFC 7523,
// section 3; OpenID Connect Core, section 9, private_key_jwt).
type signer struct {
	cfg  Config
	jose jose.Signer
}

func newSigner(cfg Config) (*signer, error) {
	block, _ := pem.Decode(cfg.PrivateKey)
	if block == nil {
		return nil, errKey
	}
	key, alg := parseKey(block.Bytes)
	if key == nil {
		return nil, errKey
	}
	opt := (&jose.SignerOptions{}).WithType("JWT")
	if cfg.KeyID != "" {
		opt = opt.WithHeader("kid", cfg.KeyID)
	}
	j, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opt)
	if err != nil {
		return nil, errKey
	}
	return &signer{cfg: cfg, jose: j}, nil
}

// parseKey returns the key and what it signs with, nil if it is none that does.
func parseKey(der []byte) (crypto.PrivateKey, jose.SignatureAlgorithm) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if r, err := x509.ParsePKCS1PrivateKey(der); err == nil {
			key = r
		} else if e, err := x509.ParseECPrivateKey(der); err == nil {
			key = e
		}
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() >= 2048 {
			return k, jose.RS256
		}
	case *ecdsa.PrivateKey:
		if k.Curve == elliptic.P256() {
			return k, jose.ES256
		}
	case ed25519.PrivateKey:
		return k, jose.EdDSA
	}
	return nil, ""
}

// assertion is one for the server that has the token endpoint. A server that is
// known by its issuer is named by that.
func (s *signer) assertion(endpoint string) (string, error) {
	audience := endpoint
	if s.cfg.Issuer != "" {
		audience = s.cfg.Issuer
	}
	now := s.cfg.Now()
	return jwt.Signed(s.jose).Claims(jwt.Claims{
		Issuer: s.cfg.ClientID, Subject: s.cfg.ClientID, Audience: jwt.Audience{audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(assertionLife)),
	}).Serialize()
}
