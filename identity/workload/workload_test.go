package workload_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/workload"
)

var byClient = map[string][]string{"client_id": {"helper-app"}}

func TestATokenForThisResourceIsOfTheMappedAgent(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	in := i.config(byClient)
	v, d := verifier(t, in), directory(workload.Identities(in, "helper")...)
	for _, aud := range []any{resource, []string{resource}} {
		who, err := v.Authenticate(t.Context(), d, sign(t, jose.ES256, key, kid("k1"), i.claims(map[string]any{"aud": aud})), resource, now)
		if err != nil {
			t.Fatal(err)
		}
		want := countersign.Who{Method: "jwt", Actor: countersign.Principal{
			Kind: countersign.KindAgent, ID: "agt_1", Name: "helper", Owner: "per_bob", Issuer: i.URL, Subject: "helper-app",
		}}
		if !reflect.DeepEqual(who, want) {
			t.Errorf("got %+v, want %+v", who, want)
		}
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("got %d looks at the keys, want 1", n)
	}
}

func TestAnyOtherTokenIsNobodys(t *testing.T) {
	i := newIssuer(t)
	key, stranger := i.key("k1"), newIssuer(t)
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	in := i.config(byClient)
	v, d := verifier(t, in), directory(workload.Identities(in, "helper")...)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	good := sign(t, jose.ES256, key, kid("k1"), i.claims(nil))
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"k1","typ":"at+jwt"}`)) + "." + parts[1] + "."
	with := func(changes map[string]any) string {
		return sign(t, jose.ES256, key, kid("k1"), i.claims(changes))
	}
	header := func(h map[jose.HeaderKey]any) string { return sign(t, jose.ES256, key, h, i.claims(nil)) }
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, c := range map[string]struct{ token, want string }{
		"nothing":                      {"", "neither an agent's token nor a JWT"},
		"of a sibling resource":        {with(map[string]any{"aud": "https://agents.example.com/mcp/other"}), "this is " + resource},
		"a longer resource":            {with(map[string]any{"aud": resource + "/"}), "this is"},
		"a host in capitals":           {with(map[string]any{"aud": "https://AGENTS.example.com/mcp/files"}), "this is"},
		"for others too":               {with(map[string]any{"aud": []string{resource, "https://other"}}), "this is"},
		"for itself twice":             {with(map[string]any{"aud": []string{resource, resource}}), "this is"},
		"for nobody":                   {with(map[string]any{"aud": nil}), "this is"},
		"of another issuer":            {with(map[string]any{"iss": stranger.URL}), "are not taken here"},
		"of an issuer with a slash":    {with(map[string]any{"iss": i.URL + "/"}), "are not taken here"},
		"expired":                      {with(map[string]any{"exp": at(-time.Second)}), "has expired"},
		"expired now":                  {with(map[string]any{"exp": at(0)}), "has expired"},
		"without end":                  {with(map[string]any{"exp": nil}), "has expired"},
		"with an end beyond all":       {with(map[string]any{"exp": 1e300}), "not as RFC 7519"},
		"for too long":                 {with(map[string]any{"exp": at(48 * time.Hour)}), "none may for more than"},
		"not yet":                      {with(map[string]any{"nbf": at(2 * time.Minute)}), "does not count yet"},
		"issued in the future":         {with(map[string]any{"iat": at(2 * time.Minute)}), "does not count yet"},
		"alg none":                     {none, "neither an agent's token nor a JWT"},
		"HS256 with the public key":    {sign(t, jose.HS256, der, kid("k1"), i.claims(nil)), "neither an agent's token nor a JWT"},
		"an algorithm that is not its": {sign(t, jose.RS512, weak, kid("k1"), i.claims(nil)), "which " + i.URL + " is not believed to do"},
		"RSA with the kid of another":  {sign(t, jose.RS256, weak, kid("k1"), i.claims(nil)), "signature is not one of"},
		"a key of its own in the head": {signedWithOwnKey(t, stranger.key("k1"), i), "signature is not one of"},
		"an unknown kid":               {header(kid("k2")), "which " + i.URL + " does not have"},
		"no kid":                       {header(map[jose.HeaderKey]any{"typ": "at+jwt"}), "with which key"},
		"a logout token":               {header(map[jose.HeaderKey]any{"kid": "k1", "typ": "logout+jwt"}), "no access token"},
		"a proof of possession":        {header(map[jose.HeaderKey]any{"kid": "k1", "typ": "dpop+jwt"}), "no access token"},
		"a critical header":            {header(map[jose.HeaderKey]any{"kid": "k1", "crit": []string{"must"}, "must": "know"}), "signature is not one of"},
		"events":                       {with(map[string]any{"events": map[string]any{}}), "tells of events"},
		"bound to a key":               {with(map[string]any{"cnf": map[string]string{"jkt": "x"}}), "bound to a key"},
		"without subject":              {with(map[string]any{"sub": nil}), "has no subject"},
		"of another client":            {with(map[string]any{"client_id": "other", "sub": "other"}), "no active agent"},
		"cut off":                      {good[:len(good)-2], "signature is not one of"},
		"another's claims":             {parts[0] + "." + strings.Split(with(map[string]any{"sub": "x"}), ".")[1] + "." + parts[2], "signature is not one of"},
		"too long":                     {with(map[string]any{"pad": strings.Repeat("x", 20_000)}), "the limit is"},
		"a claim twice":                {signBytes(t, jose.ES256, key, kid("k1"), twice(i)), "in two ways"},
		"a claim in another case":      {signBytes(t, jose.ES256, key, kid("k1"), otherCase(i)), "in two ways"},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := v.Authenticate(t.Context(), d, c.token, resource, now)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %+v, %v; want an error with %q", who, err, c.want)
			}
			if code := countersign.CodeOf(err); code != countersign.CodeUnauthenticated {
				t.Errorf("got code %s", code)
			}
		})
	}
	if _, err := v.Authenticate(t.Context(), d, good, resource, now); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func signedWithOwnKey(t *testing.T, k *ecdsa.PrivateKey, i *issuer) string {
	return sign(t, jose.ES256, k, map[jose.HeaderKey]any{"kid": "k1", "jwk": jose.JSONWebKey{Key: k.Public()}, "jku": "https://evil.example/keys"}, i.claims(nil))
}

func twice(i *issuer) []byte {
	return fmt.Appendf(nil, `{"iss":%q,"sub":"helper-app","client_id":"helper-app","aud":"https://other","aud":%q,"scope":"mcp","exp":%d}`, i.URL, resource, now.Unix()+60)
}

func otherCase(i *issuer) []byte {
	return fmt.Appendf(nil, `{"iss":%q,"sub":"helper-app","client_id":"helper-app","Aud":"https://other","aud":%q,"scope":"mcp","exp":%d}`, i.URL, resource, now.Unix()+60)
}

func TestATokenWithoutTheScopeSaysWhichItNeeds(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	in := i.config(byClient)
	v, d := verifier(t, in), directory(workload.Identities(in, "helper")...)
	_, err := v.Authenticate(t.Context(), d, sign(t, jose.ES256, key, kid("k1"), i.claims(map[string]any{"scope": "mcp2 other"})), resource, now)
	if e, ok := errors.AsType[*workload.ScopeError](err); !ok || !reflect.DeepEqual(e.Needs, []string{"mcp"}) {
		t.Errorf("got %v, want a ScopeError", err)
	}
	if _, err := v.Authenticate(t.Context(), d, sign(t, jose.ES256, key, kid("k1"), i.claims(map[string]any{"scope": nil, "scp": []string{"a", "mcp"}})), resource, now); err != nil {
		t.Errorf("scp: %v", err)
	}
}

func TestTheTypeThatAnIssuerSetsIsAskedFor(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	in := i.config(byClient)
	in[0].Type = "at+jwt"
	v, d := verifier(t, in), directory(workload.Identities(in, "helper")...)
	for typ, ok := range map[string]bool{"at+jwt": true, "application/at+JWT": true, "JWT": false, "": false} {
		h := map[jose.HeaderKey]any{"kid": "k1"}
		if typ != "" {
			h["typ"] = typ
		}
		if _, err := v.Authenticate(t.Context(), d, sign(t, jose.ES256, key, h, i.claims(nil)), resource, now); (err == nil) != ok {
			t.Errorf("typ %q: got %v", typ, err)
		}
	}
}

func TestAKeyThatIsNewIsLookedForAndOneThatIsGoneEnds(t *testing.T) {
	i := newIssuer(t)
	old := i.key("old")
	in := i.config(byClient)
	v, d := verifier(t, in), directory(workload.Identities(in, "helper")...)
	at := now
	try := func(key crypto.PrivateKey, id string) error {
		_, err := v.Authenticate(t.Context(), d, sign(t, jose.ES256, key, kid(id), i.claims(map[string]any{"exp": at.Add(time.Minute).Unix()})), resource, at)
		return err
	}
	if err := try(old, "old"); err != nil {
		t.Fatal(err)
	}
	i.set(func() { i.keys.Keys = nil })
	next := i.key("new")
	if err := try(next, "new"); err == nil {
		t.Error("the issuer was asked again at once")
	}
	at = at.Add(11 * time.Second)
	if err := try(next, "new"); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if err := try(old, "old"); err == nil {
		t.Error("a key that is gone still counts")
	}
	asked := i.asked.Load()
	for range 20 {
		_ = try(old, "made-up")
	}
	if n := i.asked.Load() - asked; n > 1 {
		t.Errorf("made-up keys made %d looks, want at most 1", n)
	}
	at = at.Add(time.Minute)
	i.set(func() { i.down = true })
	if err := try(next, "new"); err != nil {
		t.Errorf("a key that is known, with the issuer down: %v", err)
	}
	at = at.Add(20 * time.Minute)
	if err := try(next, "new"); err != nil {
		t.Errorf("a stale key, with the issuer down: %v", err)
	}
	at = at.Add(time.Hour)
	if err := try(next, "new"); countersign.CodeOf(err) != countersign.CodeUnavailable {
		t.Errorf("after an hour: got %v, want unavailable", err)
	}
}

func TestAKeyThatIsWithdrawnEndsWithoutAnotherBeingAskedFor(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	in := i.config(byClient)
	v, d := verifier(t, in), directory(workload.Identities(in, "helper")...)
	token := sign(t, jose.ES256, key, kid("k1"), i.claims(map[string]any{"exp": now.Add(time.Hour).Unix()}))
	if _, err := v.Authenticate(t.Context(), d, token, resource, now); err != nil {
		t.Fatal(err)
	}
	i.set(func() { i.keys.Keys = nil })
	i.key("k2")
	if _, err := v.Authenticate(t.Context(), d, token, resource, now.Add(16*time.Minute)); err == nil {
		t.Error("sixteen minutes later it still counts")
	}
}

func TestMetadataThatNamesAnotherIssuerIsNotBelieved(t *testing.T) {
	i := newIssuer(t)
	key := i.key("k1")
	i.says = "https://other.example"
	in := i.config(byClient)
	v := verifier(t, in)
	_, err := v.Authenticate(t.Context(), directory(workload.Identities(in, "helper")...), sign(t, jose.ES256, key, kid("k1"), i.claims(nil)), resource, now)
	if countersign.CodeOf(err) != countersign.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if err := v.Check(t.Context(), i.URL); err == nil || !strings.Contains(err.Error(), `says that it is the issuer "https://other.example"`) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyHTTPSIsAskedForKeysOnOtherMachines(t *testing.T) {
	for _, in := range []workload.Issuer{{URL: "http://idp.example"}, {URL: "https://idp.example", Keys: "http://idp.example/keys"}, {URL: "https://u:p@idp.example"}, {URL: "idp.example"}, {URL: "https://idp.example", Algorithms: []string{"HS256"}}, {URL: "https://idp.example", Algorithms: []string{"none"}}} {
		if _, err := workload.New([]workload.Issuer{in}); err == nil {
			t.Errorf("%+v is taken", in)
		}
	}
}
