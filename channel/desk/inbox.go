package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/store"
)

// jobInbox is the kind of what chats delivered and nobody has worked on yet.
const jobInbox = "inbox"

// Sizes of deliveries, in bytes.
const (
	maxDelivery   = 256 << 10
	maxDeliveryID = 200
)

// An arrival is a delivery with its chat.
type arrival struct {
	Chat string `json:"chat"`
	ID   string `json:"id"`
	Body []byte `json:"body"`
}

// Receive implements channel.Desk.
func (w *window) Receive(ctx context.Context, d channel.Delivery) error {
	if d.ID == "" || len(d.ID) > maxDeliveryID || len(d.Body) > maxDelivery {
		return &countersign.Error{
			Code:   countersign.CodeBadRequest,
			Detail: fmt.Sprintf("a delivery has an id of 1 to %d bytes and at most %d bytes", maxDeliveryID, maxDelivery),
		}
	}
	key := w.name + "/" + name(d.ID)
	if _, err := w.kept.Get(ctx, seenKey(key)); !errors.Is(err, store.ErrNotFound) {
		return err // worked on already, or nobody can tell
	}
	body, err := json.Marshal(arrival{w.name, d.ID, d.Body})
	if err != nil {
		return err
	}
	if body, err = json.Marshal(task{Body: body}); err != nil {
		return err
	}
	err = w.jobs.Add(ctx, store.Job{Kind: jobInbox, Key: key, Due: w.cfg.Now(), Body: body})
	if errors.Is(err, store.ErrExists) {
		err = nil
	}
	w.Wake()
	return err
}

// name stands for the id of a delivery, whatever is in it.
func name(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// WorkInbox has the chats handle what they delivered, and returns how many
// deliveries that were.
func (d *Desk) WorkInbox(ctx context.Context) (int, error) {
	return d.work(ctx, jobInbox, func(ctx context.Context, key string, t task) error {
		if _, err := d.kept.Get(ctx, seenKey(key)); !errors.Is(err, store.ErrNotFound) {
			return err // another process was as far as to note it
		}
		var a arrival
		if err := json.Unmarshal(t.Body, &a); err != nil {
			return err
		}
		chat, ok := d.chats[a.Chat]
		if !ok {
			d.cfg.Log.Warn("a delivery of a chat that is no longer configured is dropped", "chat", a.Chat)
			return nil
		}
		err := chat.Channel.Handle(ctx, channel.Delivery{ID: a.ID, Body: a.Body}, &window{d, a.Chat, chat, key})
		if err != nil && !errors.Is(err, channel.ErrGone) {
			return err
		}
		return d.kept.Put(ctx, store.Entry{Key: seenKey(key), Subject: "deliveries", Value: []byte{1}, Expires: d.cfg.Now().Add(seenLife)})
	})
}
