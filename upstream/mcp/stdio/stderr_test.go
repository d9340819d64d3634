package stdio

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A pause reads as its text, and moves the clock first.
type pause struct {
	io.Reader
	move func()
}

func (p *pause) Read(b []byte) (int, error) {
	if p.move != nil {
		p.move()
		p.move = nil
	}
	return p.Reader.Read(b)
}

// logged are the lines that are logged of what is read in so many turns, each a while
// after the one before.
func logged(after time.Duration, turns ...string) []string {
	var log bytes.Buffer
	clock := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var in []io.Reader
	for _, text := range turns {
		in = append(in, &pause{strings.NewReader(text), func() { clock = clock.Add(after) }})
	}
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logLines(io.MultiReader(in...), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: noTime})), func() time.Time { return clock })
	return strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
}

func TestEachLineOfStandardErrorIsOneOfTheLogWithNothingHidden(t *testing.T) {
	got := logged(0, "ready\n\x1b[2Jgone\r\nlevel=ERROR msg=forged\nover\u202eride \xff\nno end")
	want := []string{
		`level=INFO msg=stderr line=ready`,
		`level=INFO msg=stderr line=<U+001B>[2Jgone`,
		`level=INFO msg=stderr line="level=ERROR msg=forged"`,
		"level=INFO msg=stderr line=\"over<U+202E>ride \uFFFD\"",
		`level=INFO msg=stderr line="no end"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestALongLineOfStandardErrorIsLoggedUpToASize(t *testing.T) {
	for _, text := range []string{strings.Repeat("x", 1<<20), strings.Repeat("\x1bx", 500), strings.Repeat("\u00e9", 1000)} {
		got := logged(0, text+"\nnext\n")
		line := strings.TrimSuffix(strings.TrimPrefix(got[0], `level=INFO msg=stderr line=`), "\n")
		if len(got) != 2 || len(line) > mostLine+2 || len(line) < mostLine/2 || got[1] != "level=INFO msg=stderr line=next" {
			t.Errorf("%d lines were logged, the first with %d bytes; want two, and at most %d", len(got), len(line), mostLine)
		}
	}
}

func TestAFloodOnStandardErrorIsCountedAndNotLogged(t *testing.T) {
	flood := strings.Repeat("flood\n", 5000)
	got := logged(time.Minute, flood, "again\n", flood)
	count := func(line string) (n int) {
		for _, l := range got {
			if l == line {
				n++
			}
		}
		return n
	}
	if n := count("level=INFO msg=stderr line=flood"); n != 2*mostLogged {
		t.Errorf("%d lines of two floods were logged, want %d of each", n, mostLogged)
	}
	if n := count("level=INFO msg=stderr line=again"); n != 1 {
		t.Errorf("what came a minute later was logged %d times", n)
	}
	if got[mostLogged] != `level=WARN msg="stderr: lines were dropped" dropped=4900 most_a_minute=100` || got[len(got)-1] != got[mostLogged] {
		t.Errorf("after the flood and at the end the log says %q and %q, want how many lines were dropped", got[mostLogged], got[len(got)-1])
	}
}
