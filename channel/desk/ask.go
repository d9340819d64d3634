package desk

import (
	"context"
	"errors"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
)

// mostListed is how many requests an inbox shows.
const mostListed = 10

// Inbox implements channel.Desk.
func (w *window) Inbox(ctx context.Context, who channel.Account) (channel.Inbox, channel.Answer, bool, error) {
	var in channel.Inbox
	person, a, ok, err := w.asker(ctx, who)
	if err != nil || !ok {
		return in, a, false, err
	}
	waits, err := w.core.Inbox(ctx, person)
	if err != nil {
		return in, a, false, err
	}
	dir, err := w.core.Directory(ctx)
	if err != nil {
		return in, a, false, err
	}
	in.OpenURL, in.More = w.chat.Setting.Console+"/", max(0, len(waits)-mostListed)
	for _, r := range waits[:len(waits)-in.More] {
		in.Cards = append(in.Cards, unpressable(w.card(w.chat, r, dir)))
	}
	return in, a, true, nil
}

// Show implements channel.Desk. That there is no such request, and that it is
// somebody else's, is one answer.
func (w *window) Show(ctx context.Context, who channel.Account, id countersign.RequestID) (channel.Card, channel.Answer, bool, error) {
	person, a, ok, err := w.asker(ctx, who)
	if err != nil || !ok {
		return channel.Card{}, a, false, err
	}
	dir, err := w.core.Directory(ctx)
	if err != nil {
		return channel.Card{}, a, false, err
	}
	r, err := w.core.Get(ctx, id)
	refused, isRefused := errors.AsType[*countersign.Error](err)
	switch {
	case isRefused && refused.Code == countersign.CodeNotFound, err == nil && !w.core.Sees(dir, person, r):
		a = channel.Answer{Says: "There is no such request that you may see.", OpenURL: w.chat.Setting.Console + "/", Code: countersign.CodeNotFound}
		return channel.Card{}, a, false, nil
	case err != nil:
		return channel.Card{}, a, false, err
	}
	return unpressable(w.card(w.chat, r, dir)), a, true, nil
}

// asker is the person whose account asks. The answer says why it is nobody's.
func (w *window) asker(ctx context.Context, who channel.Account) (countersign.Person, channel.Answer, bool, error) {
	if who.Outsider != "" {
		return countersign.Person{}, channel.Answer{Says: "You are " + who.Outsider + " here, and are shown nothing.", Code: countersign.CodeForbidden}, false, nil
	}
	p, ok, err := w.Person(ctx, who)
	if err != nil || ok {
		return p, channel.Answer{}, ok, err
	}
	return p, channel.Answer{
		Says: "Your account here is linked to nobody. Sign in to the console, take a code there and type it here.",
		Code: countersign.CodeUnauthenticated, OpenURL: w.chat.Setting.Console + "/account",
	}, false, nil
}

// unpressable is a card in an answer, which nobody can edit once the request
// changes: it decides nothing.
func unpressable(c channel.Card) channel.Card {
	if len(c.Offers) > 0 && c.Why == "" {
		c.Why = "This is an answer to you alone. Decide on the card that was posted, or open it."
	}
	c.Offers, c.Groups, c.Token = nil, nil, ""
	return c
}
