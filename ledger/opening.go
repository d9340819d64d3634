package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign"
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
	mac.Write([]byte(slot + "\n"))
	mac.Write(o.Value)
	return Commitment(mac.Sum(nil))
}

// IsZero reports whether the commitment is of no blob.
func (c Commitment) IsZero() bool { return c == Commitment{} }

// String returns the text of the commitment.
func (c Commitment) String() string { return hex.EncodeToString(c[:]) }

// MarshalText implements encoding.TextMarshaler.
func (c Commitment) MarshalText() ([]byte, error) { return hash32(c).AppendText(nil) }

// AppendText implements encoding.TextAppender.
func (c Commitment) AppendText(b []byte) ([]byte, error) { return hash32(c).AppendText(b) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Commitment) UnmarshalText(text []byte) error { return (*hash32)(c).UnmarshalText(text) }

// An Entry is one recorded event, as stores give it back.
type Entry struct {
	Index int64 // of the leaf in the log
	Leaf  []byte
	Open  Disclosure
}

// ErrSealed says that what was wanted of an entry is not disclosed. Nothing is
// wrong with what is.
var ErrSealed = errors.New("it is not disclosed")

// Event opens the entry: it reads the leaf, checks each disclosed blob against
// its commitment, and decodes Who and Body. Without a disclosed context there is
// no event to give, which is ErrSealed; without Who or Command those are empty.
func (e Entry) Event() (countersign.Event, error) {
	st, err := ParseLeaf(e.Leaf)
	if err != nil {
		return countersign.Event{}, fmt.Errorf("leaf %d: %w", e.Index, err)
	}
	ev, err := st.Open(e.Open)
	if err != nil {
		return countersign.Event{}, fmt.Errorf("leaf %d: %w", e.Index, err)
	}
	if ev.Body == nil {
		return countersign.Event{}, fmt.Errorf("leaf %d: the context of %s: %w", e.Index, st.Event.Kind, ErrSealed)
	}
	return ev, nil
}

// Open checks and decodes what is disclosed; Body is nil if the context is not.
func (st Statement) Open(d Disclosure) (countersign.Event, error) {
	e := st.Event
	out := countersign.Event{Request: e.Request, Version: e.Version, At: e.At, State: e.State}
	if err := checkOpening(SlotCommand, d.Command, st.Command); err != nil {
		return out, err
	}
	if err := checkOpening(SlotWho, d.Who, st.Who); err != nil {
		return out, err
	}
	if err := checkOpening(SlotContext, d.Context, st.Context); err != nil {
		return out, err
	}
	if d.Command != nil {
		out.Command = d.Command.Value
	}
	if d.Who != nil {
		if err := canon.Unmarshal(d.Who.Value, &out.Who); err != nil {
			return out, fmt.Errorf("who: %w", err)
		}
	}
	if d.Context != nil {
		body, err := countersign.ParseBody(e.Kind, d.Context.Value)
		if err != nil {
			return out, err
		}
		out.Body = body
	}
	return out, nil
}

// Agrees returns an error unless the open part of the statement, which was read
// from the leaf, is the one that is made from the event, as Open gave it for the
// disclosure. Without a disclosed context there is nothing to compare.
func (st Statement) Agrees(leaf []byte, e countersign.Event, d Disclosure) error {
	if d.Context == nil {
		return nil
	}
	if d.Who == nil {
		e.Who.Actor.Kind = st.Event.Public.Actor
	}
	want := st
	want.Event.Public = publicOf(e)
	made, err := want.encode()
	if err != nil {
		return err
	}
	if !bytes.Equal(made, leaf) {
		return fmt.Errorf("the open part of the statement does not agree with the sealed part")
	}
	return nil
}

func checkOpening(slot Slot, o *Opening, want Commitment) error {
	if o == nil {
		return nil
	}
	if got := Commit(slot, *o); got != want {
		return fmt.Errorf("the disclosed value does not open its commitment (%s): got %s, want %s", slot, got, want)
	}
	return nil
}

// hash32 is a hash or commitment as a leaf spells it.
type hash32 [sha256.Size]byte

func (h hash32) MarshalText() ([]byte, error) { return h.AppendText(nil) }

func (h hash32) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, h[:]), nil }

func (h *hash32) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("hash %q: want %d hex digits", text, 2*len(h))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("hash %q: %w", text, err)
	}
	return nil
}
