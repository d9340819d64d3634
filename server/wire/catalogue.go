package wire

import (
	"maps"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
)

// Resource is a resource with the tools that are listed or were seen.
func Resource(r countersign.Resource) client.Resource {
	out := client.Resource{
		Name: r.Name, Environment: r.Environment, Regions: r.Regions, DataClasses: r.DataClasses,
		Owners: r.Owners, UnsafeSameUser: r.UnsafeSameUser,
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(r.Tools)), slices.Collect(maps.Keys(r.Pins))) {
		if out.Tools == nil {
			out.Tools = map[string]client.Tool{}
		}
		t, listed := r.Tools[name]
		out.Tools[name] = client.Tool{
			Verbs: t.Verbs, Classes: t.Classes, Sink: t.Sink, Understand: t.Understand, Argument: t.Argument, Listed: listed,
			Pin: text(r.Pins[name]), Changed: text(r.Changed[name]),
		}
	}
	return out
}

// Resources are the directory's resources in the order of their names.
func Resources(d *countersign.Directory) []client.Resource {
	out := []client.Resource{}
	for _, name := range slices.Sorted(maps.Keys(d.Resources)) {
		out = append(out, Resource(d.Resources[name]))
	}
	return out
}

// Agents are the directory's agents in the order of their ids. A token shows
// neither its text nor its hash.
func Agents(d *countersign.Directory) []client.Agent {
	out := []client.Agent{}
	for _, id := range slices.Sorted(maps.Keys(d.Agents)) {
		a := d.Agents[id]
		agent := client.Agent{
			ID: a.ID, Name: a.Name, Owner: owner(a.Owner, d), OwnerID: a.Owner,
			Region: a.Region, Inactive: a.Inactive, Tokens: []client.Token{},
		}
		if a.CreatedBy.ID != "" {
			by := Principal(a.CreatedBy, d)
			agent.CreatedBy = &by
		}
		for _, t := range a.Tokens {
			agent.Tokens = append(agent.Tokens, client.Token{
				ID: t.ID, IssuedBy: t.IssuedBy.Name, IssuedAt: t.IssuedAt, Expires: t.Expires, Revoked: t.Revoked,
			})
		}
		out = append(out, agent)
	}
	return out
}

// People are the directory's people in the order of their ids, each with the
// groups that they are in now.
func People(d *countersign.Directory) []client.Person {
	groups := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		for _, m := range d.Groups[name].Members {
			groups[m.Person] = append(groups[m.Person], name)
		}
	}
	out := []client.Person{}
	for _, id := range slices.Sorted(maps.Keys(d.People)) {
		p := d.People[id]
		out = append(out, client.Person{
			ID: p.ID, Name: p.Name, Issuer: p.Issuer, Subject: p.Subject,
			Groups: notNil(groups[id]), Inactive: p.Inactive, Since: p.Since,
			Passkeys: Passkeys(d, id), InvitedBy: owner(p.InvitedBy, d), Away: Away(d, id),
		})
	}
	return out
}

// Passkeys are those of the person, the oldest first.
func Passkeys(d *countersign.Directory, person string) []client.Passkey {
	out := []client.Passkey{}
	for _, c := range d.CredentialsOf(person) {
		k := client.Passkey{ID: c.ID, Name: c.Name, Since: c.Since, Synced: c.Synced, Pending: c.Pending, VouchedBy: []string{}}
		if c.Pending && !c.ConfirmBy.IsZero() {
			k.ConfirmBy = &c.ConfirmBy
		}
		for _, id := range c.VouchedBy {
			k.VouchedBy = append(k.VouchedBy, owner(id, d))
		}
		out = append(out, k)
	}
	return out
}

// Policy is the active bundle; without one, everything is held.
func Policy(d *countersign.Directory) client.Policy {
	out := client.Policy{Files: []client.PolicyFile{}, Rules: []client.RuleOutline{}}
	if d.Policy == nil {
		return out
	}
	out.Digest, out.Solo = text(d.Policy.Bundle), d.Policy.Solo
	for _, name := range slices.Sorted(maps.Keys(d.Policy.Files)) {
		out.Files = append(out.Files, client.PolicyFile{Name: name, Text: d.Policy.Files[name]})
	}
	return out
}
