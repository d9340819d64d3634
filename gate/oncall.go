package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// SetOnCall declares the on-call group whose members a schedule selects from those
// of the pool, or gives it another pool, which takes everybody off duty. It says who
// could ever decide for the group, so it is a change of the control plane like any
// other.
func (g *Gate) SetOnCall(ctx context.Context, who countersign.Who, name, pool string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		if old, ok := d.Groups[name]; ok && old.Pool == pool {
			return "", nil, nil
		}
		return countersign.GroupID(name), countersign.GroupChanged{Group: countersign.Group{Name: name, Pool: pool, Members: []countersign.Member{}}}, nil
	})
}

// SetDuty records who is on duty for the on-call group, if that is somebody else
// than before: the gateway's own doing, as the schedule says. Whoever is no active
// member of the pool is left out and returned. A group that is not declared, or
// whose declaration waits for people, has nobody on duty.
func (g *Gate) SetDuty(ctx context.Context, name string, people []string) (out []string, err error) {
	changed := false
	err = g.direct(ctx, countersign.Who{Actor: countersign.Gateway(), Origin: countersign.Origin{Door: "schedule"}}, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		old, ok := d.Groups[name]
		if changed, out = false, nil; !ok || !old.IsOnCall() {
			return "", nil, nil
		}
		next := countersign.Group{Name: name, Pool: old.Pool, Members: []countersign.Member{}}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(people))) {
			if d.People[id].Inactive || !d.Groups[old.Pool].Lists(id) {
				out = append(out, id)
				continue
			}
			m := countersign.Member{Person: id}
			if i := slices.IndexFunc(old.Members, func(m countersign.Member) bool { return m.Person == id }); i >= 0 {
				m = old.Members[i]
			}
			next.Members = append(next.Members, m)
		}
		if changed = !slices.Equal(old.Members, next.Members); !changed {
			return "", nil, nil
		}
		return countersign.GroupID(name), countersign.GroupChanged{Group: next}, nil
	})
	if err != nil || !changed {
		return out, err
	}
	return out, g.turn(ctx)
}

// askAgain has the cards of the requests that are meant brought up to date, and to
// whoever is asked now: of those that wait, and of those that are approved and have
// not run.
func (g *Gate) askAgain(ctx context.Context, meant func(countersign.Request) bool) error {
	if !g.cfg.Cards {
		return nil
	}
	for _, state := range []countersign.DecisionState{countersign.DecisionPending, countersign.DecisionApproved} {
		q := store.Query{Decision: state, Execution: countersign.ExecutionNone, Limit: 500}
		for {
			found, next, err := g.Search(ctx, q)
			if err != nil {
				return err
			}
			for _, r := range found {
				if r.Verdict.Requirement == nil || !meant(r) {
					continue
				}
				err := g.store.Add(ctx, store.Job{Kind: JobCards, Key: string(r.ID), Due: g.cfg.Now()})
				if err != nil && !errors.Is(err, store.ErrExists) { // one is on its way
					return fmt.Errorf("ask again about %s: %w", r.ID, err)
				}
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
	}
	return nil
}
