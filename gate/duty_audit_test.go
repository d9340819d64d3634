package gate_test

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// forged records the person's approval past the gate.
func (w *world) forged(person string, r countersign.Request) {
	w.t.Helper()
	d := w.says(person, countersign.Approve, r.ID)
	e, err := ledger.Encode(countersign.Event{
		Request: r.ID, Version: r.Version + 1, Who: w.person(person),
		State: countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionNone},
		Body:  countersign.Decided{Decision: d.Decision, RunBy: w.clock.Now().Add(time.Minute)},
	})
	must(w.t, err)
	_, err = w.store.Commit(w.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(w.t, err)
}

func gatewayWho() countersign.Who { return countersign.Who{Actor: countersign.Gateway()} }

func TestTheAuditorFindsSeatsThatWereNobodysToTake(t *testing.T) {
	absent := func(w *world, a countersign.Away) countersign.PersonChanged {
		a.Since = w.clock.Now()
		bob := w.house().directory().People["per_bob"]
		bob.Away = &a
		return countersign.PersonChanged{Person: bob, Solo: true}
	}
	onDuty := func(name, pool string, people ...string) countersign.GroupChanged {
		g := countersign.Group{Name: name, Pool: pool, Members: []countersign.Member{}}
		for _, p := range people {
			g.Members = append(g.Members, countersign.Member{Person: "per_" + p})
		}
		return countersign.GroupChanged{Group: g, Solo: true}
	}
	declared := func(w *world) {
		w.t.Helper()
		must(w.t, w.gate.SetOnCall(w.t.Context(), operator(), "oncall:platform", "platform"))
	}
	for name, c := range map[string]struct {
		says string
		do   func(*world)
	}{
		"two hops": {"per_erin decided it and is in no group that does", func(w *world) {
			w.away("bob", "dave")
			w.away("dave", "erin")
			w.forged("erin", w.held("write_file", `{}`))
		}},
		"the stand-in asked for it": {"per_alice decided it and stands behind the asker", func(w *world) {
			w.away("bob", "alice")
			w.forged("alice", w.held("write_file", `{}`))
		}},
		"a seat of the owner's": {"per_dave decided it and is in no group that does", func(w *world) {
			w.away("alice", "dave")
			w.forged("dave", w.held("write_file", `{}`))
		}},
		"it was asked before": {"per_dave decided it and is in no group that does", func(w *world) {
			r := w.held("write_file", `{}`)
			w.clock.Advance(time.Second)
			w.away("bob", "dave")
			w.forged("dave", r)
		}},
		"while away": {"per_bob decided it while away", func(w *world) {
			w.away("bob", "")
			w.forged("bob", w.held("write_file", `{}`))
		}},
		"after it was over": {"per_dave decided it and is in no group that does", func(w *world) {
			w.away("bob", "dave")
			w.clock.Advance(2 * day)
			w.forged("dave", w.held("write_file", `{}`))
		}},
		"said by somebody else": {"per_carol said that per_bob is away", func(w *world) {
			w.house().forge(w.person("carol"), "per_bob", absent(w, countersign.Away{StandIn: "per_carol", Until: w.clock.Now().Add(day)}))
		}},
		"for ever": {"longer than 30 days", func(w *world) {
			w.house().forge(operator(), "per_bob", absent(w, countersign.Away{StandIn: "per_dave", Until: w.clock.Now().Add(300 * day)}))
		}},
		"by themselves": {"per_bob stands in for themselves", func(w *world) {
			w.house().forge(operator(), "per_bob", absent(w, countersign.Away{StandIn: "per_bob", Until: w.clock.Now().Add(day)}))
		}},
		"by one alone once two have passkeys": {"per_bob was changed by one alone", func(w *world) {
			w.enrol("carol", "erin")
			w.house().forge(w.person("bob"), "per_bob", absent(w, countersign.Away{StandIn: "per_dave", Until: w.clock.Now().Add(day)}))
		}},
		"a stint outside the pool": {"per_dave was on duty for oncall:platform and no active member of platform", func(w *world) {
			declared(w)
			w.house().forge(gatewayWho(), "grp:oncall:platform", onDuty("oncall:platform", "platform", "dave"))
		}},
		"a duty that nobody scheduled": {"operator said who is on duty", func(w *world) {
			declared(w)
			w.house().forge(operator(), "grp:oncall:platform", onDuty("oncall:platform", "platform", "bob"))
		}},
		"another pool by the gateway": {"and not only who is on duty", func(w *world) {
			declared(w)
			w.house().forge(gatewayWho(), "grp:oncall:platform", onDuty("oncall:platform", "dba", "erin"))
		}},
		"an ordinary group by the gateway": {"and not only who is on duty", func(w *world) {
			w.house().forge(gatewayWho(), "grp:dba", onDuty("dba", "", "dave"))
		}},
		"an ordinary group with a pool": {`has the pool "dba"`, func(w *world) {
			w.house().forge(operator(), "grp:night", onDuty("night", "dba", "erin"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.do(w)
			w.finds(c.says)
		})
	}
}

func (w *world) house() *house { return &house{world: w} }
