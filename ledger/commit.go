package ledger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/countersignhq/countersign/internal/canon"
)

// An Opening is one sealed blob and the salt of its commitment. Whoever holds it
// can see the blob and check it; whoever holds only the leaf can do neither.
type Opening struct {
	Salt  [32]byte
	Value []byte
}

type openingWire struct {
	Salt  []byte `json:"salt"`
	Value []byte `json:"value"`
}

// MarshalJSON gives {"salt":…,"value":…}, both in base64.
func (o Opening) MarshalJSON() ([]byte, error) {
	return json.Marshal(openingWire{o.Salt[:], o.Value})
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Opening) UnmarshalJSON(b []byte) error {
	var w openingWire
	if err := canon.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	if len(w.Salt) != len(o.Salt) {
		return fmt.Errorf("opening: salt has %d bytes, want %d", len(w.Salt), len(o.Salt))
	}
	*o = Opening{Salt: [32]byte(w.Salt), Value: w.Value}
	return nil
}

// A Disclosure is what the holder of a leaf may see of it; nil is not disclosed.
// Command is also nil in every event but a request's first.
type Disclosure struct {
	Command, Who, Context *Opening
}

// Salted draws a fresh salt for each blob of an event.
func Salted(s Sealed) (Disclosure, error) {
	var d Disclosure
	for _, slot := range []struct {
		to    **Opening
		value []byte
	}{{&d.Command, s.Command}, {&d.Who, s.Who}, {&d.Context, s.Context}} {
		if slot.value == nil {
			continue
		}
		o := &Opening{Value: slot.value}
		if _, err := rand.Read(o.Salt[:]); err != nil {
			return Disclosure{}, fmt.Errorf("draw a salt: %w", err)
		}
		*slot.to = o
	}
	return d, nil
}

// A Slot is the place of a blob in its event. It goes into the commitment, so
// that a blob opens in its own place only.
type Slot string

// The slots.
const (
	SlotCommand Slot = "countersign/command-commitment/v1"
	SlotWho     Slot = "countersign/who-commitment/v1"
	SlotContext Slot = "countersign/context-commitment/v1"
)

// A Commitment stands in a leaf for a blob that does not:
// HMAC-SHA-256(salt, slot 0x0A blob). Its text is 64 hex digits. The zero
// Commitment is of no blob.
type Commitment [sha256.Size]byte

// Commit returns the commitment to a blob in its slot.
func Commit(slot Slot, o Opening) Commitment {
	mac := hmac.New(sha256.New, o.Salt[:])
	mac.Write([]byte(slot))
	mac.Write([]byte{'\n'})
	mac.Write(o.Value)
	var c Commitment
	mac.Sum(c[:0])
	return c
}

// IsZero reports whether the commitment is of no blob.
func (c Commitment) IsZero() bool { return c == Commitment{} }

// String returns the text of the commitment.
func (c Commitment) String() string { return hex.EncodeToString(c[:]) }

// MarshalText implements encoding.TextMarshaler.
func (c Commitment) MarshalText() ([]byte, error) { return hash32(c).MarshalText() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Commitment) UnmarshalText(text []byte) error { return (*hash32)(c).UnmarshalText(text) }

// hash32 is a hash or commitment as a leaf spells it.
type hash32 [sha256.Size]byte

func (h hash32) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

func (h *hash32) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("hash %q: want %d hex digits", text, 2*len(h))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("hash %q: %w", text, err)
	}
	return nil
}
