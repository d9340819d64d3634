package sql

import "slices"

// PostgreSQL takes (x).f for f(x) where x has no field f, and t.f for f(t) where
// t has no column f. What a function in a FROM gives may be a number, so there
// f can be any function of one argument. Of a table the text does not tell its
// columns: t.f is taken for one, unless f is known to do more.

// outputs are the columns of functions that name them. It is never written to.
var outputs = map[string][]string{
	"json_each": {"key", "value"}, "json_each_text": {"key", "value"}, "jsonb_each": {"key", "value"}, "jsonb_each_text": {"key", "value"},
	"json_array_elements": {"value"}, "json_array_elements_text": {"value"}, "jsonb_array_elements": {"value"}, "jsonb_array_elements_text": {"value"},
}

// fields looks at the names that follow an expression.
func (w *walker) fields(t tree) {
	of := t.field("arg")
	for _, step := range t.list("indirection") {
		name := step.value("sval")
		if step.kind != "String" || slices.Contains(outputs[functionName(of)], name) {
			continue
		}
		if !w.function(name, []tree{of}) {
			w.stranger("field or function", []string{name})
		}
	}
}

// column looks at a column that is named with its table.
func (w *walker) column(t tree) {
	parts := names(t.list("fields"))
	if len(parts) < 2 || parts[len(parts)-1] == "" { // t.*
		return
	}
	last := parts[len(parts)-1]
	columns, given := w.given[parts[len(parts)-2]]
	if (!given || slices.Contains(columns, last)) && !acts(last) {
		return
	}
	if !w.function(last, nil) {
		w.stranger("column or function", parts)
	}
}

// functionName is the name of the function that is called, without its schema.
func functionName(t tree) string {
	name := names(t.list("funcname"))
	if t.kind != "FuncCall" || len(name) == 0 {
		return ""
	}
	return name[len(name)-1]
}

// given are the columns of what functions in a FROM give, by the name that it has
// there. Two of one name, wherever they stand, have those that both have.
func given(root tree) map[string][]string {
	all := map[string][]string{}
	root.anywhere(func(t tree) bool {
		if t.kind != "RangeFunction" {
			return false
		}
		name := nameOf(t)
		columns := columnsOf(t, name)
		if others, twice := all[name]; twice {
			columns = slices.DeleteFunc(columns, func(c string) bool { return !slices.Contains(others, c) })
		}
		all[name] = columns
		return false
	})
	return all
}

// nameOf is the name that what functions in a FROM give has there, empty if that
// would be made from something other than the name of a function.
func nameOf(from tree) string {
	if alias := from.value("alias", "aliasname"); alias != "" {
		return alias
	}
	for _, f := range from.list("functions") {
		return functionName(f.list("items")[0])
	}
	return ""
}

func columnsOf(from tree, name string) []string {
	functions := from.list("functions")
	var columns []string
	for _, f := range functions {
		parts := f.list("items") // the call, and the columns that it is said to give
		defined := slices.Concat(from.list("coldeflist"), parts[len(parts)-1].list("items"))
		function := functionName(parts[0])
		switch {
		case len(defined) > 0:
			for _, d := range defined {
				columns = append(columns, d.value("colname"))
			}
		case outputs[function] != nil:
			columns = append(columns, outputs[function]...)
		case len(functions) == 1:
			columns = append(columns, name)
		default:
			columns = append(columns, function)
		}
	}
	if from.value("ordinality") == "true" {
		columns = append(columns, "ordinality")
	}
	renamed := names(from.list("alias", "colnames"))
	return append(renamed, columns[min(len(renamed), len(columns)):]...)
}
