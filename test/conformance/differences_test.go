package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// differences reads explanations: "in" with the names of runs, what follows on
// the line a reason, and below it, indented, the checks that it is the reason of.
// A line that begins with # is a comment.
func differences(text string) (map[string]map[string]bool, error) {
	found := map[string]map[string]bool{}
	var runs []string
	for n, line := range strings.Split(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "in "):
			names, reason, ok := strings.Cut(strings.TrimPrefix(line, "in "), ": ")
			if runs = strings.Fields(names); !ok || len(runs) == 0 || len(reason) < 20 {
				return nil, fmt.Errorf("line %d: want in RUN…: and a sentence that says why", n+1)
			}
		case strings.HasPrefix(line, "  ") && runs != nil:
			for _, run := range runs {
				if found[run] == nil {
					found[run] = map[string]bool{}
				}
				found[run][strings.TrimSpace(line)] = true
			}
		default:
			return nil, fmt.Errorf("line %d: %q is neither a reason nor a check", n+1, line)
		}
	}
	return found, nil
}

func TestADifferenceWithoutAReasonIsNoDifference(t *testing.T) {
	for _, text := range []string{"in 2025-11-25:\n  a/b", "  a/b", "in : because of something long enough\n  a/b", "a/b"} {
		if got, err := differences(text); err == nil {
			t.Errorf("%q: got %v, want it refused", text, got)
		}
	}
	got, err := differences("# why\nin x y: for a reason that is long enough\n  a/b\n")
	if err != nil || !got["x"]["a/b"] || !got["y"]["a/b"] {
		t.Errorf("got %v, %v", got, err)
	}
}
