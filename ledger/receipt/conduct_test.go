package receipt

import (
	"os"
	"testing"

	"github.com/countersignhq/countersign/ledger"
)

// The table of moves has no way to release twice, so step 7 finds it first. Step
// 12 does not rest on that.
func TestTwoReleasesFailTheLastStepToo(t *testing.T) {
	file, err := os.ReadFile("../testdata/receipts/approved.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	released, err := ledger.ParseLeaf(r.Entries[3].Leaf)
	if err != nil {
		t.Fatal(err)
	}
	v := verification{receipt: r, statements: []ledger.Statement{released, released}}
	if detail, lines := v.ended(); detail != "twice" || len(lines) != 2 {
		t.Errorf("got %q and %q, want twice and both leaves", detail, lines)
	}
}
