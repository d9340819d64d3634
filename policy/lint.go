package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/policy/expr"
)

// Lint says what is wrong with a bundle: whatever keeps it from loading, or, if
// it loads, what it would do that nobody can have meant. The directory tells who
// is in which group and which resources there are.
func Lint(files map[string][]byte, c Catalogue, d *countersign.Directory) []Finding {
	p, findings := read(files, c.words())
	if len(findings) > 0 {
		return findings
	}
	l := linter{directory: d}
	for i := range p.rules {
		r := &p.rules[i]
		l.reach(r)
		switch r.effect {
		case countersign.Allow:
			l.guards(r)
		case countersign.Hold:
			l.people(r)
			l.refused(r)
		}
		l.shadows(r, p.rules)
	}
	if len(p.rules) > 0 && !slices.ContainsFunc(p.defaults, func(s defaults) bool { return len(s.reviewers) > 0 }) {
		l.warn(&p.rules[0], "no defaults name reviewers, so nobody can approve what no rule speaks of")
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return l.findings
}

type linter struct {
	directory *countersign.Directory
	findings  []Finding
}

func (l *linter) warn(r *rule, format string, args ...any)  { l.say(Warning, r, format, args...) }
func (l *linter) wrong(r *rule, format string, args ...any) { l.say(Error, r, format, args...) }

func (l *linter) say(level Level, r *rule, format string, args ...any) {
	l.findings = append(l.findings, Finding{level, r.file, r.line, r.id, fmt.Sprintf(format, args...)})
}

// reach finds patterns that name no resource.
func (l *linter) reach(r *rule) {
	if r.why == "" {
		l.warn(r, "it says no why; reviewers and agents are shown it")
	}
	for _, pattern := range r.match.resources {
		if !slices.ContainsFunc(l.resources(), func(res countersign.Resource) bool { return glob(pattern, res.Name) }) {
			l.warn(r, "no resource is named %q", pattern)
		}
	}
}

func (l *linter) resources() []countersign.Resource {
	return slices.SortedFunc(maps.Values(l.directory.Resources), func(a, b countersign.Resource) int {
		return strings.Compare(a.Name, b.Name)
	})
}

// guards finds allows that look neither at what is done nor at which data.
func (l *linter) guards(r *rule) {
	looks := func(fields ...expr.Field) bool {
		return r.when != nil && slices.ContainsFunc(fields, r.when.Reads)
	}
	if len(r.match.classes) == 0 && !looks(expr.Field{Of: "Data", Name: "classes"},
		expr.Field{Of: "Resource", Name: "data_classes"}, expr.Field{Of: "Object", Name: "classes"}) {
		l.warn(r, "it allows data of every class; name data_classes or look at data.classes")
	}
	if len(r.match.verbs) == 0 && !looks(expr.Field{Of: "Facts", Name: "verbs"}, expr.Field{Of: "Object", Name: "verb"}) {
		l.warn(r, "it allows writing as well as reading; name verbs")
	}
}

// people finds holds that too few people can approve.
func (l *linter) people(r *rule) {
	stages := slices.Clone(r.need.stages)
	if len(stages) == 0 {
		stages = []countersign.Stage{{}}
	}
	for i := range stages {
		if len(stages[i].Reviewers) == 0 {
			stages[i].Reviewers = r.set.reviewers
		}
		if len(stages[i].Reviewers) == 0 {
			l.wrong(r, "it names no reviewers and the defaults of its file name none, so nobody can approve it")
			return
		}
	}
	for _, res := range l.asked(r, stages) {
		l.peopleOn(r, stages, res)
	}
}

// asked returns the resources whose owners the stages ask, or one without a name
// where they ask no owners.
func (l *linter) asked(r *rule, stages []countersign.Stage) []countersign.Resource {
	if !slices.ContainsFunc(stages, func(s countersign.Stage) bool { return slices.Contains(s.Reviewers, owners) }) {
		return []countersign.Resource{{}}
	}
	return slices.DeleteFunc(l.resources(), func(res countersign.Resource) bool {
		labels := match{resources: r.match.resources, environments: r.match.environments, regions: r.match.regions}
		return !labels.fits(Input{Resource: res}.subject(), r.effect)
	})
}

func (l *linter) peopleOn(r *rule, stages []countersign.Stage, res countersign.Resource) {
	where := ""
	if res.Name != "" {
		where = "on " + res.Name + " "
	}
	needed, everybody := 0, map[string]bool{}
	for _, s := range stages {
		quorum := max(1, s.Quorum)
		groups := reviewersOn(s.Reviewers, res)
		people := l.members(groups)
		switch {
		case len(groups) == 0:
			l.wrong(r, "%sthere are no owners, so nobody can approve it", where)
			return
		case len(people) < quorum:
			l.wrong(r, "%sit needs %d of %s, who are %d", where, quorum, strings.Join(groups, " or "), len(people))
			return
		}
		needed += quorum
		maps.Copy(everybody, people)
	}
	if len(everybody) < needed {
		l.wrong(r, "%sits stages need %d different people, and all their groups have %d", where, needed, len(everybody))
	}
}

// members returns the active people of the groups.
func (l *linter) members(groups []string) map[string]bool {
	people := map[string]bool{}
	for _, g := range groups {
		group := l.directory.Groups[g]
		if group.IsOnCall() { // each of the pool is, some time
			group = l.directory.Groups[group.Pool]
		}
		for _, m := range group.Members {
			if person, ok := l.directory.People[m.Person]; ok && !person.Inactive {
				people[m.Person] = true
			}
		}
	}
	return people
}

// refused finds holds that this version lets nobody approve.
func (l *linter) refused(r *rule) {
	const refuses = "where it counts, approval is refused"
	if r.need.preview {
		l.warn(r, "it needs a preview; unless one is configured for the resource, %s", refuses)
	}
	l.late(r)
	for _, b := range r.need.bounds {
		l.warn(r, "it bounds %s; unless what runs commands on the resource keeps that bound, %s", b.name, refuses)
	}
}

// shadows finds rules that change nothing because another always says as much or
// more.
func (l *linter) shadows(r *rule, all []rule) {
	for i := range all {
		other := &all[i]
		if other.id == r.id || other.freeze != nil || r.freeze != nil || !other.match.covers(r.match) {
			continue
		}
		twins := other.effect == r.effect && r.match.covers(other.match) && other.when.Source() == r.when.Source()
		switch {
		case twins && r.effect != countersign.Hold:
			if other.id < r.id {
				l.warn(r, "it says the same as %s at %s", other.id, other.source())
			}
			return
		case twins && other.id < r.id && r.need.same(other.need):
			l.warn(r, "it says the same as %s at %s", other.id, other.source())
			return
		case other.when == nil && stronger(other.effect, r.effect):
			l.warn(r, "it changes nothing: %s at %s speaks wherever it does and says %s", other.id, other.source(), other.effect)
			return
		}
	}
}

// stronger reports whether a rule of effect a that always counts leaves nothing
// for one of effect b. Two holds never do: they are united.
func stronger(a, b countersign.Effect) bool {
	switch a {
	case countersign.Deny:
		return true
	case countersign.Hold:
		return b == countersign.Allow
	case countersign.Allow:
		return b == countersign.Allow
	}
	return false
}
