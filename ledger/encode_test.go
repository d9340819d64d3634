package ledger

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func TestEveryStatementIsReadBack(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	noon := time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)
	words := []string{"", "plain", `quo"te`, `back\slash`, "tab\t", "nul\x00", "del\x7f", "é", "\u2028", "<&>", "\U0001f600"}
	word := func() string { return words[rnd.IntN(len(words))] }
	some := func() int { return rnd.IntN(3) }
	for range 2000 {
		e := Event{
			Request: countersign.RequestID("req_" + word()), Version: 2 + rnd.Uint64N(9), Kind: countersign.EventKind("k" + word()),
			At:    noon.Add(time.Duration(rnd.IntN(1e9)) * time.Millisecond),
			State: countersign.State{Decision: countersign.DecisionState(word()), Execution: countersign.ExecutionState(word())},
			Public: Public{
				Actor: countersign.PrincipalKind("a" + word()), Assurance: countersign.Assurance(word()),
				Effect: []countersign.Effect{"", countersign.Allow, countersign.Deny}[some()], Understanding: word(),
				Choice: countersign.Choice(word()), Code: countersign.Code(word()), Solo: some() == 0, Executor: word(), Bytes: word(), Unsafe: some() == 0,
			},
		}
		if some() == 0 {
			e.Public.ExpiresAt, e.Public.Policy = noon.Add(time.Millisecond), countersign.DigestOfCanonical([]byte(word()))
			e.Public.Approvals, e.Public.Bounds = []int{1, some()}, map[string]string{word(): word(), "z" + word(): word()}
		}
		for range some() {
			e.Public.RunBy = noon
			e.Public.Rules = append(e.Public.Rules, Rule{word(), countersign.RuleValue(word())})
			e.Public.Stages = append(e.Public.Stages, countersign.Stage{Reviewers: []string{word()}, Quorum: some()}, countersign.Stage{})
		}
		st := Statement{Event: e, Prev: Hash{1}, Command: Commitment{2}, Who: Commitment{byte(some())}, Context: Commitment{byte(some())}}
		got, err := st.encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseLeaf(got); err != nil || !reflect.DeepEqual(again, st) {
			t.Fatalf("got  %+v, %v\nwant %+v\nfrom %s", again, err, st, got)
		}
	}
}
