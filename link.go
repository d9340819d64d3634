package countersign

import (
	"cmp"
	"slices"
	"time"
)

// The kinds of events of links.
const (
	KindLinkMade   EventKind = "link.made"
	KindLinkBroken EventKind = "link.broken"
)

// A Link says that an account of a chat is a person's: what the account clicks is
// that person's choice, with the assurance of chat. One account is one person's; a
// person may have several, and counts once.
type Link struct {
	Chat      string `json:"chat"`      // "slack"
	Workspace string `json:"workspace"` // the chat's own id of the tenant: a Slack team id
	Account   string `json:"account"`   // the chat's own id of the account there
	// Name is what the chat calls the account; a claim.
	Name   string `json:"name,omitempty"`
	Person string `json:"person"` // "per_…"
	// Since is when the person proved both: signed in here, and with a one-time code
	// from here typed there.
	Since time.Time `json:"since"`
	// Made is when the link was recorded, as the event around it says.
	Made time.Time `json:"-"`
}

// CountsFor reports whether an approval of what was asked at the time counts
// through the link: it was on record before.
func (l Link) CountsFor(asked time.Time) bool { return l.Made.Before(asked) }

// ID is the id that events about the link carry: "lnk:slack/T024BE7LD/U02ABCDEF".
func (l Link) ID() RequestID { return LinkID(l.Chat, l.Workspace, l.Account) }

// LinkID is the id of the account's link, whether or not there is one.
func LinkID(chat, workspace, account string) RequestID {
	return RequestID("lnk:" + chat + "/" + workspace + "/" + account)
}

type (
	// LinkMade: a chat account is a person's from now on.
	LinkMade struct {
		Link Link `json:"link"`
		Solo bool `json:"solo"`
	}
	// LinkBroken: it is nobody's any more. Of a person who is deactivated all links
	// are broken without an event of their own, and none comes back with them.
	LinkBroken struct {
		Link    Link   `json:"link"`
		Because string `json:"because,omitempty"`
		Solo    bool   `json:"solo"`
	}
)

// Kind implements Body.
func (LinkMade) Kind() EventKind { return KindLinkMade }

// Kind implements Body.
func (LinkBroken) Kind() EventKind { return KindLinkBroken }

// LinkedTo returns the active person whose link has the id.
func (d *Directory) LinkedTo(id RequestID) (Person, bool) {
	l, ok := d.Links[id]
	if !ok {
		return Person{}, false
	}
	p, ok := d.People[l.Person]
	return p, ok && !p.Inactive
}

// MethodChat is the method of a choice that came through a linked chat account.
const MethodChat = "chat"

// Link is the link of the chat account that it was done through, empty for any
// other way.
func (w Who) Link() RequestID {
	if w.Method != MethodChat {
		return ""
	}
	return RequestID("lnk:" + w.Origin.Door + "/" + w.Origin.Peer)
}

// Stands reports whether the link that the decision came through has stood ever
// since: one that was broken does not come back with a new one of the same account.
// What came any other way needs none.
func (d *Directory) Stands(dec Decision) bool {
	if dec.Link == "" {
		return true
	}
	l, ok := d.Links[dec.Link]
	return ok && l.Person == dec.By.ID && l.Since.Equal(dec.AuthTime)
}

// LinksOf returns the person's links, the oldest first.
func (d *Directory) LinksOf(person string) []Link {
	var links []Link
	for _, l := range d.Links {
		if l.Person == person {
			links = append(links, l)
		}
	}
	slices.SortFunc(links, func(a, b Link) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID(), b.ID())) })
	return links
}

// unlink breaks all links of the person. The directory is not shared yet.
func (d *Directory) unlink(person string) {
	for id, l := range d.Links {
		if l.Person == person {
			delete(d.Links, id)
		}
	}
}
