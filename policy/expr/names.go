package expr

import (
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/parser"

	"github.com/countersignhq/countersign/internal/nearest"
	"github.com/countersignhq/countersign/understand"
)

// A Field is a field of one of the types that expressions see, such as
// {"Resource", "environment"} wherever a resource stands.
type Field struct{ Of, Name string }

// A Literal is a text in an expression that a field is compared with, so that
// the loader can tell a word that no resource has.
type Literal struct {
	Field Field
	Text  string
}

// Variables that no rule can name: @ is no letter of CEL.
const (
	indPrefix      = "@ind:"
	indMaxVariable = "@ind_max"
)

// objectType is the library's name for objectView, which is no variable but
// stands in the list of another.
const objectType = "expr.objectView"

func indVariables() []cel.EnvOption {
	var vars []cel.EnvOption
	for _, ind := range understand.Indicators() {
		vars = append(vars, cel.Variable(indPrefix+ind.ID, cel.BoolType))
	}
	return vars
}

// indMacro makes ind('x') a variable of its own, so that it can be unknown and
// so that a word outside the catalogue is an error where it stands.
func indMacro() cel.Macro {
	return parser.NewGlobalMacro("ind", 1, func(eh parser.ExprHelper, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		arg := args[0]
		id, ok := text(arg)
		if !ok {
			return nil, eh.NewError(arg.ID(), "ind takes the id of an indicator in quotes, such as ind('text.bidi')")
		}
		if _, ok := understand.FindIndicator(id); !ok {
			message := "unknown indicator '" + id + "'"
			if near, ok := nearest.To(id, indicatorIDs()); ok {
				message += "; did you mean '" + near + "'?"
			}
			return nil, eh.NewError(arg.ID(), message)
		}
		return eh.NewIdent(indPrefix + id), nil
	})
}

func indMaxMacro() cel.Macro {
	return parser.NewGlobalMacro("ind_max", 0, func(eh parser.ExprHelper, _ ast.Expr, _ []ast.Expr) (ast.Expr, *common.Error) {
		return eh.NewIdent(indMaxVariable), nil
	})
}

func indicatorIDs() []string {
	var ids []string
	for _, ind := range understand.Indicators() {
		ids = append(ids, ind.ID)
	}
	return ids
}

// fieldNames returns the names of all fields of all types.
func fieldNames() []string {
	var names []string
	for _, t := range []reflect.Type{
		reflect.TypeFor[factsView](), reflect.TypeFor[objectView](), reflect.TypeFor[resourceView](),
		reflect.TypeFor[principalView](), reflect.TypeFor[previewView](), reflect.TypeFor[dataView](), reflect.TypeFor[sinkView](),
	} {
		for f := range t.Fields() {
			names = append(names, f.Tag.Get("cel"))
		}
	}
	return names
}

// reads returns the fields that the expression looks at.
func reads(a *cel.Ast) []Field {
	var fields []Field
	visit(a, func(e ast.Expr) {
		if f, ok := field(a, e); ok && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	})
	return fields
}

// literals returns the texts that are compared with a field by ==, != or in.
func literals(a *cel.Ast) []Literal {
	var found []Literal
	visit(a, func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals, operators.In:
		default:
			return
		}
		args := e.AsCall().Args()
		for i, arg := range args {
			if f, ok := field(a, arg); ok {
				for _, t := range texts(args[1-i]) {
					found = append(found, Literal{f, t})
				}
			}
		}
	})
	return found
}

func visit(a *cel.Ast, f func(ast.Expr)) {
	ast.PostOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(f))
}

func field(a *cel.Ast, e ast.Expr) (Field, bool) {
	if e.Kind() != ast.SelectKind {
		return Field{}, false
	}
	sel := e.AsSelect()
	of := a.NativeRep().GetType(sel.Operand().ID())
	if of == nil {
		return Field{}, false
	}
	name := of.TypeName()
	if name == objectType {
		name = "Object"
	}
	return Field{name, sel.FieldName()}, true
}

func texts(e ast.Expr) []string {
	if t, ok := text(e); ok {
		return []string{t}
	}
	if e.Kind() != ast.ListKind {
		return nil
	}
	var all []string
	for _, element := range e.AsList().Elements() {
		all = append(all, texts(element)...)
	}
	return all
}

func text(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	t, ok := e.AsLiteral().Value().(string)
	return t, ok
}

// readable turns the name of a variable back into what the rule says.
func readable(variable string) string {
	if id, ok := strings.CutPrefix(variable, indPrefix); ok {
		return "ind('" + id + "')"
	}
	if variable == indMaxVariable {
		return "ind_max()"
	}
	return variable
}
