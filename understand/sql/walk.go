package sql

import (
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/understand"
)

// A walker visits every node of a parse tree, so that none is overlooked, and
// keeps what it finds.
type walker struct {
	understand.Reading
	// as is what is done to a table that is met.
	as string
	// ctes are the names that stand for a query of the text here.
	ctes []string
	// given are the columns of what functions in a FROM give, by its name.
	given map[string][]string
	// nested is true in a query that stands in an expression of another one.
	nested bool
}

func (w *walker) find(id, evidence string) { w.Find(id, evidence, countersign.Known) }

// strange notes what is not on a list.
func (w *walker) strange(what string) {
	w.Does(unknown)
	w.find("sql.unclassified", what)
}

// expressions are the kinds of nodes that are understood below statements. It is
// never written to.
var expressions = words(`A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star AccessPriv Alias AlterTableCmd
	BitString BoolExpr Boolean BooleanTest CTECycleClause CTESearchClause CaseExpr CaseWhen CoalesceExpr CollateClause
	ColumnDef ColumnRef CommonTableExpr Constraint CurrentOfExpr DefElem Float FuncCall FunctionParameter GroupingFunc
	GroupingSet IndexElem InferClause Integer IntoClause JoinExpr List LockingClause MergeWhenClause MinMaxExpr MultiAssignRef
	NamedArgExpr NullTest ObjectWithArgs OnConflictClause ParamRef RangeFunction RangeSubselect RangeTableFunc
	RangeTableFuncCol RangeTableSample RangeVar ResTarget RoleSpec RowExpr SQLValueFunction SetToDefault SortBy String SubLink
	TypeCast TypeName VacuumRelation VariableSetStmt WindowDef WithClause XmlExpr XmlSerialize`)

// structs are the kinds of what stands in a tree without its kind, by the name of
// the field. It is never written to.
var structs = map[string]string{
	"alias": "Alias", "bsval": "BitString", "boolval": "Boolean", "collClause": "CollateClause", "cycle_clause": "CTECycleClause",
	"fval": "Float", "funccall": "FuncCall", "func": "ObjectWithArgs", "infer": "InferClause", "into": "IntoClause", "intoClause": "IntoClause",
	"ival": "Integer", "larg": "SelectStmt", "newowner": "RoleSpec", "ofTypename": "TypeName", "onConflictClause": "OnConflictClause",
	"over": "WindowDef", "owner": "RoleSpec", "rarg": "SelectStmt", "rel": "RangeVar", "relation": "RangeVar", "returnType": "TypeName",
	"argType": "TypeName", "role": "RoleSpec", "search_clause": "CTESearchClause", "sequence": "RangeVar", "setstmt": "VariableSetStmt",
	"sval": "String", "typeName": "TypeName", "view": "RangeVar", "withClause": "WithClause",
}

// words are the words of a list.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// inside visits all fields but those of the names.
func (w *walker) inside(t tree, but ...string) {
	for name, inner := range t.each() {
		if !slices.Contains(but, name) {
			w.part(name, inner)
		}
	}
}

// part visits what stands in a field.
func (w *walker) part(name string, t tree) {
	switch {
	case t.kind != "":
		w.node(t.kind, t)
	case t.items != nil:
		for _, item := range t.items {
			w.part("an item of "+name, item)
		}
	case len(t.fields) > 0: // one without is an empty place in a list
		if structs[name] == "" {
			w.strange(name)
			w.inside(t)
			return
		}
		w.node(structs[name], t)
	}
}

// node visits one node.
func (w *walker) node(kind string, t tree) {
	if _, ok := statements[kind]; ok && kind != "VariableSetStmt" {
		t.kind = kind
		w.statement(t)
		return
	}
	if !expressions[kind] {
		w.strange(kind)
	}
	switch kind {
	case "RangeVar":
		w.table(t, w.as)
	case "FuncCall":
		w.call(t)
	case "A_Indirection":
		w.fields(t)
	case "ColumnRef":
		w.column(t)
	case "RangeFunction":
		if nameOf(t) == "" {
			w.strange("what has no name in a FROM")
		}
	case "A_Expr":
		if k := t.value("kind"); k != "AEXPR_BETWEEN" && k != "AEXPR_NOT_BETWEEN" && k != "AEXPR_BETWEEN_SYM" && k != "AEXPR_NOT_BETWEEN_SYM" {
			w.operator(names(t.list("name")))
		}
	case "SortBy":
		w.operator(names(t.list("useOp")))
	case "SubLink":
		w.operator(names(t.list("operName")))
		outer := w.nested
		w.nested = true
		defer func() { w.nested = outer }()
		if t.value("subLinkType") == "EXISTS_SUBLINK" && t.field("subselect").kind == "SelectStmt" {
			before := w.as
			w.selects(t.field("subselect"), firstRow())
			w.as = before
			return
		}
	case "TypeName":
		w.typeName(t)
	case "RangeTableSample":
		if m := names(t.list("method")); len(m) != 1 || m[0] != "bernoulli" && m[0] != "system" {
			w.stranger("sampling method", m)
		}
	case "LockingClause":
		w.Does(controls)
		w.find("sql.lock", "locks the rows that it reads")
	case "CurrentOfExpr":
		w.opaque("the row of a cursor")
	case "IntoClause":
		w.Does(ddl, writes)
		w.table(t.field("rel"), ddl)
		w.inside(t, "rel")
		return
	}
	w.inside(t)
}

// opaque notes SQL that the text does not show.
func (w *walker) opaque(what string) {
	w.Does(unknown)
	w.find("sql.opaque", what)
}

// table notes a table, unless the name stands for a query of the text.
func (w *walker) table(t tree, verb string) {
	schema, name := t.value("schemaname"), t.value("relname")
	if verb == reads && w.isCTE(t) {
		return
	}
	full := dotted([]string{t.value("catalogname"), schema, name})
	w.Touches(full, verb)
	if secretTables[name] { // in any schema: an extension's may be in each
		w.find("sql.credential-read", full)
	}
}

// isCTE reports whether the name of a table stands for a query of the text.
func (w *walker) isCTE(t tree) bool {
	return t.value("schemaname") == "" && slices.Contains(w.ctes, t.value("relname"))
}

// with brings the names of a WITH into scope, query by query, and returns what
// ends their scope. A query that is not recursive does not see its own name.
func (w *walker) with(clause tree) (end func()) {
	before := w.ctes
	list := clause.list("ctes")
	if clause.value("recursive") == "true" {
		for _, cte := range list {
			w.ctes = append(slices.Clone(w.ctes), cte.value("ctename"))
		}
	}
	for _, cte := range list {
		w.part("cte", cte)
		w.ctes = append(slices.Clone(w.ctes), cte.value("ctename"))
	}
	return func() { w.ctes = before }
}
