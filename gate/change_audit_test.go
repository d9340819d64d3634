package gate_test

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// forge records an event of the control plane past the gate, as a mistake in it
// would.
func (h *house) forge(who countersign.Who, id countersign.RequestID, b countersign.Body) {
	h.t.Helper()
	e, err := ledger.Encode(countersign.Event{Request: id, Version: h.directory().Versions[id] + 1, Who: who, Body: b})
	must(h.t, err)
	_, err = h.store.Commit(h.t.Context(), store.Change{Events: []ledger.Event{e}})
	must(h.t, err)
}

func TestTheAuditorFindsChangesThatNobodyStoodFor(t *testing.T) {
	night := func(people ...string) countersign.GroupChanged {
		g := countersign.Group{Name: "night", Members: []countersign.Member{}}
		for _, p := range people {
			g.Members = append(g.Members, countersign.Member{Person: "per_" + p})
		}
		return countersign.GroupChanged{Group: g}
	}
	solo := func(b countersign.GroupChanged) countersign.GroupChanged { b.Solo = true; return b }
	named := func(id countersign.RequestID) countersign.Who {
		who := operator()
		who.Request = id
		return who
	}
	id := countersign.GroupID("night")
	for name, test := range map[string]struct {
		do   func(*house)
		want string
	}{
		"by one alone":  {func(h *house) { h.forge(operator(), id, solo(night("erin"))) }, "changed by one alone"},
		"by no request": {func(h *house) { h.forge(operator(), id, night("erin")) }, "by no request"},
		"by a request that waits": {func(h *house) {
			r := h.waits(h.gate.SetGroup(t.Context(), operator(), "night", []string{"per_erin"}))
			h.forge(named(r.ID), id, night("erin"))
		}, "which is pending and none"},
		"a second time": {func(h *house) {
			r := h.through(h.gate.SetGroup(t.Context(), operator(), "night", []string{"per_erin"}), "bob", "carol")
			h.forge(named(r.ID), id, night("dave"))
		}, "which is approved and succeeded"},
		"by the gateway": {func(h *house) {
			r := files()
			r.Owners = []string{"dba"}
			h.forge(countersign.Who{Actor: countersign.Gateway()}, "res:mcp/files", countersign.ResourceChanged{Resource: r, Solo: true})
		}, "the gateway changed res:mcp/files by itself"},
		"a pin by the gateway": {func(h *house) {
			r := files()
			r.Pins["wipe"] = countersign.Digest{7}
			h.forge(countersign.Who{Actor: countersign.Gateway()}, "res:mcp/files", countersign.ResourceChanged{Resource: r, Solo: true})
		}, "the gateway moved the pin of wipe"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).enrol("bob", "carol")
			test.do(h)
			head, err := h.store.Head(t.Context())
			must(t, err)
			report, err := audit.Run(t.Context(), audit.Source{Trust: h.trust, Checkpoint: head.Note, Entries: (&history{world: h.world}).entries})
			must(t, err)
			for _, v := range report.Violations {
				if strings.Contains(v.Says, test.want) {
					return
				}
			}
			t.Errorf("got %v, want a violation that says %q", report.Violations, test.want)
		})
	}
}
