package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/token"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// An approval by the agent's own owner, put on record past the gate and signed
// like everything else, is what an auditor is for.
func TestAnAuditFindsWhatTheGateWouldNeverHaveDone(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s, stop := inProcess(t, data)
	agentOf(t, s, "alice")
	d, err := s.gate.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	var asked gate.Result
	for _, a := range d.Agents {
		asked, err = s.gate.Submit(ended, gate.Ask{By: a.Principal(), Command: countersign.MCPRequest{
			Resource: "mcp/desk", Method: "tools/call", Params: []byte(`{"name":"sweep","arguments":{}}`),
		}}, nil)
	}
	held, ok := asked.(gate.Pending)
	if err != nil || !ok {
		t.Fatalf("the ask is %T, %v; want it to wait", asked, err)
	}
	if code, said := auditOf(t, data); code != exitOK {
		t.Errorf("before: exit %d, want 0:\n%s", code, said)
	}
	owner := d.People[held.Request.Requester.Owner].Principal()
	approved, err := ledger.Encode(countersign.Event{
		Request: held.Request.ID, Version: held.Request.Version + 1, Who: countersign.Who{Actor: owner},
		State: countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionNone},
		Body: countersign.Decided{Decision: countersign.Decision{
			Choice: countersign.Approve, Digest: held.Request.Digest, View: held.Request.Digest, Assurance: countersign.Session,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.Commit(t.Context(), store.Change{Events: []ledger.Event{approved}}); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{"of the running server", "of its folder"} {
		code, said := auditOf(t, data)
		if code != exitTampered || !strings.Contains(said, "DOES NOT HOLD") || !strings.Contains(said, string(held.Request.ID)) {
			t.Errorf("%s: exit %d, want 9 and the request:\n%s", where, code, said)
		}
		if where == "of the running server" {
			stop()
		}
	}
}

// What is sealed is served to nobody. Whoever may read the entries sees the moves,
// everybody the tree, and both are told what they did not see.
func TestAServedLogIsAuditedAsFarAsItIsServed(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s, stop := inProcess(t, data)
	defer stop()
	agent := agentOf(t, s, "alice")
	auditor := auditorOf(t, s)
	ended, end := context.WithCancel(t.Context())
	end()
	d, err := s.gate.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.Agents {
		_, err := s.gate.Submit(ended, gate.Ask{By: a.Principal(), Command: countersign.MCPRequest{
			Resource: "mcp/desk", Method: "tools/call", Params: []byte(`{"name":"sweep","arguments":{}}`),
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	key, where := filepath.Join(data, vkeyFile), "http://"+s.listener.Addr().String()
	for _, tt := range []struct {
		name, token string
		args        []string
		code        int
		says, not   string
	}{
		{"nobody", "", []string{"--key", key}, exitOK, "every request: the entries of the log are not given", "requests   "},
		{"an agent", agent, []string{"--key", key}, exitOK, "every request: the entries of the log are not given", "requests   "},
		{"an auditor", auditor, []string{"--key", key}, exitOK, "requests   2, 0 released", "every request: "},
		{"an auditor", auditor, []string{"--key", key}, exitOK, "who decided, and that each was another person", "holds"},
		{"since later", auditor, []string{"--key", key, "--since", "2100-01-01"}, exitOK, "not judged: 2 requests before that", "holds"},
		{"as JSON", auditor, []string{"--key", key, "--json"}, exitOK, `{"holds":false,"scope":"leaves","unchecked":["who`, "nothing found"},
		{"no key", auditor, nil, exitFailed, "--key is missing", "requests"},
		{"another key", auditor, []string{"--key", "other.example/log+29ecb104+ASD2KvoWYSi+0XtIupi1mNVHzCXWPa9QdoC5LtPhgkh6"}, exitTampered, "", "requests"},
		{"no time", auditor, []string{"--key", key, "--since", "yesterday"}, exitFailed, "--since yesterday is no time", "requests"},
	} {
		var out bytes.Buffer
		lookup := func(name string) (string, bool) { return tt.token, name == "COUNTERSIGN_TOKEN" }
		code := run(append([]string{"audit", "--data", where}, tt.args...), strings.NewReader(""), &out, &out, lookup)
		if code != tt.code || !strings.Contains(out.String(), tt.says) || strings.Contains(out.String(), tt.not) {
			t.Errorf("%s: exit %d, want %d, with %q and without %q:\n%s", tt.name, code, tt.code, tt.says, tt.not, out.String())
		}
	}
}

// auditorOf is the token of an agent that the group auditors owns.
func auditorOf(t *testing.T, s *server) string {
	t.Helper()
	err := s.gate.SetGroup(t.Context(), configuration(), auditors, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, hash := token.New()
	err = s.gate.SetAgent(t.Context(), configuration(), countersign.Agent{
		ID: countersign.NewID("agt"), Name: "nightly-audit", Owner: auditors, CreatedBy: countersign.Operator(),
		Tokens: []countersign.Token{{ID: countersign.NewID("tok"), Hash: hash, IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func auditOf(t *testing.T, data string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run([]string{"audit", "--data", data}, strings.NewReader(""), &out, &out, os.LookupEnv)
	return code, out.String()
}
