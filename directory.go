package countersign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Directory is what is known of people, groups, agents, resources and the
// policy at one moment. It is never written to once it is shared: With returns
// the next one.
type Directory struct {
	People    map[string]Person // by id
	Groups    map[string]Group  // by name
	Agents    map[string]Agent  // by id
	Resources map[string]Resource
	// Credentials are the passkeys by id, removed ones too.
	Credentials map[string]Credential
	Links       map[RequestID]Link // of chat accounts, by LinkID
	Halts       map[string]Halt    // by the agent's id
	Policy      *PolicyChanged     // nil: none is loaded, and everything is held
	// Version counts the events that made it; 0 is the empty directory.
	Version uint64
	// Versions are the versions of the entities, by the id their events carry.
	Versions map[RequestID]uint64
	// Paired is true once two people with passkeys were enrolled, and for ever
	// from then on: nobody changes the control plane alone any more.
	Paired bool
	// Tokens finds the agent of a token by its hash.
	Tokens map[Digest]string
	// Now is the moment that it is looked at, as At has it; zero as it is kept.
	Now time.Time
}

// The ids that control-plane events carry besides "per_…" and "agt_…".
const (
	PolicyID RequestID = "policy"
	// CandidateID is what events about policies that were not taken carry.
	CandidateID RequestID = "policy:candidate"
)

// GroupID is the id that events about the group carry.
func GroupID(name string) RequestID { return RequestID("grp:" + name) }

// ResourceID is the id that events about the resource carry.
func ResourceID(name string) RequestID { return RequestID("res:" + name) }

// LooksLikeID reports whether the name reads as the id of a person or an agent. No
// group has such a name: an owner is named by an id or by a group.
func LooksLikeID(name string) bool {
	return strings.HasPrefix(name, "per_") || strings.HasPrefix(name, "agt_")
}

// IsEntity reports whether the id is of a control-plane entity, not a request.
func (id RequestID) IsEntity() bool { return !strings.HasPrefix(string(id), "req_") }

// With returns the directory after the event. It refuses an event out of order
// or that is not about an entity.
func (d *Directory) With(e Event) (*Directory, error) {
	next := &Directory{
		People: maps.Clone(d.People), Groups: maps.Clone(d.Groups), Agents: maps.Clone(d.Agents),
		Resources: maps.Clone(d.Resources), Credentials: maps.Clone(d.Credentials), Links: maps.Clone(d.Links), Halts: maps.Clone(d.Halts), Policy: d.Policy, Version: d.Version,
		Versions: maps.Clone(d.Versions), Tokens: maps.Clone(d.Tokens), Paired: d.Paired,
	}
	if err := next.take(e); err != nil {
		return nil, err
	}
	return next, nil
}

// FoldDirectory returns the directory that the events make, in their order. It
// takes no copies in between, so a start is linear in what there is to read.
func FoldDirectory(events []Event) (*Directory, error) {
	d := NewDirectory()
	for _, e := range events {
		if err := d.take(e); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// take changes a directory that is not shared yet.
func (d *Directory) take(e Event) error {
	if want := d.Versions[e.Request] + 1; e.Version != want {
		return fmt.Errorf("event %s of %s has version %d, want %d", e.Kind(), e.Request, e.Version, want)
	}
	switch b := e.Body.(type) {
	case PersonChanged:
		d.People[b.Person.ID] = b.Person
		if b.Person.Inactive {
			d.unlink(b.Person.ID)
		}
	case GroupChanged:
		d.Groups[b.Group.Name] = b.Group
	case AgentChanged:
		d.Agents[b.Agent.ID] = b.Agent
		for _, t := range b.Agent.Tokens {
			d.Tokens[t.Hash] = b.Agent.ID
		}
	case ResourceChanged:
		if b.Removed {
			delete(d.Resources, b.Resource.Name)
		} else {
			d.Resources[b.Resource.Name] = b.Resource
		}
	case CredentialEnrolled:
		d.Credentials[b.Credential.ID] = b.Credential
	case CredentialChanged:
		d.Credentials[b.Credential.ID] = b.Credential
	case LinkMade:
		b.Link.Made = e.At
		d.Links[b.Link.ID()] = b.Link
	case LinkBroken:
		delete(d.Links, b.Link.ID())
	case HaltChanged:
		b.Halt.By, b.Halt.Since = e.Who.Actor, e.At
		d.Halts[b.Halt.Agent] = b.Halt
	case PolicyChanged:
		d.Policy = &b
	case PolicyRefused:
	default:
		return fmt.Errorf("event %s is not about the directory", e.Kind())
	}
	d.Version++
	d.Versions[e.Request] = e.Version
	d.Paired = d.Paired || d.Enrolled() >= 2
	return nil
}

// NewDirectory returns an empty directory.
func NewDirectory() *Directory {
	return &Directory{
		People: map[string]Person{}, Groups: map[string]Group{}, Agents: map[string]Agent{},
		Resources: map[string]Resource{}, Credentials: map[string]Credential{}, Links: map[RequestID]Link{}, Halts: map[string]Halt{}, Versions: map[RequestID]uint64{}, Tokens: map[Digest]string{},
	}
}

// GroupsOf returns the names, sorted, of the groups that count the person as a
// member for a request made at the time. Everyone is among them for all who were
// there then.
func (d *Directory) GroupsOf(person string, asked time.Time) []string {
	var names []string
	for name, g := range d.Groups {
		if d.counts(g, person, asked) {
			names = append(names, name)
		}
	}
	if p, ok := d.People[person]; ok && !p.Inactive && p.Since.Before(asked) {
		names = append(names, Everyone)
	}
	slices.Sort(names)
	return names
}

// AgentByToken returns the agent whose token has the hash, and the token.
func (d *Directory) AgentByToken(hash Digest) (Agent, Token, bool) {
	a, ok := d.Agents[d.Tokens[hash]]
	if !ok {
		return Agent{}, Token{}, false
	}
	i := slices.IndexFunc(a.Tokens, func(t Token) bool { return t.Hash == hash })
	if i < 0 {
		return Agent{}, Token{}, false
	}
	return a, a.Tokens[i], true
}
