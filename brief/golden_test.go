package brief_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/brief/terminal"
)

var update = flag.Bool("update", false, "write the golden files anew")

func spaces(n int) string { return strings.Repeat(" ", n) }

func long(n int) string { return strings.Repeat("a", n) }

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is laid out now (go test -update writes it anew); got\n%s", file, got)
	}
}

func TestTheTerminalLooksAsItDid(t *testing.T) {
	for name, sample := range map[string]func(testing.TB) countersign.Request{"refund": refund, "hostile": hostile, "settled": settled} {
		t.Run(name, func(t *testing.T) {
			b := brief.Build(sample(t), directory())
			golden(t, name+".txt", terminal.Plain(terminal.Lines(b, terminal.Screen{Now: asked.Add(5*time.Minute + 42*time.Second)})))
		})
	}
}

func TestTheJSONOfABriefKeepsItsShape(t *testing.T) {
	b, err := json.MarshalIndent(brief.Build(refund(t), directory()), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "refund.json", string(b)+"\n")
}
