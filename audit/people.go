package audit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
)

// people is the directory as the log tells it.
type people struct {
	persons   map[string]countersign.Person
	groups    map[string]map[string]time.Time // members, since when
	pools     map[string]string               // of on-call groups: from whom a schedule selects
	agents    map[string]countersign.Agent
	resources map[string]countersign.Resource
	policy    countersign.Digest
	keys      map[string]key                 // passkeys by id
	halts     map[string]bool                // agents of which everything is held
	links     map[countersign.RequestID]link // of chat accounts
	leaf      int64                          // that is being taken in
	// paired is true once two people with passkeys were there: nobody changes
	// anything alone from then on.
	paired bool
}

func newPeople() *people {
	return &people{
		persons: map[string]countersign.Person{}, groups: map[string]map[string]time.Time{}, pools: map[string]string{},
		agents: map[string]countersign.Agent{}, resources: map[string]countersign.Resource{},
		keys: map[string]key{}, links: map[countersign.RequestID]link{}, halts: map[string]bool{},
	}
}

// change takes a control-plane event in.
func (p *people) change(e countersign.Event) error {
	defer p.pair()
	switch b := e.Body.(type) {
	case countersign.PersonChanged:
		wrong := errors.Join(p.absent(e, b.Person), p.came(e, b.Person))
		if p.persons[b.Person.ID] = b.Person; b.Person.Inactive {
			p.unlinkAll(b.Person.ID)
		}
		return errors.Join(wrong, notByAgent(e))
	case countersign.GroupChanged:
		return errors.Join(p.grouped(e, b.Group), notByAgent(e))
	case countersign.AgentChanged:
		return errors.Join(p.agent(e, b.Agent), notByAgent(e))
	case countersign.ResourceChanged:
		if p.resources[b.Resource.Name] = b.Resource; b.Removed {
			delete(p.resources, b.Resource.Name)
		}
	case countersign.PolicyChanged:
		p.policy = b.Bundle
	case countersign.HaltChanged:
		p.halts[b.Halt.Agent] = b.Halt.On
	case countersign.PolicyRefused:
	case countersign.CredentialEnrolled:
		return errors.Join(p.enrol(e, b.Credential), notByAgent(e))
	case countersign.CredentialChanged:
		return errors.Join(p.amend(e, b.Credential), notByAgent(e))
	case countersign.LinkMade:
		return errors.Join(p.link(e, b), notByAgent(e))
	case countersign.LinkBroken:
		return errors.Join(p.unlink(e, b), notByAgent(e))
	default:
		return fmt.Errorf("event %s is not about people, agents, resources or policy", e.Kind())
	}
	return notByAgent(e)
}

func (p *people) pair() {
	signing := map[string]bool{}
	for _, key := range p.keys {
		if person, ok := p.persons[key.Person]; ok && !person.Inactive && !key.Pending && !key.Removed {
			signing[key.Person] = true
		}
	}
	p.paired = p.paired || len(signing) >= 2
}

func notByAgent(e countersign.Event) error {
	if e.Who.Actor.Kind == countersign.KindAgent {
		return errors.New("an agent changed the control plane")
	}
	return nil
}

// behind returns the people who stand behind those who ask: themselves, and of
// agents whoever owns, made or holds them.
func (p *people) behind(who countersign.Who) []string {
	var ids []string
	for _, principal := range slices.Concat([]countersign.Principal{who.Actor}, who.OnBehalfOf) {
		if principal.Kind == countersign.KindPerson {
			ids = append(ids, p.identity(principal)...)
			continue
		}
		agent := p.agents[principal.ID]
		ids = append(ids, p.owner(agent.Owner)...)
		makers := []countersign.Principal{agent.CreatedBy}
		for _, t := range agent.Tokens {
			if !t.Revoked {
				makers = append(makers, t.IssuedBy)
			}
		}
		for _, m := range makers {
			if _, here := p.persons[m.ID]; here || m.Kind == countersign.KindPerson {
				ids = append(ids, m.ID)
			}
		}
	}
	return ids
}

func (p *people) identity(principal countersign.Principal) []string {
	ids := []string{principal.ID}
	for id, person := range p.persons {
		if principal.Subject != "" && person.Subject == principal.Subject && person.Issuer == principal.Issuer {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *people) owner(owner string) []string {
	var ids []string
	team, ok := p.groups[owner]
	if _, here := p.persons[owner]; here || !ok && owner != "" {
		ids = append(ids, owner)
	}
	for id := range team {
		ids = append(ids, id)
	}
	return ids
}

// mayDecide checks the right to decide: a known, active person, there before
// the ask, in a group that a stage names since before the ask, and nobody who
// stands behind it.
func (a *auditor) mayDecide(acc *account, e countersign.Event) error {
	id := e.Who.Actor.ID
	if e.Who.Actor.Kind != countersign.KindPerson {
		return fmt.Errorf("%s, no person, decided it", id)
	}
	if acc.requirement == nil {
		return errors.New("it was decided before it was held")
	}
	if err := errors.Join(a.standing(acc, id), a.present(id)); err != nil {
		return err
	}
	for _, s := range acc.requirement.Stages {
		if a.sits(acc, s.Reviewers, id) {
			return nil
		}
	}
	return fmt.Errorf("%s decided it and is in no group that does", id)
}

// standing checks the person alone.
func (a *auditor) standing(acc *account, id string) error {
	person, ok := a.people.persons[id]
	switch {
	case !ok || person.Inactive:
		return fmt.Errorf("%s decided it and was no active person", id)
	case !person.Since.Before(acc.created):
		return fmt.Errorf("%s decided it and came after it", id)
	case a.barred(acc)[id]:
		return fmt.Errorf("%s decided it and stands behind the asker", id)
	}
	return nil
}

func (a *auditor) member(groups []string, person string, before time.Time) bool {
	for _, g := range groups {
		if who, ok := a.people.persons[person]; g == countersign.Everyone && ok && who.Since.Before(before) {
			return true
		}
		since, ok := a.people.groups[g][person]
		if pool, onCall := a.people.pools[g]; onCall && ok {
			since, ok = a.people.groups[pool][person]
		}
		if ok && since.Before(before) {
			return true
		}
	}
	return false
}

// filled reports whether the approvals fill every stage now, each person in one
// place at most. It tries every way to seat them, which for the few places a
// requirement has is quick and plainly right.
func (a *auditor) filled(acc *account, stages []countersign.Stage) bool {
	var places []countersign.Stage
	for _, s := range stages {
		for range s.Quorum {
			places = append(places, s)
		}
	}
	return len(places) > 0 && a.fill(acc, places, map[string]bool{})
}

func (a *auditor) fill(acc *account, places []countersign.Stage, seated map[string]bool) bool {
	if len(places) == 0 {
		return true
	}
	for _, p := range acc.approvals {
		if seated[p.person] || !a.counts(acc, p) ||
			!p.assurance.Meets(places[0].Assurance) || !a.sits(acc, places[0].Reviewers, p.person) {
			continue
		}
		seated[p.person] = true
		if a.fill(acc, places[1:], seated) {
			return true
		}
		delete(seated, p.person)
	}
	return false
}

// counts reports whether the approval counts now: its person may still decide, the
// passkey that signed it still signs, and the very link that it came through was
// never broken.
func (a *auditor) counts(acc *account, p approval) bool {
	return a.standing(acc, p.person) == nil && a.present(p.person) == nil &&
		(p.key == "" || a.counting(acc, p.person, p.key) == nil) &&
		(p.through == "" || a.people.links[p.through] == p.link)
}
