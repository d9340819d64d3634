package audit

import (
	"fmt"

	"github.com/countersignhq/countersign"
)

// methodChat is the method of a choice that came through a linked chat account.
const methodChat = "chat"

// link is a link of a chat account as the log tells of it.
type link struct {
	person string
	leaf   int64 // that made it
}

// link takes in that an account of a chat became a person's: the person's own
// doing, of an account that was nobody else's, and once two people have passkeys
// only where one of theirs signed them in.
func (p *people) link(e countersign.Event, b countersign.LinkMade) error {
	l, by := b.Link, e.Who.Actor
	_, taken := p.links[l.ID()]
	person, known := p.persons[l.Person]
	p.links[l.ID()] = link{l.Person, p.leaf}
	switch {
	case e.Request != l.ID():
		return fmt.Errorf("the link of %s stands under %s", l.ID(), e.Request)
	case taken:
		return fmt.Errorf("%s was linked while it was linked already", l.ID())
	case !known || person.Inactive:
		return fmt.Errorf("%s was linked to %s, who was no active person", l.ID(), l.Person)
	case by.Kind != countersign.KindPerson || by.ID != l.Person:
		return fmt.Errorf("%s linked %s to %s", by.ID, l.ID(), l.Person)
	case b.Solo == p.paired:
		return fmt.Errorf("the link %s says of its person the wrong thing: solo is %t", l.ID(), b.Solo)
	case p.paired && e.Who.Method != "passkey":
		return fmt.Errorf("%s was linked from a session that no passkey opened", l.ID())
	}
	return nil
}

// unlink takes in that a link was broken.
func (p *people) unlink(e countersign.Event, b countersign.LinkBroken) error {
	id, by := b.Link.ID(), e.Who.Actor
	was, linked := p.links[id]
	delete(p.links, id)
	switch {
	case !linked || e.Request != id || was.person != b.Link.Person:
		return fmt.Errorf("%s, which was no link of %s, was broken under %s", id, b.Link.Person, e.Request)
	case by.Kind == countersign.KindPerson && by.ID != was.person:
		return fmt.Errorf("%s broke a link of %s", by.ID, was.person)
	}
	return nil
}

// unlinkAll breaks the links of a person who is there no more.
func (p *people) unlinkAll(person string) {
	for id, l := range p.links {
		if l.person == person {
			delete(p.links, id)
		}
	}
}

// through is the id of the link of the chat account that a choice came through.
func through(e countersign.Event) countersign.RequestID {
	return countersign.RequestID("lnk:" + e.Who.Origin.Door + "/" + e.Who.Origin.Peer)
}

// linked checks that a choice which came through a chat came through an account
// that was the person's, and claims no more than a chat can give.
func (a *auditor) linked(e countersign.Event, d countersign.Decision) error {
	if e.Who.Method != methodChat {
		return nil
	}
	id := through(e)
	switch {
	case a.people.links[id].person != e.Who.Actor.ID:
		return fmt.Errorf("%s decided it through %s, which was not linked to them", e.Who.Actor.ID, id)
	case d.Assurance != countersign.Chat:
		return fmt.Errorf("%s decided it in a chat with %q", e.Who.Actor.ID, d.Assurance)
	}
	return nil
}

// linkedBefore checks that the link which an approval came through was there before
// the request. A rejection may come through a newer one.
func (a *auditor) linkedBefore(acc *account, e countersign.Event) error {
	if e.Who.Method == methodChat && a.people.links[through(e)].leaf > acc.first {
		return fmt.Errorf("%s approved it through %s, which was linked after it was asked", e.Who.Actor.ID, through(e))
	}
	return nil
}
