package gate_test

import (
	"testing"

	"github.com/countersignhq/countersign"
)

func TestNoGroupIsCalledLikeAPersonOrAnAgent(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"per_alice", "per_nobody", "agt_bot"} {
		w.refused(w.gate.SetGroup(t.Context(), operator(), name, []string{"per_dave"}), countersign.CodeBadRequest)
	}
	_, err := w.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "platform", Name: "x", Issuer: "local", Subject: "x"})
	w.refused(err, countersign.CodeBadRequest)
	w.refused(w.gate.SetAgent(t.Context(), operator(), countersign.Agent{ID: "per_bot", Name: "x", Owner: "per_alice"}), countersign.CodeBadRequest)
}

// A record from before such names were refused may have one.
func TestAnOwnerWhoIsAlsoAGroupIsBarredAsBoth(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	h.forge(operator(), "grp:per_alice", countersign.GroupChanged{Solo: true, Group: countersign.Group{Name: "per_alice", Members: []countersign.Member{{Person: "per_bob", Since: h.clock.Now()}}}})
	r := h.held("write_file", `{}`)
	for _, person := range []string{"alice", "bob"} {
		h.refused(h.decide(person, countersign.Approve, r.ID), countersign.CodeSelfApproval)
	}
	r, err := h.gate.Get(t.Context(), r.ID)
	must(t, err)
	h.forged("alice", r)
	h.finds("per_alice decided it and stands behind the asker")
}
