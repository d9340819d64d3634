package shell_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/internal/worker"
	"github.com/countersignhq/countersign/understand"
	"github.com/countersignhq/countersign/understand/shell"
	"github.com/countersignhq/countersign/understand/understandtest"
)

// pool has a long deadline: the machine of a test may be busy.
var pool = worker.New(shell.Worker, worker.Config{Deadline: time.Minute})

func TestMain(m *testing.M) {
	worker.Main(os.Args, map[string]worker.Handler{shell.Worker: shell.Parse})
	code := m.Run()
	pool.Close()
	os.Exit(code)
}

func reading(t *testing.T, text string) understand.Reading {
	t.Helper()
	return understandtest.Reading(t, pool, shell.Line(text))
}

func corpus(t testing.TB, file string) []understandtest.Line {
	return understandtest.Corpus(t, file, "<NL>")
}

// missing names the label that does not fit, empty if all do.
func missing(r understand.Reading, labels string) string {
	found := understandtest.Words(r)
	for label := range strings.SplitSeq(labels, ",") {
		ok := false
		program, isProgram := strings.CutPrefix(label, "cmd:")
		switch {
		case label == "safe":
			ok = slices.Equal(found, []string{"shell.read"})
		case isProgram:
			ok = slices.ContainsFunc(r.Objects, func(o understand.Object) bool { return o.Name == program })
		default:
			ok = slices.Contains(found, label)
		}
		if !ok {
			return label
		}
	}
	return ""
}

func TestEveryLineOfTheCorpusIsClassedAsLabelled(t *testing.T) {
	for _, file := range []string{"testdata/corpus.txt", "testdata/more.txt"} {
		lines := corpus(t, file)
		met := 0
		for _, c := range lines {
			r := reading(t, c.Text)
			if label := missing(r, c.Labels); label != "" {
				t.Errorf("%q: got %v, want %s", c.Text, understandtest.Words(r), label)
				continue
			}
			met++
		}
		t.Logf("%s: %d of %d lines", file, met, len(lines))
		if len(lines) < 50 {
			t.Errorf("%s has %d lines", file, len(lines))
		}
	}
}
