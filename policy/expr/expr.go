// Package expr compiles and evaluates the expressions of policy rules: typed
// CEL (https://github.com/google/cel-spec) over the facts of one request. A
// [Compiler] refuses at load what could only go wrong later: a field that does
// not exist, a result of the wrong type, an indicator that nobody finds, a cost
// beyond [CostLimit]. A [Condition] or [Number] is then asked of [Vars], and
// what is not certain about a request is a CEL unknown: it decides only where
// the expression depends on it.
package expr

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/nearest"
)

// CostLimit is what one evaluation may cost, in CEL's units: about the number of
// values looked at. An expression that could cost more does not compile.
const CostLimit = 10_000

// A Compiler compiles expressions. It may be used by many goroutines at once.
type Compiler struct{ env *cel.Env }

// An Error is one thing wrong with an expression.
type Error struct {
	Line   int // from 1, within the expression
	Column int // from 1, in characters
	Text   string
}

// NewCompiler returns a compiler. It fails only if the CEL library refuses its
// own declarations.
func NewCompiler() (*Compiler, error) {
	options := []cel.EnvOption{
		cel.Types(view[factsView]("Facts"), view[resourceView]("Resource"),
			view[principalView]("Principal"), view[previewView]("Preview"),
			view[dataView]("Data"), view[sinkView]("Sink")),
		cel.Variable("facts", cel.ObjectType("Facts")),
		cel.Variable("resource", cel.ObjectType("Resource")),
		cel.Variable("requester", cel.ObjectType("Principal")),
		cel.Variable("on_behalf_of", cel.ListType(cel.ObjectType("Principal"))),
		cel.Variable("preview", cel.ObjectType("Preview")),
		cel.Variable("data", cel.ObjectType("Data")),
		cel.Variable("sink", cel.ObjectType("Sink")),
		cel.Variable("now", cel.TimestampType),
		cel.Variable(indMaxVariable, cel.IntType),
		cel.Macros(indMacro(), indMaxMacro()),
		cel.EnableMacroCallTracking(),
		cel.DefaultUTCTimeZone(true),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
		cel.ParserRecursionLimit(64),
		cel.ParserExpressionSizeLimit(4096),
	}
	for s := countersign.Info; s <= countersign.Critical; s++ {
		options = append(options, cel.Constant(strings.ToUpper(s.String()), cel.IntType, types.Int(s)))
	}
	env, err := cel.NewEnv(append(options, indVariables()...)...)
	if err != nil {
		return nil, fmt.Errorf("declare what expressions see: %w", err)
	}
	return &Compiler{env}, nil
}

func view[T any](name string) *cel.NativeTypeDesc {
	return cel.NativeTypeFor[T](cel.NativeTypeAlias(name), types.ParseStructTags(true))
}

// Condition compiles an expression that is true or false.
func (c *Compiler) Condition(source string) (*Condition, []Error) {
	p, errs := c.compile(source, cel.BoolType)
	return &Condition{p}, errs
}

// Number compiles an expression that is an integer.
func (c *Compiler) Number(source string) (*Number, []Error) {
	p, errs := c.compile(source, cel.IntType)
	return &Number{p}, errs
}

func (c *Compiler) compile(source string, want *cel.Type) (program, []Error) {
	ast, issues := c.env.Compile(source)
	if issues.Err() != nil {
		return program{}, explain(issues)
	}
	if got := ast.OutputType(); !got.IsExactType(want) {
		return program{}, []Error{{1, 1, fmt.Sprintf("it is a %s, want a %s", got, want)}}
	}
	cost, err := c.env.EstimateCost(ast, sizes{})
	if err != nil {
		return program{}, []Error{{1, 1, err.Error()}}
	}
	if cost.Max > CostLimit {
		return program{}, []Error{{1, 1, fmt.Sprintf("it may cost %d, and the limit is %d; look at fewer objects at once", cost.Max, CostLimit)}}
	}
	p := program{source: source, ast: ast, env: c.env, reads: reads(ast), literals: literals(ast)}
	if p.plain, err = c.env.Program(ast, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(CostLimit)); err == nil {
		p.traced, err = c.env.Program(ast, cel.EvalOptions(cel.OptPartialEval, cel.OptTrackState), cel.CostLimit(CostLimit))
	}
	if err != nil {
		return program{}, []Error{{1, 1, err.Error()}}
	}
	return p, nil
}

// explain adds to the library's errors what it leaves out for fields.
func explain(issues *cel.Issues) []Error {
	var errs []Error
	for _, e := range issues.Errors() {
		text, _, _ := strings.Cut(e.Message, "\n")
		if name, ok := strings.CutPrefix(text, "undefined field '"); ok {
			if near, ok := nearest.To(strings.TrimSuffix(name, "'"), fieldNames()); ok {
				text += fmt.Sprintf("; did you mean %s?", near)
			}
		}
		errs = append(errs, Error{e.Location.Line(), e.Location.Column() + 1, text})
	}
	return errs
}

// sizes tells the cost estimate how large things can be.
type sizes struct{}

// EstimateSize implements cost.Estimator.
func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	most := uint64(maxText)
	if n.Type().Kind() == types.ListKind {
		most = maxItems
		if path := n.Path(); len(path) > 0 && path[len(path)-1] == "objects" {
			most = maxObjects
		}
	}
	return &cost.SizeEstimate{Max: most}
}

// EstimateCallCost implements cost.Estimator.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
