package gate_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// simDuty is the on-call group of the simulation; the policies that name it take
// turns with the others.
const simDuty = countersign.OnCallPrefix + "platform"

func dutyPolicies() []string {
	return []string{
		strings.Replace(testPolicy, "require: {reviewers: [platform]", "require: {reviewers: ["+simDuty+"]", 1),
		strings.Replace(testPolicy, "{reviewers: [platform, dba], quorum: 2", "{reviewers: ["+simDuty+", dba], quorum: 2", 1),
	}
}

// dutyChanges has somebody else come on duty, and somebody go away or come back.
func (h *history) dutyChanges() {
	ctx := context.Background()
	switch h.rng.IntN(5) {
	case 0:
		h.said("declare", h.gate.SetOnCall(ctx, operator(), simDuty, pick(h, "platform", "platform", "dba")))
	case 1, 2:
		people := pick(h, []string{"per_bob"}, []string{"per_carol"}, []string{"per_erin", "per_bob"}, []string{"per_dave", "per_alice"}, nil)
		_, err := h.gate.SetDuty(ctx, simDuty, people)
		h.said("on duty: %v", err, people)
		h.did["stint "+string(codeOrOK(err))]++
	case 3:
		if h.rng.IntN(2) == 0 {
			return
		}
		person := pick(h, "per_alice", "per_bob", "per_carol", "per_erin")
		h.said("%s is back", h.gate.EndAway(ctx, operator(), person), person)
	default:
		person, standIn := pick(h, "per_bob", "per_carol", "per_erin"), pick(h, "per_alice", "per_bob", "per_carol", "per_dave", "per_dave", "per_erin", "")
		now := h.clock.Now()
		a := countersign.Away{StandIn: standIn, Until: now.Add(pick(h, time.Minute, 10*time.Minute, time.Hour))}
		if h.rng.IntN(3) == 0 {
			a.From = now.Add(pick(h, 30*time.Second, 2*time.Minute))
			a.Until = a.Until.Add(2 * time.Minute)
		}
		err := h.gate.SetAway(ctx, operator(), person, a, "")
		h.said("%s is away, and %s stands in", err, person, standIn)
		h.did["away "+string(codeOrOK(err))]++
		if err == nil && a.From.IsZero() && standIn != "" {
			h.errand(standIn)
		}
	}
}

// errand has something asked for while somebody is away, and whoever stands in for
// them decide it, or whoever stands in for that one, who then is away too.
func (h *history) errand(standIn string) {
	if next := pick(h, "", "", "per_carol", "per_dave", "per_erin"); next != "" {
		a := countersign.Away{StandIn: next, Until: h.clock.Now().Add(time.Hour)}
		if h.gate.SetAway(context.Background(), operator(), standIn, a, "") == nil {
			standIn = next
		}
	}
	h.clock.Advance(time.Second)
	h.submits()
	if n := len(h.requests); n > 0 {
		h.chooses(strings.TrimPrefix(standIn, "per_"), h.requests[n-1])
	}
}

// standIn is somebody who stands in for another now, or else the one given.
func (h *history) standIn(or string) string {
	d, err := h.gate.Directory(context.Background())
	if err != nil {
		return or
	}
	for _, name := range []string{"dave", "erin", "carol", "bob"} {
		if len(d.StandsInFor("per_"+name)) > 0 {
			return name
		}
	}
	return or
}

// seated counts a choice that stood on another's seat, or on a stint.
func (h *history) seated(person string, id countersign.RequestID) {
	d, err := h.gate.Directory(context.Background())
	r, err2 := h.gate.Get(context.Background(), id)
	if err != nil || err2 != nil || r.Verdict.Requirement == nil {
		return
	}
	own := d.GroupsOf("per_"+person, r.CreatedAt)
	asked := func(groups []string) bool {
		return slices.ContainsFunc(r.Verdict.Requirement.Stages, func(s countersign.Stage) bool {
			return slices.ContainsFunc(s.Reviewers, func(g string) bool { return slices.Contains(groups, g) })
		})
	}
	if !asked(own) {
		h.did["decide in another's seat"]++
	}
	if slices.Contains(own, simDuty) && !asked(slices.DeleteFunc(own, func(g string) bool { return g == simDuty })) {
		h.did["decide on duty"]++
	}
}
