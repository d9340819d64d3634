package expr

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/countersignhq/countersign"
)

// A Condition is an expression that is true or false.
type Condition struct{ program }

// A Number is an expression that is an integer.
type Number struct{ program }

type program struct {
	source        string
	ast           *cel.Ast
	env           *cel.Env
	plain, traced cel.Program // traced keeps what a residual is made of
	reads         []Field
	literals      []Literal
}

// An Answer is what a condition comes to.
type Answer struct {
	Value countersign.RuleValue
	// Waits says what an unknown value waits for, as an expression where it can,
	// or what went wrong.
	Waits string
	// OnPreview is true when a preview could make an unknown value known.
	OnPreview bool
}

// Ask evaluates the condition.
func (c *Condition) Ask(v *Vars) Answer {
	out, err := c.eval(v)
	if err != nil {
		return Answer{Value: countersign.RuleError, Waits: tidy(err.Error())}
	}
	switch out := out.(type) {
	case types.Bool:
		if out {
			return Answer{Value: countersign.RuleTrue}
		}
		return Answer{Value: countersign.RuleFalse}
	case *types.Unknown:
		waits, onPreview := c.waits(v, out)
		return Answer{Value: countersign.RuleUnknown, Waits: waits, OnPreview: onPreview}
	default:
		return Answer{Value: countersign.RuleError, Waits: fmt.Sprintf("it came to %T", out)}
	}
}

// Compute evaluates the number. The error says what an unknown one waits for.
func (n *Number) Compute(v *Vars) (int64, error) {
	out, err := n.eval(v)
	if err != nil {
		return 0, fmt.Errorf("%s", tidy(err.Error()))
	}
	switch out := out.(type) {
	case types.Int:
		return int64(out), nil
	case *types.Unknown:
		waits, _ := n.waits(v, out)
		return 0, fmt.Errorf("it waits for %s", waits)
	default:
		return 0, fmt.Errorf("it came to %T", out)
	}
}

// Source returns the expression as written, empty for no condition.
func (c *Condition) Source() string {
	if c == nil {
		return ""
	}
	return c.source
}

// Source returns the expression as written.
func (n *Number) Source() string { return n.source }

// Reads reports whether the expression looks at the field.
func (p program) Reads(f Field) bool { return slices.Contains(p.reads, f) }

// ReadsPreview reports whether the expression looks at the preview.
func (p program) ReadsPreview() bool {
	return slices.ContainsFunc(p.reads, func(f Field) bool { return f.Of == "Preview" })
}

// Literals returns the texts that the expression compares with fields.
func (p program) Literals() []Literal { return p.literals }

func (p program) eval(v *Vars) (ref.Val, error) {
	if v.err != nil {
		return nil, v.err
	}
	out, _, err := p.plain.Eval(v.partial)
	return out, err
}

// waits returns what is left of the expression once all that is known is filled
// in, or the names of what is unknown if that is longer than people read.
func (p program) waits(v *Vars, u *types.Unknown) (text string, onPreview bool) {
	var names []string
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			onPreview = onPreview || t.Variable() == "preview"
			name := readable(t.Variable())
			for _, q := range t.QualifierPath() {
				name += fmt.Sprintf(".%v", q)
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return cmp.Or(p.residual(v), strings.Join(names, ", ")), onPreview
}

const maxResidual = 120

func (p program) residual(v *Vars) string {
	_, details, err := p.traced.Eval(v.partial)
	if err != nil {
		return ""
	}
	rest, err := p.env.ResidualAst(p.ast, details)
	if err != nil {
		return ""
	}
	text, err := cel.AstToString(rest)
	if err != nil || len(text) > maxResidual || strings.ContainsAny(text, "\n@") || text == "true" || text == "false" {
		return ""
	}
	return tidy(text)
}

// tidy makes a text of the library fit for a record.
func tidy(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "?")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
