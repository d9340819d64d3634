package ledger

import (
	"fmt"
	"testing"

	"github.com/countersignhq/countersign"
)

func printed(r Report) string {
	s := fmt.Sprintf("%s %s size %d, %d events, %d bytes, %s\n", r.Request, r.Origin, r.Size, r.Events, r.Bytes, r.At)
	for _, step := range r.Steps {
		s += fmt.Sprintf("%2d %-45s %-30s %s\n", step.N, step.Name, step.Detail, step.Result)
		for _, l := range step.Lines {
			s += "      " + l + "\n"
		}
	}
	for _, d := range r.Who {
		s += fmt.Sprintf("who %s %s %s %s\n", d.By.Name, d.Choice, d.Assurance, stamp(d.At))
	}
	return s + fmt.Sprintf("what %s\nwhy %s\noutcome %s\n%s holds %v\n", r.What, r.Why, r.Outcome, r.Digest, r.Holds)
}

func TestX(t *testing.T) {
	r := ranForTwo(t).recorded()
	f := r.file(t)
	t.Logf("%s", printed(Verify(f, testTrust(t))))
	_ = countersign.KindHeld
}
