package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// A terminal is how a verb speaks: results go to out and nothing else does; what
// is said to a person goes to err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	// outIsScreen and errIsScreen are true where a person reads along.
	outIsScreen, errIsScreen bool
	// colour is true where out may be coloured.
	colour bool
	// width is in columns: 80 where nobody can tell.
	width int
}

func newTerminal(in io.Reader, out, err io.Writer, env func(string) (string, bool)) *terminal {
	t := &terminal{in: in, out: out, err: err, env: env, width: 80}
	outFd, outIs := screen(out)
	_, t.errIsScreen = screen(err)
	t.outIsScreen = outIs
	if outIs {
		if w, _, err := term.GetSize(outFd); err == nil && w > 0 {
			t.width = w
		}
	}
	if w, err := strconv.Atoi(t.get("COLUMNS")); err == nil && w > 0 {
		t.width = w
	}
	t.colour = t.wantsColour()
	return t
}

func screen(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// wantsColour follows no-color.org and bixense.com/clicolors.
func (t *terminal) wantsColour() bool {
	if force := t.get("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	return t.outIsScreen && t.get("NO_COLOR") == "" && t.get("TERM") != "dumb"
}

func (t *terminal) get(name string) string {
	value, _ := t.env(name)
	return value
}

// say writes one line to whoever sits there.
func (t *terminal) say(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }

// print writes one line of the result.
func (t *terminal) print(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// The four uses of colour.
const (
	bold   = "1"  // names of people, ids, the result of a verification
	red    = "31" // critical and high, what failed, a hidden character
	yellow = "33" // medium, and time that runs out
	green  = "32" // every step holds
)

// paint colours the text for out.
func (t *terminal) paint(how, text string) string {
	if !t.colour || how == "" || text == "" {
		return text
	}
	return "\x1b[" + how + "m" + text + "\x1b[0m"
}
