package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/store"
)

// Directory returns what is known of people, groups, agents, resources and the
// policy, with who is away at this moment. It is shared: nobody writes to it.
func (g *Gate) Directory(ctx context.Context) (*countersign.Directory, error) {
	d, err := g.store.Snapshot(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	return d.At(g.moment()), nil
}

// SetPerson adds a person or changes one. A new one may decide what is asked
// for from then on. Like every change of the control plane it may have to wait:
// Change says when.
func (g *Gate) SetPerson(ctx context.Context, who countersign.Who, p countersign.Person) (countersign.Person, error) {
	err := g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		old, ok := d.People[p.ID]
		if p.Since, p.Away = old.Since, old.Away; ok {
			p.InvitedBy = old.InvitedBy
		} else if p.InvitedBy == "" {
			p.InvitedBy = who.Actor.ID
		}
		return countersign.RequestID(p.ID), countersign.PersonChanged{Person: p}, nil
	})
	if d, err2 := g.store.Snapshot(ctx); err == nil && err2 == nil {
		p = d.People[p.ID]
	}
	return p, err
}

// SetGroup gives a group its members. Who was a member stays one since when
// they were; who is new counts for what is asked for from then on.
func (g *Gate) SetGroup(ctx context.Context, who countersign.Who, name string, people []string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		old := d.Groups[name]
		group := countersign.Group{Name: name, Members: []countersign.Member{}}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(people))) {
			m := countersign.Member{Person: id}
			if i := slices.IndexFunc(old.Members, func(m countersign.Member) bool { return m.Person == id }); i >= 0 {
				m = old.Members[i]
			}
			group.Members = append(group.Members, m)
		}
		if old.Name == name && slices.Equal(old.Members, group.Members) {
			return "", nil, nil
		}
		return countersign.GroupID(name), countersign.GroupChanged{Group: group}, nil
	})
}

// SetAgent adds an agent or changes one: its owner, its tokens, whether it may
// ask at all.
func (g *Gate) SetAgent(ctx context.Context, who countersign.Who, a countersign.Agent) error {
	return g.Change(ctx, who, func(*countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		return countersign.RequestID(a.ID), countersign.AgentChanged{Agent: a}, nil
	})
}

// SetResource adds a resource or relabels one. Its pins stay.
func (g *Gate) SetResource(ctx context.Context, who countersign.Who, r countersign.Resource) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		if old, ok := d.Resources[r.Name]; ok {
			r.Pins, r.Changed, r.Claims = old.Pins, old.Changed, old.Claims
			if same(old, r) {
				return "", nil, nil
			}
		}
		return countersign.ResourceID(r.Name), countersign.ResourceChanged{Resource: r, Because: "configuration"}, nil
	})
}

// RemoveResource takes a resource away; nothing runs on it any more.
func (g *Gate) RemoveResource(ctx context.Context, who countersign.Who, name string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		r, ok := d.Resources[name]
		if !ok {
			return "", nil, nil
		}
		return countersign.ResourceID(name), countersign.ResourceChanged{Resource: r, Removed: true, Because: "configuration"}, nil
	})
}

// SetPolicy makes the files the active policy. Files that do not load change
// nothing: the error, a *policy.LoadError, says why, and the attempt is on record.
func (g *Gate) SetPolicy(ctx context.Context, who countersign.Who, files map[string]string) error {
	bundle := policy.DigestOf(texts(files))
	err := g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		if d.Policy != nil && d.Policy.Bundle == bundle {
			return "", nil, nil
		}
		return countersign.PolicyID, countersign.PolicyChanged{Bundle: bundle, Files: files}, nil
	})
	if wrong, ok := errors.AsType[*policy.LoadError](err); ok {
		g.cfg.Log.Error("a policy does not load; the one on record stays active", "bundle", bundle, "findings", len(wrong.Findings))
		refused := countersign.PolicyRefused{Bundle: bundle, Because: clip(wrong.Error(), 2000)}
		return errors.Join(err, g.direct(ctx, who, func(*countersign.Directory) (countersign.RequestID, countersign.Body, error) {
			return countersign.CandidateID, refused, nil
		}))
	}
	return err
}

// Repin accepts a tool's definition as last listed; an empty name, all of them.
func (g *Gate) Repin(ctx context.Context, who countersign.Who, name, tool string) error {
	if err := g.seenLast(ctx, name, tool); err != nil {
		return err
	}
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		r, err := resource(d, name)
		if err != nil {
			return "", nil, err
		}
		r.Pins, r.Changed = clone(r.Pins), clone(r.Changed)
		repinned := 0
		for t, digest := range maps.Clone(r.Changed) {
			if tool == "" || t == tool {
				r.Pins[t] = digest
				delete(r.Changed, t)
				repinned++
			}
		}
		if repinned == 0 {
			detail := fmt.Sprintf("no tool of %s differs from its pin", name)
			if tool != "" {
				detail = fmt.Sprintf("tool %s of %s does not differ from its pin", tool, name)
			}
			return "", nil, &countersign.Error{Code: countersign.CodeNotFound, Detail: detail, Hint: "countersign resource show tells which do"}
		}
		return countersign.ResourceID(name), countersign.ResourceChanged{Resource: r, Because: "repinned"}, nil
	})
}

// seenLast refuses to accept a definition where another one was listed since the one
// on record, which is all that anybody could look at.
func (g *Gate) seenLast(ctx context.Context, name, tool string) error {
	newer, err := g.recordListed(ctx, name, func(t string) bool { return tool == "" || t == tool })
	if newer && err == nil {
		err = &countersign.Error{Code: countersign.CodeConflict, Detail: "a tool of " + name + " was listed with another definition since", Hint: "look at it again with countersign resource show"}
	}
	return err
}

// Changes wakes the channel at every change on record.
func (g *Gate) Changes() (<-chan struct{}, func()) { return g.hub.Register("") }

// Search finds requests, as Get returns them.
func (g *Gate) Search(ctx context.Context, q store.Query) ([]countersign.Request, string, error) {
	found, next, err := g.store.Search(ctx, q)
	if err != nil {
		return nil, "", unavailable(err)
	}
	d, err := g.Directory(ctx)
	if err != nil {
		return nil, "", err
	}
	for i, r := range found {
		found[i] = quorum.Current(d, r)
	}
	return found, next, nil
}

// now is the clock at the grain of the record.
func (g *Gate) now() time.Time { return g.cfg.Now().UTC().Truncate(time.Millisecond) }
