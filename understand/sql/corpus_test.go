package sql_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/internal/worker"
	"github.com/countersignhq/countersign/understand"
	"github.com/countersignhq/countersign/understand/sql"
	"github.com/countersignhq/countersign/understand/understandtest"
)

// pool has a long deadline: the machine of a test may be busy.
var pool = worker.New(sql.Worker, worker.Config{Deadline: time.Minute})

func TestMain(m *testing.M) {
	worker.Main(os.Args, map[string]worker.Handler{sql.Worker: sql.Parse})
	code := m.Run()
	pool.Close()
	os.Exit(code)
}

func reading(t *testing.T, text string) understand.Reading {
	t.Helper()
	return understandtest.Reading(t, pool, []byte(text))
}

func corpus(t testing.TB, file string) []understandtest.Line {
	return understandtest.Corpus(t, file, `\n`)
}

// missing names the label that does not fit, empty if all do.
func missing(r understand.Reading, labels string) string {
	found := understandtest.Words(r)
	for label := range strings.SplitSeq(labels, ",") {
		without, not := strings.CutPrefix(label, "!")
		ok := false
		switch {
		case label == "safe":
			ok = slices.Equal(found, []string{"sql.read"})
		case label == "hold":
			ok = slices.Contains(found, "sql.unknown")
		case not:
			ok = !slices.Contains(found, without)
		case strings.HasPrefix(label, "input."):
			ok = true // of every text that a tool gets, not of SQL: mcptool finds it
		default:
			ok = slices.Contains(found, label)
		}
		if !ok {
			return label
		}
	}
	return ""
}

// Rules speak of verbs first: what is not a read has a verb that says so (T21).
func TestT21WhatDoesMoreThanReadHasAnotherVerb(t *testing.T) {
	onlyReads := []string{"safe", "sql.explain", "!sql.explain-analyze", "sql.export", "sql.unbounded-read", "sql.credential-read", "input.mixed-script", "input.deceptive-text"}
	for _, file := range []string{"testdata/corpus.txt", "testdata/more.txt"} {
		for _, c := range corpus(t, file) {
			beyond := slices.ContainsFunc(strings.Split(c.Labels, ","), func(l string) bool { return !slices.Contains(onlyReads, l) })
			if r := reading(t, c.Text); beyond && !understand.Mutates(r.Verbs) {
				t.Errorf("%q: %s, and its verbs are %v", c.Text, c.Labels, r.Verbs)
			}
		}
	}
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
