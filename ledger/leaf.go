// Package ledger is the record: events and the leaves that stand for them, the
// tree and its proofs, signed checkpoints, and the permits that rest on them.
// docs/log-format.md has every byte.
package ledger

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
	"golang.org/x/mod/sumdb/tlog"
)

// A Hash is a hash of the tree (RFC 6962, section 2.1).
type Hash = tlog.Hash

// MaxLeaf is the size of the largest leaf in bytes. C2SP tlog-tiles would carry
// 65,535.
const MaxLeaf = 8 << 10

// A Statement is what a leaf says: the open part of an event, the leaf before it
// and the three commitments.
type Statement struct {
	// Event has no blobs.
	Event Event
	// Prev is the leaf hash of the previous event of the same request or entity,
	// zero for the first.
	Prev Hash
	// Command is the commitment to the request's command, equal in all its
	// events; zero for an entity.
	Command, Who, Context Commitment
}

// Leaf returns the bytes of the leaf of an event: an in-toto Statement v1 in RFC
// 8785 JSON, hashed as they are. prev is the leaf hash of the previous event of
// the same request or entity, zero for version 1. command is the commitment to
// the request's command, zero for an entity. It refuses what ParseLeaf would.
func Leaf(e Event, prev Hash, command, who, context Commitment) ([]byte, error) {
	st := Statement{Event: e, Prev: prev, Command: command, Who: who, Context: context}
	b, err := st.encode()
	if err != nil {
		return nil, fmt.Errorf("leaf of %s, version %d of %s: %w", e.Kind, e.Version, e.Request, err)
	}
	return b, nil
}

// LeafHash returns the hash of a leaf: SHA-256(0x00 leaf).
func LeafHash(leaf []byte) Hash { return tlog.RecordHash(leaf) }

func (st Statement) encode() ([]byte, error) {
	if err := st.check(); err != nil {
		return nil, err
	}
	b, err := st.write()
	if err != nil {
		return nil, err
	}
	if len(b) > MaxLeaf {
		return nil, fmt.Errorf("%d bytes, want at most %d; the long parts belong in the blobs", len(b), MaxLeaf)
	}
	return b, nil
}

// subject is the commitment that the statement is about.
func (st Statement) subject() Commitment {
	if st.Event.Request.IsEntity() {
		return st.Context
	}
	return st.Command
}

func (st Statement) check() error {
	e := st.Event
	switch {
	case e.Request == "" || e.Kind == "" || e.Public.Actor == "":
		return fmt.Errorf("request %q, kind %q and actor %q must all be there", e.Request, e.Kind, e.Public.Actor)
	case (e.Version == 1) != (st.Prev == Hash{}):
		return fmt.Errorf("version %d and previous leaf %s do not fit: the first has none", e.Version, hex.EncodeToString(st.Prev[:4]))
	case e.Version == 0 || e.At.IsZero():
		return fmt.Errorf("version %d and time %s must both be there", e.Version, e.At)
	case e.Request.IsEntity() != st.Command.IsZero():
		return fmt.Errorf("a request has a command, and an entity has none")
	case st.subject().IsZero():
		return fmt.Errorf("no context to be about")
	}
	return nil
}

// ParseLeaf reads a leaf. It refuses a member that this version does not know,
// one that stands twice, and every other spelling than Leaf's own.
func ParseLeaf(b []byte) (Statement, error) {
	var w statementWire
	if len(b) > MaxLeaf {
		return Statement{}, fmt.Errorf("leaf: %d bytes, want at most %d", len(b), MaxLeaf)
	}
	if err := canon.Unmarshal(b, &w); err != nil {
		return Statement{}, fmt.Errorf("leaf: %w", err)
	}
	p := w.Predicate
	version, err := strconv.ParseUint(p.Version, 10, 64)
	if err != nil {
		return Statement{}, fmt.Errorf("leaf: version: %w", err)
	}
	st := Statement{Prev: Hash(p.Prev), Who: p.Who, Context: p.Context, Event: Event{
		Request: w.Subject[0].Name, Version: version, Kind: p.Kind,
		At: time.Time(p.At), State: p.State, Public: p.Public,
	}}
	st.Event.Public.ExpiresAt, st.Event.Public.RunBy = time.Time(p.ExpiresAt), time.Time(p.RunBy)
	if !st.Event.Request.IsEntity() {
		st.Command = w.Subject[0].Digest.Commitment
	}
	again, err := st.encode()
	if err != nil {
		return Statement{}, fmt.Errorf("leaf: %w", err)
	}
	if !bytes.Equal(again, b) {
		return Statement{}, fmt.Errorf("leaf: the bytes are not in the one spelling; want %s", again)
	}
	return st, nil
}
