package conformance

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const referenceServer = "github.com/modelcontextprotocol/go-sdk/conformance/everything-server"

// TestNoCheckStandsWorseThroughCountersign has the suite judge the reference
// server directly and through the real program, and compares check by check. What
// may differ, and why, is in differences.txt. It needs Node and npm.
func TestNoCheckStandsWorseThroughCountersign(t *testing.T) {
	countersign := built(t, filepath.Join("..", ".."), "./cmd/countersign")
	server := built(t, ".", referenceServer)
	over := func(url string) string { return fmt.Sprintf("{url: %q}", url) }
	child := func(string) string { return fmt.Sprintf("{command: [%q], unsafe_same_user: true}", server) }
	for _, c := range []struct {
		name, revision, mode string
		upstream             func(url string) string
	}{
		{"2025-06-18", "2025-06-18", "-stateless=false", over},
		{"2025-11-25", "2025-11-25", "-stateless=false", over},
		{"2025-11-25-stdio", "2025-11-25", "-stateless=false", child},
		{"2026-07-28", "2026-07-28", "-stateless=true", over},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := everything(t, server, c.mode)
			direct := judged(t, url, c.revision)
			gateway := through(t, countersign, c.upstream(url))
			got := judged(t, gateway, c.revision)
			complaints := compared(direct, got, explained(t, c.name))
			if len(complaints) > 0 {
				// The suite has time limits of its own; what is worse is so each time.
				t.Logf("judged again: %q", complaints)
				direct, got = direct.or(judged(t, url, c.revision)), got.or(judged(t, gateway, c.revision))
				complaints = compared(direct, got, explained(t, c.name))
			}
			t.Logf("direct: %s", direct)
			t.Logf("through: %s", got)
			for _, complaint := range complaints {
				t.Error(complaint)
			}
		})
	}
}

// compared are the checks that stand worse and are not explained, and the
// explanations of what does not.
func compared(direct, through checks, explained map[string]bool) []string {
	var complaints []string
	for _, name := range slices.Sorted(maps.Keys(direct)) {
		worse := through[name].rank() > direct[name].rank()
		switch {
		case worse && !explained[name]:
			complaints = append(complaints, fmt.Sprintf("%s: got %q through Countersign, want no worse than %q", name, through[name], direct[name]))
		case !worse && explained[name]:
			complaints = append(complaints, fmt.Sprintf("%s: it is explained why it is worse, and it is %q as well as %q; take it out of differences.txt", name, through[name], direct[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(explained)) {
		if _, ok := direct[name]; !ok {
			complaints = append(complaints, fmt.Sprintf("%s: differences.txt explains it, and the suite has no such check", name))
		}
	}
	return complaints
}

func TestAWorseCheckAndAnIdleExplanationAreTold(t *testing.T) {
	direct := checks{"a": passed, "b": passed, "c": passed, "d": warned, "e": failed}
	through := checks{"a": passed, "b": failed, "d": failed, "e": failed}
	for _, c := range []struct {
		explained map[string]bool
		want      int
	}{
		{nil, 3}, // b fails, c is not reached, d is worse than a warning
		{map[string]bool{"b": true, "c": true, "d": true}, 0},
		{map[string]bool{"b": true, "c": true, "d": true, "a": true}, 1},
		{map[string]bool{"b": true, "c": true, "d": true, "gone": true}, 1},
	} {
		if got := compared(direct, through, c.explained); len(got) != c.want {
			t.Errorf("%v: got %q, want %d complaints", c.explained, got, c.want)
		}
	}
}

// explained are the checks of which differences.txt says why they stand worse in
// the run of the name.
func explained(t *testing.T, run string) map[string]bool {
	t.Helper()
	b, err := os.ReadFile("differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	found, err := differences(string(b))
	if err != nil {
		t.Fatalf("differences.txt: %v", err)
	}
	return found[run]
}
