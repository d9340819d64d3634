package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/session"
	"github.com/countersignhq/countersign/ledger/ledgertest"
)

func TestASecretIsRevealedWithAReasonAndThenApproved(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/srv/a","password":"correct-horse1"}`)
	bob, alice, at := w.as("bob"), w.as("alice"), "/plain/r/"+string(r.ID)
	got := bob.get(at)
	got.wants(t, http.StatusOK, "Reveal what was left out")
	if strings.Contains(got.body, "correct-horse1") || strings.Contains(got.text, "Approve, run once") {
		t.Errorf("before it is revealed the page shows the secret, or an Approve\n%s", got.text)
	}
	if got := alice.get(at); strings.Contains(got.text, "Reveal, on record") {
		t.Error("the agent's owner is offered to reveal it")
	}
	alice.post(at+"/reveal", url.Values{"reason": {"To see."}}).wants(t, http.StatusForbidden)
	bob.post(at+"/reveal", url.Values{"reason": {" "}}).wants(t, http.StatusUnprocessableEntity, "needs a reason")
	shown := bob.post(at+"/reveal", url.Values{"reason": {"To compare it with the vault."}})
	shown.wants(t, http.StatusOK, "correct-horse1", "You see what was left out.", "Approve, run once")
	if shown.header.Get("Content-Encoding") != "" || shown.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page with a secret is compressed or kept: %v", shown.header)
	}
	if strings.Contains(bob.get(at).body, "correct-horse1") {
		t.Error("the secret is still there when the page is opened again")
	}
	f := url.Values{"choice": {"approve"}}
	for _, m := range hiddenField.FindAllStringSubmatch(shown.body, -1) {
		f.Set(m[1], m[2])
	}
	bob.post(at+"/decide", f).wants(t, http.StatusSeeOther)
	if got := w.get(r.ID); got.Decision != countersign.DecisionApproved || !got.RevealedTo("per_bob") {
		t.Errorf("it is %s, revealed %v; want it approved by whom it was revealed to", got.Decision, got.RevealedTo("per_bob"))
	}
}

func TestAPasskeyThatWaitsIsShownNoSecret(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/srv/a","password":"correct-horse1"}`)
	key := ledgertest.NewPasskey(t, "per_bob", "phone").Credential
	key.VouchedBy, key.Pending = []string{"operator"}, true
	key, err := w.gate.Enrol(t.Context(), operator(), key)
	must(t, err)
	opened := httptest.NewRecorder()
	must(t, session.Open(t.Context(), w.store.Ephemeral(), opened, httptest.NewRequest("POST", "/", nil),
		session.Session{Person: "per_bob", AuthTime: w.now(), Method: "passkey", Credential: key.ID}))
	b, at := w.browser(), "/plain/r/"+string(r.ID)
	server, err := url.Parse(w.url)
	must(t, err)
	b.http.Jar.SetCookies(server, opened.Result().Cookies())
	b.post(at+"/reveal", url.Values{"reason": {"To see."}}).wants(t, http.StatusForbidden, "waits for a second person")
}

func TestAPageOfTheHistoryThatThereIsNotIsTheReadersMistake(t *testing.T) {
	w := newWorld(t)
	for _, cursor := range []string{"zzz", "-1", "99999999999999999999"} {
		w.as("bob").get("/plain/history?cursor="+cursor).wants(t, http.StatusBadRequest, "no page of the history")
	}
}

func TestBeforeTheHoursNothingIsApprovedHereAndThePageSaysWhen(t *testing.T) {
	w := newWorld(t) // on a Sunday
	hours := strings.Replace(testPolicy, "rules:\n", "schedules: {office: {zone: Europe/Berlin, hours: {mon-fri: \"09:00-17:30\"}}}\nrules:\n", 1)
	hours = strings.Replace(hours, "quorum: 1, assurance: session, expires", "quorum: 1, hours: office, assurance: session, expires", 1)
	must(t, w.gate.SetPolicy(t.Context(), operator(), map[string]string{"policy/test.yaml": hours}))
	r := w.ask("write_file", `{"path":"/srv/a"}`)
	bob, at := w.as("bob"), "/plain/r/"+string(r.ID)
	const why = "Nobody can approve this before Mon 23 Nov 08:00 UTC: the schedule office is closed until 2026-11-23 08:00 UTC, Mon 09:00 in Europe/Berlin."
	got := bob.get(at)
	got.wants(t, http.StatusOK, why, "Reject", "Escalate")
	if strings.Contains(got.text, "Approve, run once") {
		t.Error("it can be approved on a Sunday")
	}
	bob.get("/plain/").wants(t, http.StatusOK, "nobody can approve it before 23 Nov 08:00 UTC")
	w.advance(23 * time.Hour)
	bob = w.as("bob")
	if got := bob.get(at); strings.Contains(got.text, "Nobody can approve this") || !strings.Contains(got.text, "Approve, run once") {
		t.Errorf("on Monday at nine it cannot be approved\n%s", got.text)
	}
	bob.decide(r.ID, "approve").wants(t, http.StatusSeeOther)
}

func TestEveryPlainPageSaysWhatIsHeld(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/srv/a"}`)
	mei := countersign.Who{Actor: countersign.Principal{Kind: countersign.KindPerson, ID: "per_mei", Name: "Mei Tanaka"}, Origin: countersign.Origin{Door: "console"}, Method: "link"}
	bob := w.as("bob")
	pages := []string{"/plain/", "/plain/history", "/plain/r/" + string(r.ID)}
	for _, at := range pages {
		if strings.Contains(bob.get(at).text, "is held since") {
			t.Errorf("%s says that something is held, and nothing is", at)
		}
	}
	must(t, w.gate.Halt(t.Context(), mei, w.bot.ID, "It <b>runs</b> wild."))
	must(t, w.gate.Halt(t.Context(), mei, countersign.AllAgents, ""))
	for _, at := range pages {
		bob.get(at).wants(t, http.StatusOK, "Everything of deploy-bot is held since 22 Nov 09:00 UTC, by Mei Tanaka. “It <b>runs</b> wild.”", "Everything of all agents is held")
	}
}

func TestTheShellOfTheConsoleIsCompressedAndPlainPagesAreNot(t *testing.T) {
	w := newWorld(t)
	bob := w.as("bob")
	gzipped := http.Header{"Accept-Encoding": {"gzip"}}
	for _, at := range []string{"/", "/account", "/insight"} {
		got := bob.send("GET", at, nil, gzipped)
		z, err := gzip.NewReader(strings.NewReader(got.body))
		must(t, err)
		html, err := io.ReadAll(z)
		must(t, err)
		if !strings.Contains(string(html), `<div id="console">`) || len(got.body)*2 > len(html) {
			t.Errorf("%s: got %d bytes of %d; want the console's shell in less than half", at, len(got.body), len(html))
		}
	}
	if got := bob.send("GET", "/plain/", nil, gzipped); got.header.Get("Content-Encoding") != "" {
		t.Error("a page with what agents wrote is compressed")
	}
	if got := w.browser().get("/account"); got.status != http.StatusSeeOther {
		t.Errorf("who is not signed in gets %d for /account, want to be sent to sign in", got.status)
	}
}
