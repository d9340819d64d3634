package main

import (
	"context"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/config"
	"github.com/countersignhq/countersign/server/admin"
)

// directory is what the configuration makes of groups and resources, with the
// people, groups and agents that the running server has besides.
func (a *at) directory(ctx context.Context, cfg config.Config) (*countersign.Directory, error) {
	d := countersign.NewDirectory()
	for _, r := range cfg.Resources {
		d.Resources[r.Name] = labels(r, countersign.Digest{})
	}
	if a.remote() == "" && owns(ctx, cfg.Data) {
		if err := a.fetch(ctx, d); err != nil {
			return nil, err
		}
	}
	declare(d, cfg)
	return d, nil
}

// fetch adds what the running server has.
func (a *at) fetch(ctx context.Context, d *countersign.Directory) error {
	people, err := get[client.People](ctx, a, "/v1/people")
	if err != nil {
		return err
	}
	for _, p := range people.People {
		d.People[p.ID] = countersign.Person{ID: p.ID, Name: p.Name, Issuer: p.Issuer, Subject: p.Subject, Inactive: p.Inactive, Since: p.Since}
	}
	groups, err := get[[]admin.Group](ctx, a, "/v1/groups")
	if err != nil {
		return err
	}
	for _, g := range groups {
		group := countersign.Group{Name: g.Name, Pool: g.Pool}
		for _, m := range g.Members {
			group.Members = append(group.Members, countersign.Member{Person: m.ID})
		}
		d.Groups[g.Name] = group
	}
	agents, err := get[client.Agents](ctx, a, "/v1/agents")
	if err != nil {
		return err
	}
	for _, from := range agents.Agents {
		agent := countersign.Agent{ID: from.ID, Name: from.Name, Owner: from.OwnerID, Region: from.Region, Inactive: from.Inactive}
		for _, t := range from.Tokens {
			agent.Tokens = append(agent.Tokens, countersign.Token{ID: t.ID, Expires: t.Expires, Revoked: t.Revoked})
		}
		d.Agents[from.ID] = agent
	}
	return nil
}

// declare adds the groups of the configuration, with the people in them as if
// they were there already.
func declare(d *countersign.Directory, cfg config.Config) {
	ids := map[string]string{}
	for id, p := range d.People {
		ids[p.Issuer+"|"+p.Subject] = id
	}
	for _, name := range declaredGroups(cfg) {
		members := cfg.Groups[name]
		if _, there := d.Groups[name]; there && len(members) == 0 {
			continue
		}
		g := countersign.Group{Name: name}
		for _, m := range members {
			id, known := ids[m.String()]
			if !known {
				id = m.String()
				d.People[id] = countersign.Person{ID: id, Name: m.Subject, Issuer: m.Issuer, Subject: m.Subject}
			}
			g.Members = append(g.Members, countersign.Member{Person: id})
		}
		d.Groups[name] = g
	}
	for _, o := range cfg.OnCall {
		g := d.Groups[onCallName(o)]
		g.Name, g.Pool = onCallName(o), o.Pool
		d.Groups[g.Name] = g
	}
}
