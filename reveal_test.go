package countersign_test

import (
	"testing"

	"github.com/countersignhq/countersign"
)

func TestARevealComesInEveryStateAndChangesNone(t *testing.T) {
	states := map[countersign.State]bool{}
	for _, m := range countersign.Moves() {
		states[m.To] = true
	}
	for s := range states {
		if err := countersign.CheckMove(countersign.Move{From: s, Kind: countersign.KindRevealed, To: s}); err != nil {
			t.Errorf("in %v: %v", s, err)
		}
		for to := range states {
			if to != s && countersign.CheckMove(countersign.Move{From: s, Kind: countersign.KindRevealed, To: to}) == nil {
				t.Errorf("a reveal moves a request from %v to %v", s, to)
			}
		}
	}
	if countersign.CheckMove(countersign.Move{Kind: countersign.KindRevealed}) == nil {
		t.Error("a reveal comes before there is a request")
	}
}

func TestARevealOfAnotherEventIsNoneOfTheCommand(t *testing.T) {
	bob := countersign.Principal{Kind: countersign.KindPerson, ID: "per_bob"}
	r := countersign.Request{Reveals: []countersign.Reveal{{By: bob, Event: 7}}}
	if r.RevealedTo("per_bob") {
		t.Error("got the command revealed by a reveal of event 7, want that of event 1 only")
	}
	r.Reveals = append(r.Reveals, countersign.Reveal{By: bob, Event: 1})
	if !r.RevealedTo("per_bob") || r.RevealedTo("per_eve") {
		t.Error("got it revealed to somebody else than bob")
	}
}
