package gate_test

import (
	"context"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger/ledgertest"
)

// Bob alone has passkeys, so that the control plane stays one person's to change
// and histories go on changing it.

// signs has one of bob's passkeys sign the decision, now and then over another
// one than he makes.
func (h *history) signs(d gate.Decision) gate.Decision {
	if d.By.ID != "per_bob" || len(h.phones) == 0 || h.rng.IntN(8) == 0 {
		return d
	}
	c, _, err := h.gate.Ceremony(context.Background(), d.Request, d.By, d.Choice, d.View, ledgertest.Nonce())
	if err != nil {
		h.did["ceremony "+string(codeOrOK(err))]++
		return d
	}
	switch h.rng.IntN(12) {
	case 0:
		c.Choice = countersign.Reject
	case 1:
		c.Held[0] ^= 1
	}
	d.Assertion = pick(h, h.phones...).Sign(h.t, c)
	return d
}

// keysChange enrols a passkey of bob's, or removes one.
func (h *history) keysChange() {
	ctx := context.Background()
	if len(h.phones) > 0 && h.rng.IntN(2) == 0 {
		gone := pick(h, h.phones...) // it may go on signing: nobody takes it from his hand
		h.said("bob's passkey %s is removed", h.gate.RemoveCredential(ctx, operator(), gone.Credential.ID, "lost"), gone.Credential.Name)
		return
	}
	p := ledgertest.NewPasskey(h.t, "per_bob", pick(h, "phone", "laptop", "stick"))
	p.Credential.VouchedBy = []string{pick(h, "operator", "per_bob", "per_alice")}
	_, err := h.gate.Enrol(ctx, operator(), p.Credential)
	h.said("bob enrols a %s that %s stands for", err, p.Credential.Name, p.Credential.VouchedBy[0])
	if err == nil {
		h.phones = append(h.phones, p)
	}
}
