package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/store"
)

// A message is what one account is told, or what is said below one copy.
type message struct {
	to   countersign.Link // zero: it is said below the copy
	chat string           // where the copy is
	at   channel.Copy
	in   channel.Address // that the copy was posted to
	says string
	open string // the link beside it, if any
}

// name is the same whenever the message is for the same reader.
func (m message) name() string {
	if m.to.Account != "" {
		return string(m.to.ID())
	}
	return m.chat + "\n" + m.at.Workspace + "\n" + m.at.Place + "\n" + m.at.Message
}

// tellOnce gets each message to its reader once, however often it is called with
// the key: what went out is noted before the next does. It stops early when going
// says that nobody needs to hear it any more; nil: everybody does.
func (d *Desk) tellOnce(ctx context.Context, key, subject string, all []message, going func() (bool, error)) error {
	key = "told\n" + key
	told, _, err := get[[]string](ctx, d.kept, key)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range all {
		if slices.Contains(told, m.name()) {
			continue
		}
		if going != nil {
			if on, err := going(); err != nil || !on {
				return together(append(errs, err))
			}
		}
		if err := d.say(ctx, m); err != nil {
			errs = append(errs, err)
			continue
		}
		told = append(told, m.name())
		value, err := json.Marshal(told)
		if err == nil {
			err = d.kept.Put(ctx, store.Entry{Key: key, Subject: subject, Value: value, Expires: d.cfg.Now().Add(cardLife)})
		}
		if err != nil {
			return together(append(errs, err))
		}
	}
	return together(errs)
}

// say gets one message out. A reader who is gone has nothing to hear.
func (d *Desk) say(ctx context.Context, m message) error {
	name, in := m.chat, m.in
	if m.to.Account != "" {
		name, in = m.to.Chat, channel.Address(m.to.Account)
	}
	chat, ok := d.chats[name]
	if !ok {
		return nil
	}
	err := d.speak(queue{name, in}, func() error {
		if m.to.Account != "" {
			return chat.Channel.Tell(ctx, channel.Account{Workspace: m.to.Workspace, ID: m.to.Account}, m.says, m.open)
		}
		return chat.Channel.Note(ctx, m.at, m.says, m.open)
	})
	if errors.Is(err, channel.ErrGone) {
		d.cfg.Log.Warn("somebody who was to be told is gone from the chat", "chat", name, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("tell somebody in %s: %w", name, err)
	}
	return nil
}
