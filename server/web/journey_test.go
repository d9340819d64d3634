package web

import (
	"net/http"
	"testing"

	"github.com/countersignhq/countersign"
)

func TestSomebodySignsInReadsAndApproves(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/srv/app.conf","content":"a\nb"}`)
	bob := w.as("bob")
	bob.get("/plain/").wants(t, http.StatusOK, "For you to decide 1", "deploy-bot", "/srv/app.conf", "0 of 1", "mcp/files", "write", "30:00")
	bob.get("/plain/r/"+string(r.ID)).wants(t, http.StatusOK, "deploy-bot would write with write_file", "Every write gets a second pair of eyes.",
		"Release 4.2 needs it.", "not checked by anyone", "Approve, run once", "anyone of platform, with a session", "Alice Moreau cannot decide")

	got := bob.decide(r.ID, "approve")
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/plain/r/"+string(r.ID) {
		t.Fatalf("got %d to %q, want 303 to the request\n%s", got.status, got.header.Get("Location"), got.text)
	}
	if d := w.get(r.ID).Decisions; len(d) != 1 || d[0].Assurance != countersign.Session || !d[0].Solo || d[0].Method != "link" || d[0].Channel != "console" {
		t.Errorf("recorded %+v, want one solo approval by a link's session in the console", d)
	}
	bob.get("/plain/r/"+string(r.ID)).wants(t, http.StatusOK, "Approved. Nothing has run yet.", "Bob Okafor")
	w.run(r.ID)
	bob.get("/plain/r/"+string(r.ID)).wants(t, http.StatusOK, "Ran once, as approved.", "deploy-bot wrote with", "Download receipt", "released", "completed")
	bob.get("/plain/history").wants(t, http.StatusOK, "approved", "succeeded", "Bob Okafor")
	bob.get("/plain/").wants(t, http.StatusOK, "Nothing waits for you.")
}

func TestAnApprovalThatCountsNoLongerIsSaidBeforeItRuns(t *testing.T) {
	w := newWorld(t)
	r := w.ask("write_file", `{"path":"/srv/app.conf","content":"a"}`)
	w.as("bob").decide(r.ID, "approve")
	must(t, w.gate.SetGroup(t.Context(), operator(), "platform", []string{"per_alice", "per_mei"}))
	w.as("mei").get("/plain/r/"+string(r.ID)).wants(t, http.StatusOK, "Approved, and not every approval counts any more.", "Bob Okafor")
}
