package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

func TestTheLoserOfARaceIsToldWhoWasFaster(t *testing.T) {
	w := newWorld(t)
	bob, mei := w.as("bob"), w.as("mei")
	rejected, approved := w.ask("write_file", `{"path":"/a"}`), w.ask("write_file", `{"path":"/b"}`)
	late, lateToo := bob.form(rejected.ID, "approve"), bob.form(approved.ID, "approve")
	mei.decide(rejected.ID, "reject", "reason", "Wrong file.")
	mei.decide(approved.ID, "approve")
	w.run(approved.ID)
	w.advance(2 * time.Second)
	bob.post("/plain/r/"+string(rejected.ID)+"/decide", late).wants(t, http.StatusConflict,
		"Already decided by Mei Tanaka.", "Mei Tanaka rejected it at 09:00:01 UTC, 2 s before you. Your approval was not recorded and nothing ran.", "Wrong file.", "already_settled")
	bob.post("/plain/r/"+string(approved.ID)+"/decide", lateToo).wants(t, http.StatusConflict,
		"Already decided by Mei Tanaka.", "Your approval was not recorded; it ran without it.")
}

func TestNobodyDecidesWhatHasExpired(t *testing.T) {
	w := newWorld(t)
	bob := w.as("bob")
	r := w.ask("write_file", `{"path":"/a"}`)
	form := bob.form(r.ID, "approve")
	w.advance(31 * time.Minute)
	bob.post("/plain/r/"+string(r.ID)+"/decide", form) // before the timer has run
	must(t, w.gate.Tick(t.Context()))
	bob.post("/plain/r/"+string(r.ID)+"/decide", form).wants(t, http.StatusConflict, "Nobody decided in time. It did not run.", "Your approval was not recorded")
	bob.get("/plain/r/"+string(r.ID)).wants(t, http.StatusOK, "Nobody decided in time. It did not run.")
	if got := w.get(r.ID); len(got.Decisions) != 0 || got.Decision != countersign.DecisionExpired {
		t.Errorf("got %s with %d decisions, want expired with none", got.Decision, len(got.Decisions))
	}
}

func TestAnApprovalOfAnEarlierViewIsNotRecorded(t *testing.T) {
	w := newWorld(t)
	bob := w.as("bob")
	r := w.ask("write_file", `{"path":"/a"}`)
	form := bob.form(r.ID, "approve", "reason", "It is the release.")
	w.bot.CreatedBy = countersign.Principal{Kind: countersign.KindPerson, ID: "per_mei", Name: "Mei Tanaka"}
	must(t, w.gate.SetAgent(t.Context(), operator(), w.bot)) // now Mei cannot decide it either
	got := bob.post("/plain/r/"+string(r.ID)+"/decide", form)
	got.wants(t, http.StatusConflict, "Read it again before you decide.", "Your approval was not recorded.", "view_changed", "Mei Tanaka cannot decide", "It is the release.")
	if w.get(r.ID).Version != r.Version {
		t.Error("something was recorded")
	}
}

func TestChoicesThatDoNotCountSayWhy(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.as("alice"), w.as("bob")
	ask := func(tool string, change ...func(*gate.Ask)) countersign.RequestID {
		return w.ask(tool, `{"path":"/`+countersign.NewID("x")+`"}`, change...).ID
	}
	own, other := ask("write_file"), ask("write_file")
	hidden := w.ask("write_file", `{"path":"/\u202Ea"}`).ID
	local := ask("write_file", func(a *gate.Ask) { a.Origin.ServerAccount = true })
	huge := w.ask("write_file", `{"path":"`+strings.Repeat("x", 300_000)+`"}`).ID
	form := bob.form(own, "approve")
	for name, c := range map[string]struct {
		got    answer
		status int
		says   []string
	}{
		"the agent's owner":   {alice.post("/plain/r/"+string(own)+"/decide", form), 403, []string{"You own deploy-bot, so you cannot decide for it.", "The attempt is on record.", "self_approval"}},
		"no reason":           {bob.decide(own, "reject"), 422, []string{"To reject needs a reason.", "reason_required"}},
		"blank reason":        {bob.decide(own, "reject", "reason", " \r\n "), 422, []string{"reason_required"}},
		"no group":            {bob.decide(own, "escalate", "reason", "x"), 422, []string{"unknown_group"}},
		"another command":     {bob.decide(own, "approve", "digest", "sha256:"+strings.Repeat("0", 64)), 422, []string{"Read it again", "digest_mismatch"}},
		"no digest":           {bob.decide(own, "approve", "digest", ""), 400, []string{"does not say what was shown"}},
		"no choice":           {bob.decide(own, "perhaps"), 400, []string{"bad_request"}},
		"a long reason":       {bob.decide(own, "reject", "reason", strings.Repeat("é", 281)), 413, []string{"longer than 280"}},
		"critical, no name":   {bob.decide(hidden, "approve"), 422, []string{"The name that was typed is not the resource's."}},
		"critical, a name":    {bob.decide(hidden, "approve", "name", "mcp/files"), 409, []string{"cannot_be_approved", "nobody there who can decide it has one"}},
		"the server's own":    {bob.decide(local, "approve"), 403, []string{"server's own account", "assurance_too_low"}},
		"not every byte":      {bob.decide(huge, "approve"), 409, []string{"does not show every byte", "cannot_be_approved"}},
		"another's last word": {bob.decide(other, "approve", "view_digest", "sha256:"+strings.Repeat("0", 64)), 409, []string{"view_changed"}},
	} {
		t.Run(name, func(t *testing.T) { c.got.wants(t, c.status, c.says...) })
	}
	for _, id := range []countersign.RequestID{own, other, hidden, local, huge} {
		if d := w.get(id).Decisions; len(d) != 0 {
			t.Errorf("%s has decisions: %+v", id, d)
		}
	}
}

func TestApproveIsOfferedOnlyWhereItWouldCount(t *testing.T) {
	w := newWorld(t)
	bob, alice := w.as("bob"), w.as("alice")
	plain := w.ask("write_file", `{"path":"/a"}`)
	const button = `name="choice" value="approve"`
	offered := func(b *browser, id countersign.RequestID, want bool, says ...string) {
		t.Helper()
		got := b.get("/plain/r/" + string(id))
		got.wants(t, http.StatusOK, says...)
		if strings.Contains(got.body, button) != want {
			t.Errorf("%s: approve offered is %t, want %t", id, !want, want)
		}
	}
	offered(bob, plain.ID, true)
	offered(alice, plain.ID, false, "You own the agent, so another person decides.")
	offered(bob, w.ask("write_file", `{"path":"/\u202Ea"}`).ID, false, "This needs a passkey, and nobody here has enrolled one. It can be rejected or escalated.")
	offered(bob, w.ask("write_file", `{"path":"`+strings.Repeat("x", 300_000)+`"}`).ID, false, "This view does not show every byte, so it cannot be approved.")
	offered(bob, w.ask("write_file", `{"path":"/local"}`, func(a *gate.Ask) { a.Origin.ServerAccount = true }).ID, false, "The agent runs under this server's own account")
	two := w.ask("grant", `{"who":"app"}`)
	bob.decide(two.ID, "approve")
	offered(bob, two.ID, false, "You have approved it and count once: another person is needed.")
	bob.get("/plain/").wants(t, http.StatusOK, "You decided, others have not 1", "you approved at 09:00:01 UTC")
	w.advance(16 * time.Minute)
	offered(bob, plain.ID, false, "This needs a sign-in at most 15 min old, and yours is 16 min old.")
}

func TestAnApprovalCanBeTakenBackUntilItRuns(t *testing.T) {
	w := newWorld(t)
	bob, id := w.as("bob"), w.ask("write_file", `{"path":"/a"}`).ID
	bob.decide(id, "approve")
	page := bob.get("/plain/r/" + string(id))
	page.wants(t, http.StatusOK, "Reject it after all")
	if page.header.Get("Refresh") == "" {
		t.Error("the page does not look again by itself while nobody decides on it")
	}
	undo := bob.get("/plain/r/" + string(id) + "?undo=1")
	undo.wants(t, http.StatusOK, "Reject after all")
	if undo.header.Get("Refresh") != "" {
		t.Error("a page with a form to fill in reloads under the reviewer's hands")
	}
	form := bob.form(id, "reject", "reason", "On second thoughts.")
	r := w.get(id)
	form.Set("digest", r.Digest.String())
	form.Set("view_digest", r.Digest.String()) // a rejection does not rest on the view
	if got := bob.post("/plain/r/"+string(id)+"/decide", form); got.status != http.StatusSeeOther {
		t.Fatalf("got %d, want 303\n%s", got.status, got.text)
	}
	bob.get("/plain/r/"+string(id)).wants(t, http.StatusOK, "Rejected by Bob Okafor. It did not run.", "On second thoughts.")
}

func TestEscalationAddsAGroup(t *testing.T) {
	w := newWorld(t)
	bob, id := w.as("bob"), w.ask("write_file", `{"path":"/a"}`).ID
	if got := bob.decide(id, "escalate", "reason", "A DBA should look.", "to", "dba"); got.status != http.StatusSeeOther {
		t.Fatalf("got %d, want 303\n%s", got.status, got.text)
	}
	bob.get("/plain/r/"+string(id)).wants(t, http.StatusOK, "anyone of dba", "escalated", "A DBA should look.", "0 of 2")
}

func TestADecisionPageNeverReloads(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/a"}`)
	got := w.as("bob").get("/plain/r/" + string(r.ID))
	if got.header.Get("Refresh") != "" || strings.Contains(got.body, "http-equiv") {
		t.Error("the page reloads under the reviewer's hands")
	}
}

func TestTheInboxIsOrderedByRiskThenAge(t *testing.T) {
	w := newWorld(t)
	var want []string
	for _, args := range []string{`{"path":"/old"}`, `{"path":"/new"}`} {
		want = append(want, string(w.ask("write_file", args).ID))
		w.advance(time.Minute)
	}
	want = append([]string{string(w.ask("write_file", `{"path":"/\u202Ex"}`).ID), string(w.ask("mystery", `{}`).ID)}, want...)
	page := w.as("bob").get("/plain/").body
	last := 0
	for _, id := range want {
		at := strings.Index(page, "/plain/r/"+id)
		if at < last {
			t.Errorf("%s stands at %d, before the one that goes first at %d", id, at, last)
		}
		last = at
	}
	for query, n := range map[string]string{"?resource=files": "4", "?rule=write": "3", "?agent=deploy": "4", "?agent=other": "0", "?resource=db": "0"} {
		w.as("bob").get("/plain/"+query).wants(t, http.StatusOK, "For you to decide "+n)
	}
}
