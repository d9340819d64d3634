// Package countersign holds the words that every other package speaks in: a
// Request is an agent asking for one Command; Facts are what was understood of
// it; a Verdict is what the policy says of it; a Decision is one person's
// choice; an Outcome is what happened; an Event is one step of it on record.
//
// Start with Request, whose Apply folds events into what is true now, and with
// states.go, the table of allowed moves. The path itself is gate.Submit.
//
// The package imports the standard library and internal/canon, nothing else.
package countersign

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// A RequestID names one request: "req_" and sixteen letters or digits.
type RequestID string

// idAlphabet leaves out i, l, o and u, so that an id read aloud is typed right
// and spells no word (Crockford's base 32).
var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewRequestID returns a fresh id, later than those of the milliseconds before:
// 48 bits of Unix time in milliseconds and 32 random ones. Ids in order of time
// keep an index of them appending; that no two are equal is for the store to see.
func NewRequestID() RequestID {
	var b [10]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:])
	return RequestID("req_" + idAlphabet.EncodeToString(b[:]))
}

// NewID returns a fresh random id of the kind, such as "per_3f8k2m9q4w7x" (60
// bits).
func NewID(kind string) string {
	var b [8]byte
	rand.Read(b[:])
	return kind + "_" + idAlphabet.EncodeToString(b[:])[:12]
}

// A Digest names exactly one command (or one policy, one view): it is SHA-256
// over canonical bytes. Decisions and permits carry it, so an approval of one
// command can never release another. Its text is "sha256:" and 64 hex digits.
type Digest [sha256.Size]byte

// String returns the text of the digest.
func (d Digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

// IsZero reports whether the digest names nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText implements encoding.TextMarshaler; the zero digest is empty text.
func (d Digest) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// AppendText implements encoding.TextAppender, as MarshalText does.
func (d Digest) AppendText(b []byte) ([]byte, error) {
	if d.IsZero() {
		return b, nil
	}
	return hex.AppendEncode(append(b, "sha256:"...), d[:]), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Digest{}
		return nil
	}
	parsed, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// ParseDigest reads the text of a digest.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	digits, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(digits) != 2*len(d) {
		return d, fmt.Errorf("digest %q: want sha256: and %d hex digits", s, 2*len(d))
	}
	if _, err := hex.Decode(d[:], []byte(digits)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	if d.String() != s {
		return Digest{}, fmt.Errorf("digest %q: hex digits are lower case", s)
	}
	return d, nil
}
