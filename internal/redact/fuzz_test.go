package redact_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/countersignhq/countersign/internal/redact"
)

// FuzzText looks for a text whose findings lie outside of it, overlap, cut a
// character, or are not the same twice, and for a known secret that survives.
func FuzzText(f *testing.F) {
	for _, name := range []string{"testdata/secrets.txt", "testdata/plain.txt"} {
		file, err := os.Open(name)
		if err != nil {
			f.Fatal(err)
		}
		for in := bufio.NewScanner(file); in.Scan(); {
			f.Add(strings.NewReplacer("⟦", "", "⟧", "", "~", "", `\n`, "\n").Replace(in.Text()))
		}
		file.Close()
	}
	f.Fuzz(func(t *testing.T, s string) {
		found := redact.Text(s)
		sound(t, s, found)
		if !slices.Equal(found, redact.Text(s)) {
			t.Errorf("%q: two searches differ", s)
		}
		if stripped := redact.Strip(s); len(found) == 0 && stripped != s {
			t.Errorf("got %q, want it untouched: %q", stripped, s)
		}
		quoted, err := json.Marshal(s)
		if err != nil || !utf8.ValidString(s) {
			return
		}
		doc := `{"a":[` + string(quoted) + `,"-p"],"password":` + string(quoted) + `}`
		parsed, ok := redact.JSON([]byte(doc))
		if !ok {
			t.Fatalf("%s is refused", doc)
		}
		sound(t, doc, parsed.Raw())
		sound(t, s, parsed.At(redact.Path("", "password")))
		sound(t, s, parsed.At(redact.Path(redact.Path("", "a"), "0")))
	})
}

func sound(t *testing.T, s string, found []redact.Secret) {
	t.Helper()
	at := 0
	for _, x := range found {
		if x.Start < at || x.End <= x.Start || x.End > len(s) || x.What == "" {
			t.Fatalf("%q: finding %+v is not in order or not in the text", s, x)
		}
		at = x.End
		if utf8.ValidString(s) && !(utf8.ValidString(s[:x.Start]) && utf8.ValidString(s[x.Start:x.End])) {
			t.Fatalf("%q: finding %+v cuts a character", s, x)
		}
	}
}
