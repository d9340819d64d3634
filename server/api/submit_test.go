package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/store"
)

func TestWhatPolicyAllowsRunsAndIsAnswered(t *testing.T) {
	w := newWorld(t)
	got := w.allowed()
	if got.Decision != client.DecisionAllowed || got.Execution != client.ExecutionSucceeded || got.Problem != nil {
		t.Fatalf("got %s/%s with problem %v, want allowed/succeeded without", got.Decision, got.Execution, got.Problem)
	}
	want := fmt.Sprintf(`{"result": {"content":[{"type":"text","text":"%s <ok> é"}]}}`, got.ID)
	if got.Result != want {
		t.Errorf("result is %s, want %s", got.Result, want)
	}
	if w.ran.times(got.ID) != 1 {
		t.Errorf("it ran %d times, want 1", w.ran.times(got.ID))
	}
	if kept := w.send(call{as: bot, method: "GET", path: "/v1/requests/" + got.ID + "/result"}); string(kept.body) != want {
		t.Errorf("the kept result is %s, want %s", kept.body, want)
	}
}

func TestWhatPolicyDeniesIsSettledAndSaysWhy(t *testing.T) {
	w := newWorld(t)
	params := `{"name":"export","arguments":{"destination":"s3://elsewhere/a"}}`
	b, err := json.Marshal(client.Ask{Resource: "mcp/files", Command: client.Command{Kind: "mcp.request", Method: "tools/call", Params: params}})
	must(t, err)
	got := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: string(b)})
	got.wants(t, http.StatusOK, "")
	r := got.request(t)
	if r.Decision != client.DecisionDenied || !r.Settled() || r.Problem == nil {
		t.Fatalf("got %s with problem %v, want denied with one", r.Decision, r.Problem)
	}
	if p := r.Problem; p.Code != "denied" || p.Rule != "pii-leaves-region" || p.Hint == "" || p.Request != r.ID || p.Status != 403 {
		t.Errorf("problem is %+v, want code denied of rule pii-leaves-region about %s", p, r.ID)
	}
	if r.Command.Params != params {
		t.Errorf("params are %s, want the bytes that were sent, %s", r.Command.Params, params)
	}
}

func TestAHeldRequestIsAcceptedAndRunByItsRequester(t *testing.T) {
	w := newWorld(t)
	got := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("write_file", "/srv/a")})
	got.wants(t, http.StatusAccepted, "")
	r := got.request(t)
	if got.header.Get("Location") != "/v1/requests/"+r.ID || got.header.Get("Retry-After") == "" {
		t.Errorf("headers are %v, want Location and Retry-After", got.header)
	}
	if r.Requester.Owner != alice || r.Requester.OwnerID != w.ids[alice] {
		t.Errorf("owner is %q (%s), want %q (%s)", r.Requester.Owner, r.Requester.OwnerID, alice, w.ids[alice])
	}
	w.decide(bob, r, "approve").wants(t, http.StatusCreated, "")
	if w.ran.times(r.ID) != 0 {
		t.Fatal("the approval ran it; want only a live ask of the requester to")
	}
	for range 2 {
		got = w.send(call{as: bot, method: "POST", path: "/v1/requests/" + r.ID + "/run"})
		got.wants(t, http.StatusOK, "")
		if after := got.request(t); after.Execution != client.ExecutionSucceeded || !strings.Contains(after.Result, r.ID) {
			t.Errorf("got %s with result %q, want succeeded with its own", after.Execution, after.Result)
		}
	}
	if w.ran.times(r.ID) != 1 {
		t.Errorf("it ran %d times, want 1", w.ran.times(r.ID))
	}
}

func TestACallerWhoWaitsIsAnsweredWhenPeopleHaveDecided(t *testing.T) {
	w := newWorld(t)
	for _, what := range []string{"approve", "reject"} {
		waits := make(chan answered, 1)
		body := asked("write_file", "/srv/"+what)
		go func() {
			waits <- w.send(call{as: bot, method: "POST", path: "/v1/requests", body: body, header: http.Header{"Prefer": {"respond-async, wait=299"}}})
		}()
		r := w.decide(bob, w.nextPending(), what).request(t)
		got := <-waits
		got.wants(t, http.StatusOK, "")
		if applied := got.header.Get("Preference-Applied"); applied != "wait=299" {
			t.Errorf("Preference-Applied is %q, want wait=299", applied)
		}
		answer := got.request(t)
		if answer.ID != r.ID {
			t.Fatalf("the waiting call is answered about %s, want %s", answer.ID, r.ID)
		}
		if ran := w.ran.times(r.ID); (ran == 1) != (what == "approve") {
			t.Errorf("after %s it ran %d times", what, ran)
		}
		if what == "reject" && (answer.Problem == nil || answer.Problem.Code != "rejected") {
			t.Errorf("the problem of a rejected request is %+v, want code rejected", answer.Problem)
		}
	}
}

func TestARevokedTokenEndsTheWaitAndNothingRuns(t *testing.T) {
	for _, again := range []string{"", "run"} {
		w := newWorld(t)
		prefer := http.Header{"Prefer": {"wait=299"}}
		ask := call{as: bot, method: "POST", path: "/v1/requests", body: asked("write_file", "/srv/a"), header: prefer}
		if again != "" {
			ask = call{as: bot, method: "POST", path: "/v1/requests/" + w.held().ID + "/run", header: prefer}
		}
		waits := make(chan answered, 1)
		go func() { waits <- w.send(ask) }()
		r := w.nextPending()
		w.revoke(bot)
		w.decide(bob, r, "approve").wants(t, http.StatusCreated, "")
		got := <-waits
		got.wants(t, http.StatusUnauthorized, countersign.CodeUnauthenticated)
		if w.ran.times(r.ID) != 0 || strings.Contains(string(got.body), r.ID) {
			t.Errorf("it ran %d times and the answer is %s; want neither a run nor a word of it", w.ran.times(r.ID), got.body)
		}
	}
}

func TestWhoIsDeactivatedWhileTheyPollIsToldNoMore(t *testing.T) {
	w := newWorld(t)
	r := w.held()
	known := make(chan bool, 300)
	w.signedIn = func(a rest.AuthInfo) rest.AuthInfo { known <- true; return a }
	waits := make(chan answered, 1)
	go func() { waits <- w.send(call{as: carol, method: "GET", path: "/v1/requests/" + r.ID + "?wait=299"}) }()
	<-known
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	p := d.People[w.ids[carol]]
	p.Inactive = true
	_, err = w.gate.SetPerson(t.Context(), countersign.Who{Actor: countersign.Operator()}, p)
	must(t, err)
	(<-waits).wants(t, http.StatusUnauthorized, countersign.CodeUnauthenticated)
}

// revoke ends the tokens of the agent.
func (w *world) revoke(agent string) {
	w.t.Helper()
	d, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	a := d.Agents[w.ids[agent]]
	a.Tokens = slices.Clone(a.Tokens)
	for i := range a.Tokens {
		a.Tokens[i].Revoked = true
	}
	must(w.t, w.gate.SetAgent(w.t.Context(), countersign.Who{Actor: countersign.Operator()}, a))
}

// nextPending waits until a request is pending, and returns it.
func (w *world) nextPending() client.Request {
	w.t.Helper()
	changed, done := w.gate.Changes()
	defer done()
	for {
		page := decode[client.Page](w.t, w.send(call{as: bob, method: "GET", path: "/v1/requests?decision=pending"}))
		if len(page.Requests) == 1 {
			return page.Requests[0]
		}
		select {
		case <-changed:
		case <-w.t.Context().Done():
			w.t.Fatal("nothing is pending")
		}
	}
}

func TestTheSameAskJoinsAndADeliveredAnswerIsGivenOnce(t *testing.T) {
	w := newWorld(t)
	ask := call{as: bot, method: "POST", path: "/v1/requests", body: asked("write_file", "/srv/a")}
	first, again := w.send(ask).request(t), w.send(ask).request(t)
	if first.ID != again.ID {
		t.Fatalf("the same ask made %s and %s, want one request", first.ID, again.ID)
	}
	w.decide(bob, again, "approve").wants(t, http.StatusCreated, "")
	if ran := w.send(ask); ran.status != http.StatusOK || ran.request(t).ID != first.ID {
		t.Fatalf("the repeat after the approval is answered %d about %s, want 200 about %s", ran.status, ran.request(t).ID, first.ID)
	}
	if fresh := w.send(ask).request(t); fresh.ID == first.ID || fresh.Repeats == nil || fresh.Repeats.Request != first.ID {
		t.Errorf("after the answer was delivered the same ask is %s, repeating %+v; want a new request that repeats %s", fresh.ID, fresh.Repeats, first.ID)
	}
}

func TestAnIdempotencyKeyIsOneRequest(t *testing.T) {
	w := newWorld(t)
	ask := call{as: bot, method: "POST", path: "/v1/requests", body: asked("read_text_file", "/srv/a"), header: http.Header{"Idempotency-Key": {"k-1"}}}
	first := w.send(ask).request(t)
	for range 2 {
		if again := w.send(ask).request(t); again.ID != first.ID || again.Result != first.Result || again.Result == "" {
			t.Errorf("got %s with result %q, want %s with %q again", again.ID, again.Result, first.ID, first.Result)
		}
	}
	if w.ran.times(first.ID) != 1 {
		t.Errorf("it ran %d times, want 1", w.ran.times(first.ID))
	}
	other := ask
	other.body = asked("read_text_file", "/srv/b")
	w.send(other).wants(t, http.StatusUnprocessableEntity, countersign.CodeDigestMismatch)
	ask.header = http.Header{"Idempotency-Key": {strings.Repeat("k", 256)}}
	w.send(ask).wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
	ask.header = http.Header{"Idempotency-Key": {"k\tey"}}
	w.send(ask).wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
}

func TestABodyIsReadOneWayOnly(t *testing.T) {
	w := newWorld(t)
	good := asked("write_file", "/srv/a")
	command := `{"kind":"mcp.request","method":"tools/call"}`
	tests := []struct{ name, body, hint string }{
		{"empty", ``, ""},
		{"not JSON", `resource=mcp/files`, ""},
		{"two documents", good + good, ""},
		{"a list", `[` + good + `]`, ""},
		{"unknown member", `{"resource":"mcp/files","command":` + command + `,"reasn":"x"}`, "did you mean reason?"},
		{"member in another case", `{"Resource":"mcp/files","command":` + command + `}`, ""},
		{"member twice", `{"resource":"mcp/files","resource":"mcp/other","command":` + command + `}`, ""},
		{"who asks", `{"resource":"mcp/files","command":` + command + `,"requester":"agt_other"}`, ""},
		{"no command", `{"resource":"mcp/files"}`, ""},
		{"no resource", `{"command":` + command + `}`, ""},
		{"unknown member of the command", `{"resource":"mcp/files","command":{"kind":"mcp.request","metod":"x"}}`, "did you mean method?"},
		{"unknown kind", `{"resource":"mcp/files","command":{"kind":"mcp.reqest","method":"x"}}`, ""},
		{"no method", `{"resource":"mcp/files","command":{"kind":"mcp.request"}}`, ""},
		{"params as JSON", `{"resource":"mcp/files","command":{"kind":"mcp.request","method":"x","params":{}}}`, ""},
		{"params with a key twice", `{"resource":"mcp/files","command":{"kind":"mcp.request","method":"x","params":"{\"a\":1,\"a\":2}"}}`, ""},
		{"two resources", `{"resource":"mcp/files","command":{"kind":"mcp.request","method":"x","resource":"mcp/other"}}`, ""},
		{"a number for text", `{"resource":7,"command":` + command + `}`, ""},
		{"long reason", `{"resource":"mcp/files","command":` + command + `,"reason":"` + strings.Repeat("x", 5000) + `"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: tt.body})
			got.wants(t, http.StatusBadRequest, countersign.CodeBadRequest)
			if p := got.problem(t); tt.hint != "" && p.Hint != tt.hint {
				t.Errorf("hint is %q, want %q", p.Hint, tt.hint)
			}
		})
	}
	if found := w.list(admin, ""); len(found) != 0 {
		t.Errorf("what was refused left %v on record", found)
	}
}

func TestSizesAreCapped(t *testing.T) {
	w := newWorld(t)
	command := func(n int) string {
		params, err := json.Marshal(`{"a":"` + strings.Repeat(`é`, n/2) + `"}`)
		must(t, err)
		return `{"resource":"mcp/files","command":{"kind":"mcp.request","method":"tools/call","params":` + string(params) + `}}`
	}
	w.send(call{as: bot, method: "POST", path: "/v1/requests", body: command(1<<20 - 1000)}).wants(t, http.StatusAccepted, "")
	w.send(call{as: bot, method: "POST", path: "/v1/requests", body: command(1<<20 + 1000)}).wants(t, http.StatusRequestEntityTooLarge, countersign.CodeTooLarge)
	w.send(call{as: bot, method: "POST", path: "/v1/requests", body: command(5 << 20)}).wants(t, http.StatusRequestEntityTooLarge, countersign.CodeTooLarge)
}

func TestAnUnknownResourceIsNamed(t *testing.T) {
	w := newWorld(t)
	body := strings.ReplaceAll(asked("write_file", "/srv/a"), "mcp/files", "mcp/fils")
	w.send(call{as: bot, method: "POST", path: "/v1/requests", body: body}).wants(t, http.StatusUnprocessableEntity, countersign.CodeUnknownResource)
}

func TestNothingRunsWhenTheRecordCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	w.store.Faults().FailCommit(store.ErrSpace)
	got := w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("read_text_file", "/srv/a")})
	got.wants(t, http.StatusServiceUnavailable, countersign.CodeUnavailable)
	if bytes.Contains(got.body, []byte("64 MiB")) {
		t.Errorf("the fault of the store is told to the agent: %s", got.body)
	}
	if len(w.ran.ran) != 0 {
		t.Error("it ran")
	}
}

func TestTheLogHasNoPayloads(t *testing.T) {
	w := newWorld(t)
	w.send(call{as: bot, method: "POST", path: "/v1/requests?x", body: asked("write_file", "/srv/SECRET")})
	w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("write_file", "/srv/SECRET")})
	w.send(call{as: bot, method: "POST", path: "/v1/requests", body: asked("read_text_file", "/srv/SECRET")})
	w.send(call{as: bot, method: "GET", path: "/v1/requests?resource=SECRET"})
	w.send(call{as: nobody, method: "GET", path: "/v1/requests", header: http.Header{"Authorization": {"Bearer " + w.tokens[bot] + "SECRET"}}})
	log := w.log.String()
	if lines := strings.Count(log, "msg=http"); lines != 5 {
		t.Errorf("the log has %d lines of 5 requests:\n%s", lines, log)
	}
	for _, secret := range []string{"SECRET", w.tokens[bot], "release 4.2", "write_file"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
}
