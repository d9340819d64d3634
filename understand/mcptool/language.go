package mcptool

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
	"github.com/countersignhq/countersign/understand/shell"
	"github.com/countersignhq/countersign/understand/sql"
)

// A Reader has a text read by a parser, in a process of its own, and returns an
// encoded [understand.Reading].
type Reader func(input []byte) ([]byte, error)

// Languages read the texts that tools are given. What has no reader cannot be
// understood.
type Languages struct {
	SQL   Reader // sql.Parse
	Shell Reader // shell.Parse
}

// reading adds what the text in the tool's argument would do to what the
// configuration says of the tool.
func (u *understanding) reading(declared countersign.Tool, params []byte, r countersign.Resource) {
	where := "arguments." + declared.Argument
	var found understand.Reading
	switch declared.Understand {
	case countersign.LanguageSQL:
		u.facts.Understanding += "+" + sql.Version
		found = u.sql(declared.Argument, params)
	case countersign.LanguageShell:
		u.facts.Understanding += "+" + shell.Version
		found = u.shell(declared.Argument, params)
	default:
		found = sql.Unparseable("the language " + declared.Understand + " is not known")
	}
	for _, v := range found.Verbs {
		if !slices.Contains(u.facts.Verbs, v) {
			u.facts.Verbs = append(u.facts.Verbs, v)
		}
	}
	for _, f := range found.Found {
		u.found(f.ID, f.Evidence, where, "parser", f.Certain)
		u.facts.Certainty = lesser(u.facts.Certainty, doubts[f.ID])
	}
	u.objects(found, declared, r)
	for _, to := range found.Outside {
		if to == "" {
			u.leaves(nil, where)
		} else {
			u.goesTo(to, where, r)
		}
	}
	if found.More && u.facts.Exports {
		u.found("data.leaves-region", "there may be more places than are listed", where, "parser", countersign.Possible)
	}
}

// doubts are the findings with which the rest is not all there is. It is never
// written to.
var doubts = map[string]countersign.Certainty{
	"sql.unparseable": countersign.Unknown, "sh.unparseable": countersign.Unknown,
	"sql.opaque": countersign.Possible, "sql.function-unknown": countersign.Possible, "sql.unclassified": countersign.Possible, "sql.server-code": countersign.Possible,
	"sh.opaque": countersign.Possible, "sh.dynamic-command": countersign.Possible, "sh.unknown-command": countersign.Possible, "sh.unclassified": countersign.Possible,
	"sh.dynamic": countersign.Possible, "sh.defines-function": countersign.Possible,
}

// lesser is the certainty of what rests on both. Empty is no doubt.
func lesser(a, b countersign.Certainty) countersign.Certainty {
	switch {
	case a == countersign.Unknown || b == countersign.Unknown:
		return countersign.Unknown
	case a == countersign.Possible || b == countersign.Possible:
		return countersign.Possible
	}
	return a
}

func (u *understanding) sql(argument string, params []byte) understand.Reading {
	raw, ok := argumentAt(params, argument)
	if !ok || raw[0] != '"' {
		return sql.Unparseable("no text in " + argument)
	}
	found, why := answered(u.languages.SQL, []byte(decoded(raw)))
	if why != "" {
		return sql.Unparseable(why)
	}
	return found
}

// shell reads a line, or a list of texts: a program with its arguments.
func (u *understanding) shell(argument string, params []byte) understand.Reading {
	raw, ok := argumentAt(params, argument)
	var input []byte
	switch {
	case ok && raw[0] == '"':
		input = shell.Line(decoded(raw))
	case ok && raw[0] == '[':
		var argv []string
		err := json.Unmarshal(raw, &argv)
		if err == nil && !strings.Contains(string(raw), "null") { // which would count as an empty text
			input, err = shell.Argv(argv)
		}
		if err != nil || input == nil {
			return shell.Unparseable(argument + " is no list of texts")
		}
	default:
		return shell.Unparseable("no text in " + argument)
	}
	found, why := answered(u.languages.Shell, input)
	if why != "" {
		return shell.Unparseable(why)
	}
	return found
}

// answered is what a reader found, or why there is nothing.
func answered(read Reader, input []byte) (found understand.Reading, why string) {
	if read == nil {
		return found, "nothing here reads this language"
	}
	answer, err := read(input)
	if err != nil {
		return found, err.Error()
	}
	if found, err = understand.ParseReading(answer); err != nil {
		return found, "the parser's answer is none: " + err.Error()
	}
	return found, ""
}

// objects notes what the text touches, with the classes of its data. Where there
// is more than is listed, the rest may be of every class.
func (u *understanding) objects(found understand.Reading, declared countersign.Tool, r countersign.Resource) {
	tables := declared.Understand == countersign.LanguageSQL && len(r.Tables) > 0 && len(found.Objects) > 0
	if tables {
		u.facts.Classes = slices.Clone(declared.Classes)
	}
	for _, o := range found.Objects {
		of := u.facts.Classes
		if tables {
			of = tableClasses(o.Name, r)
		}
		u.facts.Objects = append(u.facts.Objects, countersign.Object{
			Name: o.Name, Verb: o.Verb, Classes: slices.Clone(of), Certainty: lesser(countersign.Known, u.facts.Certainty),
		})
		u.classes(of)
	}
	if tables && found.More {
		u.classes(classes(declared.Classes, r))
		for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
			u.classes(tableClasses(name, r))
		}
		u.classes([]string{unlabelled})
	}
}

// classes adds classes of data, each once.
func (u *understanding) classes(list []string) {
	for _, class := range list {
		if !slices.Contains(u.facts.Classes, class) {
			u.facts.Classes = append(u.facts.Classes, class)
		}
	}
}

// tableClasses are the classes of the table and its columns. A name without a
// schema stands for every table of that name, and the database that a statement
// names is the one it runs in.
func tableClasses(name string, r countersign.Resource) []string {
	var found []string
	for full, t := range r.Tables {
		if full != name && !strings.HasSuffix(full, "."+name) && !strings.HasSuffix(name, "."+full) {
			continue
		}
		found = append(found, t.Classes...)
		for _, class := range t.Columns {
			found = append(found, class)
		}
	}
	if len(found) == 0 {
		return []string{unlabelled}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
