// Package state makes what a client keeps for the door and brings back, after a
// restart too: the requestState of MCP 2026-07-28 (multi round-trip requests), when
// it asks on for a call that is held, and the Mcp-Session-Id of the revisions
// before. Both pass through the client's hands, so they are sealed to their holder:
// a State also to one request, its digest and a time, a Session to when it began.
package state

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// prefix tells our states from those of an upstream.
const prefix = "cs1."

// A State is where a held call stands.
type State struct {
	// Request is the one that is waited for, Digest its command's.
	Request countersign.RequestID
	Digest  countersign.Digest
	// Round counts how often the client was sent back.
	Round int
	// Expires is when the state is no longer taken.
	Expires time.Time
}

// A Holder is who may bring something back, and where.
type Holder struct {
	Agent    string // its id
	Chain    string // on whose behalf alone
	Resource string
}

// HolderOf is who asks, at the resource.
func HolderOf(by countersign.Who, resource string) Holder {
	var chain []string
	for _, p := range by.OnBehalfOf {
		chain = append(chain, p.ID, p.Issuer, p.Subject)
	}
	return Holder{by.Actor.ID, fmt.Sprintf("%q", chain), resource}
}

// Ours reports whether the text was made by Seal, or claims so.
func Ours(text string) bool { return strings.HasPrefix(text, prefix) }

// payload is a State as it travels.
type payload struct {
	Request countersign.RequestID `json:"request"`
	Digest  countersign.Digest    `json:"digest"`
	Round   string                `json:"round"`
	Expires string                `json:"expires"` // seconds since 1970
}

// Seal writes the state for its holder.
func Seal(key []byte, h Holder, s State) (string, error) {
	body, err := canon.Marshal(payload{s.Request, s.Digest, strconv.Itoa(s.Round), strconv.FormatInt(s.Expires.Unix(), 10)})
	if err != nil {
		return "", err
	}
	return prefix + base64.RawURLEncoding.EncodeToString(append(tag(key, "request-state", h, body), body...)), nil
}

// The answers of Open.
var (
	ErrForged  = errors.New("the requestState was not made here for this agent and resource")
	ErrExpired = errors.New("the requestState has expired")
)

// Open reads a state that the holder brings back at the time.
func Open(key []byte, h Holder, text string, now time.Time) (State, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text, prefix))
	if err != nil || !Ours(text) || len(raw) < sha256.Size {
		return State{}, ErrForged
	}
	mac, body := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(mac, tag(key, "request-state", h, body)) {
		return State{}, ErrForged
	}
	var p payload
	if err := canon.Unmarshal(body, &p); err != nil {
		return State{}, ErrForged
	}
	round, err := strconv.Atoi(p.Round)
	seconds, bad := strconv.ParseInt(p.Expires, 10, 64)
	if err != nil || bad != nil {
		return State{}, ErrForged
	}
	s := State{Request: p.Request, Digest: p.Digest, Round: round, Expires: time.Unix(seconds, 0)}
	if !now.Before(s.Expires) {
		return s, ErrExpired
	}
	return s, nil
}

// tag is what only this gateway can write under the body, for one purpose and one
// holder.
func tag(key []byte, purpose string, h Holder, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "countersign/mcp/%s/v1\n%q\n%q\n%q\n", purpose, h.Agent, h.Chain, h.Resource)
	mac.Write(body)
	return mac.Sum(nil)
}
