package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
)

// jobCards is gate.JobCards: the key is the id of a request whose copies are to
// be brought up to date.
const jobCards = "cards"

// WorkCards brings the copies of what has changed up to date, and returns how
// many requests that were.
func (d *Desk) WorkCards(ctx context.Context) (int, error) {
	before, err := d.core.Directory(ctx)
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex
	var worked []countersign.RequestID
	n, err := d.work(ctx, jobCards, func(ctx context.Context, key string, _ task) error {
		mu.Lock()
		worked = append(worked, countersign.RequestID(key))
		mu.Unlock()
		return d.bringUp(ctx, countersign.RequestID(key))
	})
	return n, errors.Join(err, d.overtaken(ctx, before, worked))
}

// overtaken has the cards done again that were drawn while the directory changed:
// whoever queued them by that change may have found their job still there.
func (d *Desk) overtaken(ctx context.Context, before *countersign.Directory, worked []countersign.RequestID) error {
	now, err := d.core.Directory(ctx)
	if err != nil || len(worked) == 0 || now.Version == before.Version {
		return err
	}
	for _, id := range worked {
		if err := d.renew(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// bringUp posts and edits every copy of the request's card. Each copy stands by
// itself: what was done is noted before the next, and not done again.
func (d *Desk) bringUp(ctx context.Context, id countersign.RequestID) error {
	r, err := d.core.Get(ctx, id)
	if err != nil {
		return err
	}
	dir, err := d.core.Directory(ctx)
	if err != nil {
		return err
	}
	rows, _, err := get[[]posted](ctx, d.kept, copiesKey(id))
	if err != nil {
		return err
	}
	if r.Decision == countersign.DecisionPending {
		rows = d.routed(rows, r, dir)
	}
	var errs []error
	for i := range rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		errs = append(errs, d.bringUpOne(ctx, r, dir, rows, i))
	}
	return together(errs)
}

// routed adds a row for each address that the request goes to and has no copy. One
// that was taken back is none.
func (d *Desk) routed(rows []posted, r countersign.Request, dir *countersign.Directory) []posted {
	for _, name := range sortedNames(d.chats) {
		for _, to := range Addresses(d.chats[name].Routes, name, r, dir) {
			if !slices.ContainsFunc(rows, func(p posted) bool { return p.Chat == name && p.To == to && !p.Back }) {
				rows = append(rows, posted{Chat: name, To: to, Key: string(r.ID) + "/" + rand.Text()})
			}
		}
	}
	return rows
}

func (d *Desk) bringUpOne(ctx context.Context, r countersign.Request, dir *countersign.Directory, rows []posted, i int) error {
	row := &rows[i]
	chat, ok := d.chats[row.Chat]
	if !ok || row.Gone || row.Back {
		return nil
	}
	card := d.card(chat, r, dir)
	// Whoever has lost their account, or their seat, learns nothing more by it.
	meant := chat.names(row.To) || slices.Contains(Addresses(chat.Routes, row.Chat, r, dir), row.To)
	if !meant {
		card = card.TakenBack()
	}
	shown, err := digestOf(card)
	switch {
	case err != nil:
		return err
	case row.Copy == channel.Copy{}:
		if r.Decision != countersign.DecisionPending || !meant {
			return nil // nobody needs to see it any more
		}
		err = d.speak(queue{row.Chat, row.To}, func() error { return d.post(ctx, chat, card, r, rows, i) })
	case row.Shown == shown:
		return nil
	default:
		err = d.speak(queue{row.Chat, row.To}, func() error { return d.edit(ctx, chat, card, r, rows, i) })
	}
	switch {
	case errors.Is(err, channel.ErrGone):
		d.cfg.Log.Warn("a place for cards is gone", "chat", row.Chat, "to", row.To, "request", r.ID, "err", err)
		row.Gone = true
	case err != nil:
		return err
	default:
		row.Shown, row.Back = shown, !meant
	}
	return d.put(ctx, copiesKey(r.ID), r.ID, cardLife, rows)
}

// post posts a copy. Its token is noted before it is out, and where it is as soon
// as that is known: a press in between is worked on later.
func (d *Desk) post(ctx context.Context, chat Chat, card channel.Card, r countersign.Request, rows []posted, i int) error {
	row := &rows[i]
	card.Key = row.Key
	if len(card.Offers) > 0 {
		if row.Token == "" {
			row.Token = rand.Text()
		}
		card.Token = row.Token
		if err := d.putToken(ctx, *row, card, r); err != nil {
			return err
		}
	}
	if err := d.put(ctx, copiesKey(r.ID), r.ID, cardLife, rows); err != nil {
		return err
	}
	at, err := chat.Channel.Post(ctx, row.To, card)
	if err != nil {
		return err
	}
	row.Copy, row.Said = at, len(card.Brief.Deciders.Choices)
	if card.Token == "" {
		return nil
	}
	return d.putToken(ctx, *row, card, r)
}

// edit edits a copy. A token of an earlier view stays known, so that whoever
// presses it late is told why it counts for nothing.
func (d *Desk) edit(ctx context.Context, chat Chat, card channel.Card, r countersign.Request, rows []posted, i int) error {
	row := &rows[i]
	card.Key = row.Key
	old := row.Token
	row.Token = ""
	if len(card.Offers) > 0 {
		before, ok, err := get[pressable](ctx, d.kept, tokenKey(old))
		if err != nil {
			return err
		}
		if row.Token = old; !ok || before.View != card.Brief.Digest() {
			row.Token = rand.Text()
		}
		card.Token = row.Token
		if err := d.putToken(ctx, *row, card, r); err != nil {
			return err
		}
	}
	choices := len(card.Brief.Deciders.Choices)
	card.NewChoices = max(0, choices-row.Said)
	err := chat.Channel.Edit(ctx, row.Copy, card)
	switch {
	case err == nil:
		row.Said = choices
	case !errors.Is(err, channel.ErrGone):
		row.Token = old // the copy still carries it
	}
	return err
}

func (d *Desk) putToken(ctx context.Context, row posted, card channel.Card, r countersign.Request) error {
	return d.put(ctx, tokenKey(card.Token), r.ID, cardLife, pressable{
		Request: r.ID, Digest: r.Digest, Policy: r.Verdict.Policy, View: card.Brief.Digest(), Chat: row.Chat, Copy: row.Copy,
	})
}

// card is the request's card in the chat, without Approve where it does not fit.
func (d *Desk) card(chat Chat, r countersign.Request, dir *countersign.Directory) channel.Card {
	card := channel.NewCard(r, dir, chat.Setting)
	if card.Offered(countersign.Approve) && !chat.Channel.Fits(card) {
		card = card.Unfit()
	}
	return card
}

// digestOf names what a card shows: two cards of one digest look the same.
func digestOf(c channel.Card) (countersign.Digest, error) {
	text, err := json.Marshal(c)
	return sha256.Sum256(text), err
}
