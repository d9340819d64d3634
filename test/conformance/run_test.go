package conformance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/testenv"
)

// A standing is what became of one check, summed over a run: the worst of what
// the suite said of it.
type standing string

const (
	passed  standing = "passed"
	warned  standing = "warned"
	skipped standing = "skipped"
	failed  standing = "failed"
)

// standings are how the suite writes them.
var standings = map[string]standing{"SUCCESS": passed, "INFO": passed, "WARNING": warned, "SKIPPED": skipped, "FAILURE": failed}

// rank orders standings from the best to the worst. A check that is not there at
// all is worse than one that was skipped, and better than none of the failures.
func (s standing) rank() int {
	switch s {
	case passed:
		return 0
	case warned:
		return 1
	case skipped:
		return 2
	case failed:
		return 4
	}
	return 3
}

// checks are by "scenario/check" how they stand.
type checks map[string]standing

// or is how each check stands at its best of two runs.
func (c checks) or(again checks) checks {
	best := maps.Clone(again)
	for name, is := range c {
		if is.rank() < best[name].rank() {
			best[name] = is
		}
	}
	return best
}

// String says how many stand how.
func (c checks) String() string {
	n := map[standing]int{}
	for _, is := range c {
		n[is]++
	}
	return fmt.Sprintf("%d checks: %d passed, %d failed, %d warned of, %d skipped", len(c), n[passed], n[failed], n[warned], n[skipped])
}

// judged has the suite judge the server at the address, in the scenarios that
// the revision has.
func judged(t *testing.T, url, revision string) checks {
	t.Helper()
	node, suite := testenv.Conformance(t)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), node, suite, "server", "--url", url, "--suite", "all", "--spec-version", revision, "-o", dir)
	out, err := cmd.CombinedOutput()
	c, details := read(t, dir)
	if len(c) == 0 {
		t.Fatalf("the suite checked nothing: %v\n%s", err, out)
	}
	for _, d := range details {
		t.Log(d)
	}
	return c
}

// read reads what the suite wrote of a run, and tells of the failures.
func read(t *testing.T, dir string) (checks, []string) {
	t.Helper()
	c, details := checks{}, []string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "checks.json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var found []struct{ ID, Status, ErrorMessage string }
		if err := json.Unmarshal(b, &found); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		scenario := scenarioOf(filepath.Base(filepath.Dir(path)))
		for _, f := range found {
			is, ok := standings[f.Status]
			if !ok {
				return fmt.Errorf("%s: the status %q is not known", path, f.Status)
			}
			name := scenario + "/" + f.ID
			if before, ok := c[name]; !ok || is.rank() > before.rank() {
				c[name] = is
			}
			if is == failed {
				details = append(details, fmt.Sprintf("%s: %.300s", name, f.ErrorMessage))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, details
}

// scenarioOf is the scenario of a folder named "server-", scenario, "-", time.
func scenarioOf(folder string) string {
	name := strings.TrimPrefix(folder, "server-")
	if at := began.FindStringIndex(name); at != nil {
		name = name[:at[0]]
	}
	return name
}

// began finds the time in a folder's name.
var began = regexp.MustCompile(`-\d{4}-\d\d-\d\dT`)
