package mcp_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/countersignhq/countersign/door/doortest"
	"github.com/countersignhq/countersign/door/mcp"
	"github.com/countersignhq/countersign/internal/testenv"
)

// The public client of the revision without sessions: it mirrors arguments into
// the header, and it comes back with what a held call gave it, until somebody has
// approved.
func TestARealClientWithoutSessionsIsHeldAndRunsOnce(t *testing.T) {
	h := doortest.New(t, files(), policyText)
	h.Upstream.Answer([]byte(said))
	h.Upstream.Passing(func(string, []byte) ([]byte, error) {
		return []byte(`{"result":{"tools":[{"name":"read_file","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}},` +
			`{"name":"write_file","inputSchema":{"type":"object"}},{"name":"drop_all","inputSchema":{"type":"object"}}]}}`), nil
	})
	s := serve(t, h, mcp.Config{Budgets: hurried()})
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/stateless.mjs")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "client.mjs"), script, 0o644)
	}
	if err == nil {
		err = os.Symlink(testenv.Node(t), filepath.Join(dir, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "client.mjs", s.URL, "agent")
	cmd.Dir, cmd.Stderr = dir, t.Output()
	ended := make(chan []byte)
	go func() {
		out, _ := cmd.Output() // what went wrong it has said
		ended <- out
	}()
	h.Approve(t, h.Held(t).ID)
	var got struct {
		Revision          string
		Tools             []string
		Read, Write, Drop callResult
	}
	if out := <-ended; json.Unmarshal(out, &got) != nil {
		t.Fatalf("the client printed %q", out)
	}
	if got.Revision != "2026-07-28" || len(got.Tools) != 5 {
		t.Errorf("got revision %s with tools %v", got.Revision, got.Tools)
	}
	if !isDone(got.Read) || !isDone(got.Write) {
		t.Errorf("got %+v and %+v, want both done", got.Read, got.Write)
	}
	if !got.Drop.IsError || got.Drop.Meta["countersign/refused"].Rule != "never" {
		t.Errorf("got %+v, want it refused by the rule", got.Drop)
	}
	wantRan(t, h, "tools/call", "tools/call")
}
