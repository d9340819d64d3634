package ledger

import (
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// An Entry is one recorded event, as stores give it back.
type Entry struct {
	Index int64 // of the leaf in the log
	Leaf  []byte
	Open  Disclosure
}

// Event opens the entry: it reads the leaf, checks each disclosed blob against
// its commitment, and decodes Who and Body. Without a disclosed context there is
// no event to give, which is an error; without Who or Command those are empty.
func (e Entry) Event() (countersign.Event, error) {
	st, err := ParseLeaf(e.Leaf)
	if err != nil {
		return countersign.Event{}, fmt.Errorf("leaf %d: %w", e.Index, err)
	}
	ev, err := st.open(e.Open)
	if err != nil {
		return countersign.Event{}, fmt.Errorf("leaf %d: %w", e.Index, err)
	}
	if ev.Body == nil {
		return countersign.Event{}, fmt.Errorf("leaf %d: the context of %s is not disclosed", e.Index, st.Event.Kind)
	}
	return ev, nil
}

// open checks and decodes what is disclosed; Body is nil if the context is not.
func (st Statement) open(d Disclosure) (countersign.Event, error) {
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

func checkOpening(slot Slot, o *Opening, want Commitment) error {
	if o == nil {
		return nil
	}
	if got := Commit(slot, *o); got != want {
		return fmt.Errorf("the disclosed value does not open its commitment (%s): got %s, want %s", slot, got, want)
	}
	return nil
}
