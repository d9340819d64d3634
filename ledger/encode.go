package ledger

import (
	"fmt"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://github.com/countersignhq/countersign/event/v1"
)

// statementWire is a statement as its leaf spells it.
type statementWire struct {
	Type          string        `json:"_type"`
	Predicate     predicateWire `json:"predicate"`
	PredicateType string        `json:"predicateType"`
	Subject       [1]subject    `json:"subject"`
}

type subject struct {
	Digest subjectDigest         `json:"digest"`
	Name   countersign.RequestID `json:"name"`
}

type subjectDigest struct {
	Commitment Commitment `json:"countersign-commitment-v1"`
}

type predicateWire struct {
	Public
	ExpiresAt instant `json:"expires_at,omitzero"`
	RunBy     instant `json:"run_by,omitzero"`

	Kind    countersign.EventKind `json:"kind"`
	Version decimal               `json:"version"`
	At      instant               `json:"at"`
	Prev    hash32                `json:"prev,omitzero"`
	countersign.State
	Who     Commitment `json:"who,omitzero"`
	Context Commitment `json:"context,omitzero"`
}

func (st Statement) wire() *statementWire {
	e, p := st.Event, st.Event.Public
	return &statementWire{
		Type: statementType, PredicateType: predicateType,
		Subject: [1]subject{{Digest: subjectDigest{st.subject()}, Name: e.Request}},
		Predicate: predicateWire{
			Public: p, ExpiresAt: instant(p.ExpiresAt), RunBy: instant(p.RunBy),
			Kind: e.Kind, Version: decimal(e.Version), At: instant(e.At), State: e.State,
			Prev: hash32(st.Prev), Who: st.Who, Context: st.Context,
		},
	}
}

func (w *statementWire) statement() Statement {
	p := w.Predicate
	st := Statement{Prev: Hash(p.Prev), Who: p.Who, Context: p.Context, Event: Event{
		Request: w.Subject[0].Name, Version: uint64(p.Version), Kind: p.Kind,
		At: time.Time(p.At), State: p.State, Public: p.Public,
	}}
	st.Event.Public.ExpiresAt, st.Event.Public.RunBy = time.Time(p.ExpiresAt), time.Time(p.RunBy)
	if !st.Event.Request.IsEntity() {
		st.Command = w.Subject[0].Digest.Commitment
	}
	return st
}

// decimal is a number as a leaf spells it: a string, since it may be too large for
// some readers of JSON.
type decimal uint64

func (d decimal) MarshalText() ([]byte, error) { return d.AppendText(nil) }

func (d decimal) AppendText(b []byte) ([]byte, error) {
	return strconv.AppendUint(b, uint64(d), 10), nil
}

func (d *decimal) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 64)
	*d = decimal(n)
	return err
}

// instant is a time as a leaf spells it: RFC 3339 in UTC, in milliseconds.
type instant time.Time

const instantLayout = "2006-01-02T15:04:05.000Z"

// stamp is a time as errors and reports say it.
func stamp(t time.Time) string { return t.UTC().Format(instantLayout) }

func (i instant) IsZero() bool { return time.Time(i).IsZero() }

func (i instant) MarshalText() ([]byte, error) { return i.AppendText(nil) }

func (i instant) AppendText(b []byte) ([]byte, error) {
	t := time.Time(i).UTC()
	if t.Nanosecond()%int(time.Millisecond) != 0 || t.Year() < 1 || t.Year() > 9999 {
		return b, fmt.Errorf("time %s is not in whole milliseconds of the years 1 to 9999; truncate it", t.Format(time.RFC3339Nano))
	}
	return t.AppendFormat(b, instantLayout), nil
}

func (i *instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(instantLayout, string(text))
	if err != nil {
		return fmt.Errorf("time %q: want %s: %w", text, instantLayout, err)
	}
	*i = instant(t)
	return nil
}
