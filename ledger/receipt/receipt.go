// Package receipt makes and verifies the proof of one request that travels alone.
// It trusts nothing but the key of the log. docs/log-format.md has every byte, and
// the vectors beside package ledger hold it.
package receipt

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
	"github.com/transparency-dev/formats/proof"
)

const fileType = "https://github.com/countersignhq/countersign/receipt/v1"

// A Receipt is the proof of one request that travels alone: its events, the proof
// of each at one checkpoint, and what its holder may see of them.
type Receipt struct {
	Request countersign.RequestID
	Origin  string
	// Entries are the request's events, in the order of versions from 1.
	Entries []ledger.Entry
	// Proofs prove each entry's leaf at the checkpoint.
	Proofs [][]ledger.Hash
	// Enrolments are the events of the passkeys that signed its decisions, in the
	// order of the log.
	Enrolments Leaves
	// Checkpoint is the signed note.
	Checkpoint []byte
}

// Leaves are entries of the log with the proof of each at one checkpoint.
type Leaves struct {
	Entries []ledger.Entry
	Proofs  [][]ledger.Hash
}

type receiptWire struct {
	Type    string                `json:"type"`
	Origin  string                `json:"origin"`
	Request countersign.RequestID `json:"request"`
	Events  []receiptEvent        `json:"events"`

	Enrolments []receiptEvent `json:"enrolments,omitempty"`
}

type receiptEvent struct {
	Index string `json:"index"`
	Leaf  string `json:"leaf"`
	// Proof is a whole C2SP tlog-proof, with the checkpoint.
	Proof   string       `json:"proof"`
	Command *openingText `json:"command,omitempty"`
	Who     *openingText `json:"who,omitempty"`
	Context *openingText `json:"context,omitempty"`
}

// openingText is an Opening in a receipt, where people read the value.
type openingText struct {
	Salt  string `json:"salt"` // base64
	Value string `json:"value"`
}

// Build makes the receipt of the request that the entries are about: all
// its events so far, from the first, with the enrolments of the passkeys whose
// signatures it discloses. A nil opening in an entry is not disclosed. It fails if
// a leaf is not proven or an enrolment is missing, so that no receipt is given out
// that does not hold. Of reads all of this from a log.
func Build(events, enrolments Leaves, cp ledger.Checkpoint) (Receipt, error) {
	entries, proofs := events.Entries, events.Proofs
	if len(entries) == 0 || len(entries) != len(proofs) {
		return Receipt{}, fmt.Errorf("receipt of %d events with %d proofs; want as many, and one at least", len(entries), len(proofs))
	}
	r := Receipt{Origin: cp.Origin, Entries: entries, Proofs: proofs, Enrolments: enrolments, Checkpoint: cp.Note}
	for i, e := range entries {
		st, err := ledger.ParseLeaf(e.Leaf)
		if err != nil {
			return Receipt{}, fmt.Errorf("leaf %d: %w", e.Index, err)
		}
		if i == 0 {
			r.Request = st.Event.Request
		}
		if st.Event.Request != r.Request || st.Event.Version != uint64(i+1) {
			return Receipt{}, fmt.Errorf("leaf %d is version %d of %s, want version %d of %s",
				e.Index, st.Event.Version, st.Event.Request, i+1, r.Request)
		}
		if err := ledger.CheckProof(cp, e.Index, ledger.LeafHash(e.Leaf), proofs[i]); err != nil {
			return Receipt{}, err
		}
		if _, err := st.Open(e.Open); err != nil {
			return Receipt{}, fmt.Errorf("leaf %d: %w", e.Index, err)
		}
		if i > 0 && e.Open.Command != nil {
			return Receipt{}, fmt.Errorf("leaf %d: the command is disclosed with the first event only", e.Index)
		}
	}
	if r.Request.IsEntity() {
		return Receipt{}, fmt.Errorf("%s is no request; a receipt is of one", r.Request)
	}
	return r, checkEnrolments(entries, enrolments, cp)
}

// Marshal returns the receipt as a file: RFC 8785 JSON, without a line end. Give
// out these very bytes; an encoder that re-spells them breaks the receipt.
func (r Receipt) Marshal() ([]byte, error) {
	w := receiptWire{Type: fileType, Origin: r.Origin, Request: r.Request}
	if len(r.Entries) == 0 || len(r.Entries) != len(r.Proofs) {
		return nil, fmt.Errorf("receipt of %s: %d events with %d proofs", r.Request, len(r.Entries), len(r.Proofs))
	}
	var err error
	if w.Events, err = r.wire(Leaves{r.Entries, r.Proofs}); err != nil {
		return nil, err
	}
	if w.Enrolments, err = r.wire(r.Enrolments); err != nil {
		return nil, err
	}
	b, err := canon.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("receipt of %s: %w", r.Request, err)
	}
	return b, nil
}

func (r Receipt) wire(l Leaves) ([]receiptEvent, error) {
	var events []receiptEvent
	if len(l.Entries) != len(l.Proofs) {
		return nil, fmt.Errorf("receipt of %s: %d leaves with %d proofs", r.Request, len(l.Entries), len(l.Proofs))
	}
	for i, e := range l.Entries {
		if e.Index < 0 {
			return nil, fmt.Errorf("receipt of %s: leaf %d", r.Request, e.Index)
		}
		p := proof.TLogProof{Index: uint64(e.Index), Checkpoint: r.Checkpoint}
		for _, h := range l.Proofs[i] {
			p.Hashes = append(p.Hashes, h)
		}
		events = append(events, receiptEvent{
			Index: strconv.FormatInt(e.Index, 10), Leaf: string(e.Leaf), Proof: string(p.Marshal()),
			Command: textOf(e.Open.Command), Who: textOf(e.Open.Who), Context: textOf(e.Open.Context),
		})
	}
	return events, nil
}

func textOf(o *ledger.Opening) *openingText {
	if o == nil {
		return nil
	}
	return &openingText{base64.StdEncoding.EncodeToString(o.Salt[:]), string(o.Value)}
}

// Parse reads a receipt. It demands Marshal's own spelling, byte for byte,
// so that nothing in the file is free to change. It checks no proof: Verify does.
func Parse(b []byte) (Receipt, error) {
	var w receiptWire
	if err := canon.Unmarshal(b, &w); err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	if w.Type != fileType {
		return Receipt{}, fmt.Errorf("receipt: type %q is unknown to this version, want %q", w.Type, fileType)
	}
	if len(w.Events) == 0 {
		return Receipt{}, errors.New("receipt: it holds no event")
	}
	r := Receipt{Request: w.Request, Origin: w.Origin}
	for i, e := range w.Events {
		if i > 0 && e.Command != nil {
			return Receipt{}, fmt.Errorf("receipt: event %d: the command stands in the first event only", i+1)
		}
		entry, path, err := r.entry(e)
		if err != nil {
			return Receipt{}, fmt.Errorf("receipt: event %d: %w", i+1, err)
		}
		r.Entries, r.Proofs = append(r.Entries, entry), append(r.Proofs, path)
	}
	for i, e := range w.Enrolments {
		entry, path, err := r.entry(e)
		if err == nil && (e.Command != nil || e.Who != nil) {
			err = errors.New("an enrolment discloses nothing but its context")
		}
		if err != nil {
			return Receipt{}, fmt.Errorf("receipt: enrolment %d: %w", i+1, err)
		}
		r.Enrolments.Entries, r.Enrolments.Proofs = append(r.Enrolments.Entries, entry), append(r.Enrolments.Proofs, path)
	}
	again, err := r.Marshal()
	if err != nil {
		return Receipt{}, err
	}
	if !bytes.Equal(again, b) {
		return Receipt{}, errors.New("receipt: the bytes are not in the one spelling of a receipt; fetch the file again, unformatted")
	}
	return r, nil
}

// entry reads one leaf of a receipt, whose proof is at the checkpoint of all.
func (r *Receipt) entry(w receiptEvent) (ledger.Entry, []ledger.Hash, error) {
	var p proof.TLogProof
	if err := p.Unmarshal([]byte(w.Proof)); err != nil {
		return ledger.Entry{}, nil, err
	}
	if string(p.Marshal()) != w.Proof || p.ExtraData != nil {
		return ledger.Entry{}, nil, errors.New("the proof is not in the one spelling of a tlog-proof, or has extra data")
	}
	if strconv.FormatUint(p.Index, 10) != w.Index || int64(p.Index) < 0 {
		return ledger.Entry{}, nil, fmt.Errorf("index %s, and the proof says %d", w.Index, p.Index)
	}
	if r.Checkpoint == nil {
		r.Checkpoint = p.Checkpoint
	}
	if !bytes.Equal(r.Checkpoint, p.Checkpoint) {
		return ledger.Entry{}, nil, errors.New("its proof is at another checkpoint than the first event's")
	}
	path := make([]ledger.Hash, len(p.Hashes))
	for i, h := range p.Hashes {
		path[i] = h
	}
	e := ledger.Entry{Index: int64(p.Index), Leaf: []byte(w.Leaf)}
	for _, o := range []struct {
		to   **ledger.Opening
		text *openingText
	}{{&e.Open.Command, w.Command}, {&e.Open.Who, w.Who}, {&e.Open.Context, w.Context}} {
		if o.text == nil {
			continue
		}
		salt, err := base64.StdEncoding.DecodeString(o.text.Salt)
		if err != nil || len(salt) != 32 {
			return ledger.Entry{}, nil, fmt.Errorf("salt %q: want 32 bytes in base64", o.text.Salt)
		}
		*o.to = &ledger.Opening{Salt: [32]byte(salt), Value: []byte(o.text.Value)}
	}
	return e, path, nil
}
