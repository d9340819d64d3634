package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/store"
)

// release spends a complete approval and runs the command. Before it does, all
// is checked again from what is proven to be on record: the bytes, what they
// would do, what the policy says now, and each voter. What became stricter goes
// back to people; what would now be denied is denied.
func (g *Gate) release(ctx context.Context, id countersign.RequestID, via Executor, out Sink) (Result, error) {
	r, entries, err := g.proven(ctx, id)
	if err != nil {
		return nil, unavailable(err)
	}
	if r.Decision != countersign.DecisionApproved || r.Execution != countersign.ExecutionNone {
		return nil, store.ErrConflict // somebody else moved it; look again
	}
	if err := g.catchUp(ctx, r.Command); err != nil {
		return nil, err
	}
	dir, err := g.Directory(ctx)
	if err != nil {
		return nil, err
	}
	if stopped(dir, r.Requester, r.OnBehalfOf) != "" {
		return nil, store.ErrConflict // everything of it is held since a moment ago
	}
	verdict, again := g.recheck(ctx, dir, r, via)
	c := change{notAfter: r.RunBy, seen: dir, freeze: g.lens(dir).policy.NextFreeze(dir.Now)}
	if again != nil {
		c.events = []countersign.Event{*again}
		if again.State.Decision == countersign.DecisionPending {
			c.jobs = timers(id, again.Body.(countersign.Held).Verdict.Requirement)
		}
	} else {
		c.events = []countersign.Event{step(gateway(), countersign.DecisionApproved, countersign.ExecutionRunning, countersign.Released{
			Executor: r.Resource.Name, Attempt: countersign.NewID("rel"), Target: r.Resource.Target, Policy: verdict.Policy, Verdict: &verdict,
			Approvals: approvals(dir, r), Bounds: r.Verdict.Requirement.Bounds,
		})}
	}
	r, done, err := g.record(ctx, r, c)
	if errors.Is(err, store.ErrLate) {
		return nil, g.lapseLate(ctx, r)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	if again != nil {
		return nil, nil // whoever waits looks at what it is now
	}
	done.Entries = append(entries, done.Entries...)
	return g.run(ctx, r, done, via, out)
}

// proven reads the request from leaves alone: each is proven to be in the tree
// that the log's key signed, and each names the one before it.
func (g *Gate) proven(ctx context.Context, id countersign.RequestID) (countersign.Request, []ledger.Entry, error) {
	var r countersign.Request
	head, err := g.store.Head(ctx)
	if err != nil {
		return r, nil, err
	}
	cp, err := ledger.OpenCheckpoint(head.Note, g.trust.Origin, g.trust.Keys)
	if err != nil {
		return r, nil, err
	}
	entries, err := g.store.Events(ctx, id)
	if err != nil {
		return r, nil, err
	}
	var prev ledger.Hash
	for _, e := range entries {
		if e.Index >= cp.Size { // recorded since the head was read: somebody else moves it
			return r, nil, store.ErrConflict
		}
		proof, err := ledger.Prove(ctx, g.store.Tile, cp, e.Index)
		if err != nil {
			return r, nil, fmt.Errorf("prove leaf %d: %w", e.Index, err)
		}
		leaf := ledger.LeafHash(e.Leaf)
		if err := ledger.CheckProof(cp, e.Index, leaf, proof); err != nil {
			return r, nil, err
		}
		said, err := ledger.ParseLeaf(e.Leaf)
		if err != nil {
			return r, nil, err
		}
		if said.Prev != prev {
			return r, nil, fmt.Errorf("leaf %d does not name the event before it", e.Index)
		}
		event, err := e.Event()
		if err != nil {
			return r, nil, err
		}
		if err := r.Apply(event); err != nil {
			return r, nil, err
		}
		prev = leaf
	}
	if r.ID != id {
		return r, nil, fmt.Errorf("%s is not on record", id)
	}
	return r, entries, nil
}

// recheck judges an approved request again, and returns the verdict of now and
// the event that stands in the way of a release, nil if none does.
func (g *Gate) recheck(ctx context.Context, dir *countersign.Directory, r countersign.Request, via Executor) (countersign.Verdict, *countersign.Event) {
	now, err := resource(dir, r.Resource.Name)
	if err != nil || via == nil {
		return r.Verdict, denied(r.Verdict, r.Resource.Name+" is no longer a resource of this server")
	}
	if !active(dir, r.Requester) {
		return r.Verdict, denied(r.Verdict, r.Requester.Name+" is no longer active")
	}
	again, err := countersign.Canonical(complete(r.Command, now))
	if err != nil || !bytes.Equal(again, r.Canonical) {
		return r.Verdict, denied(r.Verdict, "the resource or the tool is not what it was when this was approved")
	}
	verdict := g.verdict(ctx, dir, r)
	if verdict.Effect == countersign.Deny {
		return verdict, denied(verdict, "")
	}
	if policy.Stricter(r.Verdict, verdict) {
		keepStages(verdict.Requirement, r)
		reach(dir, countersign.Request{Requester: r.Requester, OnBehalfOf: r.OnBehalfOf, Barred: r.Barred, CreatedAt: r.CreatedAt, Verdict: verdict})
		return verdict, heldAgain(verdict, "the policy asks for more than when this was approved", "*")
	}
	voters, void := quorum.Count(dir, r)
	if !quorum.Met(r.Verdict.Requirement.Stages, voters) {
		return verdict, heldAgain(r.Verdict, becauseVoid(void), slices.Sorted(maps.Keys(void))...)
	}
	return verdict, nil
}

// verdict is what the policy says of the request now.
func (g *Gate) verdict(ctx context.Context, dir *countersign.Directory, r countersign.Request) countersign.Verdict {
	now, err := resource(dir, r.Resource.Name)
	if err != nil {
		return r.Verdict
	}
	facts := g.facts(dir, r.Command, now)
	facts.Indicators = append(facts.Indicators, history(r.Facts.Indicators)...)
	lens := g.lens(dir)
	return lens.policy.Decide(ctx, policy.Input{
		Facts: facts, Resource: now, Requester: r.Requester, OnBehalfOf: r.OnBehalfOf,
		AgentRegion: dir.Agents[r.Requester.ID].Region, Now: dir.Now, Catalogue: lens.resources[now.Name],
	}, nil)
}

// active reports whether an agent or a person that asks is one that may.
func active(d *countersign.Directory, by countersign.Principal) bool {
	switch by.Kind {
	case countersign.KindAgent:
		a, ok := d.Agents[by.ID]
		return ok && !a.Inactive
	case countersign.KindPerson:
		p, ok := d.People[by.ID]
		return ok && !p.Inactive
	}
	return true
}

// denied is the event of a refusal at release.
func denied(v countersign.Verdict, because string) *countersign.Event {
	v.Effect = countersign.Deny
	e := step(gateway(), countersign.DecisionDenied, countersign.ExecutionNone, countersign.Denied{Verdict: v, Because: because})
	return &e
}

// heldAgain is the event that sends a request back to people.
func heldAgain(v countersign.Verdict, because string, void ...string) *countersign.Event {
	e := step(gateway(), countersign.DecisionPending, countersign.ExecutionNone, countersign.Held{Verdict: v, Because: because, Void: void})
	return &e
}

func becauseVoid(void map[string]string) string {
	if len(void) == 0 {
		return "the approvals no longer meet the requirement"
	}
	return "an approval no longer counts: " + strings.Join(slices.Sorted(maps.Values(void)), "; ")
}

// history keeps the findings that come from the log, which understanding the
// command again does not find.
func history(found []countersign.Indicator) []countersign.Indicator {
	return slices.DeleteFunc(slices.Clone(found), func(i countersign.Indicator) bool { return i.Source != "history" })
}

// approvals are the versions of the decided events that the release rests on.
func approvals(dir *countersign.Directory, r countersign.Request) []int {
	var versions []int
	for _, a := range quorum.Current(dir, r).Approvals() {
		versions = append(versions, int(a.Version))
	}
	return versions
}
