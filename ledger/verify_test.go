package ledger

import (
	"slices"
	"strings"
	"testing"
)

func TestReceiptsOfHonestRecordsHold(t *testing.T) {
	for _, c := range slices.Concat(honest(t), honestPasskeys(t)) {
		r := Verify(c.file, testTrust(t))
		if !r.Holds {
			t.Errorf("%s: %s", c.name, printed(r))
			continue
		}
		if got := r.Steps[c.at-1].Detail; !strings.Contains(got, c.says) {
			t.Errorf("%s: step %d says %q, want %q", c.name, c.at, got, c.says)
		}
	}
}

func TestTamperedReceiptsFailAtTheStepThatShowsIt(t *testing.T) {
	for _, c := range slices.Concat(tampered(t), forgedPasskeys(t)) {
		r := Verify(c.file, testTrust(t))
		if r.Holds || len(r.Steps) != 12 {
			t.Errorf("%s holds: %s", c.name, printed(r))
			continue
		}
		for _, s := range r.Steps {
			want := OK
			if s.N == c.step {
				want = Failed
			} else if s.N > c.step {
				want = NotChecked
			}
			if s.Result != want {
				t.Errorf("%s: step %d is %s, want %s: %s", c.name, s.N, s.Result, want, printed(r))
				break
			}
		}
		if lines := strings.Join(r.Steps[c.step-1].Lines, "\n"); !strings.Contains(lines, c.says) {
			t.Errorf("%s: step %d says %q, want %q in it", c.name, c.step, lines, c.says)
		}
		if r.Who != nil || r.What+r.Why+r.Outcome != "" || !r.Digest.IsZero() {
			t.Errorf("%s does not hold, and tells what it is about: %+v", c.name, r)
		}
	}
}

// The table of moves has no way to release twice, so step 7 finds it first. Step
// 12 does not rest on that.
func TestTwoReleasesFailTheLastStepToo(t *testing.T) {
	r := ran(t).recorded().receipt(t)
	released, err := ParseLeaf(r.Entries[3].Leaf)
	if err != nil {
		t.Fatal(err)
	}
	v := verification{receipt: r, statements: []Statement{released, released}}
	if detail, lines := v.ended(); detail != "twice" || len(lines) != 2 {
		t.Errorf("got %q and %q, want twice and both leaves", detail, lines)
	}
}
