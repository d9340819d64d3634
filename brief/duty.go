package brief

import (
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
)

// now says who is on duty for the on-call groups of the stages, and who of their
// people is away and who stands in for them. It is nothing once nobody is asked.
func (p people) now(r countersign.Request, stages []countersign.Stage) []Text {
	if p.Directory == nil || r.Decision != countersign.DecisionPending {
		return nil
	}
	var groups []string
	for _, s := range stages {
		groups = append(groups, s.Reviewers...)
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	var says []Text
	for _, name := range groups {
		if g := p.Groups[name]; g.IsOnCall() {
			says = append(says, p.onDuty(g))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.People)) {
		if away, on := p.AwayOf(id); on && slices.ContainsFunc(p.GroupsOf(id, r.CreatedAt), func(g string) bool { return slices.Contains(groups, g) }) {
			says = append(says, p.absent(id, away, r))
		}
	}
	return says
}

// onDuty is "on duty for payments: Bob Okafor and Mei Tanaka".
func (p people) onDuty(g countersign.Group) Text {
	called := clean(strings.TrimPrefix(g.Name, countersign.OnCallPrefix))
	var names []string
	for _, m := range g.Members {
		names = append(names, name(p.person(m.Person)).String())
	}
	if len(names) == 0 {
		return say("nobody is on duty for " + called)
	}
	return join(say("on duty for "+called+": "), say(list(names, "and")))
}

// absent is "Mei Tanaka stands in for Bob Okafor until 2026-12-27 09:00 UTC".
func (p people) absent(id string, away countersign.Away, r countersign.Request) Text {
	until := " until " + away.Until.UTC().Format("2006-01-02 15:04 UTC")
	named := slices.Contains(p.StandsInFor(away.StandIn), id) && away.Since.Before(r.CreatedAt) && !slices.Contains(r.Barred, id)
	if !named || slices.Contains(r.Barred, away.StandIn) {
		return join(name(p.person(id)), say(" is away"+until))
	}
	return join(name(p.person(away.StandIn)), say(" stands in for "), name(p.person(id)), say(until))
}
