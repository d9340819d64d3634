package ledger_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/ledger/receipt"
)

func TestReceiptsOfHonestRecordsHold(t *testing.T) {
	for _, c := range slices.Concat(honest(t), honestPasskeys(t)) {
		r := receipt.Verify(c.file, testTrust(t))
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
		r := receipt.Verify(c.file, testTrust(t))
		if r.Holds || len(r.Steps) != 12 {
			t.Errorf("%s holds: %s", c.name, printed(r))
			continue
		}
		for _, s := range r.Steps {
			want := receipt.OK
			if s.N == c.step {
				want = receipt.Failed
			} else if s.N > c.step {
				want = receipt.NotChecked
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
