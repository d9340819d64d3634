package gate_test

import (
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
)

// With exactly two who have passkeys, one who asks leaves one who could approve.
func TestTheThirdPersonComesThroughTheOperator(t *testing.T) {
	h := newWorld(t).enrol("bob", "carol")
	dan := countersign.Person{ID: "per_dan", Name: "Dan", Issuer: "local", Subject: "dan"}
	_, err := h.gate.SetPerson(t.Context(), h.person("bob"), dan)
	h.refused(err, countersign.CodeCannotApprove)
	if err == nil || !strings.Contains(err.Error(), "countersign person add") {
		t.Errorf("Bob is told %q, want what the operator does", err)
	}
	_, err = h.gate.SetPerson(t.Context(), operator(), dan)
	r := h.waits(err)
	must(t, h.signs("bob", countersign.Approve, r.ID))
	must(t, h.signs("carol", countersign.Approve, r.ID))
	if _, ok := h.directory().People["per_dan"]; !ok {
		t.Error("Dan is nobody, though two approved what the operator asked for")
	}
}
