package terminal

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign/brief"
)

func TestWrappingLosesNothing(t *testing.T) {
	text := brief.Text{
		{Text: "rm -rf   /srv/a "}, {Text: "\u202e", Role: brief.Hidden, Label: "U+202E", Count: 1},
		{Text: "界界界 done", Role: brief.Marked},
	}
	for first := range 40 {
		for rest := range 40 {
			var got strings.Builder
			for i, row := range wrap(text, first, rest, anywhere) {
				most := max(rest, 2)
				if i == 0 {
					most = max(first, 2)
				}
				if w := columns(row); w > most && w > 8 {
					t.Errorf("wrap at %d and %d: row %d has %d columns: %q", first, rest, i, w, printed(row))
				}
				got.WriteString(printed(row))
			}
			if want := "rm -rf   /srv/a <U+202E>界界界 done"; got.String() != want {
				t.Errorf("wrap at %d and %d: got %q, want %q", first, rest, got.String(), want)
			}
		}
	}
}

func TestProseIsBrokenAtSpaces(t *testing.T) {
	var got []string
	for _, row := range wrap(say("who asks for what, and a-word-that-is-too-long"), 12, 12, spaces) {
		got = append(got, printed(row))
	}
	if want := "who asks for|what, and|a-word-that-|is-too-long"; strings.Join(got, "|") != want {
		t.Errorf("prose: got %q, want %q", strings.Join(got, "|"), want)
	}
}
