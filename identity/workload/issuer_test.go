package workload_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/workload"
)

const resource = "https://agents.example.com/mcp/files"

// now is when all of these tests take place.
var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// An issuer serves its metadata and keys, and signs whatever it is told to.
type issuer struct {
	t    *testing.T
	http *httptest.Server
	URL  string

	mu    sync.Mutex
	keys  jose.JSONWebKeySet
	says  string // the issuer in its metadata
	down  bool
	hangs bool
	asked atomic.Int64 // for keys
	// hung and left get one for each who asks for keys while it hangs: when they come,
	// and when they wait no more.
	hung, left chan struct{}
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t, hung: make(chan struct{}, 10), left: make(chan struct{}, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.says, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.hangs {
			i.mu.Unlock()
			i.hung <- struct{}{}
			<-r.Context().Done()
			i.left <- struct{}{}
			i.mu.Lock()
			return
		}
		if i.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(i.keys)
	})
	i.http = httptest.NewServer(mux)
	t.Cleanup(i.http.Close)
	i.URL, i.says = i.http.URL, i.http.URL
	return i
}

// set changes what the issuer does.
func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// key makes a key that the issuer serves.
func (i *issuer) key(kid string) *ecdsa.PrivateKey {
	i.t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.set(func() {
		i.keys.Keys = append(i.keys.Keys, jose.JSONWebKey{Key: k.Public(), KeyID: kid, Use: "sig", Algorithm: "ES256"})
	})
	return k
}

// sign makes a token of the claims, with the header fields besides.
func sign(t *testing.T, alg jose.SignatureAlgorithm, key crypto.PrivateKey, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return signBytes(t, alg, key, header, b)
}

func signBytes(t *testing.T, alg jose.SignatureAlgorithm, key crypto.PrivateKey, header map[jose.HeaderKey]any, payload []byte) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims are those of a good token, with the changes; nil takes one away.
func (i *issuer) claims(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": i.URL, "sub": "helper-app", "client_id": "helper-app", "aud": resource, "scope": "mcp other",
		"exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "jti": "1",
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func kid(id string) map[jose.HeaderKey]any {
	return map[jose.HeaderKey]any{"kid": id, "typ": "at+jwt"}
}

// directory has the agent helper, known by the identities, and alice.
func directory(ids ...countersign.Identity) *countersign.Directory {
	d := countersign.NewDirectory()
	d.Agents["agt_1"] = countersign.Agent{ID: "agt_1", Name: "helper", Owner: "per_bob", Identities: ids}
	d.People["per_alice"] = countersign.Person{ID: "per_alice", Name: "Alice", Issuer: "https://people", Subject: "a-1"}
	return d
}

// config is the issuer with the mapping of the agent helper.
func (i *issuer) config(claims map[string][]string) []workload.Issuer {
	return []workload.Issuer{{URL: i.URL, Scopes: []string{"mcp"}, Agents: []workload.Mapping{{Agent: "helper", Claims: claims}}}}
}

func verifier(t *testing.T, in []workload.Issuer) *workload.Verifier {
	t.Helper()
	v, err := workload.New(in)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
