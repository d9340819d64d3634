package policy

import (
	"context"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/policy/expr"
)

// A decision is one verdict in the making.
type decision struct {
	in      Input
	vars    *expr.Vars
	rules   []judged
	preview *countersign.Preview
	// noPreview says why there is none.
	noPreview string
}

// A judged rule is a candidate and what it came to.
type judged struct {
	*rule
	expr.Answer
}

// Decide gives the verdict on one request. It runs the preview, which may be
// nil, at most once and only if a rule's outcome or requirement depends on it
// and no rule denies the request without it. It never fails: what goes wrong is
// part of the verdict, and holds.
func (p *Policy) Decide(ctx context.Context, in Input, preview func(context.Context) (countersign.Preview, error)) countersign.Verdict {
	d := &decision{in: in, vars: in.vars(nil)}
	catalogue, labels := in.catalogue()
	if p != nil {
		s := in.subject()
		for _, i := range p.index.candidates(s) {
			if r := &p.rules[i]; r.match.fits(s, r.effect) {
				d.rules = append(d.rules, judged{r, d.judge(r)})
			}
		}
		if d.wantsPreview() {
			d.runPreview(ctx, preview)
		}
	}
	if in.Stopped != "" && !in.isControl() {
		d.rules = append(d.rules, judged{new(everything(in.Stopped)), expr.Answer{Value: countersign.RuleTrue}})
	}
	if in.isControl() {
		d.rules = append(d.rules, judged{new(twoPeople()), expr.Answer{Value: countersign.RuleTrue}})
	}
	v := countersign.Verdict{
		Effect: d.effect(), Policy: p.Digest(), Catalogue: catalogue, Understanding: in.Facts.Understanding,
	}
	if labels != nil && v.Effect == countersign.Allow {
		v.Effect = countersign.Hold
	}
	for _, j := range d.rules {
		v.Rules = append(v.Rules, j.trace(v.Effect))
	}
	if v.Effect == countersign.Hold {
		v.Requirement = d.require(p, labels)
	}
	return v
}

// judge asks one rule.
func (d *decision) judge(r *rule) expr.Answer {
	a := expr.Answer{Value: countersign.RuleTrue}
	if r.freeze != nil && (d.in.isControl() || !r.freeze.holds(d.in.Now)) {
		return expr.Answer{Value: countersign.RuleFalse}
	}
	if r.when != nil {
		a = r.when.Ask(d.vars)
	}
	if r.effect == countersign.Allow && a.Value == countersign.RuleTrue {
		if waits := d.in.barsAllow(r); waits != "" {
			return expr.Answer{Value: countersign.RuleUnknown, Waits: waits}
		}
	}
	return a
}

// barsAllow says what is missing before any rule, or this one, may let the
// request through; empty if nothing is.
func (in Input) barsAllow(r *rule) string {
	if in.Doubt != "" {
		return in.Doubt
	}
	switch in.Facts.Certainty {
	case countersign.Known:
	case countersign.Possible:
		if r.match.restsOnFacts() {
			return "certainty about verbs and data classes"
		}
	default:
		return "knowledge of what the command does"
	}
	if slices.Contains(in.classes(), Unlabelled) {
		return "a label: its data is " + Unlabelled
	}
	return ""
}

// counts reports whether the rule speaks for its effect. What cannot be told
// counts as true for deny and hold and as false for allow.
func (j judged) counts() bool {
	if j.effect == countersign.Allow {
		return j.Value == countersign.RuleTrue
	}
	return j.Value != countersign.RuleFalse
}

func (j judged) trace(verdict countersign.Effect) countersign.RuleTrace {
	return countersign.RuleTrace{
		ID: j.id, Value: j.Value, Effect: j.effect, Counts: j.effect == verdict && j.counts(),
		Why: j.why, Source: j.source(), Waits: j.Waits,
	}
}

// effect is that of the strictest rule that counts, hold if there is none.
func (d *decision) effect() countersign.Effect {
	for _, e := range []countersign.Effect{countersign.Deny, countersign.Hold, countersign.Allow} {
		if slices.ContainsFunc(d.rules, func(j judged) bool { return j.effect == e && j.counts() }) {
			return e
		}
	}
	return countersign.Hold
}

func (d *decision) wantsPreview() bool {
	wanted := false
	for _, j := range d.rules {
		if j.effect == countersign.Deny && j.counts() && !j.OnPreview {
			return false
		}
		wanted = wanted || j.OnPreview || j.effect == countersign.Hold && j.counts() && j.need.readsPreview()
	}
	return wanted
}

func (n need) readsPreview() bool {
	return n.preview || slices.ContainsFunc(n.bounds, func(b bound) bool { return b.limit.ReadsPreview() })
}

// runPreview asks again the rules that waited for the preview.
func (d *decision) runPreview(ctx context.Context, preview func(context.Context) (countersign.Preview, error)) {
	if preview == nil {
		d.noPreview = "none is configured for " + d.in.Resource.Name
	} else if got, err := preview(ctx); err != nil {
		d.noPreview = fmt.Sprintf("it failed: %v", err)
	} else {
		d.preview = &got
		d.vars = d.in.vars(d.preview)
	}
	for i, j := range d.rules {
		switch {
		case !j.OnPreview:
		case d.preview != nil:
			d.rules[i].Answer = d.judge(j.rule)
		default:
			d.rules[i].Waits += "; no preview: " + d.noPreview
		}
	}
}
