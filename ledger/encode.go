package ledger

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://github.com/countersignhq/countersign/event/v1"
)

// statementWire is a leaf as it is read. It is written by hand, in the same
// order, because leaves are written inside the commit.
type statementWire struct {
	Type          string        `json:"_type"`
	Predicate     predicateWire `json:"predicate"`
	PredicateType string        `json:"predicateType"`
	Subject       [1]subject    `json:"subject"`
}

type subject struct {
	Digest struct {
		Commitment Commitment `json:"countersign-commitment-v1"`
	} `json:"digest"`
	Name countersign.RequestID `json:"name"`
}

type predicateWire struct {
	Public
	ExpiresAt instant `json:"expires_at,omitzero"`
	RunBy     instant `json:"run_by,omitzero"`

	Kind    countersign.EventKind `json:"kind"`
	Version string                `json:"version"`
	At      instant               `json:"at"`
	Prev    hash32                `json:"prev,omitzero"`
	countersign.State
	Who     Commitment `json:"who,omitzero"`
	Context Commitment `json:"context,omitzero"`
}

// write gives what canon.Marshal gives of the statementWire.
func (st Statement) write() ([]byte, error) {
	e, p := st.Event, st.Event.Public
	effect := []byte(nil)
	w := leafWriter{b: make([]byte, 0, 896)}
	if p.Effect != "" {
		effect, w.err = p.Effect.MarshalText()
	}
	w.b = append(w.b, `{"_type":"`+statementType+`","predicate":{`...)
	w.text("actor", string(p.Actor))
	if len(p.Approvals) > 0 {
		w.name("approvals")
		value(&w, p.Approvals)
	}
	w.text("assurance", string(p.Assurance))
	w.time("at", e.At)
	if len(p.Bounds) > 0 {
		w.name("bounds")
		value(&w, p.Bounds)
	}
	w.text("bytes", p.Bytes)
	w.text("choice", string(p.Choice))
	w.text("code", string(p.Code))
	w.hash("context", st.Context)
	w.text("decision", string(e.State.Decision))
	w.text("effect", string(effect))
	w.text("execution", string(e.State.Execution))
	w.text("executor", p.Executor)
	w.time("expires_at", p.ExpiresAt)
	w.text("kind", string(e.Kind))
	if !p.Policy.IsZero() {
		w.text("policy", p.Policy.String())
	}
	w.hash("prev", st.Prev)
	w.rules(p.Rules)
	w.time("run_by", p.RunBy)
	w.flag("solo", p.Solo)
	if len(p.Stages) > 0 {
		w.name("stages")
		value(&w, p.Stages)
	}
	w.text("understanding", p.Understanding)
	w.flag("unsafe_same_user", p.Unsafe)
	w.text("version", strconv.FormatUint(e.Version, 10))
	w.hash("who", st.Who)
	w.b = append(w.b, `},"predicateType":"`+predicateType+`","subject":[{"digest":{`...)
	w.hash("countersign-commitment-v1", st.subject())
	w.b = append(w.b, '}')
	w.text("name", string(e.Request))
	w.b = append(w.b, `}]}`...)
	return w.b, w.err
}

// leafWriter appends members in the order it is told to. The first thing that
// cannot be written is its error. Empty values are left out.
type leafWriter struct {
	b   []byte
	err error
}

func (w *leafWriter) name(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *leafWriter) text(name, text string) {
	if text != "" {
		w.name(name)
		w.quoted(text)
	}
}

func (w *leafWriter) quoted(text string) {
	if !plain(text) {
		value(w, text)
		return
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, text...)
	w.b = append(w.b, '"')
}

// plain reports whether the text stands for itself in JSON.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (w *leafWriter) flag(name string, on bool) {
	if on {
		w.name(name)
		w.b = append(w.b, "true"...)
	}
}

func (w *leafWriter) hash(name string, h [32]byte) {
	if h != ([32]byte{}) {
		w.name(name)
		w.b = append(w.b, '"')
		w.b = hex.AppendEncode(w.b, h[:])
		w.b = append(w.b, '"')
	}
}

func (w *leafWriter) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.name(name)
	w.b = append(w.b, '"')
	b, err := instant(t).AppendText(w.b)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("%s: %w", name, err)
	}
	w.b = append(b, '"')
}

func (w *leafWriter) rules(rules []Rule) {
	for i, r := range rules {
		if i == 0 {
			w.name("rules")
			w.b = append(w.b, '[')
		} else {
			w.b = append(w.b, ',')
		}
		w.b = append(w.b, `{"id":`...)
		w.quoted(r.ID)
		w.b = append(w.b, `,"value":`...)
		w.quoted(string(r.Value))
		w.b = append(w.b, '}')
	}
	if len(rules) > 0 {
		w.b = append(w.b, ']')
	}
}

// value writes what is rare, or long, the slow way.
func value[T any](w *leafWriter, v T) {
	b, err := canon.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.b = append(w.b, b...)
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
