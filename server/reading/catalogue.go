package reading

import (
	"errors"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/wire"
	"github.com/countersignhq/countersign/store"
)

// resources answers what is protected, each with the rules that may bear on it.
func (a *answerer) resources(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	list := wire.Resources(d)
	rules := a.outline(d)
	for i := range list {
		for _, o := range rules {
			if o.SpeaksOf(list[i].Name) {
				list[i].GuardedBy = append(list[i].GuardedBy, o.ID)
			}
		}
	}
	return rest.Reply(w, http.StatusOK, client.Resources{Resources: list})
}

// agents answers who asks.
func (a *answerer) agents(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	list := wire.Agents(d)
	for i := range list {
		last, err := a.store.Last(r.Context(), store.Query{Requester: list[i].ID})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return rest.Unavailable("what "+list[i].ID+" last asked for", err)
		}
		list[i].LastAskedAt = last.At
	}
	return rest.Reply(w, http.StatusOK, client.Agents{Agents: list})
}

// people answers who decides.
func (a *answerer) people(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	newest, _, err := a.gate.Search(r.Context(), store.Query{Limit: maxPage})
	if err != nil {
		return err
	}
	last := map[string]time.Time{}
	for _, one := range newest {
		for _, choice := range one.Decisions {
			if choice.At.After(last[choice.By.ID]) {
				last[choice.By.ID] = choice.At
			}
		}
	}
	list := wire.People(d)
	for i := range list {
		list[i].LastDecidedAt = last[list[i].ID]
	}
	return rest.Reply(w, http.StatusOK, client.People{People: list, OnCall: wire.OnCall(d)})
}

// policy answers the active bundle, and who made it so.
func (a *answerer) policy(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	out := wire.Policy(d)
	for _, o := range a.outline(d) {
		out.Rules = append(out.Rules, client.RuleOutline{
			ID: o.ID, Why: o.Why, Effect: string(o.Effect), Source: o.Source, Match: o.Match, When: o.When, Require: o.Require,
		})
	}
	if d.Policy != nil {
		entries, err := a.store.Events(r.Context(), countersign.PolicyID)
		if err != nil {
			return rest.Unavailable("the events of the policy", err)
		}
		e, err := entries[len(entries)-1].Event()
		if err != nil {
			return err
		}
		out.ChangedAt, out.ChangedBy = e.At, e.Who.Actor.Name
	}
	return rest.Reply(w, http.StatusOK, out)
}

// outline is the active policy's. A bundle that does not load has none: the gate
// holds everything then, and says so in its log.
func (a *answerer) outline(d *countersign.Directory) []policy.Outline {
	if d.Policy == nil {
		return nil
	}
	if old := a.rules.Load(); old != nil && old.bundle == d.Policy.Bundle {
		return old.rules
	}
	files := make(map[string][]byte, len(d.Policy.Files))
	for name, text := range d.Policy.Files {
		files[name] = []byte(text)
	}
	p, err := policy.Reload(files)
	if err != nil {
		return nil
	}
	a.rules.Store(&outlined{d.Policy.Bundle, p.Outline()})
	return p.Outline()
}

// outlined is a policy's outline, kept since it takes a while to make.
type outlined struct {
	bundle countersign.Digest
	rules  []policy.Outline
}
