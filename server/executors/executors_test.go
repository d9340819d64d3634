package executors_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/executors"
	"github.com/countersignhq/countersign/upstream/remote"
	"golang.org/x/mod/sumdb/note"
)

// ask makes one call as the agent of the name, nobody if it is empty.
func ask(t *testing.T, h http.Handler, as, method, path, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", as)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func newHandler(t *testing.T, agents ...string) http.Handler {
	t.Helper()
	remotes := map[string]*remote.Remote{}
	for _, name := range agents {
		agent, _, _ := strings.Cut(name, "-")
		r, err := remote.New(remote.Config{Name: "mcp/" + name, Agent: agent, Trust: ledger.Trust{Origin: "log", Keys: note.VerifierList()}})
		if err != nil {
			t.Fatal(err)
		}
		remotes["mcp/"+name] = r
	}
	return executors.New(executors.Config{
		Remotes: remotes, VKey: "key", Wait: time.Millisecond,
		Authenticate: func(_ context.Context, r *http.Request) (countersign.Principal, error) {
			name := r.Header.Get("Authorization")
			if name == "" {
				return countersign.Principal{}, &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: "the token is not known"}
			}
			return countersign.Principal{Kind: countersign.KindAgent, ID: "agt_" + name, Name: name}, nil
		},
	})
}

func TestAnAgentFindsItsOwnResource(t *testing.T) {
	h := newHandler(t, "bot", "other-a", "other-b")
	for _, c := range []struct {
		as, query, want string
		status          int
	}{
		{"bot", "", `"resource":"mcp/bot"`, 200},
		{"bot", "?resource=mcp/bot", `"vkey":"key"`, 200},
		{"bot", "?resource=mcp/none", "unknown_resource", 422},
		{"nobody", "", "wrapped: nobody", 422},
		{"other", "", "say which with --resource", 400},
		{"", "", "unauthenticated", 401},
	} {
		status, answer := ask(t, h, c.as, "GET", "/executor"+c.query, "")
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%q %s: got %d %s, want %d %s", c.as, c.query, status, answer, c.status, c.want)
		}
	}
}

func TestAnotherAgentCannotSpeakForAProcess(t *testing.T) {
	h := newHandler(t, "bot", "other")
	if status, answer := ask(t, h, "other", "POST", "/executor", `{"resource":"mcp/bot"}`); status != 403 {
		t.Errorf("attach to another's: got %d %s", status, answer)
	}
	status, answer := ask(t, h, "bot", "POST", "/executor", `{}`)
	var w remote.Welcome
	if err := json.Unmarshal([]byte(answer), &w); status != 201 || err != nil || w.Executor == "" || w.Target.IsZero() {
		t.Fatalf("attach: got %d %s", status, answer)
	}
	at := "/executor/" + w.Executor
	for _, c := range []struct{ as, method, path, body string }{
		{"other", "GET", at + "/jobs", ""}, {"other", "POST", at + "/jobs/x", `{}`}, {"other", "DELETE", at, ""}, {"bot", "GET", "/executor/exe_none/jobs", ""},
	} {
		if status, answer := ask(t, h, c.as, c.method, c.path, c.body); status != 404 {
			t.Errorf("%s: %s %s: got %d %s", c.as, c.method, c.path, status, answer)
		}
	}
	if status, answer := ask(t, h, "bot", "GET", at+"/jobs", ""); status != 204 {
		t.Errorf("nothing to do: got %d %s", status, answer)
	}
	if status, answer := ask(t, h, "bot", "POST", at+"/jobs/x", `{"execution":"succeeded"}`); status != 409 {
		t.Errorf("an answer that nobody waits for: got %d %s", status, answer)
	}
	if status, answer := ask(t, h, "bot", "POST", at+"/jobs/x", `{"execution":"succeeded","Execution":"failed"}`); status != 400 {
		t.Errorf("an answer that reads two ways: got %d %s", status, answer)
	}
	if status, _ := ask(t, h, "bot", "DELETE", at, ""); status != 204 {
		t.Errorf("end: got %d", status)
	}
}
