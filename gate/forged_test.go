package gate_test

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// puts records an event of the request past the gate, whose open part says what
// open makes of it.
func (w *world) puts(id countersign.RequestID, who countersign.Who, to countersign.State, b countersign.Body, open func(*ledger.Public)) {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	e, err := ledger.Encode(countersign.Event{Request: id, Version: r.Version + 1, Who: who, State: to, Body: b})
	must(w.t, err)
	if open != nil {
		open(&e.Public)
	}
	_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(w.t, err)
}

var pending = countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone}

func TestTheAuditorFindsWhatIsHeldAgainUnderAnotherVerdict(t *testing.T) {
	everyone := []countersign.Stage{{Reviewers: []string{countersign.Everyone}, Quorum: 1, Assurance: countersign.Session}}
	for name, c := range map[string]struct {
		says   string
		change func(*countersign.Held)
	}{
		"for want of votes, and as it was":  {"", func(b *countersign.Held) { b.Because, b.Void = "x", []string{"per_bob"} }},
		"lifted early":                      {"", func(b *countersign.Held) { b.Because = "x" }},
		"with another stage, and a reason":  {"under another verdict", func(b *countersign.Held) { b.Because, b.Verdict.Requirement.Stages = "x", everyone }},
		"with another stage, and no reason": {"under another verdict", func(b *countersign.Held) { b.Verdict.Requirement.Stages = everyone }},
		"with another stage, and a vote is void": {"under another verdict", func(b *countersign.Held) {
			b.Because, b.Void, b.Verdict.Requirement.Stages = "x", []string{"per_bob"}, everyone
		}},
		"to be decided later": {"under another verdict", func(b *countersign.Held) {
			b.Because = "x"
			b.Verdict.Requirement.ExpiresAt = b.Verdict.Requirement.ExpiresAt.Add(time.Hour)
		}},
		"with other bounds": {"under another verdict", func(b *countersign.Held) {
			b.Because, b.Verdict.Requirement.Bounds = "x", map[string]string{"rows": "9"}
		}},
		"under another policy": {"under another verdict", func(b *countersign.Held) { b.Because, b.Verdict.Policy = "x", countersign.Digest{7} }},
		"not before a later time": {"it is held again, and not before", func(b *countersign.Held) {
			b.Because, b.Verdict.Requirement.NotBefore = "x", b.Verdict.Requirement.ExpiresAt
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.held("grant", `{}`)
			w.approve("bob", r.ID)
			need := *r.Verdict.Requirement
			b := countersign.Held{Verdict: r.Verdict}
			b.Verdict.Requirement = &need
			c.change(&b)
			w.puts(r.ID, gatewayWho(), pending, b, nil)
			if c.says == "" {
				w.holds()
				return
			}
			w.finds(c.says)
		})
	}
}

func TestTheAuditorFindsAReleaseInAFreeze(t *testing.T) {
	w := newWorld(t)
	r := w.held("write_file", `{}`)
	w.approve("bob", r.ID)
	now := r.Verdict
	need := *now.Requirement
	need.Frozen, need.Closed, need.NotBefore = true, []string{"move: The switches move."}, need.ExpiresAt
	now.Requirement = &need
	w.puts(r.ID, gatewayWho(), countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionRunning}, countersign.Released{
		Executor: "mcp/files", Attempt: "rel_1", Target: files().Target, Policy: now.Policy, Verdict: &now, Approvals: []int{3},
	}, nil)
	w.finds("it was released in a freeze: move: The switches move.")
}

func TestTheFirstVerdictIsOfTheActivePolicyWhateverItsReason(t *testing.T) {
	w := newWorld(t)
	r := w.held("grant", `{}`)
	b := countersign.Held{Verdict: r.Verdict, Because: "x"}
	b.Verdict.Policy = countersign.Digest{7}
	e, err := w.store.Events(t.Context(), r.ID)
	must(t, err)
	first, err := e[0].Event()
	must(t, err)
	id := countersign.NewRequestID()
	var events []ledger.Event
	for i, body := range []countersign.Body{first.Body, b} {
		event := countersign.Event{Request: id, Version: uint64(i + 1), Who: first.Who, State: pending, Body: body}
		if i == 0 {
			event.Command = first.Command
		}
		encoded, err := ledger.Encode(event)
		must(t, err)
		events = append(events, encoded)
	}
	_, err = w.store.Commit(t.Context(), store.Change{Events: events, Row: &store.Row{}})
	must(t, err)
	w.finds("it was judged under policy")
}

func TestTheAuditorFindsAnOpenPartThatIsNotOfTheSealed(t *testing.T) {
	for name, open := range map[string]func(*ledger.Public){
		"other bounds":       func(p *ledger.Public) { p.Bounds = map[string]string{"rows": "1000000"} },
		"another executor":   func(p *ledger.Public) { p.Executor = "mcp/other" },
		"other approvals":    func(p *ledger.Public) { p.Approvals = []int{1, 2} },
		"no stage":           func(p *ledger.Public) { p.Stages = nil },
		"another actor":      func(p *ledger.Public) { p.Actor = countersign.KindPerson },
		"another policy too": func(p *ledger.Public) { p.Policy = countersign.Digest{7} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.held("write_file", `{}`)
			w.approve("bob", r.ID)
			running := countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionRunning}
			d := w.house().directory()
			w.puts(r.ID, gatewayWho(), running, countersign.Released{
				Executor: "mcp/files", Attempt: countersign.NewID("rel"), Target: d.Resources["mcp/files"].Target,
				Policy: r.Verdict.Policy, Verdict: &r.Verdict, Approvals: []int{3},
			}, open)
			w.finds("the open part of the statement does not agree with the sealed part")
		})
	}
	t.Run("of an entity", func(t *testing.T) {
		w := newWorld(t)
		e, err := ledger.Encode(countersign.Event{Request: countersign.PolicyID, Version: 2, Who: operator(), Body: countersign.PolicyChanged{Files: map[string]string{}, Solo: true}})
		must(t, err)
		e.Public.Policy = countersign.Digest{7}
		_, err = w.store.Commit(t.Context(), store.Change{Events: []ledger.Event{e}})
		must(t, err)
		w.finds("the open part of the statement does not agree with the sealed part")
	})
}
