package e2e

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/countersignhq/countersign/internal/testenv"
)

var (
	states = flag.Bool("states", false, "look at every page in every state, not at a few")
	shots  = flag.String("shots", "", "the folder for screenshots of what is looked at")
)

// TestTheConsoleInABrowser runs the *.test.mjs beside it. It needs Node 20, npm
// and Chromium.
func TestTheConsoleInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes a while")
	}
	tests, err := filepath.Glob("*.test.mjs")
	if err != nil || len(tests) == 0 {
		t.Fatalf("found %d tests: %v", len(tests), err)
	}
	read(t, "*.mjs", "fixtures/*.mjs", "../dist/*")
	args := append([]string{"--test", "--test-concurrency=1", "--test-reporter=spec"}, tests...)
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+testenv.Node(t), "SHOTS="+*shots)
	if *states {
		cmd.Env = append(cmd.Env, "STATES=all")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// read opens the files that node reads, since go test takes its last result for
// this one as long as no file has changed that the test itself has opened.
func read(t *testing.T, patterns ...string) {
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: found %d files: %v", pattern, len(names), err)
		}
		for _, name := range names {
			if _, err := os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}
