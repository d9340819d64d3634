// Package chat proves that an account of a chat is a person's: a signed-in person
// is shown a one-time code in the console and types it in the chat. The direction
// is on purpose: a code that came from the chat and was opened in a browser could
// be somebody else's, who would then decide as the person.
package chat

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// Life is how long a code can be typed.
const Life = 10 * time.Minute

// codeChars are the letters and digits of a code: 60 bits.
const codeChars = 12

// Codes keeps the codes that have not been typed yet.
type Codes struct {
	kept store.Ephemeral
	now  func() time.Time
}

// New returns the codes of a store.
func New(kept store.Ephemeral, now func() time.Time) *Codes { return &Codes{kept, now} }

// A Proof says who was shown a code, and how they had signed in.
type Proof struct {
	Person   string    `json:"person"`
	Method   string    `json:"method"` // "passkey", "link"
	AuthTime time.Time `json:"auth_time"`

	taken store.Entry // what Return puts back
}

// Make returns a code for the chat, "XK7Q-2MNB-T4RA", and when it ends. It works
// once, in place of any that the person was shown before.
func (c *Codes) Make(ctx context.Context, chat string, p Proof) (code string, ends time.Time, err error) {
	subject := "chat code of " + p.Person
	if err := c.kept.DropSubject(ctx, subject); err != nil {
		return "", ends, err
	}
	text := rand.Text()[:codeChars]
	value, err := json.Marshal(p)
	if err != nil {
		return "", ends, err
	}
	ends = c.now().Add(Life).UTC()
	err = c.kept.Put(ctx, store.Entry{Key: key(chat, text), Subject: subject, Value: value, Expires: ends})
	return fmt.Sprintf("%s-%s-%s", text[:4], text[4:8], text[8:]), ends, err
}

// Take spends a code that was typed in the chat, and returns who was shown it.
func (c *Codes) Take(ctx context.Context, chat, typed string) (Proof, error) {
	text := strings.ToUpper(strings.NewReplacer("-", "", " ", "", "`", "").Replace(typed))
	wrong := &countersign.Error{
		Code: countersign.CodeNotFound, Detail: "this code is not one that can be used: each works once, for 10 minutes",
		Hint: "take a new one from the console",
	}
	if len(text) != codeChars {
		return Proof{}, wrong
	}
	e, err := c.kept.Take(ctx, key(chat, text))
	if errors.Is(err, store.ErrNotFound) {
		return Proof{}, wrong
	}
	if err != nil {
		return Proof{}, err
	}
	p := Proof{taken: e}
	return p, json.Unmarshal(e.Value, &p)
}

// Return gives a code back that was taken and, by no fault of who typed it, did
// nothing: it can be typed again until it ends.
func (c *Codes) Return(ctx context.Context, p Proof) error { return c.kept.Put(ctx, p.taken) }

func key(chat, text string) string { return "chat code\n" + chat + "\n" + text }
