package desk

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/channel"
	"github.com/countersignhq/countersign/store"
)

// How long rows are kept. A card that is older can be read and not pressed.
const (
	cardLife   = 90 * 24 * time.Hour
	dialogLife = 30 * time.Minute
	seenLife   = 48 * time.Hour // longer than any chat goes on delivering
)

// A posted row is one copy of a request's card, or one that is to be made.
type posted struct {
	Chat  string             `json:"chat"`
	To    channel.Address    `json:"to"`
	Key   string             `json:"key"`
	Token string             `json:"token,omitempty"`
	Copy  channel.Copy       `json:"copy,omitzero"`
	Gone  bool               `json:"gone,omitempty"`
	Back  bool               `json:"back,omitempty"` // taken back from an account that it is not for any more
	Shown countersign.Digest `json:"shown,omitzero"` // of the card last shown
	Said  int                `json:"said,omitempty"` // how many choices that card had
}

// A pressable row is what a token stands for. Nothing else about a press is
// believed.
type pressable struct {
	Request countersign.RequestID `json:"request"`
	Digest  countersign.Digest    `json:"digest"`
	Policy  countersign.Digest    `json:"policy"`
	View    countersign.Digest    `json:"view"`
	Chat    string                `json:"chat"`
	Copy    channel.Copy          `json:"copy,omitzero"` // zero until it is known, and for a dialog
	// Account is whose dialog it is, "T1/U1"; empty for a card.
	Account string `json:"account,omitempty"`
}

func copiesKey(id countersign.RequestID) string { return "cards\n" + string(id) }
func tokenKey(token string) string              { return "card token\n" + token }
func seenKey(delivery string) string            { return "seen\n" + delivery }
func answerKey(delivery string) string          { return "answer\n" + delivery }

// get reads a row; ok is false if there is none.
func get[T any](ctx context.Context, kept store.Ephemeral, key string) (row T, ok bool, err error) {
	e, err := kept.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return row, false, nil
	}
	if err != nil {
		return row, false, err
	}
	err = json.Unmarshal(e.Value, &row)
	return row, err == nil, err
}

// put writes a row that is about the request.
func (d *Desk) put(ctx context.Context, key string, id countersign.RequestID, life time.Duration, row any) error {
	value, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return d.kept.Put(ctx, store.Entry{Key: key, Subject: "cards of " + string(id), Value: value, Expires: d.cfg.Now().Add(life)})
}
