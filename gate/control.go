package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// Directory returns what is known of people, groups, agents, resources and the
// policy. It is shared: nobody writes to it.
func (g *Gate) Directory(ctx context.Context) (*countersign.Directory, error) {
	d, err := g.store.Snapshot(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	return d, nil
}

// Change records one change of the control plane. next is given the directory
// as it is and says what the entity is from now on; a nil body changes nothing.
// It is asked again if the directory changed meanwhile.
func (g *Gate) Change(ctx context.Context, who countersign.Who, next func(*countersign.Directory) (countersign.RequestID, countersign.Body, error)) error {
	for {
		d, err := g.store.Snapshot(ctx)
		if err != nil {
			return unavailable(err)
		}
		id, body, err := next(d)
		if err != nil || body == nil {
			return err
		}
		e, err := ledger.Encode(countersign.Event{Request: id, Version: d.Versions[id] + 1, Who: who, Body: body})
		if err != nil {
			return err
		}
		_, err = g.store.Commit(ctx, store.Change{Events: []ledger.Event{e}})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return unavailable(fmt.Errorf("record %s of %s: %w", e.Kind, id, err))
		}
		g.hub.Wake("")
		return nil
	}
}

// SetPerson adds a person or changes one. A new one may decide what is asked
// for from now on.
func (g *Gate) SetPerson(ctx context.Context, who countersign.Who, p countersign.Person) (countersign.Person, error) {
	err := g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		for id, other := range d.People {
			if id != p.ID && other.Issuer == p.Issuer && other.Subject == p.Subject {
				return "", nil, &countersign.Error{Code: countersign.CodeConflict, Detail: fmt.Sprintf("%s is %s already", p.Subject, id), Hint: "one human is one person here"}
			}
		}
		if old, ok := d.People[p.ID]; ok {
			p.Since = old.Since
		} else {
			p.Since = g.now()
		}
		return countersign.RequestID(p.ID), countersign.PersonChanged{Person: p, Solo: true}, nil
	})
	return p, err
}

// SetGroup gives a group its members. Who was a member stays one since when
// they were; who is new counts for what is asked for from now on.
func (g *Gate) SetGroup(ctx context.Context, who countersign.Who, name string, people []string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		old := d.Groups[name]
		group := countersign.Group{Name: name, Members: []countersign.Member{}}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(people))) {
			if _, ok := d.People[id]; !ok {
				return "", nil, &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no person %s", id), Hint: "countersign person ls shows them"}
			}
			m := countersign.Member{Person: id, Since: g.now()}
			if i := slices.IndexFunc(old.Members, func(m countersign.Member) bool { return m.Person == id }); i >= 0 {
				m = old.Members[i]
			}
			group.Members = append(group.Members, m)
		}
		if old.Name == name && slices.Equal(old.Members, group.Members) {
			return "", nil, nil
		}
		return countersign.GroupID(name), countersign.GroupChanged{Group: group, Solo: true}, nil
	})
}

// SetAgent adds an agent or changes one: its owner, its tokens, whether it may
// ask at all.
func (g *Gate) SetAgent(ctx context.Context, who countersign.Who, a countersign.Agent) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		_, person := d.People[a.Owner]
		_, team := d.Groups[a.Owner]
		if !person && !team {
			return "", nil, &countersign.Error{Code: countersign.CodeBadRequest, Detail: fmt.Sprintf("%q, the owner, is neither a person nor a group", a.Owner), Hint: "every agent has an owner: add the person first"}
		}
		for id, other := range d.Agents {
			if id != a.ID && other.Name == a.Name {
				return "", nil, &countersign.Error{Code: countersign.CodeConflict, Detail: fmt.Sprintf("there is an agent %s already (%s)", a.Name, id), Hint: "choose another name"}
			}
		}
		return countersign.RequestID(a.ID), countersign.AgentChanged{Agent: a, Solo: true}, nil
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
		return countersign.ResourceID(r.Name), countersign.ResourceChanged{Resource: r, Because: "configuration", Solo: true}, nil
	})
}

// SetPolicy makes the files the active policy.
func (g *Gate) SetPolicy(ctx context.Context, who countersign.Who, files map[string]string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		p, err := policy.Load(texts(files), policy.CatalogueOf(d, g.cfg.Sinks))
		if err != nil {
			return "", nil, err
		}
		if d.Policy != nil && d.Policy.Bundle == p.Digest() {
			return "", nil, nil
		}
		return countersign.PolicyID, countersign.PolicyChanged{Bundle: p.Digest(), Files: files, Solo: true}, nil
	})
}

// Pass answers one of the methods that are no commands, over the upstream's one
// session. A listing of tools also pins what it shows for the first time, and
// notes what is not as pinned.
func (g *Gate) Pass(ctx context.Context, by countersign.Principal, name, method string, params []byte) ([]byte, error) {
	d, err := g.Directory(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := resource(d, name); err != nil {
		return nil, err
	}
	up, ok := g.cfg.Executors[name].(Passer)
	if !ok {
		return nil, &countersign.Error{Code: countersign.CodeUnavailable, Detail: fmt.Sprintf("no upstream of this server answers for %s", name), Hint: "add it to the configuration"}
	}
	answer, err := up.Pass(ctx, method, params)
	if err != nil {
		return nil, &countersign.Error{Code: countersign.CodeUnavailable, Detail: fmt.Sprintf("%s on %s: %v", method, name, err), Hint: "countersign doctor tells what is wrong"}
	}
	g.cfg.Log.Info("passed", "agent", by.ID, "resource", name, "method", method, "bytes", len(answer))
	if _, refused := canon.Member(answer, "error"); method == "tools/list" && !refused {
		if err := g.learn(ctx, name, answer); err != nil {
			return nil, unavailable(err)
		}
	}
	return answer, nil
}

// learn pins the tools that a listing shows for the first time, and notes those
// whose definition is not their pin.
func (g *Gate) learn(ctx context.Context, name string, listing []byte) error {
	seen, claims, err := mcptool.Pins(listing)
	if err != nil {
		return fmt.Errorf("read the tools of %s: %w", name, err)
	}
	return g.Change(ctx, gateway(), func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		r, err := resource(d, name)
		if err != nil {
			return "", nil, err
		}
		old := r
		r.Pins, r.Changed, r.Claims = clone(r.Pins), clone(r.Changed), clone(r.Claims)
		for tool, digest := range seen {
			pin, pinned := r.Pins[tool]
			switch {
			case !pinned:
				r.Pins[tool] = digest
			case pin != digest:
				r.Changed[tool] = digest
			default:
				delete(r.Changed, tool)
			}
			r.Claims[tool] = claims[tool]
		}
		if same(old, r) {
			return "", nil, nil
		}
		return countersign.ResourceID(name), countersign.ResourceChanged{Resource: r, Because: "listing", Solo: true}, nil
	})
}

// Repin accepts a tool's definition as last listed; an empty name, all of them.
func (g *Gate) Repin(ctx context.Context, who countersign.Who, name, tool string) error {
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
		return countersign.ResourceID(name), countersign.ResourceChanged{Resource: r, Because: "repinned", Solo: true}, nil
	})
}

// same reports whether two resources are recorded alike.
func same(a, b countersign.Resource) bool {
	one, err := canon.Marshal(a)
	two, err2 := canon.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(one, two)
}

func clone[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return maps.Clone(m)
}

// Changes wakes the channel at every change on record.
func (g *Gate) Changes() (<-chan struct{}, func()) { return g.hub.Register("") }

// Search finds requests.
func (g *Gate) Search(ctx context.Context, q store.Query) ([]countersign.Request, string, error) {
	found, next, err := g.store.Search(ctx, q)
	if err != nil {
		return nil, "", unavailable(err)
	}
	return found, next, nil
}

// now is the clock at the grain of the record.
func (g *Gate) now() time.Time { return g.cfg.Now().UTC().Truncate(time.Millisecond) }
