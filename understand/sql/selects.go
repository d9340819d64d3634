package sql

import (
	"slices"
	"strconv"
	"strings"
)

// fewRows is how many rows a query with a limit may give to count as bounded.
const fewRows = 1000

// selects looks at a query. enclosing are the unions of which it is an arm: a
// limit of theirs is a limit of all arms.
func (w *walker) selects(t tree, enclosing ...tree) {
	defer w.with(t.field("withClause"))()
	w.Does(reads)
	w.as = reads
	enclosing = append(enclosing, t)
	if op := t.value("op"); op != "" && op != "SETOP_NONE" {
		w.selects(t.field("larg"), enclosing...)
		w.selects(t.field("rarg"), enclosing...)
		w.inside(t, "larg", "rarg", "withClause")
		return
	}
	if table, ok := w.unbounded(t, enclosing); ok {
		w.find("sql.unbounded-read", table)
	}
	w.as = reads
	w.inside(t, "withClause")
}

// firstRow is the limit that EXISTS has: it reads no further than to a row.
func firstRow() tree {
	return tree{fields: map[string]tree{"limitCount": {kind: "A_Const", fields: map[string]tree{"ival": {}}}}}
}

// limited reports whether the query ends after a few rows.
func limited(t tree) bool {
	if t.value("limitOption") == "LIMIT_OPTION_WITH_TIES" { // of which there may be as many as rows
		return false
	}
	limit := t.field("limitCount")
	n, err := strconv.Atoi(limit.value("ival", "ival"))
	zero := limit.kind == "A_Const" && limit.has("ival") && !limit.field("ival").has("ival")
	return zero || err == nil && 0 <= n && n <= fewRows
}

// unbounded names a table of which the query reads as many rows as there are.
func (w *walker) unbounded(t tree, enclosing []tree) (table string, ok bool) {
	groups := w.sources(t.list("fromClause"))
	if len(groups) == 0 {
		return "", false
	}
	where := t.field("whereClause")
	bounded := picks(where)
	if len(groups) > 1 {
		// Without a condition between them each row of one meets each of the other.
		for _, g := range groups {
			bounded = bounded && where.contains(g.mentioned)
		}
	}
	if t.contains(collects) {
		return groups[0].table, !bounded
	}
	return groups[0].table, !bounded && !slices.ContainsFunc(enclosing, limited) && !w.oneRow(t)
}

// collects fits what puts all that is read into one value. As (x).f and t.f it is
// a call as well.
func collects(t tree) bool {
	switch name := functionName(t); {
	case strings.HasPrefix(name, "percentile_"):
		args := t.list("args")
		return len(args) != 1 || !args[0].has("fval") // a list of them gives a list
	case name != "":
		return collectors[name]
	case t.kind == "A_Indirection":
		return slices.ContainsFunc(names(t.list("indirection")), func(n string) bool { return collectors[n] })
	case t.kind == "ColumnRef":
		fields := names(t.list("fields"))
		return len(fields) > 1 && collectors[fields[len(fields)-1]]
	}
	return false
}

// aggregate fits calls of aggregates.
func aggregate(t tree) bool { return aggregates[functionName(t)] && !t.has("over") }

// oneRow reports whether the query gives one row for all that it reads. An
// aggregate of columns of the query around it does not make it so; what reads a
// column besides the aggregate gives a row each time.
func (w *walker) oneRow(t tree) bool {
	targets := tree{items: t.list("targetList")}
	if len(t.list("groupClause")) > 0 || !targets.contains(aggregate) {
		return false
	}
	return !w.nested || !targets.reads()
}

// reads reports whether a column stands outside of aggregates, in selects too.
func (t tree) reads() bool {
	if aggregate(t) {
		return false
	}
	if t.kind == "ColumnRef" {
		return true
	}
	for _, inner := range t.items {
		if inner.reads() {
			return true
		}
	}
	for _, inner := range t.fields {
		if inner.reads() {
			return true
		}
	}
	return false
}

// A group is some tables that are joined by conditions.
type group struct {
	table   string
	aliases []string
}

// mentioned fits a column that names one of the group's tables.
func (g group) mentioned(t tree) bool {
	fields := t.list("fields")
	if t.kind != "ColumnRef" || len(fields) < 2 {
		return false
	}
	for _, a := range g.aliases {
		if fields[len(fields)-2].value("sval") == a {
			return true
		}
	}
	return false
}

// sources are the tables of a FROM. What stands for a query of the text, or for
// the result of a function, is no table: it is bounded by itself or not.
func (w *walker) sources(from []tree) []group {
	var all []group
	for _, t := range from {
		switch t.kind {
		case "RangeVar":
			if w.isCTE(t) {
				continue
			}
			name := t.value("relname")
			alias := name
			if a := t.value("alias", "aliasname"); a != "" {
				alias = a
			}
			all = append(all, group{dotted([]string{t.value("schemaname"), name}), []string{alias}})
		case "RangeTableSample":
			all = append(all, w.sources([]tree{t.field("relation")})...)
		case "JoinExpr":
			both := w.sources([]tree{t.field("larg"), t.field("rarg")})
			joined := t.value("isNatural") == "true" || len(t.list("usingClause")) > 0 || narrows(t.field("quals"))
			if joined && len(both) > 1 {
				one := both[0]
				for _, g := range both[1:] {
					one.aliases = append(one.aliases, g.aliases...)
				}
				both = []group{one}
			}
			all = append(all, both...)
		}
	}
	return all
}
