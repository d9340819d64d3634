package policy

import (
	"cmp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/countersignhq/countersign"
)

// A rung is one step of a ladder: after so long without enough decisions, one of
// the groups is needed as well.
type rung struct {
	after time.Duration
	to    []string // as written, "owners" included
}

// A reminder has reviewers asked again; the zero one does not.
type reminder struct {
	after time.Duration
	every time.Duration // 0: once
}

// maxRungs keeps the stages of a request countable.
const maxRungs = 8

// ladder reads one rung, or a list of them.
func (l *loader) ladder(n *yaml.Node) []rung {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if items = n.Content; len(items) == 0 || len(items) > maxRungs {
			l.report(n.Line, "want from 1 to %d steps of escalation, got %d", maxRungs, len(items))
		}
	}
	var rungs []rung
	for _, item := range items {
		var r rung
		read := l.mapping(item, "escalate", []field{
			{"after", func(v *yaml.Node) { r.after = l.duration(v) }},
			{"to", func(v *yaml.Node) { r.to = l.known(v, "group") }},
		})
		if read && (r.after == 0 || len(r.to) == 0) {
			l.report(item.Line, "escalate needs after, such as 15m, and to, a list of groups")
		}
		rungs = append(rungs, r)
	}
	slices.SortStableFunc(rungs, func(a, b rung) int { return cmp.Compare(a.after, b.after) })
	return rungs
}

// minReminder keeps a rule from filling the channels.
const minReminder = time.Minute

func (l *loader) reminder(n *yaml.Node) (r reminder) {
	l.mapping(n, "remind", []field{
		{"after", func(v *yaml.Node) { r.after = l.duration(v) }},
		{"every", func(v *yaml.Node) { r.every = l.duration(v) }},
	})
	r.after = cmp.Or(r.after, r.every)
	if r.after < minReminder || r.every != 0 && r.every < minReminder {
		l.report(n.Line, "remind needs after or every, such as 10m, of at least %s", minReminder)
	}
	return r
}

// addTimes takes in when a rule has people asked again, and whom besides.
func (u *union) addTimes(who string, n need) {
	for _, r := range n.escalates {
		to := reviewersOn(r.to, u.d.in.Resource)
		if len(to) == 0 {
			u.block("%s escalates to the owners of %s, and it has none", who, u.d.in.Resource.Name)
			continue
		}
		same := func(o rung) bool { return o.after == r.after && slices.Equal(o.to, to) }
		if !slices.ContainsFunc(u.ladder, same) {
			u.ladder = append(u.ladder, rung{r.after, to})
		}
	}
	if n.remind.after > 0 {
		u.remind.after = shorter(u.remind.after, n.remind.after)
	}
	if n.remind.every > 0 {
		u.remind.every = shorter(u.remind.every, n.remind.every)
	}
	if n.hours != "" && !slices.Contains(u.hours, n.hours) {
		u.hours = append(u.hours, n.hours)
	}
}

// times says when it expires, when it can be approved at the earliest, and what is
// done meanwhile. All of it counts from when it can be approved.
func (u *union) times(r *countersign.Requirement) {
	from := u.d.in.Now
	if until, why := u.closed(); len(why) > 0 {
		r.NotBefore, r.Closed, r.Frozen, from = until, why, u.frozen(), until
	}
	r.ExpiresAt = from.Add(u.expires)
	slices.SortStableFunc(u.ladder, func(a, b rung) int {
		return cmp.Or(cmp.Compare(a.after, b.after), slices.Compare(a.to, b.to))
	})
	for _, s := range u.ladder {
		r.Ladder = append(r.Ladder, countersign.Rung{At: from.Add(s.after), To: s.to})
	}
	if u.remind.after > 0 {
		r.Remind = &countersign.Reminder{At: from.Add(u.remind.after), EverySeconds: int(u.remind.every / time.Second)}
	}
}

// late finds what a rule has done after its requests have expired.
func (l *linter) late(r *rule) {
	expires := cmp.Or(r.need.expires, r.set.expires)
	for _, s := range r.need.escalates {
		if s.after >= expires {
			l.warn(r, "it escalates after %s, and expires after %s: nobody is asked", s.after, expires)
		}
		for _, g := range s.to {
			if g != owners && len(l.members([]string{g})) == 0 {
				l.wrong(r, "it escalates to %s, who are 0: from then on nobody can approve it", g)
			}
		}
	}
	if r.need.remind.after >= expires {
		l.warn(r, "it reminds after %s, and expires after %s: nobody is reminded", r.need.remind.after, expires)
	}
}
