package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// JobNotices is the kind of the jobs that tell people of a link that was made or
// broken. The key is the link's id and version; the body is {"notice": LinkNotice}.
const JobNotices = "notices"

// A LinkNotice says what became of a link. Of a person who is deactivated all links
// are broken without one: nobody is left to decide through them.
type LinkNotice struct {
	Link    countersign.Link      `json:"link"`
	Broken  bool                  `json:"broken,omitempty"`
	By      countersign.Principal `json:"by"`
	Because string                `json:"because,omitempty"`
}

// notices is the job that belongs to an event of a link: it is queued in the same
// commit, so that no link is made in silence.
func (g *Gate) notices(by countersign.Principal, id countersign.RequestID, version uint64, b countersign.Body) ([]store.Job, error) {
	n := LinkNotice{By: by}
	switch b := b.(type) {
	case countersign.LinkMade:
		n.Link = b.Link
	case countersign.LinkBroken:
		n.Link, n.Broken, n.Because = b.Link, true, b.Because
	default:
		return nil, nil
	}
	if !g.cfg.Cards {
		return nil, nil
	}
	body, err := json.Marshal(map[string]LinkNotice{"notice": n})
	if err != nil {
		return nil, err
	}
	return []store.Job{{Kind: JobNotices, Key: fmt.Sprintf("%s@%d", id, version), Due: g.cfg.Now(), Body: body}}, nil
}

// Link records that an account of a chat is the person's. Who is that person, who
// has shown that the account is theirs; once two people have passkeys, from a
// session that one of theirs opened. Linking what is linked to them does nothing.
func (g *Gate) Link(ctx context.Context, who countersign.Who, l countersign.Link) error {
	if err := linkable(l); err != nil {
		return err
	}
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		p, ok := d.People[l.Person]
		old, taken := d.Links[l.ID()]
		switch {
		case !ok || p.Inactive || who.Actor.Kind != countersign.KindPerson || who.Actor.ID != l.Person:
			return "", nil, &countersign.Error{Code: countersign.CodeForbidden, Detail: "a person links their own account, and nobody else's", Hint: "sign in to the console first"}
		case taken && old.Person == l.Person:
			return "", nil, nil
		case taken:
			return "", nil, &countersign.Error{Code: countersign.CodeConflict, Detail: fmt.Sprintf("this %s account is linked to somebody else", l.Chat), Hint: "unlink it there first"}
		case d.Paired && who.Method != "passkey":
			return "", nil, &countersign.Error{Code: countersign.CodeAssuranceTooLow, Detail: "an account is linked from a session that a passkey opened", Hint: "sign in with your passkey and take a new code"}
		}
		l.Since = g.now()
		return l.ID(), countersign.LinkMade{Link: l, Solo: !d.Paired}, nil
	})
}

// linkable refuses an account that no chat has.
func linkable(l countersign.Link) error {
	for _, part := range []string{l.Chat, l.Workspace, l.Account} {
		if part == "" || len(part) > 100 || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") != "" {
			return &countersign.Error{Code: countersign.CodeBadRequest, Detail: fmt.Sprintf("%q is no account of a chat", clip(string(l.ID()), 80))}
		}
	}
	return nil
}

// Unlink breaks a link, by its person or by the operator. What was approved
// through it and has not been released becomes void, and stays so whatever is
// linked later.
func (g *Gate) Unlink(ctx context.Context, who countersign.Who, id countersign.RequestID, because string) error {
	return g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		l, ok := d.Links[id]
		switch {
		case !ok:
			return "", nil, &countersign.Error{Code: countersign.CodeNotFound, Detail: "this account is linked to nobody"}
		case who.Actor.Kind != countersign.KindOperator && who.Actor.ID != l.Person:
			return "", nil, &countersign.Error{Code: countersign.CodeForbidden, Detail: "only its person or the operator breaks a link", Hint: "ask the operator"}
		}
		return id, countersign.LinkBroken{Link: l, Because: clip(strings.TrimSpace(because), 200), Solo: !d.Paired}, nil
	})
}

// through is the decision as its link has it: the person's whose account it is
// at this moment, with what a chat can give and no more. Who it is of and what it
// is worth are the link's, whatever the decision says.
func through(d *countersign.Directory, dec Decision) (Decision, error) {
	if dec.Link == "" {
		return dec, nil
	}
	l := d.Links[dec.Link]
	p, ok := d.LinkedTo(dec.Link)
	if !ok || p.ID != dec.By.ID {
		return dec, &countersign.Error{Code: countersign.CodeForbidden, Detail: "this account is linked to nobody who decides here", Hint: "link it from the console"}
	}
	dec.By, dec.Assertion, dec.Solo = p.Principal(), nil, !signs(d, p.ID)
	dec.Assurance, dec.Method, dec.AuthTime, dec.Channel = countersign.Chat, countersign.MethodChat, l.Since, l.Chat
	dec.Origin = countersign.Origin{Door: l.Chat, Peer: l.Workspace + "/" + l.Account, Client: l.Name}
	return dec, nil
}
