// Package sql says what a text of SQL would do: the verbs, the tables, and what
// is risky about it. [Parse] runs in a child process, because the parser is
// PostgreSQL's own and some texts bring it down; what it finds is an
// [understand.Reading].
//
// What is understood is on lists: kinds of nodes, functions, operators, types.
// Everything else is sql.unknown, which nobody lets through unseen. What the text
// alone cannot tell is docs/decisions/019.
package sql

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
	"github.com/wasilibs/go-pgquery/parser"
)

// Version names what readings are found by; a change in what is found changes it.
const Version = "sql/2"

// Worker is the name of Parse among the handlers of worker.Main.
const Worker = "sql"

// The verbs.
const (
	reads    = "sql.read"
	writes   = "sql.write"
	deletes  = "sql.delete"
	ddl      = "sql.ddl"
	controls = "sql.control"
	unknown  = "sql.unknown"
)

// mostOperators is how many characters of operators a text may have outside of
// quotes. From about four times as many in one expression the parser runs out of
// its stack.
const mostOperators = 1000

// Parse is the handler of a worker: it reads a text and answers with the encoded
// reading. What the parser cannot come back from ends the child.
func Parse(text []byte) []byte {
	if text == nil { // to warm up: the parser is compiled by its first use
		parser.ParseToJSON("select 1")
		return nil
	}
	r := read(string(text))
	return r.Encode("sql.unclassified")
}

// Unparseable is the reading of a text of which nobody can say what it does.
func Unparseable(why string) understand.Reading {
	r := understand.Reading{Verbs: []string{unknown}}
	r.Find("sql.unparseable", why, countersign.Known)
	return r
}

func read(text string) understand.Reading {
	switch {
	case !utf8.ValidString(text):
		return Unparseable("not UTF-8")
	case strings.Contains(text, "\x00"): // the parser would not see what comes after
		return Unparseable("a NUL character")
	case operators(text) > mostOperators:
		return Unparseable(fmt.Sprintf("more than %d operators", mostOperators))
	}
	parsed, err := parser.ParseToJSON(text)
	if err != nil {
		refused, ok := errors.AsType[*parser.Error](err)
		if !ok {
			panic(err)
		}
		return Unparseable(refused.Message)
	}
	root, err := parseTree([]byte(parsed))
	if err != nil {
		return Unparseable(err.Error())
	}
	statements := root.list("stmts")
	if len(statements) == 0 {
		return Unparseable("no statement")
	}
	w := &walker{given: given(root)}
	if len(statements) > 1 {
		w.find("sql.multi-statement", fmt.Sprintf("%d statements", len(statements)))
	}
	for _, s := range statements {
		w.statement(s.field("stmt"))
	}
	return w.Reading
}

// operators counts the characters of operators outside of quotes. It takes any
// text between two quotes for quoted, which errs on texts that are made to fool
// it: those meet the stack of the child.
func operators(text string) (n int) {
	var quote rune
	for _, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case strings.ContainsRune("+-*/<>=~!@#%^&|`?", c):
			n++
		}
	}
	return n
}
