package oauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/countersignhq/countersign/internal/testenv"
	"github.com/countersignhq/countersign/upstream/oauth"
)

func TestARealProviderGivesATokenForTheResource(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	const awkward = "s3cret with spaces+and:colons%"
	issuer := testenv.OpenID(t,
		testenv.Client{ID: "gateway", Secret: awkward}, testenv.Client{ID: "poster", Secret: awkward, Method: "client_secret_post"},
		testenv.Client{ID: "signer", Method: "private_key_jwt", Keys: keys},
	)
	const resource = "https://mcp.example.com/mcp"
	for name, c := range map[string]struct {
		cfg  oauth.Config
		want string // in the error
	}{
		"by the issuer":         {oauth.Config{Issuer: issuer, ClientID: "gateway", ClientSecret: awkward}, ""},
		"by the address":        {oauth.Config{TokenURL: issuer + "/token", ClientID: "gateway", ClientSecret: awkward}, ""},
		"with a key":            {oauth.Config{Issuer: issuer, ClientID: "signer", KeyID: "k1", PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}, ""},
		"with a wrong secret":   {oauth.Config{Issuer: issuer, ClientID: "gateway", ClientSecret: "wrong-secret"}, "invalid_client; check client_id"},
		"as an unknown client":  {oauth.Config{Issuer: issuer, ClientID: "nobody", ClientSecret: "wrong-secret"}, "invalid_client"},
		"for a broken resource": {oauth.Config{Issuer: issuer, ClientID: "gateway", ClientSecret: awkward, Resource: "#"}, "invalid_target; check resource"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.cfg.Resource == "" {
				c.cfg.Resource = resource
			}
			if c.cfg.Scopes == nil {
				c.cfg.Scopes = []string{"mcp"}
			}
			s, err := oauth.New(c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			token, err := s.Token(t.Context())
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrong-secret") {
					t.Fatalf("got %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
			if err != nil || !strings.Contains(string(payload), `"aud":"`+resource+`"`) {
				t.Errorf("got %s, %v; want one for %s", payload, err, resource)
			}
		})
	}
}
