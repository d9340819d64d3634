// Package understandtest is what the tests of the classifiers share: labelled
// texts, and what a child finds in one.
package understandtest

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/worker"
	"github.com/countersignhq/countersign/understand"
)

// A Line is a text and the words, with commas between, that say what must be
// recognised.
type Line struct{ Text, Labels string }

// Corpus reads the lines "text ||| labels" of the file; newline stands in them for
// a line feed.
func Corpus(t testing.TB, file, newline string) []Line {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []Line
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		if text, labels, ok := strings.Cut(scan.Text(), " ||| "); ok && !strings.HasPrefix(text, "# ") {
			lines = append(lines, Line{strings.ReplaceAll(text, newline, "\n"), labels})
		}
	}
	if scan.Err() != nil {
		t.Fatal(scan.Err())
	}
	return lines
}

// Reading is what a child of the pool finds in the text.
func Reading(t testing.TB, pool *worker.Pool, text []byte) understand.Reading {
	t.Helper()
	answer, err := pool.Ask(text)
	if err != nil {
		t.Fatalf("%.80q: %v", text, err)
	}
	r, err := understand.ParseReading(answer)
	if err != nil {
		t.Fatalf("%.80q: %s: %v", text, answer, err)
	}
	return r
}

// Words are the verbs and indicators of a reading.
func Words(r understand.Reading) []string {
	all := slices.Clone(r.Verbs)
	for _, f := range r.Found {
		all = append(all, f.ID)
	}
	return all
}
