package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
)

// The functions here say all of an entity as lines, one property a line, so that
// two of them can be compared; none for an entity that is not there.

func person(p countersign.Person, d *countersign.Directory) []string {
	if p.ID == "" {
		return nil
	}
	lines := []string{
		"id: " + p.ID, "name: " + p.Name, "known as: " + p.Issuer + "|" + p.Subject, "state: " + state(p.Inactive),
		"invited by: " + orNobody(p.InvitedBy),
	}
	if p.Away != nil {
		lines = append(lines, absence(*p.Away, d)...)
	}
	return lines
}

// absence says from when to when, and whose seats are taken by whom.
func absence(a countersign.Away, d *countersign.Directory) []string {
	from, standIn := "when this is made", "nobody"
	if begins := a.Begins(); !begins.IsZero() {
		from = begins.UTC().Format(time.RFC3339Nano)
	}
	if a.StandIn != "" {
		standIn = named(a.StandIn, d)
	}
	return []string{"away: from " + from + " until " + a.Until.UTC().Format(time.RFC3339Nano), "decides in their place meanwhile: " + standIn}
}

func state(inactive bool) string {
	if inactive {
		return "deactivated"
	}
	return "active"
}

func orNobody(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func group(g countersign.Group, d *countersign.Directory) []string {
	if g.Name == "" {
		return nil
	}
	lines := []string{"group: " + g.Name}
	if g.Pool != "" {
		lines = append(lines, "on duty, as a schedule says, are members of: "+g.Pool)
	}
	for _, m := range g.Members {
		line := "member: " + named(m.Person, d)
		if !m.Since.IsZero() {
			line += " since " + m.Since.UTC().Format(time.RFC3339Nano)
		}
		lines = append(lines, line)
	}
	return lines
}

// named is "Bob (per_…)", or what it is called if that is no person.
func named(id string, d *countersign.Directory) string {
	if p, ok := d.People[id]; ok {
		return p.Name + " (" + id + ")"
	}
	return id
}

// principal is all of who made something: "Bob (per_…, person, known as local|bob)".
func principal(p countersign.Principal) string {
	all := p.ID + ", " + string(p.Kind)
	if p.Owner != "" {
		all += ", owner " + p.Owner
	}
	if p.Issuer != "" || p.Subject != "" {
		all += ", known as " + p.Issuer + "|" + p.Subject
	}
	return p.Name + " (" + all + ")"
}

func agent(a countersign.Agent, d *countersign.Directory) []string {
	if a.ID == "" {
		return nil
	}
	lines := []string{
		"id: " + a.ID, "name: " + a.Name, "owner: " + named(a.Owner, d), "made by: " + principal(a.CreatedBy),
		"region: " + orNobody(a.Region), "state: " + state(a.Inactive),
	}
	for _, t := range a.Tokens {
		line := fmt.Sprintf("asks with: %s, hash %s, issued %s by %s, until %s", t.ID, t.Hash,
			t.IssuedAt.UTC().Format(time.RFC3339Nano), principal(t.IssuedBy), t.Expires.UTC().Format(time.RFC3339Nano))
		if t.Revoked {
			line += ", revoked"
		}
		lines = append(lines, line)
	}
	for _, i := range a.Identities {
		line := "asks with: tokens of " + i.Issuer
		if i.Keys != "" {
			line += ", with the keys at " + i.Keys
		}
		for _, claim := range slices.Sorted(maps.Keys(i.Claims)) {
			line += fmt.Sprintf(", %s %q", claim, i.Claims[claim])
		}
		lines = append(lines, line)
	}
	return lines
}

func resource(r countersign.Resource) []string {
	if r.Name == "" {
		return nil
	}
	lines := []string{
		"name: " + r.Name, "environment: " + orNobody(r.Environment), "regions: " + strings.Join(r.Regions, ", "),
		"data classes: " + strings.Join(r.DataClasses, ", "), "owners: " + strings.Join(r.Owners, ", "),
		"target: " + r.Target.String(), fmt.Sprintf("runs as the gateway's own user: %t", r.UnsafeSameUser),
	}
	if r.Wrapped != "" {
		lines = append(lines, "runs in a process of: "+r.Wrapped)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tools)) {
		t := r.Tools[name]
		lines = append(lines, fmt.Sprintf("tool %s: %s; classes %s; sink %s", name,
			strings.Join(t.Verbs, ", "), strings.Join(t.Classes, ", "), orNobody(t.Sink)))
		if t.Understand != "" {
			lines = append(lines, fmt.Sprintf("tool %s: %s in %s is understood", name, t.Understand, t.Argument))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Tables)) {
		line := fmt.Sprintf("table %s: %s", name, strings.Join(r.Tables[name].Classes, ", "))
		for _, column := range slices.Sorted(maps.Keys(r.Tables[name].Columns)) {
			line += fmt.Sprintf("; column %s: %s", column, r.Tables[name].Columns[column])
		}
		lines = append(lines, line)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Pins)) {
		lines = append(lines, "pin of "+name+": "+r.Pins[name].String())
	}
	for _, name := range slices.Sorted(maps.Keys(r.Changed)) {
		lines = append(lines, "listed otherwise than pinned, "+name+": "+r.Changed[name].String())
	}
	for _, name := range slices.Sorted(maps.Keys(r.Claims)) {
		c := r.Claims[name]
		lines = append(lines, fmt.Sprintf("%s claims: read only %t, destructive %t, annotated %t, output schema %t",
			name, c.ReadOnly, c.Destructive, c.Annotated, c.OutputSchema))
		for _, header := range slices.Sorted(maps.Keys(c.Mirror)) {
			lines = append(lines, fmt.Sprintf("%s claims: the header %s repeats %q", name, header, c.Mirror[header]))
		}
		for _, argument := range slices.Sorted(maps.Keys(c.Places)) {
			lines = append(lines, fmt.Sprintf("%s claims: %s is an address, %s", name, argument, c.Places[argument]))
		}
	}
	return lines
}

func halt(h countersign.Halt) []string {
	if h.Agent == "" {
		return nil
	}
	return []string{"agent: " + h.Agent, "everything is held: " + yes(h.On), "reason: " + orNobody(h.Reason)}
}

func yes(is bool) string { return map[bool]string{true: "yes", false: "no"}[is] }

// halted is "bot (agt_…)", or "all agents".
func halted(agent string, d *countersign.Directory) string {
	if agent == countersign.AllAgents {
		return "all agents"
	}
	return d.Agents[agent].Name + " (" + agent + ")"
}
