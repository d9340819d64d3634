package clients

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/client"
)

// TestClaudesPermissionPrompt has the real Claude Code ask, by its
// --permission-prompt-tool, whether it may use a tool of its own: a command of its
// shell, which writes a line into a file, so that what Claude then did is counted.
func TestClaudesPermissionPrompt(t *testing.T) {
	if !*run {
		t.Skip("it downloads 1.1 GB once: make e2e-clients")
	}
	w := newWorld(t, gather(t))
	w.token = w.verb("agent", "create", "claude", "--owner", "alice")
	wait := func(client.Request) {}
	for _, c := range []struct {
		name, tool string
		meanwhile  func(r client.Request)
		want       string // what Claude tells its model
		states     string
		ran        int
	}{
		{"allowed", "Bash", func(r client.Request) { w.decide(r, "approve") }, "", "[approved/unknown]", 1},
		{"denied", "Bash", func(r client.Request) { w.decide(r, "reject") }, "was rejected by bob", "[rejected/none]", 0},
		{"expired", "WebFetch", wait, "nobody decided", "[expired/none]", 0},
		{"nobody decides in Claude's patience", "Bash", wait, "Held, and nothing has run yet", "[pending/none]", 0},
		{"the gateway is gone", "Bash", func(client.Request) { w.ok(w.cmd.Process.Kill()); <-w.ended }, "the gateway went away", "[pending/none]", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.gateway.t = t
			p := place{home: open(t, agentUser)}
			file := filepath.Join(p.home, "ran")
			command := "echo ran >> " + file
			w.model = &model{tool: c.tool, input: obj{"command": command, "description": "writes a line"}, final: func(string) bool { return true }}
			if c.tool == "WebFetch" {
				w.model.input = obj{"url": "https://example.com" + file, "prompt": command}
			}
			fake := httptest.NewServer(w.model)
			defer fake.Close()
			p.model = fake.URL
			p.command = []string{w.programs.program, "mcp", "--permission-prompt"}
			p.env = map[string]string{"COUNTERSIGN_TOKEN": w.token, "COUNTERSIGN_DOORS": w.doors}
			cmd := claudeWith(t, w.modules, p, "--permission-prompt-tool", "mcp__notes__approve", "--permission-prompts", "host", "--setting-sources", "user")
			said := w.until(cmd, p.home, file, c.meanwhile)
			if w.exited() {
				w.start()
			}
			answer, n := w.model.last()
			b, _ := os.ReadFile(file) // not there: nothing ran
			if found := w.requests(file); fmt.Sprint(states(found)) != c.states || strings.Count(string(b), "ran\n") != c.ran || n != 1 || !strings.Contains(answer, c.want) {
				t.Errorf("requests %v, ran %q, %d answers, the last %q; want %s, %d times, one with %q; it said:\n%s", states(found), b, n, answer, c.states, c.ran, c.want, clip(said))
			} else if c.ran == 1 && (found[0].Outcome == nil || !strings.Contains(found[0].Outcome.Detail, "handed to the client")) {
				t.Errorf("the outcome on record is %+v", found[0].Outcome)
			}
		})
	}
}

func (w *world) exited() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}
