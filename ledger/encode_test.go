package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

func TestALeafIsWrittenAsCanonWouldWriteIt(t *testing.T) {
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
		w := statementWire{Type: statementType, PredicateType: predicateType, Predicate: predicateWire{
			Public: e.Public, ExpiresAt: instant(e.Public.ExpiresAt), RunBy: instant(e.Public.RunBy),
			Kind: e.Kind, Version: fmt.Sprint(e.Version), At: instant(e.At), Prev: hash32(st.Prev), State: e.State, Who: st.Who, Context: st.Context,
		}}
		w.Subject[0].Name, w.Subject[0].Digest.Commitment = e.Request, st.Command
		want, err := canon.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		if again, err := ParseLeaf(got); err != nil || again.Event.Version != e.Version {
			t.Fatalf("%v: %s", err, got)
		}
	}
}
