package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
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

func auditOf(t *testing.T, data string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run([]string{"audit", "--data", data}, strings.NewReader(""), &out, &out, os.LookupEnv)
	return code, out.String()
}
