package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
)

// own is the one script that there is.
const own = `<script type="module" src="/static/console.js"></script>`

func TestEveryAnswerForbidsScriptsFramesAndGuessing(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/a"}`)
	bob, nobody := w.as("bob"), w.browser()
	answers := map[string]answer{
		"inbox": bob.get("/plain/"), "history": bob.get("/plain/history"), "request": bob.get("/plain/r/" + string(r.ID)),
		"no page": bob.get("/nothing"), "sign-in": nobody.get("/signin?link=x"), "style": nobody.get("/static/web.css"),
		"refused": nobody.send("POST", "/signin", url.Values{}, nil), "decided": bob.decide(r.ID, "approve"),
		"console": bob.get("/"), "console request": bob.get("/r/" + string(r.ID)), "verify": nobody.get("/verify"),
	}
	scripted := map[string]bool{"sign-in": true, "console": true, "console request": true, "verify": true}
	for name, got := range answers {
		script := ""
		if scripted[name] {
			script = "script-src 'self'; connect-src 'self'; "
			if strings.Count(got.body, own) != 1 {
				t.Errorf("%s does not load the console", name)
			}
		}
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; " + script + "style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
			"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
			"Referrer-Policy": "same-origin",
		} {
			if g := got.header.Get(header); g != want {
				t.Errorf("%s: %s is %q, want %q", name, header, g, want)
			}
		}
		if c := got.header.Get("Cache-Control"); name != "style" && c != "no-store" {
			t.Errorf("%s: Cache-Control is %q, want no-store", name, c)
		}
		if strings.Contains(strings.Replace(got.body, own, "", 1), "<script") || strings.Contains(got.body, " style=") {
			t.Errorf("%s holds a script or a style of its own", name)
		}
	}
}

func TestOnlyThePagesOwnFormsAreTaken(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/a"}`)
	bob := w.as("bob")
	form, path := bob.form(r.ID, "approve"), "/plain/r/"+string(r.ID)+"/decide"
	for name, header := range map[string]http.Header{
		"no Origin":          {},
		"a null Origin":      {"Origin": {"null"}},
		"another site":       {"Origin": {"https://evil.example"}},
		"another port":       {"Origin": {"http://127.0.0.1:1"}},
		"a longer name":      {"Origin": {w.url + ".evil.example"}},
		"two Origins":        {"Origin": {w.url, "https://evil.example"}},
		"a cross-site fetch": {"Origin": {w.url}, "Sec-Fetch-Site": {"cross-site"}},
		"a same-site fetch":  {"Origin": {w.url}, "Sec-Fetch-Site": {"same-site"}},
	} {
		for _, to := range []string{path, "/signout", "/signin"} {
			got := bob.send("POST", to, form, header)
			if got.status != http.StatusForbidden {
				t.Errorf("%s to %s: got %d, want 403", name, to, got.status)
			}
		}
	}
	if got := w.get(r.ID); got.Version != r.Version {
		t.Errorf("the request is at version %d, want %d: something was recorded", got.Version, r.Version)
	}
	bob.get("/plain/").wants(t, http.StatusOK, "For you to decide 1")
}

func TestNothingButAPostDecides(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/a"}`)
	bob := w.as("bob")
	form := bob.form(r.ID, "approve")
	query := "?" + form.Encode()
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		for _, path := range []string{"/plain/r/" + string(r.ID), "/plain/r/" + string(r.ID) + "/decide"} {
			bob.send(method, path+query, form, http.Header{"Origin": {w.url}})
		}
	}
	if got := w.get(r.ID); got.Version != r.Version {
		t.Errorf("the request is at version %d, want %d: something was recorded", got.Version, r.Version)
	}
}

func TestFetchingALinkSpendsNothing(t *testing.T) {
	w := newWorld(t)
	secret := w.secret("bob")
	scanner := w.browser()
	for _, method := range []string{"GET", "HEAD", "GET"} {
		got := scanner.send(method, "/signin?link="+secret, nil, nil)
		if got.status != http.StatusOK || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d and cookie %q, want 200 and none", method, got.status, got.header.Get("Set-Cookie"))
		}
		if strings.Contains(got.body, "Bob") {
			t.Errorf("%s tells whose link it is", method)
		}
	}
	bob := w.browser()
	if got := bob.post("/signin", url.Values{"link": {secret}}); got.status != http.StatusSeeOther {
		t.Fatalf("the person's own use: got %d, want 303\n%s", got.status, got.text)
	}
	scanner.post("/signin", url.Values{"link": {secret}}).wants(t, http.StatusUnauthorized, "This link has been used", "unauthenticated")
}

func TestNobodyIsSentElsewhereAfterSigningIn(t *testing.T) {
	w := newWorld(t)
	for next, want := range map[string]string{
		"": "/", "/": "/", "/history": "/history", "/r/req_0123456789abcdef": "/r/req_0123456789abcdef",
		"//evil.example": "/", `/\evil.example`: "/", "https://evil.example/": "/", "/r/req_0123456789abcdef/../../x": "/",
		"javascript:alert(1)": "/", "/r/req_0123456789abcdef\r\nX: y": "/", "/%2f%2fevil.example": "/", "/r/req_0123456789abcdef?x=//evil": "/r/req_0123456789abcdef?x=%2F%2Fevil",
	} {
		got := w.browser().post("/signin", url.Values{"link": {w.secret("bob")}, "next": {next}})
		if got.status != http.StatusSeeOther || got.header.Get("Location") != want {
			t.Errorf("next %q: got %d to %q, want 303 to %q", next, got.status, got.header.Get("Location"), want)
		}
	}
}

func TestSigningInEndsTheSessionThatWasThere(t *testing.T) {
	w := newWorld(t)
	planted := w.as("mei")
	u, err := url.Parse(w.url)
	must(t, err)
	victim := w.browser()
	victim.http.Jar.SetCookies(u, planted.http.Jar.Cookies(u))
	before := victim.http.Jar.Cookies(u)[0].Value
	victim.post("/signin", url.Values{"link": {w.secret("bob")}})
	if after := victim.http.Jar.Cookies(u)[0].Value; after == before {
		t.Error("the session that was planted is the one of after")
	}
	victim.get("/plain/").wants(t, http.StatusOK, "Bob Okafor")
	if got := planted.get("/plain/"); got.status != http.StatusSeeOther {
		t.Errorf("the planted session still opens the Inbox: %d", got.status)
	}
}

func TestWithoutASessionNothingIsShownAndNothingTaken(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/a"}`)
	bob := w.as("bob")
	form := bob.form(r.ID, "approve")
	w.advance(13 * time.Hour)
	id := string(r.ID)
	for _, b := range []*browser{bob, w.browser()} {
		if got := b.get("/plain/r/" + id); got.status != http.StatusSeeOther || got.header.Get("Location") != "/signin?next=%2Fplain%2Fr%2F"+id {
			t.Errorf("got %d to %q, want 303 to the sign-in page", got.status, got.header.Get("Location"))
		}
		b.post("/plain/r/"+id+"/decide", form).wants(t, http.StatusUnauthorized, "Your session has ended. Nothing was recorded.")
	}
	if got := w.get(r.ID); got.Version != r.Version {
		t.Error("something was recorded")
	}
}

func TestDeactivationEndsWhatPeopleSee(t *testing.T) {
	w := newWorld(t)
	bob := w.as("bob")
	_, err := w.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_bob", Name: "Bob Okafor", Issuer: "local", Subject: "bob", Inactive: true})
	must(t, err)
	if got := bob.get("/plain/"); got.status != http.StatusSeeOther {
		t.Errorf("got %d, want 303 to the sign-in page", got.status)
	}
	w.browser().post("/signin", url.Values{"link": {w.secret("bob")}}).wants(t, http.StatusForbidden, "nobody who is active")
}

func TestEachPersonSeesWhatIsTheirs(t *testing.T) {
	w := newWorld(t)
	held, denied := w.ask("write_file", `{"path":"/a"}`), w.ask("wipe", `{}`)
	for _, c := range []struct {
		person         string
		held, denied   int
		inbox, history string
	}{
		{"alice", 200, 200, "Not yours to decide 1", "denied"}, // owns the bot
		{"bob", 200, 404, "For you to decide 1", "Nothing to show"},
		{"dana", 404, 404, "Nothing waits for you.", "Nothing to show"}, // of no group
	} {
		b := w.as(c.person)
		b.get("/plain/r/"+string(held.ID)).wants(t, c.held)
		b.get("/plain/r/"+string(denied.ID)).wants(t, c.denied)
		inbox := b.get("/plain/")
		inbox.wants(t, 200, c.inbox)
		if strings.Contains(inbox.body, "/plain/r/"+string(held.ID)) != (c.held == 200) {
			t.Errorf("%s: whether the Inbox lists the request is not whether they may see it", c.person)
		}
		b.get("/plain/history").wants(t, 200, c.history)
		if c.held == 404 {
			f := w.as("bob").form(held.ID, "approve")
			got := b.post("/plain/r/"+string(held.ID)+"/decide", f)
			got.wants(t, 404, "There is nothing here that you may see")
			if got.text != strings.ReplaceAll(b.post("/plain/r/req_0000000000000000/decide", f).text, "req_0000000000000000", string(held.ID)) {
				t.Errorf("%s can tell a request that is there from one that is not", c.person)
			}
		}
	}
}

func TestWhatARequestHoldsIsTextAndNothingElse(t *testing.T) {
	w := newWorld(t)
	evil := "</code></script><script>alert(1)</script><img src=x onerror=alert(1)> \" onmouseover=x ' {{.Viewer}} \u202E\u2066\u200B\u0007 &lt; javascript:alert(1)"
	hostile := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\u0007", `\u0007`).Replace(evil)
	r := w.ask("write_file", `{"path":"`+hostile+`","`+hostile+`":"x","text":"`+hostile+`\n`+hostile+`"}`, func(a *gate.Ask) {
		a.Reason, a.By.Name = evil, evil
		a.Origin.Client, a.Origin.Peer = evil, evil
		a.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: "x", Name: evil, Issuer: evil, Subject: evil}}
	})
	bob := w.as("bob")
	pages := map[string]answer{
		"inbox": bob.get("/plain/"), "filtered": bob.get("/plain/?agent=" + url.QueryEscape(evil) + "&rule=" + url.QueryEscape(evil)),
		"request": bob.get("/plain/r/" + string(r.ID)), "refused": bob.decide(r.ID, evil, "reason", evil), "no page": bob.get("/plain/" + url.PathEscape(evil)),
		"history": bob.get("/plain/history?decision=" + url.QueryEscape(evil) + "&cursor=" + url.QueryEscape(evil)),
		"sign-in": bob.get("/signin?link=" + url.QueryEscape(evil) + "&next=" + url.QueryEscape(evil)),
	}
	bob.decide(r.ID, "reject", "reason", evil)
	pages["settled"], pages["settled history"] = bob.get("/plain/r/"+string(r.ID)), bob.get("/plain/history")
	for name, got := range pages {
		got.body = strings.Replace(got.body, own, "", 1)
		for _, bad := range []string{"<script", "<img", "\u202E", "\u2066", "\u200B", "\u0007"} {
			if i := strings.Index(got.body, bad); i >= 0 && name != "filtered" && name != "refused" && name != "sign-in" || i >= 0 && bad[0] == '<' {
				t.Errorf("%s holds %q as it is: …%s…", name, bad, got.body[max(i-60, 0):i+20])
			}
		}
		for _, m := range tag.FindAllString(got.body, -1) {
			if strings.Contains(m, "onmouseover=x") && !strings.Contains(m, "&#34; onmouseover") {
				t.Errorf("%s: a tag has an attribute from outside: %s", name, m)
			}
		}
	}
}

func TestTheRequestPageLeavesNoMandatoryFactOut(t *testing.T) {
	w := newWorld(t)
	for i, args := range []string{
		`{"path":"/srv/a"}`, `{"path":"/srv/\u202Eb","content":"a\u200bb\nnext \u0430dmin"}`, `{"deep":{"a":[1,2,{"b":"\u0007"}]},"x":"` + strings.Repeat("y", 300_000) + `"}`,
	} {
		for _, tool := range []string{"write_file", "grant", "exec", "mystery"} {
			r := w.ask(tool, args, func(a *gate.Ask) { a.Reason = fmt.Sprintf("because\nof \u202E%d", i) })
			d, err := w.gate.Directory(t.Context())
			must(t, err)
			if part, says, ok := brief.Build(r, d).Missing(w.as("bob").get("/plain/r/" + string(r.ID)).text); !ok {
				t.Errorf("%s %.40s: the page leaves out %q of %s", tool, args, says, part)
			}
		}
	}
}

func TestAStoreThatIsDownIsSaidAndNotTakenForSignedOut(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/a"}`)
	bob := w.as("bob")
	form := bob.form(r.ID, "approve")
	w.store.Faults().FailCommit(errors.New("disk full"))
	bob.post("/plain/r/"+string(r.ID)+"/decide", form).wants(t, http.StatusServiceUnavailable, "Nothing runs: the record cannot be written.", "unavailable")
	w.store.Faults().Crash(errors.New("disk gone"))
	for _, path := range []string{"/plain/", "/plain/history", "/plain/r/" + string(r.ID)} {
		bob.get(path).wants(t, http.StatusServiceUnavailable, "unavailable")
	}
}

func TestOnlyTheDemosReviewersSignInWithoutAProof(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		profiles []string
		as       string
		status   int
	}{
		"nobody is offered":      {nil, "per_bob", http.StatusUnauthorized},
		"somebody else":          {[]string{"per_bob"}, "per_alice", http.StatusUnauthorized},
		"one of those it offers": {[]string{"per_bob"}, "per_bob", http.StatusSeeOther},
	} {
		w.web.cfg.Profiles = c.profiles
		got := w.browser().post("/signin", url.Values{"profile": {c.as}})
		if got.status != c.status {
			t.Errorf("%s: got %d, want %d: %s", name, got.status, c.status, got.text)
		}
	}
}
