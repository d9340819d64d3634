package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// onScreen is a terminal of the width that writes to out, with colour or without.
func onScreen(out *bytes.Buffer, width int, env map[string]string) *terminal {
	t := &terminal{out: out, err: out, outIsScreen: true, width: width, env: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}}
	t.colour = t.wantsColour()
	return t
}

func TestColourIsForScreensThatTakeIt(t *testing.T) {
	tests := []struct {
		screen bool
		env    map[string]string
		want   bool
	}{
		{true, nil, true},
		{false, nil, false},
		{true, map[string]string{"NO_COLOR": "1"}, false},
		{true, map[string]string{"NO_COLOR": ""}, true},
		{true, map[string]string{"TERM": "dumb"}, false},
		{false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
	}
	for _, tt := range tests {
		term := onScreen(&bytes.Buffer{}, 80, tt.env)
		term.outIsScreen = tt.screen
		if got := term.wantsColour(); got != tt.want {
			t.Errorf("screen %v, %v: got %v, want %v", tt.screen, tt.env, got, tt.want)
		}
	}
}

func TestATableGivesUpColumnsAndNeverALetter(t *testing.T) {
	const name = "write with create_refund (amount 184.50) in mcp/shop"
	for _, width := range []int{120, 80, 60, 40, 10} {
		var out bytes.Buffer
		term := onScreen(&out, width, map[string]string{"NO_COLOR": "1"})
		tb := term.table("RISK", "ID", "WHAT", "LEFT")
		tb.row(plain("^ medium", "req_w1k5ra3ehc7v", name, "4:12")...)
		tb.flush()
		got := out.String()
		for line := range strings.Lines(got) {
			if n := len(strings.TrimRight(line, "\n")); n > width && width >= 40 {
				t.Errorf("width %d: a line of %d: %q", width, n, line)
			}
		}
		if !strings.Contains(got, "req_w1k5ra3ehc7v") {
			t.Errorf("width %d: the id is not whole:\n%s", width, got)
		}
		for _, word := range strings.Fields(name) {
			if strings.Contains(got, "WHAT") && !strings.Contains(got, word) {
				t.Errorf("width %d: %q is not whole:\n%s", width, word, got)
			}
		}
	}
}

func TestLongTextIsWrappedWhole(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  []string
	}{
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 3, []string{"one", "two", "three"}},
		{"unbreakable word", 4, []string{"unbreakable", "word"}},
		{"naïve café olé", 5, []string{"naïve", "café", "olé"}},
		{"", 5, nil},
	} {
		if got := wrapped(tt.text, tt.width); strings.Join(got, "|") != strings.Join(tt.want, "|") {
			t.Errorf("%q at %d: got %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestTextFromElsewhereCannotActOnATerminal(t *testing.T) {
	got := oneLine("bob\n\x1b[2Jerror: \u202eevil\tx")
	if strings.ContainsAny(got, "\n\t\x1b\u202e") || !strings.Contains(got, "<U+202E>") {
		t.Errorf("got %q, want it in one line with what is hidden named", got)
	}
}

func TestAnErrorEndsAsItsCode(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		ctx  context.Context
		err  error
		want int
		says string
	}{
		{t.Context(), nil, 0, ""},
		{t.Context(), errors.New("boom"), 1, "error: boom\n"},
		{t.Context(), failed("mend it", "broken"), 1, "error: broken\nhint: mend it\n"},
		{t.Context(), exit(8), 8, ""},
		{t.Context(), fmt.Errorf("ls: %w", &client.Problem{Code: "unauthenticated", Detail: "who?", Hint: "sign in"}), 4, "error: who?\nhint: sign in\n"},
		{t.Context(), &countersign.Error{Code: countersign.CodePending, Detail: "it waits"}, 8, "error: it waits\n"},
		{cancelled, fmt.Errorf("ls: %w", context.Canceled), 2, "cancelled\n"},
		{t.Context(), errors.New("a\nerror: b"), 1, "error: a error: b\n"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		if got := onScreen(&out, 80, nil).report(tt.ctx, tt.err); got != tt.want || out.String() != tt.says {
			t.Errorf("%v: got %d %q, want %d %q", tt.err, got, out.String(), tt.want, tt.says)
		}
	}
}

func TestTimeLeftIsReadAtAGlance(t *testing.T) {
	for d, want := range map[time.Duration]string{
		25*time.Minute + 42*time.Second: "25:42", 9 * time.Second: "0:09", -time.Second: "0:00", 3 * time.Hour: "3 h", 99 * time.Minute: "99:00",
	} {
		if got := left(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestWhoListensIsReadFromTheTable(t *testing.T) {
	const line = "   1: 0100007F:2120 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 100 0 0 10 0\n"
	if inode, ok := listensOn(line, 8480); !ok || inode != "12345" {
		t.Errorf("got %q, %v; want inode 12345", inode, ok)
	}
	if _, ok := listensOn(line, 8481); ok {
		t.Error("another port was found")
	}
	if _, ok := listensOn(strings.Replace(line, " 0A ", " 01 ", 1), 8480); ok {
		t.Error("a connection was taken for a listener")
	}
}
