package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

func TestAPasskeySignsOneDecision(t *testing.T) {
	w := newWorld(t)
	b := w.enrolled(bob)
	r := w.held()
	got := b.decide(r, "approve", b.get(b.challenge(r, "approve")))
	got.wants(t, http.StatusCreated, "")
	after := got.request(t)
	if d := after.Decisions[0]; after.Decision != "approved" || d.Assurance != "passkey" || d.By.ID != w.ids[bob] || d.Solo {
		t.Errorf("the decision is %+v of %s; want bob's approval, by passkey", d, after.Decision)
	}
	r = w.held()
	b.decide(r, "reject", b.get(b.challenge(r, "reject"))).wants(t, http.StatusCreated, "")
}

func TestASignatureOfAnotherDecisionIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.enrolled(bob)
	for name, forge := range map[string]func(r client.Request) (assertion object, choice string){
		"another choice": func(r client.Request) (object, string) { return b.get(b.challenge(r, "reject")), "approve" },
		"another request": func(client.Request) (object, string) {
			return b.get(b.challenge(w.held(), "approve")), "approve"
		},
		"another ceremony's answer": func(r client.Request) (object, string) {
			reject, approve := b.get(b.challenge(r, "reject")), b.challenge(r, "approve")
			return object{"ceremony": approve.Ceremony, "credential": reject["credential"]}, "approve"
		},
		"a sign-in": func(r client.Request) (object, string) {
			in, approve := b.get(b.begin("/v1/session/challenge", object{})), b.challenge(r, "approve")
			return object{"ceremony": approve.Ceremony, "credential": in["credential"]}, "approve"
		},
		"a sign-in's ceremony": func(client.Request) (object, string) {
			return b.get(b.begin("/v1/session/challenge", object{})), "approve"
		},
		"nobody verified": func(r client.Request) (object, string) {
			c := b.challenge(r, "approve")
			b.auth.Options.UserNotVerified = true
			defer func() { b.auth.Options.UserNotVerified = false }()
			return b.get(c), "approve"
		},
		"nobody there": func(r client.Request) (object, string) {
			c := b.challenge(r, "approve")
			b.auth.Options.UserNotPresent = true
			defer func() { b.auth.Options.UserNotPresent = false }()
			return b.get(c), "approve"
		},
		"another origin": func(r client.Request) (object, string) {
			c := b.challenge(r, "approve")
			b.rp.Origin = "https://gate.example.evil"
			defer func() { b.rp.Origin = origin }()
			return b.get(c), "approve"
		},
		"another relying party": func(r client.Request) (object, string) {
			c := b.challenge(r, "approve")
			b.rp.ID = "evil.example"
			defer func() { b.rp.ID = "gate.example" }()
			return b.get(c), "approve"
		},
		"another key": func(r client.Request) (object, string) {
			c, mine := b.challenge(r, "approve"), b.key
			b.key = newKey()
			b.key.ID = mine.ID
			defer func() { b.key = mine }()
			return b.get(c), "approve"
		},
		"a passkey that is none": func(r client.Request) (object, string) {
			c, mine := b.challenge(r, "approve"), b.key
			b.key = newKey()
			defer func() { b.key = mine }()
			return b.get(c), "approve"
		},
		"too late": func(r client.Request) (object, string) {
			signed := b.get(b.challenge(r, "approve"))
			w.offset.Add(int64(6 * time.Minute))
			return signed, "approve"
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.held()
			assertion, choice := forge(r)
			b.decide(r, choice, assertion).wants(t, 403, countersign.CodePasskeyInvalid)
			if after := w.send(call{as: admin, method: "GET", path: "/v1/requests/" + r.ID}).request(t); after.Decision != "pending" {
				t.Errorf("the request is %s, want pending", after.Decision)
			}
		})
	}
}

func TestASignatureCountsOnce(t *testing.T) {
	w := newWorld(t)
	b := w.enrolled(bob)
	r := w.held()
	signed := b.get(b.challenge(r, "approve"))
	b.decide(r, "approve", signed).wants(t, http.StatusCreated, "")
	b.decide(w.held(), "approve", signed).wants(t, 403, countersign.CodePasskeyInvalid)
	again := w.held()
	c := b.challenge(again, "approve")
	b.decide(again, "approve", object{"ceremony": c.Ceremony, "credential": signed["credential"]}).wants(t, 403, countersign.CodePasskeyInvalid)
}

func TestARemovedPasskeyOpensAndSignsNothing(t *testing.T) {
	w := newWorld(t)
	b := w.enrolled(bob)
	r := w.held()
	signed := b.get(b.challenge(r, "approve"))
	signing := b.get(b.begin("/v1/session/challenge", object{}))
	id := decode[client.Me](t, b.send("GET", "/v1/me", nil)).Passkeys[0].ID
	b.send("DELETE", "/v1/passkeys/"+id, object{"reason": "lost"}).wants(t, http.StatusNoContent, "")
	b.send("GET", "/v1/me", nil).wants(t, 401, countersign.CodeUnauthenticated) // its session ended
	b.cookie, b.as = "", bob
	b.decide(r, "approve", signed).wants(t, 403, countersign.CodePasskeyInvalid)
	b.send("POST", "/v1/session", signing).wants(t, 403, countersign.CodePasskeyInvalid)
	b.signIn().wants(t, 403, countersign.CodePasskeyInvalid)
}

func TestAPasskeyCountsOnlyForWhatIsAskedAfterIt(t *testing.T) {
	w := newWorld(t)
	before := w.held()
	w.offset.Add(int64(time.Second))
	b := w.enrolled(bob)
	b.send("POST", "/v1/requests/"+before.ID+"/challenge", object{"choice": "approve", "digest": before.Digest, "view_digest": before.ViewDigest}).
		wants(t, 403, countersign.CodePasskeyInvalid)
	other := w.held()
	b.decide(before, "approve", b.get(b.challenge(other, "approve"))).wants(t, 403, countersign.CodePasskeyInvalid)
	p := decode[paged](t, b.send("GET", "/v1/requests/"+before.ID+"/brief", nil))
	if slices.Contains(p.You.May, "approve") || p.You.WhyNot.Code != countersign.CodePasskeyInvalid {
		t.Errorf("bob may %+v; want no approve, since his passkey is newer", p.You)
	}
	p = decode[paged](t, b.send("GET", "/v1/requests/"+other.ID+"/brief", nil))
	if !slices.Contains(p.You.May, "approve") || p.You.Needs != countersign.Passkey {
		t.Errorf("bob may %+v; want approve, by passkey", p.You)
	}
}

func TestSigningInTakesThePersonsOwnPasskey(t *testing.T) {
	w := newWorld(t)
	b := w.enrolled(bob)
	b.send("DELETE", "/v1/session", nil).wants(t, http.StatusNoContent, "")
	b.send("GET", "/v1/me", nil).wants(t, 401, countersign.CodeUnauthenticated)
	b.as, b.cookie = nobody, ""
	got := b.signIn()
	got.wants(t, http.StatusOK, "")
	me := decode[client.Me](t, got)
	if me.Person.ID != w.ids[bob] || me.Session.Method != "passkey" || me.Session.Assurance != "" || me.Enrolled != 1 || !me.Claimed {
		t.Errorf("me is %+v; want bob, by passkey, lending nothing by itself", me)
	}
	if cookie := got.header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("the cookie is %q, want HttpOnly and SameSite=Lax", cookie)
	}
	first := b.cookie
	b.signIn().wants(t, http.StatusOK, "")
	if b.cookie == first {
		t.Error("signing in again keeps the session, want a new one")
	}
	used := b.get(b.begin("/v1/session/challenge", object{}))
	b.send("POST", "/v1/session", used).wants(t, http.StatusOK, "")
	b.send("POST", "/v1/session", used).wants(t, 403, countersign.CodePasskeyInvalid)
	for _, other := range []string{"https://GATE.example", "https://gate.example:8480", "http://gate.example", "https://gate.example.evil"} {
		b.rp.Origin = other
		b.signIn().wants(t, 403, countersign.CodePasskeyInvalid)
	}
	b.rp.Origin = origin
	b.auth.Options.UserHandle = []byte(w.ids[carol])
	b.signIn().wants(t, 403, countersign.CodePasskeyInvalid)
	b.auth.Options.UserHandle = []byte(w.ids[bob])
	b.auth.Options.UserNotVerified = true
	b.signIn().wants(t, 403, countersign.CodePasskeyInvalid)
}

func TestAnotherSitesPageSignsNobodyIn(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/v1/session/challenge", "/v1/session", "/v1/passkeys/challenge", "/v1/passkeys", "/v1/recovery"} {
		for _, from := range []string{"", "null", "https://evil.example"} {
			w.send(call{as: nobody, method: "POST", path: path, body: "{}", header: http.Header{"Origin": {from}}}).wants(t, 403, countersign.CodeForbidden)
		}
	}
}

// recovered is a browser in which the code, whose day is over, enrolled a passkey.
func (w *world) recovered(code string) (*browser, madePasskey) {
	w.t.Helper()
	b := w.stranger()
	return b, b.enrol(object{"token": code})
}

// shown begins the recovery with the codes, and lets their day pass.
func (w *world) shown(codes ...string) {
	w.t.Helper()
	for _, code := range codes {
		w.stranger().send("POST", "/v1/recovery", object{"code": code}).wants(w.t, http.StatusAccepted, "")
	}
	w.offset.Add(int64(24*time.Hour + time.Minute))
}

func TestTwoPasskeysThatWaitDoNotConfirmEachOther(t *testing.T) {
	w := newWorld(t)
	b, c := w.browser(bob), w.browser(carol)
	codeB, codeC := b.enrol(object{}).RecoveryCodes[0], c.enrol(object{}).RecoveryCodes[0]
	w.shown(codeB, codeC)
	asBob, keyB := w.recovered(codeB)
	asCarol, keyC := w.recovered(codeC)
	asBob.send("POST", "/v1/passkeys/"+keyC.Passkey.ID+"/confirm", nil).wants(t, 403, countersign.CodeAssuranceTooLow)
	asCarol.send("POST", "/v1/passkeys/"+keyB.Passkey.ID+"/confirm", nil).wants(t, 403, countersign.CodeAssuranceTooLow)
	asBob.signIn().wants(t, http.StatusOK, "")
	asBob.send("POST", "/v1/passkeys/"+keyC.Passkey.ID+"/confirm", nil).wants(t, 403, countersign.CodeAssuranceTooLow)
	c.signIn().wants(t, http.StatusOK, "")
	c.send("POST", "/v1/passkeys/"+keyB.Passkey.ID+"/confirm", nil).wants(t, http.StatusNoContent, "")
}

func TestAPasskeyThatWaitsOpensNothingToOthers(t *testing.T) {
	for name, others := range map[string][]string{"alone": nil, "with another": {carol}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			made := w.browser(bob).enrol(object{})
			for _, other := range others {
				w.browser(other).enrol(object{})
			}
			w.shown(made.RecoveryCodes[0])
			thief, _ := w.recovered(made.RecoveryCodes[0])
			r := w.heldWith("hunter2-hunter2")
			for path, in := range map[string]object{
				"/v1/changes": {"entity": "policy", "kind": "policy.changed", "reason": "x", "files": object{
					"p.yaml": "apiVersion: countersign/v1\nkind: PolicySet\nmetadata: {name: x}\nrules:\n  - id: everything\n    why: x\n    effect: allow\n"}},
				"/v1/invites":                      {"name": "Mallory"},
				"/v1/links":                        {"chat": "slack"},
				"/v1/requests/" + r.ID + "/reveal": {"reason": "to read it"},
			} {
				if got := thief.send("POST", path, in); got.status != 403 || got.problem(t).Code != string(countersign.CodeAssuranceTooLow) {
					t.Errorf("POST %s: got %d %s, want 403 assurance_too_low", path, got.status, got.body)
				}
			}
			thief.send("DELETE", "/v1/passkeys/"+made.Passkey.ID, object{"reason": "mine"}).wants(t, 403, countersign.CodeAssuranceTooLow)
		})
	}
}

// What a link opened lies in a browser for hours. It takes no passkey away, and
// without the passkey it is worth no more than before.
func TestWhoHadAPasskeyDecidesWithNothingLess(t *testing.T) {
	w := newWorld(t)
	b := w.browser(bob)
	made := b.enrol(object{})
	w.enrolled(carol)
	r := w.held()
	w.decide(bob, r, "approve").wants(t, 403, countersign.CodeAssuranceTooLow)
	remove := call{as: bob, method: "DELETE", path: "/v1/passkeys/" + made.Passkey.ID, body: `{"reason":"mine"}`}
	w.send(remove).wants(t, 403, countersign.CodeAssuranceTooLow)
	w.offset.Add(int64(16 * time.Minute))
	b.send("DELETE", "/v1/passkeys/"+made.Passkey.ID, object{"reason": "lost"}).wants(t, 403, countersign.CodeAssuranceTooLow)
	remove.as = admin
	w.send(remove).wants(t, http.StatusNoContent, "")
	w.decide(bob, w.held(), "approve").wants(t, 403, countersign.CodeAssuranceTooLow)
	if me := decode[client.Me](t, w.send(call{as: bob, method: "GET", path: "/v1/me"})); len(me.Passkeys) != 0 {
		t.Errorf("bob has %+v, want the operator's removal to stand", me.Passkeys)
	}
}
