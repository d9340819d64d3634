package policy

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/policy/expr"
)

const (
	apiVersion  = "countersign/v1"
	kindName    = "PolicySet"
	maxFile     = 1 << 20
	maxQuorum   = 20
	maxDuration = 30 * 24 * time.Hour
)

// A rule is one rule as loaded.
type rule struct {
	id, why string
	file    string
	line    int
	effect  countersign.Effect
	match   match
	when    *expr.Condition // nil: always
	need    need            // of a hold
	set     defaults        // of the file it stands in
	freeze  *window         // nil: the rule speaks at all times
}

func (r *rule) source() string {
	if strings.HasPrefix(r.id, builtInRules) {
		return builtInFile
	}
	return r.file + ":" + strconv.Itoa(r.line)
}

// defaults are what a set says for its rules, and for what no rule speaks of.
type defaults struct {
	reviewers []string
	expires   time.Duration
}

// A need is what a hold asks for.
type need struct {
	stages    []countersign.Stage // reviewers as written, "owners" included
	expires   time.Duration       // 0: the default
	runWithin time.Duration       // 0: the default
	reason    bool
	preview   bool
	escalates []rung // in the order of their times
	remind    reminder
	hours     string // the schedule in whose hours it can be approved; empty: always
	bounds    []bound
}

// same reports whether two needs ask for the same.
func (n need) same(other need) bool {
	stages := func(a, b countersign.Stage) bool {
		return slices.Equal(sorted(a.Reviewers), sorted(b.Reviewers)) && a.Quorum == b.Quorum && a.Assurance == b.Assurance
	}
	return slices.EqualFunc(n.stages, other.stages, stages) && n.expires == other.expires && n.runWithin == other.runWithin &&
		n.reason == other.reason && n.preview == other.preview && n.remind == other.remind && n.hours == other.hours &&
		slices.EqualFunc(n.escalates, other.escalates, func(a, b rung) bool {
			return a.after == b.after && slices.Equal(sorted(a.to), sorted(b.to))
		}) &&
		slices.EqualFunc(n.bounds, other.bounds, func(a, b bound) bool {
			return a.name == b.name && a.limit.Source() == b.limit.Source()
		})
}

type bound struct {
	name  string
	limit *expr.Number
}

// What holds where neither rule nor defaults say.
const (
	defaultExpires   = 30 * time.Minute
	defaultRunWithin = 10 * time.Minute
)

func (l *loader) file(name string, text []byte) {
	l.name = name
	if len(text) > maxFile {
		l.report(1, "it has %d bytes, and %d are the most; split it", len(text), maxFile)
		return
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for n := 0; ; n++ {
		var doc yaml.Node
		err := documents.Decode(&doc)
		if errors.Is(err, io.EOF) && n > 0 {
			return
		}
		if err != nil || len(doc.Content) != 1 {
			l.report(1, "it is not a YAML document: %v", err)
			return
		}
		l.policySet(doc.Content[0])
	}
}

func (l *loader) policySet(n *yaml.Node) {
	set := defaults{expires: defaultExpires}
	var version, kind string
	rules, freezes := n, n
	if !l.mapping(n, "policy set", []field{
		{"apiVersion", func(v *yaml.Node) { version = l.text(v) }},
		{"kind", func(v *yaml.Node) { kind = l.text(v) }},
		{"metadata", l.metadata},
		{"defaults", func(v *yaml.Node) { set = l.defaults(v) }},
		{"schedules", l.schedules},
		{"freeze", func(v *yaml.Node) { freezes = v }},
		{"rules", func(v *yaml.Node) { rules = v }},
	}) {
		return
	}
	if version != apiVersion || kind != kindName {
		l.report(n.Line, "want apiVersion: %s and kind: %s, got %q and %q", apiVersion, kindName, version, kind)
		return
	}
	l.policy.defaults = append(l.policy.defaults, set)
	if freezes != n && freezes.ShortTag() != "!!null" {
		for _, item := range l.items(freezes) {
			l.readFreeze(item, set)
			l.rule = ""
		}
	}
	if rules != n && rules.ShortTag() != "!!null" {
		for _, item := range l.items(rules) {
			l.readRule(item, set)
			l.rule = ""
		}
	}
}

func (l *loader) metadata(n *yaml.Node) {
	ignore := func(v *yaml.Node) { l.text(v) }
	l.mapping(n, "metadata", []field{{"name", ignore}, {"owner", ignore}})
}

func (l *loader) defaults(n *yaml.Node) defaults {
	d := defaults{expires: defaultExpires}
	l.mapping(n, "defaults", []field{
		{"effect", func(v *yaml.Node) {
			if l.text(v) != string(countersign.Hold) {
				l.report(v.Line, "the default effect is hold and cannot be another; write a rule instead")
			}
		}},
		{"reviewers", func(v *yaml.Node) { d.reviewers = l.known(v, "group") }},
		{"expires", func(v *yaml.Node) { d.expires = l.duration(v) }},
	})
	return d
}

var ruleID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (l *loader) readRule(n *yaml.Node, set defaults) {
	r := rule{file: l.name, line: n.Line, set: set}
	var require *yaml.Node
	fields := []field{
		{"id", func(v *yaml.Node) { r.id = l.text(v) }},
		{"why", func(v *yaml.Node) { r.why = strings.TrimSpace(l.text(v)) }},
		{"match", func(v *yaml.Node) { r.match = l.match(v) }},
		{"when", func(v *yaml.Node) { r.when = l.condition(v) }},
		{"effect", func(v *yaml.Node) { r.effect = countersign.Effect(l.oneOf(v, "effect")) }},
		{"require", func(v *yaml.Node) { require = v; r.need = l.need(v) }},
	}
	l.rule = peek(n, "id")
	if !l.mapping(n, "rule", fields) {
		return
	}
	switch {
	case !ruleID.MatchString(r.id):
		l.report(n.Line, "want an id of letters, digits, dots, dashes and underscores, at most 64, got %q", r.id)
	case strings.HasPrefix(r.id, builtInRules):
		l.report(n.Line, "ids that begin with %s are those of built-in rules; give it another", builtInRules)
	case r.effect == "":
		l.report(n.Line, "want an effect: allow, hold or deny")
	case require != nil && r.effect != countersign.Hold:
		l.report(require.Line, "require belongs to effect hold, and this is %s", r.effect)
	case r.effect == countersign.Allow && slices.Contains(r.match.classes, Unlabelled):
		l.report(n.Line, "no rule can allow what is unlabelled; label the resource")
	}
	l.policy.rules = append(l.policy.rules, r)
}

// peek returns the text of a key before the mapping is read, for findings.
func peek(n *yaml.Node, key string) string {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1].Value
		}
	}
	return ""
}

func (l *loader) match(n *yaml.Node) (m match) {
	l.mapping(n, "match", []field{
		{"resources", func(v *yaml.Node) { m.resources = l.texts(v) }},
		{"environments", func(v *yaml.Node) { m.environments = l.known(v, "environment") }},
		{"verbs", func(v *yaml.Node) { m.verbs = l.known(v, "verb") }},
		{"data_classes", func(v *yaml.Node) { m.classes = l.known(v, "data class") }},
		{"requester_kinds", func(v *yaml.Node) { m.kinds = l.known(v, "requester kind") }},
		{"regions", func(v *yaml.Node) { m.regions = l.known(v, "region") }},
	})
	return m
}

func (l *loader) need(n *yaml.Node) (d need) {
	var short countersign.Stage
	var isShort, isLong bool
	shorthand := func(read func(*yaml.Node)) func(*yaml.Node) {
		return func(v *yaml.Node) { isShort = true; read(v) }
	}
	stage := l.stageFields(&short)
	for i := range stage {
		stage[i].read = shorthand(stage[i].read)
	}
	l.mapping(n, "require", append(stage,
		field{"stages", func(v *yaml.Node) {
			isLong = true
			for _, item := range l.items(v) {
				d.stages = append(d.stages, l.stage(item))
			}
		}},
		field{"expires", func(v *yaml.Node) { d.expires = l.duration(v) }},
		field{"run_within", func(v *yaml.Node) { d.runWithin = l.duration(v) }},
		field{"reason", func(v *yaml.Node) { d.reason = l.truth(v) }},
		field{"preview", func(v *yaml.Node) { d.preview = l.truth(v) }},
		field{"escalate", func(v *yaml.Node) { d.escalates = l.ladder(v) }},
		field{"remind", func(v *yaml.Node) { d.remind = l.reminder(v) }},
		field{"hours", func(v *yaml.Node) { d.hours = l.hours(v) }},
		field{"bounds", func(v *yaml.Node) { d.bounds = l.bounds(v) }},
	))
	if isShort && isLong {
		l.report(n.Line, "want either stages or reviewers, quorum and assurance, not both")
	}
	if isShort {
		d.stages = append(d.stages, short)
	}
	return d
}

func (l *loader) stage(n *yaml.Node) (s countersign.Stage) {
	if l.mapping(n, "stage", l.stageFields(&s)) && len(s.Reviewers) == 0 {
		l.report(n.Line, "a stage needs reviewers")
	}
	return s
}

func (l *loader) stageFields(s *countersign.Stage) []field {
	return []field{
		{"reviewers", func(v *yaml.Node) { s.Reviewers = l.known(v, "group") }},
		{"quorum", func(v *yaml.Node) { s.Quorum = l.quorum(v) }},
		{"assurance", func(v *yaml.Node) { s.Assurance = countersign.Assurance(l.oneOf(v, "assurance")) }},
	}
}

func (l *loader) bounds(n *yaml.Node) (bounds []bound) {
	var fields []field
	for _, name := range boundNames() {
		fields = append(fields, field{name, func(v *yaml.Node) {
			limit, errs := l.compiler.Number(v.Value)
			l.expression(v, "bounds: "+name, errs)
			bounds = append(bounds, bound{name, limit})
		}})
	}
	l.mapping(n, "bounds", fields)
	return bounds
}

func (l *loader) condition(n *yaml.Node) *expr.Condition {
	when, errs := l.compiler.Condition(l.text(n))
	l.expression(n, "when", errs)
	if len(errs) == 0 {
		l.literals(n.Line, when.Literals())
	}
	return when
}
