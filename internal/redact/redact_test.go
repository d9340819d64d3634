package redact_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/redact"
)

// lines gives the cases of a file: what stands before " ||| " and behind it, with
// \n for a newline. Lines that begin with # are comments.
func lines(t *testing.T, name string) [][2]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases [][2]string
	for in := bufio.NewScanner(f); in.Scan(); {
		line := in.Text()
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		text, want, _ := strings.Cut(line, " ||| ")
		undo := strings.NewReplacer(`\n`, "\n", "~", "")
		cases = append(cases, [2]string{undo.Replace(text), strings.ReplaceAll(want, `\n`, "\n")})
	}
	return cases
}

// Each case says in {braces} what is secret; the tilde keeps a made-up token
// from being one in the file.
func TestSecretsAreFoundWhereTheyStand(t *testing.T) {
	for _, c := range lines(t, "secrets.txt") {
		marked, what := c[0], c[1]
		text := strings.NewReplacer("⟦", "", "⟧", "").Replace(marked)
		var got strings.Builder
		at := 0
		for _, x := range redact.Text(text) {
			got.WriteString(text[at:x.Start] + "⟦" + text[x.Start:x.End] + "⟧")
			at = x.End
			if what != "" && x.What != what {
				t.Errorf("%q: got a %s, want a %s", text, x.What, what)
			}
		}
		got.WriteString(text[at:])
		if got.String() != marked {
			t.Errorf("got  %q\nwant %q", got.String(), marked)
		}
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	for _, c := range lines(t, "plain.txt") {
		if got := redact.Strip(c[0]); got != c[0] {
			t.Errorf("%q: got %q, want it untouched", c[0], got)
		}
	}
}
