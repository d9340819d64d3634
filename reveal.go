package countersign

import (
	"slices"
	"time"
)

// KindRevealed is the kind of a Revealed.
const KindRevealed EventKind = "payload.revealed"

// Revealed: a person had what every view of the request hides, such as a
// password in the command, shown to them. It may come in every state, and
// changes none.
type Revealed struct {
	// Event is the version of the event whose payload was shown: 1 for the
	// command.
	Event uint64 `json:"event"`
	// Reason is why they needed to see it. It is never empty.
	Reason string `json:"reason"`
}

// Kind implements Body.
func (Revealed) Kind() EventKind { return KindRevealed }

// A Reveal is one of a request, with who and when.
type Reveal struct {
	By     Principal
	At     time.Time
	Event  uint64
	Reason string
}

// RevealedTo reports whether the command was revealed to the person.
func (r Request) RevealedTo(person string) bool {
	return slices.ContainsFunc(r.Reveals, func(v Reveal) bool { return v.By.ID == person && v.Event == 1 })
}

func (r *Request) reveal(b Revealed, e Event) {
	r.Reveals = append(r.Reveals, Reveal{By: e.Who.Actor, At: e.At, Event: b.Event, Reason: b.Reason})
}
