package ledger

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

var noon = time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)

func heldEvent() Event {
	return Event{
		Request: "req_b7n0e3vyk2sm", Version: 2, Kind: countersign.KindHeld, At: noon,
		State: countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone},
		Public: Public{
			Actor: countersign.KindGateway, Effect: countersign.Hold,
			Rules:  []Rule{{"prod-mass-change", countersign.RuleTrue}, {"prod-write", countersign.RuleTrue}},
			Policy: countersign.DigestOfCanonical([]byte("p")), Understanding: "mcp/1",
			Stages:    []countersign.Stage{{Reviewers: []string{"dba"}, Quorum: 2, Assurance: countersign.Passkey}},
			ExpiresAt: noon.Add(30 * time.Minute),
		},
		Sealed: Sealed{Who: make([]byte, 300), Context: make([]byte, 1200)},
	}
}

func BenchmarkLeaf(b *testing.B) {
	e := heldEvent()
	d, err := Salted(e.Sealed)
	if err != nil {
		b.Fatal(err)
	}
	command := Opening{Value: make([]byte, 400)}
	for b.Loop() {
		_, err := Leaf(e, Hash{1}, Commit(SlotCommand, command), Commit(SlotWho, *d.Who), Commit(SlotContext, *d.Context))
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLeaf(b *testing.B) {
	leaf, err := Leaf(heldEvent(), Hash{1}, Commitment{1}, Commitment{2}, Commitment{3})
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes: %s", len(leaf), leaf)
	for b.Loop() {
		if _, err := ParseLeaf(leaf); err != nil {
			b.Fatal(err)
		}
	}
}
