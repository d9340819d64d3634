// Package link makes one-use sign-in links for people that the operator added.
// A link is a secret of 128 bits that lives thirty minutes; only its hash is
// kept. It is spent by Take, which of many gets it once, and which a page calls
// on POST only: whoever merely fetches a link (a mail scanner, a preview) spends
// nothing.
package link

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// Life is how long a link can be used.
const Life = 30 * time.Minute

// New returns the secret of a new link for the person.
func New(ctx context.Context, kept store.Ephemeral, person string, now time.Time) (string, error) {
	secret := rand.Text()
	err := kept.Put(ctx, store.Entry{
		Key: key(secret), Subject: person, Value: []byte(person), Expires: now.Add(Life),
	})
	return secret, err
}

// Take spends the link and returns the person it was made for.
func Take(ctx context.Context, kept store.Ephemeral, secret string) (string, error) {
	e, err := kept.Take(ctx, key(secret))
	if errors.Is(err, store.ErrNotFound) {
		return "", &countersign.Error{
			Code: countersign.CodeUnauthenticated, Detail: "this link has been used, has ended, or was never one",
			Hint: "ask the operator for another: countersign person link NAME",
		}
	}
	if err != nil {
		return "", err
	}
	return string(e.Value), nil
}

func key(secret string) string {
	sum := sha256.Sum256([]byte("countersign/link/v1\n" + secret))
	return "link:" + hex.EncodeToString(sum[:])
}
