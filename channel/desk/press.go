package desk

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/store"
)

// errNotNoted: the card was pressed before it was noted where it had been posted.
var errNotNoted = errors.New("it is not noted yet where this card was posted")

// errRefused ends what was answered already.
var errRefused = errors.New("refused")

// A pressed card is what a press that is believed is about.
type pressed struct {
	row    pressable
	person countersign.Person
	r      countersign.Request
	card   channel.Card
}

// Look implements channel.Desk.
func (w *window) Look(ctx context.Context, p channel.Press) (channel.Card, channel.Answer, bool, error) {
	seen, a, err := w.believe(ctx, p)
	switch {
	case errors.Is(err, errRefused):
		return channel.Card{}, a, false, nil
	case err != nil:
		return channel.Card{}, a, false, err
	case len(seen.card.Offers) == 0:
		return channel.Card{}, over(seen), false, nil
	case stale(seen):
		return channel.Card{}, changed(seen), false, nil
	}
	card := seen.card
	card.Token = rand.Text()
	row := seen.row
	row.Account, row.Copy = of(p.By), channel.Copy{}
	return card, channel.Answer{}, true, w.put(ctx, tokenKey(card.Token), row.Request, dialogLife, row)
}

// Decide implements channel.Desk.
func (w *window) Decide(ctx context.Context, p channel.Press, c channel.Choice) (channel.Answer, error) {
	seen, a, err := w.believe(ctx, p)
	if errors.Is(err, errRefused) {
		return a, nil
	}
	if err != nil {
		return a, err
	}
	if said(seen, w.name, c.Choice) {
		return done(c.Choice, seen), nil
	}
	if a, ok, err := get[channel.Answer](ctx, w.kept, answerKey(w.delivery)); err != nil || ok {
		return a, err
	}
	if a, refused := offered(seen, c); refused {
		return a, nil
	}
	after, err := w.core.Decide(ctx, seen.r.ID, countersign.Decision{
		By: seen.person.Principal(), Choice: c.Choice, Digest: seen.row.Digest, View: seen.row.View, Reason: c.Reason, To: c.To,
		Assurance: countersign.Chat, Channel: w.name, Link: countersign.LinkID(w.name, p.By.Workspace, p.By.ID),
	})
	if faulty(err) {
		return channel.Answer{}, err
	}
	if refused, ok := errors.AsType[*countersign.Error](err); ok {
		a = w.refusal(refused, seen.card)
		return a, w.note(ctx, seen.r.ID, a)
	}
	dir, err := w.core.Directory(ctx)
	if err != nil {
		return channel.Answer{}, err
	}
	seen.card = w.card(w.chat, after, dir)
	return done(c.Choice, seen), nil
}

// note keeps the answer to a delivery that the gate refused. Each refusal goes on
// record, so that one click is refused once, however often its answer fails.
func (w *window) note(ctx context.Context, id countersign.RequestID, a channel.Answer) error {
	if w.delivery == "" {
		return nil
	}
	return w.put(ctx, answerKey(w.delivery), id, seenLife, a)
}

// believe returns what a press is about, by its token alone, if whoever pressed
// is somebody here and the token is of the copy that they pressed. Otherwise the
// answer says why not, and the error is errRefused.
func (w *window) believe(ctx context.Context, p channel.Press) (pressed, channel.Answer, error) {
	var seen pressed
	no := func(code countersign.Code, says string) (pressed, channel.Answer, error) {
		return seen, channel.Answer{Says: says, Code: code, OpenURL: w.chat.Setting.Console}, errRefused
	}
	if p.By.Outsider != "" {
		return no(countersign.CodeForbidden, "You are "+p.By.Outsider+" here. Nothing was recorded; a full member of this workspace decides.")
	}
	row, ok, err := get[pressable](ctx, w.kept, tokenKey(p.Token))
	if err != nil {
		return seen, channel.Answer{}, err
	}
	if seen.row = row; !ok || p.Token == "" || row.Chat != w.name {
		return no(countersign.CodeViewChanged, "This card is out of date. Nothing was recorded; look at its newest state, or open the console.")
	}
	none := channel.Copy{}
	switch {
	case row.Account != "" && (row.Account != of(p.By) || p.At != none):
		return no(countersign.CodeForbidden, "This dialog is somebody else's. Nothing was recorded.")
	case row.Account == "" && p.At != none && row.Copy == none:
		return seen, channel.Answer{}, errNotNoted
	case row.Account == "" && (p.At != row.Copy || p.At.Workspace != p.By.Workspace):
		return no(countersign.CodeForbidden, "This is not the card that was posted here. Nothing was recorded; open the request in the console.")
	}
	dir, err := w.core.Directory(ctx)
	if err != nil {
		return seen, channel.Answer{}, err
	}
	if seen.person, ok = dir.LinkedTo(countersign.LinkID(w.name, p.By.Workspace, p.By.ID)); !ok {
		return no(countersign.CodeForbidden, "Your account here is linked to nobody who decides. Sign in to the console, take a code there and type it here.")
	}
	if seen.r, err = w.core.Get(ctx, row.Request); err != nil {
		return seen, channel.Answer{}, err
	}
	seen.card = w.card(w.chat, seen.r, dir)
	if stale(seen) {
		err = w.renew(ctx, row.Request)
	}
	return seen, channel.Answer{}, err
}

// renew has the copies of the request brought up to date: what a card shows changes
// with the directory too, which nothing else tells of.
func (d *Desk) renew(ctx context.Context, id countersign.RequestID) error {
	err := d.jobs.Add(ctx, store.Job{Kind: jobCards, Key: string(id), Due: d.cfg.Now()})
	if errors.Is(err, store.ErrExists) {
		return nil // it is on its way
	}
	return err
}

// offered refuses what the card as it stands does not offer, or what was pressed
// on another view of it.
func offered(seen pressed, c channel.Choice) (channel.Answer, bool) {
	no := func(code countersign.Code, says string) (channel.Answer, bool) {
		return channel.Answer{Says: says, Code: code, OpenURL: seen.card.OpenURL}, true
	}
	switch {
	case len(seen.card.Offers) == 0:
		return over(seen), true
	case stale(seen):
		return changed(seen), true
	case !seen.card.Offered(c.Choice) && c.Choice == countersign.Approve:
		return no(countersign.CodeAssuranceTooLow, seen.card.Why+" Nothing was recorded; open it to approve.")
	case !seen.card.Offered(c.Choice):
		return no(countersign.CodeBadRequest, "This card does not offer that. Nothing was recorded.")
	case c.Choice == countersign.Escalate && !slices.Contains(seen.card.Groups, c.To):
		return no(countersign.CodeUnknownGroup, "It cannot be escalated to that group. Nothing was recorded.")
	}
	return channel.Answer{}, false
}

// stale reports whether the card that was pressed showed something else.
func stale(seen pressed) bool {
	return seen.row.Digest != seen.r.Digest || seen.row.Policy != seen.r.Verdict.Policy || seen.row.View != seen.card.Brief.Digest()
}

func changed(seen pressed) channel.Answer {
	return channel.Answer{
		Says: "This has changed since the card was shown. Nothing was recorded; read it again.",
		Code: countersign.CodeViewChanged, OpenURL: seen.card.OpenURL,
	}
}

// over is the answer to a choice that comes too late.
func over(seen pressed) channel.Answer {
	a := channel.Answer{Says: "Nothing was recorded. " + seen.card.Status, Code: countersign.CodeAlreadySettled, OpenURL: seen.card.OpenURL}
	if seen.r.Decision == countersign.DecisionPending {
		a.Says, a.Code = "This is decided in the console only. Nothing was recorded.", countersign.CodeCannotApprove
	}
	return a
}

// said reports whether the choice is on record already, from this view and chat:
// the delivery came again.
func said(seen pressed, chat string, c countersign.Choice) bool {
	return slices.ContainsFunc(seen.r.Decisions, func(d countersign.Decision) bool {
		return d.By.ID == seen.person.ID && d.Choice == c && d.Channel == chat && d.View == seen.row.View && d.Void == ""
	})
}

func done(c countersign.Choice, seen pressed) channel.Answer {
	verb := map[countersign.Choice]string{
		countersign.Approve: "approved", countersign.Reject: "rejected", countersign.Escalate: "escalated",
	}[c]
	return channel.Answer{Says: "You " + verb + " it. " + seen.card.Status, OpenURL: seen.card.OpenURL}
}

// refusal says why the gate did not count a choice.
func (w *window) refusal(why *countersign.Error, card channel.Card) channel.Answer {
	says := why.Detail
	if why.Hint != "" {
		says += "; " + why.Hint
	}
	return channel.Answer{Says: says + ".", Code: why.Code, OpenURL: card.OpenURL}
}

// of is the account as its dialogs note it.
func of(a channel.Account) string { return a.Workspace + "/" + a.ID }
