package sql

import (
	"slices"
	"strings"
)

// A sense is how a condition counts.
type sense bool

const (
	negated sense = false
	asIs    sense = true
)

// narrows reports whether a condition can leave rows out by what is in them. One
// that is always true does not, nor does one that looks at no column. Of a
// condition that only happens to be true for every row nobody can tell from the
// text.
func narrows(t tree) bool { return judged(t, asIs, distinguishes) }

// picks reports whether a condition chooses some rows. What is true of most of
// them, or ties rows of two tables together, does not.
func picks(t tree) bool { return judged(t, asIs, chooses) }

// judged asks of a condition what one of its parts must have.
func judged(t tree, as sense, part func(tree, sense) bool) bool {
	if t.kind == "" || !t.contains(looksAtRow) {
		return false
	}
	each := func(inner tree) bool { return judged(inner, as, part) }
	switch t.kind {
	case "BoolExpr":
		args := t.list("args")
		switch op := t.value("boolop"); {
		case op == "NOT_EXPR":
			return len(args) == 1 && judged(args[0], !as, part)
		case (op == "AND_EXPR") == (as == asIs):
			return slices.ContainsFunc(args, each)
		default:
			return !slices.ContainsFunc(args, func(inner tree) bool { return !each(inner) })
		}
	case "BooleanTest":
		return judged(t.field("arg"), as, part)
	}
	return part(t, as)
}

// looksAtRow fits what depends on the row that a condition is about: its columns,
// and selects that do.
func looksAtRow(t tree) bool {
	return t.kind == "ColumnRef" || t.kind == "CurrentOfExpr" || t.kind == "SubLink" && correlated(t.field("subselect"))
}

// correlated reports whether a select names, with its table, a column of a table
// that is not its own.
func correlated(query tree) bool {
	own := map[string]bool{}
	query.anywhere(func(t tree) bool {
		own[t.value("alias", "aliasname")] = true
		if t.kind == "RangeVar" && !t.has("alias") {
			own[t.value("relname")] = true
		}
		return false
	})
	return query.anywhere(func(t tree) bool {
		fields := t.list("fields")
		return t.kind == "ColumnRef" && len(fields) > 1 && !own[fields[len(fields)-2].value("sval")]
	})
}

func distinguishes(t tree, _ sense) bool {
	return t.kind != "A_Expr" || !comparesWithItself(t) && !matchesAll(t)
}

// comparesWithItself reports whether both sides are the same, or one of a list is.
func comparesWithItself(t tree) bool {
	left, right := t.field("lexpr"), t.field("rexpr")
	if left.equal(right) {
		return true
	}
	list := slices.Concat(right.list("items"), right.list("elements"))
	if strings.Contains(t.value("kind"), "BETWEEN") { // by both
		return !slices.ContainsFunc(list, func(item tree) bool { return !item.equal(left) })
	}
	return slices.ContainsFunc(list, left.equal)
}

func chooses(t tree, as sense) bool {
	equal, unequal := "=", "<>"
	if as == negated {
		equal, unequal = unequal, equal
	}
	switch t.kind {
	case "NullTest":
		return (t.value("nulltesttype") == "IS_NULL") == (as == asIs)
	case "A_Expr":
		op := strings.Join(names(t.list("name")), ".")
		if t.field("lexpr").kind == "ColumnRef" && t.field("rexpr").kind == "ColumnRef" || op == unequal {
			return false
		}
		pattern := strings.HasPrefix(op, "!~") == (as == negated)
		return distinguishes(t, as) && (op == equal || !strings.Contains(op, "~") || pattern)
	}
	return true
}

// matchesAll reports whether a pattern fits every text.
func matchesAll(t tree) bool {
	pattern, ok := constant([]tree{t.field("rexpr")})
	if !ok {
		return false
	}
	switch t.value("kind") {
	case "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_SIMILAR":
		return pattern != "" && strings.Trim(pattern, "%") == ""
	}
	if op := names(t.list("name")); len(op) == 1 && (op[0] == "~" || op[0] == "~*") {
		return slices.Contains([]string{"", ".*", "^", "$", "^.*$", ".*$", "^.*"}, pattern)
	}
	return false
}
