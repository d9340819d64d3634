package admin_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/store"
)

func TestNobodyApprovesOverTheSocket(t *testing.T) {
	w := newWorld(t)
	call[admin.Linked](w, "POST", "/v1/people", `{"name":"bob"}`)
	call[admin.Issued](w, "POST", "/v1/agents", `{"name":"bot","owner":"night"}`)
	r := w.held()
	body := fmt.Sprintf(`{"choice":"approve","as":"bob","digest":%q}`, r.Digest)
	w.refused(countersign.CodeAssuranceTooLow, "POST", "/v1/requests/"+string(r.ID)+"/decisions", body)
	after, err := w.gate.Get(t.Context(), r.ID)
	if err != nil || after.Version != r.Version {
		t.Errorf("got version %d, %v; want %d: nothing is recorded", after.Version, err, r.Version)
	}
}

func TestARejectionIsRecordedAsThePersonsOwn(t *testing.T) {
	w := newWorld(t)
	bob := call[admin.Linked](w, "POST", "/v1/people", `{"name":"bob"}`).Person
	call[admin.Linked](w, "POST", "/v1/people", `{"name":"carol"}`)
	call[admin.Issued](w, "POST", "/v1/agents", `{"name":"bot","owner":"night"}`)
	r := w.held()
	at := "/v1/requests/" + string(r.ID) + "/decisions"
	body := fmt.Sprintf(`{"choice":"reject","digest":%q,"reason":"drain it first","as":`, r.Digest)
	w.refused(countersign.CodeNotFound, "POST", at, body+`"mallory"}`)
	w.refused(countersign.CodeNotAReviewer, "POST", at, body+`"carol"}`)
	after := call[client.Request](w, "POST", at, body+`"bob"}`)
	if after.Decision != client.DecisionRejected {
		t.Fatalf("it is %s, want rejected", after.Decision)
	}
	events := w.events(r.ID)
	last := events[len(events)-1]
	said := last.Body.(countersign.Decided).Decision
	if last.Who.Actor.ID != bob.ID || last.Who.Method != "socket" || last.Who.Origin.Door != "admin" {
		t.Errorf("it is recorded as %+v, want bob's, over the socket", last.Who)
	}
	if said.Channel != "cli" || said.Assurance != countersign.Chat || !said.Solo {
		t.Errorf("the decision is %+v, want channel cli, assurance chat, solo", said)
	}
	if want := fmt.Sprintf("uid %d, pid %d", os.Geteuid(), os.Getpid()); last.Who.Origin.Peer != want {
		t.Errorf("the peer is %q, want %q", last.Who.Origin.Peer, want)
	}
}

func TestAGroupOfTheConfigurationIsChangedThereOnly(t *testing.T) {
	w := newWorld(t)
	w.refused(countersign.CodeConflict, "POST", "/v1/people", `{"name":"carol","groups":["dba"]}`)
	w.refused(countersign.CodeConflict, "PUT", "/v1/groups/dba", `{"members":[]}`)
	w.refused(countersign.CodeUnknownGroup, "POST", "/v1/people", `{"name":"carol","groups":["nihgt"]}`)
	if all := call[[]admin.Group](w, "GET", "/v1/groups", ""); len(all) != 2 || len(all[0].Members) != 0 {
		t.Fatalf("groups are %+v, want dba and night without members", all)
	}
	bob := call[admin.Linked](w, "POST", "/v1/people", `{"name":"Bob Okafor","subject":"bob","groups":["night"]}`)
	if got := strings.Join(bob.Person.Groups, " "); got != "dba night" {
		t.Errorf("bob is in %q, want dba, which lists him, and night", got)
	}
	if bob.URL != "https://x/"+bob.Person.ID {
		t.Errorf("the link is %q", bob.URL)
	}
	w.refused(countersign.CodeConflict, "POST", "/v1/people", `{"name":"bob"}`)
	made := call[admin.Group](w, "PUT", "/v1/groups/day", `{"members":["Bob Okafor"]}`)
	if len(made.Members) != 1 || made.Members[0].ID != bob.Person.ID || made.Kept {
		t.Errorf("the group is %+v, want one of bob that the operator keeps", made)
	}
	w.refused(countersign.CodeBadRequest, "PUT", "/v1/groups/a%20b", `{"members":[]}`)
}

func TestADeactivatedPersonLosesSessionsAndLinks(t *testing.T) {
	w := newWorld(t)
	bob := call[admin.Linked](w, "POST", "/v1/people", `{"name":"bob"}`).Person
	must(t, w.store.Ephemeral().Put(t.Context(), store.Entry{Key: "session:x", Subject: bob.ID, Expires: time.Now().Add(time.Hour)}))
	if p := call[client.Person](w, "POST", "/v1/people/bob/deactivate", ""); !p.Inactive {
		t.Errorf("bob is %+v, want inactive", p)
	}
	if _, err := w.store.Ephemeral().Get(t.Context(), "session:x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the session: got %v, want %v", err, store.ErrNotFound)
	}
	w.refused(countersign.CodeForbidden, "POST", "/v1/people/bob/link", "")
	if p := call[client.Person](w, "POST", "/v1/people/bob/activate", ""); p.Inactive {
		t.Errorf("bob is %+v, want active", p)
	}
	call[admin.Linked](w, "POST", "/v1/people/"+bob.ID+"/link", "")
}

func TestATokenIsShownOnceAndKeptAsAHash(t *testing.T) {
	w := newWorld(t)
	w.refused(countersign.CodeNotFound, "POST", "/v1/agents", `{"name":"bot","owner":"mallory"}`)
	w.refused(countersign.CodeBadRequest, "POST", "/v1/agents", `{"name":"two words","owner":"night"}`)
	w.refused(countersign.CodeBadRequest, "POST", "/v1/agents", `{"name":"bot","owner":"night","seconds":-1}`)
	w.refused(countersign.CodeBadRequest, "POST", "/v1/agents", `{"name":"bot","owner":"night","seconds":99999999999}`)
	first := call[admin.Issued](w, "POST", "/v1/agents", `{"name":"bot","owner":"night"}`)
	if life := time.Until(first.Expires); life > admin.TokenLife || life < admin.TokenLife-time.Minute {
		t.Errorf("the token lives %s, want %s", life, admin.TokenLife)
	}
	for _, e := range w.events(countersign.RequestID(first.Agent.ID)) {
		if said := fmt.Sprintf("%+v", e); strings.Contains(said, first.Token) || !strings.Contains(said, first.ID) {
			t.Errorf("the record says %s; want the token's id and never its text", said)
		}
	}
}

func TestTokensIssuedAtOnceAreAllThere(t *testing.T) {
	w := newWorld(t)
	call[admin.Issued](w, "POST", "/v1/agents", `{"name":"bot","owner":"night"}`)
	var issuing sync.WaitGroup
	for range 8 {
		issuing.Go(func() { w.send("POST", "/v1/agents/bot/tokens", `{"seconds":60}`) })
	}
	issuing.Wait()
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	for _, a := range d.Agents {
		if len(a.Tokens) != 9 {
			t.Errorf("%d tokens are there, want 9", len(a.Tokens))
		}
	}
	revoked := call[client.Agent](w, "POST", "/v1/agents/bot/revoke", "")
	if i := slices.IndexFunc(revoked.Tokens, func(tk client.Token) bool { return !tk.Revoked }); i >= 0 {
		t.Errorf("token %s is live, want all revoked", revoked.Tokens[i].ID)
	}
	w.refused(countersign.CodeNotFound, "POST", "/v1/agents/bot/revoke", "")
	w.refused(countersign.CodeNotFound, "POST", "/v1/agents/tob/revoke", "")
}

func TestTheRecordReadsBackAndHolds(t *testing.T) {
	w := newWorld(t)
	call[admin.Linked](w, "POST", "/v1/people", `{"name":"bob"}`)
	call[admin.Issued](w, "POST", "/v1/agents", `{"name":"bot","owner":"night"}`)
	w.held()
	checkpoint, entries, err := admin.ReadRecord(w.send("GET", "/v1/record", "").Body)
	must(t, err)
	report, err := audit.Run(t.Context(), audit.Source{Trust: w.trust, Checkpoint: checkpoint, Entries: func(context.Context) iter.Seq2[ledger.Entry, error] { return entries }})
	must(t, err)
	head, err := w.store.Head(t.Context())
	must(t, err)
	if !report.Holds() || report.Size != head.Size || report.Requests != 1 {
		t.Errorf("got %+v, want it to hold for all %d leaves and one request", report, head.Size)
	}
}

func TestARecordThatBreaksOffIsNoRecord(t *testing.T) {
	_, entries, err := admin.ReadRecord(strings.NewReader(`{"checkpoint":"eA=="}` + "\n" + `{"index":"0","leaf":"eA==","open":{},"error":"the disk is gone"}`))
	must(t, err)
	for _, err := range entries {
		if err == nil || !strings.Contains(err.Error(), "the disk is gone") {
			t.Errorf("got %v, want what the server said", err)
		}
	}
	if _, _, err := admin.ReadRecord(strings.NewReader("")); err == nil {
		t.Error("an empty record was read")
	}
}

func TestBodiesAreReadStrictly(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{`{"name":"bob","admin":true}`, `{"name":"bob","name":"eve"}`, `{"Name":"bob"}`, `{"name":17}`, `[]`, `{`} {
		w.refused(countersign.CodeBadRequest, "POST", "/v1/people", body)
	}
}

func TestWhatIsNotTheOperatorsIsRead(t *testing.T) {
	w := newWorld(t)
	if resp := w.send("GET", "/v1/requests", ""); resp.StatusCode != http.StatusTeapot {
		t.Errorf("got %s, want the reads' own answer", resp.Status)
	}
}

func TestAPolicyThatDoesNotLoadLeavesTheActiveOne(t *testing.T) {
	w := newWorld(t)
	w.refused(countersign.CodeBadRequest, "PUT", "/v1/policy", `{"files":{"a.yaml":"kind: Nonsense"}}`)
	w.refused(countersign.CodeBadRequest, "PUT", "/v1/policy", `{"files":{}}`)
	d, err := w.gate.Directory(t.Context())
	if err != nil || d.Policy == nil || len(d.Policy.Files) != 1 {
		t.Errorf("the policy is %+v, %v; want the starter", d.Policy, err)
	}
}

func TestOnceTwoAreEnrolledTheOperatorAsks(t *testing.T) {
	w := newWorld(t)
	bob := call[admin.Linked](w, "POST", "/v1/people", `{"name":"bob"}`).Person
	ann := call[admin.Linked](w, "POST", "/v1/people", `{"name":"ann"}`).Person
	first := call[admin.Issued](w, "POST", "/v1/agents", `{"name":"old","owner":"night"}`)
	w.enrol(bob.ID, ann.ID)

	for _, c := range [][3]string{
		{"POST", "/v1/people", `{"name":"eve"}`},
		{"PUT", "/v1/groups/night", `{"members":["bob"]}`},
		{"PUT", "/v1/policy", `{"files":{"a.yaml":"apiVersion: countersign/v1\nkind: PolicySet\nrules: []\n"}}`},
	} {
		w.refused(countersign.CodePending, c[0], c[1], c[2])
	}
	issued := call[admin.Issued](w, "POST", "/v1/agents", `{"name":"new","owner":"night"}`)
	more := call[admin.Issued](w, "POST", "/v1/agents/old/tokens", `{}`)
	if issued.Waits == "" || issued.Token == "" || more.Waits == "" || more.Agent.ID != first.Agent.ID {
		t.Errorf("got %+v and %+v, want tokens that wait for people", issued, more)
	}
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	if len(d.Agents) != 1 || len(d.Agents[first.Agent.ID].Tokens) != 1 || len(d.People) != 2 || len(d.Groups["night"].Members) != 0 {
		t.Errorf("something changed that nobody approved: %+v", d)
	}

	call[client.Agent](w, "POST", "/v1/agents/old/revoke", `{}`)
	if a := call[client.Agent](w, "POST", "/v1/agents/old/deactivate", ""); !a.Inactive {
		t.Errorf("got %+v, want the agent deactivated at once", a)
	}
	w.refused(countersign.CodePending, "POST", "/v1/agents/old/activate", "")
	if p := call[client.Person](w, "POST", "/v1/people/bob/deactivate", ""); !p.Inactive {
		t.Errorf("got %+v, want bob deactivated at once", p)
	}
	w.refused(countersign.CodeCannotApprove, "POST", "/v1/people/bob/activate", "")
}
