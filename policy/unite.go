package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// A union is what several holds ask for together. Each part takes the stricter.
type union struct {
	d         *decision
	policy    *Policy
	stages    map[string]countersign.Stage // by reviewers
	assurance countersign.Assurance
	expires   time.Duration
	runWithin time.Duration
	reason    bool
	bounds    map[string]int64
	blocked   []string
	ladder    []rung
	remind    reminder
	hours     []string // names of schedules
}

// require unites what all holds that count ask for; where none counts, what the
// defaults of every set ask for. labels is the error of the resource's labels.
func (d *decision) require(p *Policy, labels error) *countersign.Requirement {
	u := &union{d: d, policy: p, stages: map[string]countersign.Stage{}, bounds: map[string]int64{}, assurance: d.in.Facts.Severity().Floor()}
	held := false
	for _, j := range d.rules {
		switch {
		case j.effect != countersign.Hold || !j.counts():
		case j.id == countersign.TwoPeople:
			held = true
			u.expires, u.runWithin = shorter(u.expires, j.need.expires), shorter(u.runWithin, defaultRunWithin)
		case j.freeze != nil || j.id == countersign.HoldEverything:
			// It says that people are asked, and leaves to others whom.
		default:
			held = true
			u.add(j.id, j.need, j.set)
		}
	}
	switch {
	case p == nil && !held:
		u.block("no policy is loaded")
		u.add("the default", need{}, defaults{expires: defaultExpires})
	case !held:
		for _, set := range p.speaking() {
			u.add("the default", need{}, set)
		}
	}
	if d.in.isControl() {
		u.pair()
	}
	if labels != nil {
		u.block("the labels of %s cannot be recorded: %v", d.in.Resource.Name, labels)
	}
	return u.requirement()
}

// speaking returns the defaults that name reviewers, or the first if none does.
func (p *Policy) speaking() []defaults {
	named := slices.DeleteFunc(slices.Clone(p.defaults), func(s defaults) bool { return len(s.reviewers) == 0 })
	if len(named) == 0 {
		return p.defaults[:1]
	}
	return named
}

func (u *union) add(who string, n need, set defaults) {
	stages := n.stages
	if len(stages) == 0 {
		stages = []countersign.Stage{{}}
	}
	for _, s := range stages {
		u.addStage(who, s, set)
	}
	u.expires = shorter(u.expires, cmp.Or(n.expires, set.expires))
	u.runWithin = shorter(u.runWithin, cmp.Or(n.runWithin, defaultRunWithin))
	u.reason = u.reason || n.reason
	if n.preview && u.d.preview == nil {
		u.block("%s needs a preview: %s", who, cmp.Or(u.d.noPreview, "none has run"))
	}
	u.addTimes(who, n)
	for _, b := range n.bounds {
		u.addBound(who, b)
	}
}

func (u *union) addStage(who string, s countersign.Stage, set defaults) {
	written := s.Reviewers
	if len(written) == 0 {
		written = set.reviewers
	}
	reviewers := reviewersOn(written, u.d.in.Resource)
	if len(reviewers) == 0 {
		if len(written) == 0 {
			u.block("%s names no reviewers", who)
		} else {
			u.block("%s asks the owners of %s, and it has none", who, u.d.in.Resource.Name)
		}
	}
	key := strings.Join(reviewers, "\x00")
	before := u.stages[key]
	u.stages[key] = countersign.Stage{Reviewers: reviewers, Quorum: max(before.Quorum, s.Quorum, 1)}
	u.assurance = higher(u.assurance, s.Assurance)
}

// reviewersOn returns the names of groups, each once, with the resource's owners
// in place of "owners".
func reviewersOn(written []string, res countersign.Resource) []string {
	names := []string{}
	for _, name := range written {
		if name == owners {
			names = append(names, res.Owners...)
		} else {
			names = append(names, name)
		}
	}
	return sorted(names)
}

func (u *union) addBound(who string, b bound) {
	limit, err := b.limit.Compute(u.d.vars)
	switch {
	case err != nil:
		u.block("%s: the bound on %s cannot be computed: %v", who, b.name, err)
		return
	case limit < 0:
		u.block("%s: the bound on %s came to %d", who, b.name, limit)
		return
	case !slices.Contains(u.d.in.Enforces, b.name):
		u.block("%s: nothing that runs commands on %s keeps a bound on %s", who, u.d.in.Resource.Name, b.name)
	}
	if before, ok := u.bounds[b.name]; ok {
		limit = min(limit, before)
	}
	u.bounds[b.name] = limit
}

func (u *union) block(format string, args ...any) {
	u.blocked = append(u.blocked, fmt.Sprintf(format, args...))
}

func (u *union) requirement() *countersign.Requirement {
	r := &countersign.Requirement{Reason: u.reason, RunWithinSeconds: int(u.runWithin / time.Second)}
	u.times(r)
	r.Blocked = sorted(u.blocked)
	for _, s := range u.stages {
		s.Assurance = u.assurance
		r.Stages = append(r.Stages, s)
	}
	slices.SortFunc(r.Stages, func(a, b countersign.Stage) int { return slices.Compare(a.Reviewers, b.Reviewers) })
	for name, limit := range u.bounds {
		if r.Bounds == nil {
			r.Bounds = map[string]string{}
		}
		r.Bounds[name] = strconv.FormatInt(limit, 10)
	}
	return r
}

// shorter returns the shorter of two durations; 0 is none yet.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

func higher(a, b countersign.Assurance) countersign.Assurance {
	if a.Meets(b) {
		return a
	}
	return b
}

// Stricter reports whether now asks for anything that the requirement people
// met, of was, did not: then what they approved may not run. A requirement that
// is merely other, such as a stage with other reviewers, is stricter too, and
// so is whatever cannot be compared; so is a freeze. The time of expiry does not count, since a
// later verdict always has a later one; the earlier stands.
func Stricter(was, now countersign.Verdict) bool {
	rank := []countersign.Effect{countersign.Allow, countersign.Hold, countersign.Deny}
	before, after := slices.Index(rank, was.Effect), slices.Index(rank, now.Effect)
	switch {
	case before < 0 || after < 0:
		return true
	case before != after || now.Effect != countersign.Hold:
		return after > before
	case was.Requirement == nil || now.Requirement == nil:
		return true
	}
	w, n := was.Requirement, now.Requirement
	return slices.ContainsFunc(n.Stages, func(s countersign.Stage) bool { return !met(w.Stages, s) }) ||
		n.Reason && !w.Reason || n.Frozen ||
		n.RunWithinSeconds < w.RunWithinSeconds ||
		tighter(w.Bounds, n.Bounds) ||
		slices.ContainsFunc(n.Blocked, func(b string) bool { return !slices.Contains(w.Blocked, b) })
}

// met reports whether one of the stages asked for no less of the same reviewers.
func met(stages []countersign.Stage, s countersign.Stage) bool {
	return slices.ContainsFunc(stages, func(was countersign.Stage) bool {
		return slices.Equal(was.Reviewers, s.Reviewers) && was.Quorum >= s.Quorum && was.Assurance.Meets(s.Assurance)
	})
}

func tighter(was, now map[string]string) bool {
	for name, limit := range now {
		before, err := strconv.ParseInt(was[name], 10, 64)
		if err != nil {
			return true
		}
		if after, err := strconv.ParseInt(limit, 10, 64); err != nil || after < before {
			return true
		}
	}
	return false
}
