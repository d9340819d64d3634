package slack_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEachThreatToSlackNamesATestThatIsThere reads the table of
// docs/threat-model.md.
func TestEachThreatToSlackNamesATestThatIsThere(t *testing.T) {
	const root = "../.."
	model, err := os.ReadFile(filepath.Join(root, "docs/threat-model.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(model), "\n## Slack, row by row\n")
	if !ok {
		t.Fatal("docs/threat-model.md has no table of Slack")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	tests := ""
	for _, folder := range []string{"channel", "gate", "cmd/countersign", "store/sqlite"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") && filepath.Base(path) != "chat.go" {
				return err
			}
			b, err := os.ReadFile(path)
			tests += string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	named, name := 0, regexp.MustCompile("`([A-Z]\\w+)`")
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) < 4 {
			continue
		}
		for _, n := range name.FindAllStringSubmatch(cells[2], -1) {
			named++
			if !strings.Contains(tests, "func "+n[1]+"(t ") && !strings.Contains(tests, `{"`+n[1]+`", `) {
				t.Errorf("%s is named and there is no such test:\n%s", n[1], row)
			}
		}
	}
	if named < 50 {
		t.Errorf("%d tests are named, want all of them: the table is not read", named)
	}
}
