package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/ledger/receipt"
)

// The rows of docs/threat-model.md, through the API.

func (w *world) group(name string, people ...string) {
	w.t.Helper()
	var list []string
	for _, p := range people {
		list = append(list, w.ids[p])
	}
	must(w.t, w.gate.SetGroup(w.t.Context(), countersign.Who{Actor: countersign.Operator()}, name, list))
	w.offset.Add(int64(time.Second))
}

// kinds are the kinds of the events of a request.
func (w *world) kinds(id string) []string {
	w.t.Helper()
	entries, err := w.store.Events(w.t.Context(), countersign.RequestID(id))
	must(w.t, err)
	var list []string
	for _, entry := range entries {
		e, err := entry.Event()
		must(w.t, err)
		list = append(list, string(e.Kind()))
	}
	return list
}

func TestT1NobodyApprovesWhatTheyAskedFor(t *testing.T) {
	w := newWorld(t)
	w.group("platform", alice, bob, carol)
	owner := w.enrolled(alice) // the bot's, and a reviewer besides
	r := w.held()
	owner.send("POST", "/v1/requests/"+r.ID+"/challenge", object{"choice": "approve", "digest": r.Digest, "view_digest": r.ViewDigest}).
		wants(t, 403, countersign.CodeSelfApproval)
	owner.decide(r, "approve", nil).wants(t, 403, countersign.CodeSelfApproval)
	w.decide(bot, r, "approve").wants(t, 403, countersign.CodeAssuranceTooLow)
	// A second account of hers, which nobody else stands for, signs nothing.
	in := decode[invite](t, owner.send("POST", "/v1/invites", object{"name": "Alicia", "groups": []string{"platform"}}))
	double := w.stranger()
	double.enrol(object{"token": strings.TrimPrefix(in.Link, origin+"/join#")})
	w.offset.Add(int64(time.Second))
	later := w.held()
	got := double.decide(later, "approve", nil)
	if code := countersign.Code(got.problem(t).Code); got.status != 403 || code != countersign.CodeSelfApproval && code != countersign.CodeAssuranceTooLow {
		t.Errorf("the second account is answered %d %s, want a refusal", got.status, got.body)
	}
	if kinds := w.kinds(r.ID); !slices.Contains(kinds, "refused") {
		t.Errorf("the record has %v, want the refused attempt", kinds)
	}
	if after := w.send(call{as: admin, method: "GET", path: "/v1/requests/" + r.ID}).request(t); after.Decision != "pending" {
		t.Errorf("the request is %s, want pending", after.Decision)
	}
}

func TestT10WhoIsDeactivatedOrLosesThePasskeyVoidsTheirApproval(t *testing.T) {
	for name, end := range map[string]func(*world, *browser){
		"deactivated": func(w *world, _ *browser) {
			d, err := w.gate.Directory(t.Context())
			must(t, err)
			p := d.People[w.ids[bob]]
			p.Inactive = true
			_, err = w.gate.SetPerson(t.Context(), countersign.Who{Actor: countersign.Operator()}, p)
			must(t, err)
		},
		"passkey removed": func(w *world, b *browser) {
			id := decode[client.Me](t, b.send("GET", "/v1/me", nil)).Passkeys[0].ID
			b.send("DELETE", "/v1/passkeys/"+id, object{"reason": "stolen"}).wants(t, http.StatusNoContent, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.enrolled(bob)
			r := w.held()
			b.decide(r, "approve", b.get(b.challenge(r, "approve"))).wants(t, http.StatusCreated, "")
			end(w, b)
			got := w.send(call{as: bot, method: "POST", path: "/v1/requests/" + r.ID + "/run"})
			got.wants(t, http.StatusAccepted, "")
			if after := got.request(t); after.Decision != "pending" || after.Decisions[0].Void == "" || w.ran.times(r.ID) != 0 {
				t.Errorf("it is %s, void %q, and ran %d times; want pending, void, 0", after.Decision, after.Decisions[0].Void, w.ran.times(r.ID))
			}
		})
	}
}

func TestT14FetchingALinkSpendsNothing(t *testing.T) {
	w := newWorld(t)
	secret, err := w.desk.NewSetup(t.Context())
	must(t, err)
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{"/v1/passkeys/challenge", "/v1/passkeys", "/v1/session", "/v1/session/challenge", "/v1/recovery"} {
			if got := w.send(call{as: nobody, method: method, path: path}); got.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: got %d, want 405", method, path, got.status)
			}
		}
	}
	b := w.stranger()
	b.enrol(object{"token": secret, "name": "Ada"})
}

// heldWith is a request of the bot's that waits for platform, with a secret in its
// command and in its reason.
func (w *world) heldWith(secret string) client.Request {
	w.t.Helper()
	params, err := json.Marshal(object{"name": "write_file", "arguments": object{"path": "/srv/a", "password": secret}})
	must(w.t, err)
	ask, err := json.Marshal(client.Ask{Resource: "mcp/files", Reason: "with " + secret, Command: client.Command{Kind: "mcp.request", Method: "tools/call", Params: string(params)}})
	must(w.t, err)
	got := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: string(ask)})
	got.wants(w.t, http.StatusAccepted, "")
	return got.request(w.t)
}

func TestT23SecretsAreRevealedOnRecordAlone(t *testing.T) {
	const secret = "AKIAIOSFODNN7EXAMPLE"
	w := newWorld(t)
	b := w.enrolled(bob)
	r := w.heldWith(secret)
	if !strings.Contains(r.Command.Params, secret) || r.Command.Redacted != 0 {
		t.Errorf("the agent is shown %s, want what it sent", r.Command.Params)
	}
	for _, path := range []string{"/v1/requests/" + r.ID, "/v1/requests", "/v1/requests/" + r.ID + "/brief", "/v1/inbox"} {
		if got := b.send("GET", path, nil); got.status != 200 || strings.Contains(string(got.body), secret) {
			t.Errorf("GET %s answers %d and the secret: %v; want 200 without it", path, got.status, strings.Contains(string(got.body), secret))
		}
		if got := w.send(call{as: admin, method: "GET", path: path}); strings.Contains(string(got.body), secret) {
			t.Errorf("GET %s shows the operator the secret", path)
		}
	}
	fetched := func() receipt.Receipt {
		got := b.send("GET", "/v1/requests/"+r.ID+"/receipt", nil)
		got.wants(t, http.StatusOK, "")
		parsed, err := receipt.Parse([]byte(got.body))
		must(t, err)
		return parsed
	}
	if e := fetched().Entries[0]; e.Open.Command != nil || e.Open.Context != nil {
		t.Error("a receipt discloses what its holder has not revealed")
	}
	hidden := decode[paged](t, b.send("GET", "/v1/requests/"+r.ID+"/brief", nil))
	if slices.Contains(hidden.You.May, "approve") {
		t.Errorf("bob may %v what is hidden, want no approve", hidden.You.May)
	}
	path := "/v1/requests/" + r.ID + "/reveal"
	b.send("POST", path, object{"reason": " "}).wants(t, 422, countersign.CodeReasonRequired)
	w.browser(dave).send("POST", path, object{"reason": "curious"}).wants(t, 404, countersign.CodeNotFound)
	w.browser(alice).send("POST", path, object{"reason": "mine"}).wants(t, 403, countersign.CodeForbidden)
	shown := b.send("POST", path, object{"reason": "to compare it with the runbook"})
	shown.wants(t, http.StatusOK, "")
	p := decode[paged](t, shown)
	if !strings.Contains(string(shown.body), secret) || !slices.Contains(p.You.May, "approve") || p.ViewDigest == hidden.ViewDigest {
		t.Errorf("revealed it is %s; want the secret, another view, and approve", shown.body)
	}
	if e := fetched().Entries[0]; e.Open.Command == nil || e.Open.Context == nil {
		t.Error("a receipt leaves out what its holder has revealed")
	}
	if kinds := w.kinds(r.ID); !slices.Contains(kinds, "payload.revealed") {
		t.Errorf("the record has %v, want payload.revealed", kinds)
	}
	r.ViewDigest = hidden.ViewDigest
	b.send("POST", "/v1/requests/"+r.ID+"/challenge", object{"choice": "approve", "digest": r.Digest, "view_digest": r.ViewDigest}).
		wants(t, 409, countersign.CodeCannotApprove)
	r.ViewDigest = p.ViewDigest
	b.decide(r, "approve", b.get(b.challenge(r, "approve"))).wants(t, http.StatusCreated, "")
	if strings.Contains(w.log.String(), secret) {
		t.Error("the log has the secret")
	}
}

func TestT23AReceiptDoesNotSayTheSecretAgain(t *testing.T) {
	const secret = "correct-horse-battery1"
	for what, said := range map[string]func(w *world, r client.Request){
		"decided": func(w *world, r client.Request) {
			w.send(call{as: bob, method: "POST", path: "/v1/requests/" + r.ID + "/decisions", body: reasoned(r, "reject", secret)}).wants(t, http.StatusCreated, "")
		},
		"escalated": func(w *world, r client.Request) {
			w.send(call{as: bob, method: "POST", path: "/v1/requests/" + r.ID + "/decisions", body: reasoned(r, "escalate", secret)}).wants(t, http.StatusCreated, "")
		},
		"refused": func(w *world, r client.Request) {
			w.send(call{as: dave, method: "POST", path: "/v1/requests/" + r.ID + "/decisions", body: reasoned(r, "approve", secret)}).wants(t, http.StatusForbidden, "")
		},
		"withdrawn": func(w *world, r client.Request) {
			w.send(call{as: bot, method: "POST", path: "/v1/requests/" + r.ID + "/withdraw", body: `{"reason":"not ` + secret + `"}`}).wants(t, http.StatusOK, "")
		},
		"payload.revealed": func(w *world, r client.Request) {
			w.send(call{as: bob, method: "POST", path: "/v1/requests/" + r.ID + "/reveal", body: `{"reason":"is it ` + secret + `?"}`}).wants(t, http.StatusOK, "")
		},
	} {
		w := newWorld(t)
		r := w.heldWith(secret)
		said(w, r)
		got := w.send(call{as: carol, method: "GET", path: "/v1/requests/" + r.ID + "/receipt"})
		got.wants(t, http.StatusOK, "")
		parsed, err := receipt.Parse(got.body)
		must(t, err)
		kept := 0
		for _, e := range parsed.Entries {
			if e.Open.Context == nil {
				continue
			}
			kept++
			if strings.Contains(string(e.Open.Context.Value), secret) {
				t.Errorf("%s: the receipt says the secret: %s", what, e.Open.Context.Value)
			}
		}
		if kinds := w.kinds(r.ID); !slices.Contains(kinds, what) || kept == 0 {
			t.Errorf("%s: the record has %v, and the receipt discloses %d contexts; want one of these, and some", what, kinds, kept)
		}
	}
}

// reasoned is a choice whose reason says the secret.
func reasoned(r client.Request, what, secret string) string {
	b, _ := json.Marshal(client.Choice{Choice: what, Digest: r.Digest, ViewDigest: r.ViewDigest, Reason: "it logs in with " + secret, To: "platform"})
	return string(b)
}

func TestT24NoSessionIsFixedOnABrowser(t *testing.T) {
	w := newWorld(t)
	b := w.enrolled(bob)
	mine := b.cookie
	b.cookie = "countersign_session=chosen-by-somebody-else"
	b.signIn().wants(t, http.StatusOK, "")
	if strings.Contains(b.cookie, "chosen") || b.cookie == mine {
		t.Errorf("after the sign-in the cookie is %s, want a new one", b.cookie)
	}
	for _, from := range []string{"null", "https://evil.example", "https://gate.example.evil"} {
		for _, c := range []struct{ method, path string }{
			{"POST", "/v1/invites"}, {"DELETE", "/v1/session"}, {"DELETE", "/v1/passkeys/x"}, {"POST", "/v1/passkeys/x/confirm"},
			{"POST", "/v1/changes"}, {"POST", "/v1/requests/req_0000000000000000/reveal"}, {"POST", "/v1/requests/req_0000000000000000/challenge"},
		} {
			w.send(call{as: nobody, method: c.method, path: c.path, body: "{}", header: http.Header{"Cookie": {b.cookie}, "Origin": {from}}}).wants(t, 403, countersign.CodeForbidden)
		}
	}
	b.send("GET", "/v1/me", nil).wants(t, http.StatusOK, "")
}

func TestT27NothingThatIsStoredApproves(t *testing.T) {
	w := newWorld(t)
	b := w.enrolled(bob)
	r := w.held()
	thief := w.stranger()
	thief.cookie = b.cookie // read from the browser's files, seconds after the sign-in
	thief.decide(r, "approve", nil).wants(t, 403, countersign.CodeAssuranceTooLow)
	c := thief.challenge(r, "approve")
	thief.auth.Options.UserHandle = []byte(w.ids[bob])
	thief.decide(r, "approve", thief.get(c)).wants(t, 403, countersign.CodePasskeyInvalid)
	thief.send("POST", "/v1/passkeys/challenge", object{}).wants(t, 403, countersign.CodeAssuranceTooLow)
	w.decide(bob, r, "approve").wants(t, 403, countersign.CodeAssuranceTooLow) // a link of the operator's
	w.decide(bot, r, "approve").wants(t, 403, countersign.CodeAssuranceTooLow)
	w.decide(admin, r, "approve").wants(t, 403, countersign.CodeForbidden)
	if after := w.send(call{as: admin, method: "GET", path: "/v1/requests/" + r.ID}).request(t); after.Decision != "pending" || len(after.Decisions) != 0 {
		t.Errorf("the request is %s with %v; want pending, undecided", after.Decision, after.Decisions)
	}
	b.decide(r, "approve", b.get(b.challenge(r, "approve"))).wants(t, http.StatusCreated, "")
}
