package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/countersignhq/countersign/client"
)

// A browser is one person's, with an authenticator and a cookie.
type browser struct {
	w    *world
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
	// as is who a link signed in, empty for a browser with a cookie of its own.
	as     string
	cookie string
}

func (w *world) browser(as string) *browser {
	return &browser{
		w: w, as: as, rp: virtualwebauthn.RelyingParty{ID: "gate.example", Name: "Countersign", Origin: origin},
		auth: virtualwebauthn.NewAuthenticator(), key: newKey(),
	}
}

// newKey is a key whose coordinates have 32 bytes each: the virtual authenticator
// leaves leading zeros out, which no real one may (RFC 9053, section 7.1.1).
func newKey() virtualwebauthn.Credential {
	const whole = 77 // bytes of a P-256 COSE_Key
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == whole {
			return c
		}
	}
}

// send calls as the browser does, and keeps the cookie that it is given.
func (b *browser) send(method, path string, v any) answered {
	b.w.t.Helper()
	text := ""
	if v != nil {
		j, err := json.Marshal(v)
		must(b.w.t, err)
		text = string(j)
	}
	c := call{as: b.as, method: method, path: path, body: text, header: http.Header{"Origin": {origin}}}
	if b.cookie != "" {
		c.as, c.header["Cookie"] = nobody, []string{b.cookie}
	}
	got := b.w.send(c)
	if set := got.header.Values("Set-Cookie"); len(set) > 0 { // the last one wins
		b.cookie, _, _ = strings.Cut(set[len(set)-1], ";")
	}
	return got
}

// A begunCeremony is what a challenge answers.
type begunCeremony struct {
	Ceremony  string          `json:"ceremony"`
	PublicKey json.RawMessage `json:"public_key"`
	Person    struct{ ID, Name string }
	Why       string
}

type object = map[string]any

func (b *browser) begin(path string, v any) begunCeremony {
	b.w.t.Helper()
	got := b.send("POST", path, v)
	got.wants(b.w.t, http.StatusOK, "")
	return decode[begunCeremony](b.w.t, got)
}

// create answers a challenge for a new passkey.
func (b *browser) create(c begunCeremony) object {
	b.w.t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(c.PublicKey))
	must(b.w.t, err)
	b.auth.Options.UserHandle = []byte(options.UserID)
	b.auth.AddCredential(b.key)
	made := virtualwebauthn.CreateAttestationResponse(b.rp, b.auth, b.key, *options)
	return object{"ceremony": c.Ceremony, "credential": json.RawMessage(made), "name": "MacBook"}
}

// get answers a challenge with the passkey.
func (b *browser) get(c begunCeremony) object {
	b.w.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(c.PublicKey))
	must(b.w.t, err)
	return object{"ceremony": c.Ceremony, "credential": json.RawMessage(virtualwebauthn.CreateAssertionResponse(b.rp, b.auth, b.key, *options))}
}

// A madePasskey is what an enrolment answers.
type madePasskey struct {
	Passkey       client.Passkey `json:"passkey"`
	RecoveryCodes []string       `json:"recovery_codes"`
}

func (b *browser) enrol(with object) madePasskey {
	b.w.t.Helper()
	got := b.send("POST", "/v1/passkeys", b.create(b.begin("/v1/passkeys/challenge", with)))
	got.wants(b.w.t, http.StatusCreated, "")
	return decode[madePasskey](b.w.t, got)
}

func (b *browser) signIn() answered {
	b.w.t.Helper()
	return b.send("POST", "/v1/session", b.get(b.begin("/v1/session/challenge", object{})))
}

// enrolled is a browser in which the person has a passkey that counts for what is
// asked from now on. The first of all needs nobody's word; a later one is
// confirmed by who has one.
func (w *world) enrolled(name string, by ...*browser) *browser {
	w.t.Helper()
	b := w.browser(name)
	made := b.enrol(object{})
	for _, other := range by {
		other.send("POST", "/v1/passkeys/"+made.Passkey.ID+"/confirm", nil).wants(w.t, http.StatusNoContent, "")
	}
	if len(by) > 0 {
		b.signIn().wants(w.t, http.StatusOK, "")
	}
	w.offset.Add(int64(time.Second))
	return b
}

func (b *browser) challenge(r client.Request, choice string) begunCeremony {
	b.w.t.Helper()
	return b.begin("/v1/requests/"+r.ID+"/challenge", object{"choice": choice, "digest": r.Digest, "view_digest": r.ViewDigest})
}

func (b *browser) decide(r client.Request, choice string, assertion object) answered {
	b.w.t.Helper()
	in := object{"choice": choice, "digest": r.Digest, "view_digest": r.ViewDigest, "reason": "because"}
	if assertion != nil {
		in["assertion"] = assertion
	}
	return b.send("POST", "/v1/requests/"+r.ID+"/decisions", in)
}
