// Package shell says what a line of shell, or a vector of arguments, would do:
// the programs that run and what is risky about them. [Parse] runs in a child
// process; what it finds is an [understand.Reading].
//
// A line is taken for bash, and is a read only if sh reads the same in it. Programs
// are on lists with what they do; one that only reads is on a list with the flags
// in which it does. Everything else, and every word that is made while the line
// runs, is shell.exec.
package shell

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
	"mvdan.cc/sh/v3/syntax"
)

// Version names what readings are found by; a change in what is found changes it.
const Version = "shell/2"

// Worker is the name of Parse among the handlers of worker.Main.
const Worker = "shell"

// The verbs.
const (
	reads    = "shell.read"
	executes = "shell.exec"
)

// deepest is how many lines may stand in one another: sh -c 'sh -c "…"'.
const deepest = 8

// An input of Parse begins with what it is.
const (
	asLine = 'L'
	asArgv = 'A' // each argument ends with a NUL
)

// Line is the input of Parse for a line of shell.
func Line(text string) []byte { return append([]byte{asLine}, text...) }

// Argv is the input of Parse for a program and its arguments, without a shell.
// One with a NUL in it cannot be had.
func Argv(args []string) ([]byte, error) {
	b := []byte{asArgv}
	for _, a := range args {
		if strings.Contains(a, "\x00") {
			return nil, fmt.Errorf("a NUL character in an argument")
		}
		b = append(append(b, a...), 0)
	}
	return b, nil
}

// Parse is the handler of a worker: it reads what Line or Argv made and answers
// with the encoded reading.
func Parse(input []byte) []byte {
	if len(input) == 0 { // to warm up
		return nil
	}
	w := &walker{}
	switch text := string(input[1:]); {
	case input[0] == asLine:
		w.line(text)
	case input[0] == asArgv:
		w.argv(strings.Split(strings.TrimSuffix(text, "\x00"), "\x00"))
	default:
		w.unparseable("neither a line nor arguments")
	}
	if w.enters && w.asksGit {
		w.opaque("git in another folder") // whose configuration may name programs
	}
	if len(w.Verbs) == 0 {
		w.Does(reads)
	} else if len(w.Verbs) > 1 {
		w.Verbs = []string{executes} // what reads besides does not matter
	}
	return w.Encode("sh.unclassified")
}

// Unparseable is the reading of a text of which nobody can say what it does.
func Unparseable(why string) understand.Reading {
	w := &walker{}
	w.unparseable(why)
	return w.Reading
}

func (w *walker) unparseable(why string) {
	w.Does(executes)
	w.find("sh.unparseable", why)
}

// line reads a line, which may stand in another one.
func (w *walker) line(text string) {
	switch {
	case w.depth == deepest:
		w.opaque("lines in lines")
		return
	case !utf8.ValidString(text):
		w.unparseable("not UTF-8")
		return
	case strings.Contains(text, "\x00"):
		w.unparseable("a NUL character")
		return
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		w.unparseable(err.Error())
		return
	}
	if len(file.Stmts) == 0 {
		w.unparseable("no command")
		return
	}
	if !plain(text, file) {
		w.runs("sh.unclassified", "what not every shell reads in the same way")
	}
	w.depth++
	w.walk(file)
	w.depth--
}

// plain reports whether sh, and not only bash, reads the text as the file says:
// the shell of a tool may be dash. A backslash at the end of a line is plain only
// between words and where nothing is a comment, which it does not continue.
func plain(text string, file *syntax.File) bool {
	if joined.MatchString(text) || strings.Contains(text, "\\\n") && strings.Contains(text, "#") || strings.ContainsFunc(text, control) {
		return false
	}
	sh, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	return err == nil && reflect.DeepEqual(sh, file)
}

// joined is a backslash at the end of a line that does not follow a blank.
var joined = regexp.MustCompile(`(^|[^ \t])\\\n`)

func control(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' }

// argv reads a program and its arguments.
func (w *walker) argv(args []string) {
	var list []word
	for _, a := range args {
		if !utf8.ValidString(a) {
			w.unparseable("not UTF-8")
			return
		}
		list = append(list, word{text: a})
	}
	w.program(list)
}

func (w *walker) find(id, evidence string) { w.Find(id, evidence, countersign.Known) }

// runs notes that something runs that may change something.
func (w *walker) runs(id, evidence string) {
	w.Does(executes)
	w.find(id, evidence)
}

func (w *walker) opaque(what string) { w.runs("sh.opaque", what) }
