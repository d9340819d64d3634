package config

import (
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"go.yaml.in/yaml/v3"
)

func (r *reader) tools(n *yaml.Node) map[string]Tool {
	tools := map[string]Tool{}
	r.entries(n, "tools", func(key, value *yaml.Node) {
		t := Tool{Line: key.Line}
		what, before := "tool "+key.Value, len(r.problems)
		r.mapping(value, what, keyed{
			"verbs":      r.texts(what+": verbs", &t.Verbs),
			"classes":    r.texts("classes", &t.Classes),
			"sink":       r.text("sink", &t.Sink),
			"understand": r.text("understand", &t.Understand),
			"argument":   r.text("argument", &t.Argument),
		})
		switch {
		case len(r.problems) > before:
		case t.Understand == "" && t.Argument != "":
			r.wrong(key, "understand: sql or understand: shell", "%s: it names an argument and no language", what)
		case t.Understand != "" && !slices.Contains([]string{countersign.LanguageSQL, countersign.LanguageShell}, t.Understand):
			r.wrong(key, "the languages are sql and shell", "%s: %q is not understood", what, t.Understand)
		case t.Understand != "" && t.Argument == "":
			r.wrong(key, "argument: query", "%s: it does not say which argument has the %s", what, t.Understand)
		case t.Understand == "" && len(t.Verbs) == 0:
			r.wrong(key, "verbs: [mcp.read] or [mcp.write]", "%s: it says no verbs", what)
		}
		tools[key.Value] = t
	})
	return tools
}

func (r *reader) tables(n *yaml.Node) map[string]Table {
	tables := map[string]Table{}
	r.entries(n, "tables", func(key, value *yaml.Node) {
		var t Table
		what := "table " + key.Value
		r.mapping(value, what, keyed{
			"classes": r.texts(what+": classes", &t.Classes),
			"columns": func(v *yaml.Node) {
				t.Columns = map[string]string{}
				r.entries(v, what+": columns", func(column, class *yaml.Node) {
					var s string
					r.text("column "+column.Value, &s)(class)
					t.Columns[column.Value] = s
				})
			},
		})
		if schema, name, ok := strings.Cut(key.Value, "."); !ok || schema == "" || name == "" {
			r.wrong(key, "public."+strings.Trim(key.Value, "."), "%s: its name has no schema", what)
		}
		tables[key.Value] = t
	})
	return tables
}
