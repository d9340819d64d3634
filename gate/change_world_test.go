package gate_test

import (
	"errors"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger/ledgertest"
)

// A house is a world in which some people have passkeys.
type house struct {
	*world
	keys map[string]*ledgertest.Passkey
}

// enrol gives each of the people a passkey: the first on the operator's
// word alone, whoever comes after confirmed by the first.
func (w *world) enrol(people ...string) *house {
	w.t.Helper()
	h := &house{w, map[string]*ledgertest.Passkey{}}
	for i, name := range people {
		k := w.enrolled(name, "operator")
		if i > 0 {
			must(w.t, w.gate.ConfirmCredential(w.t.Context(), w.person(people[0]), k.Credential.ID))
		}
		h.keys[name] = k
	}
	w.clock.Advance(time.Second)
	return h
}

func (w *world) person(name string) countersign.Who {
	return countersign.Who{Actor: countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + name, Name: name, Issuer: "local", Subject: name}, Origin: countersign.Origin{Door: "console"}}
}

// signs decides with the person's passkey.
func (h *house) signs(person string, choice countersign.Choice, id countersign.RequestID) error {
	h.t.Helper()
	d := h.says(person, choice, id)
	c, _, err := h.gate.Ceremony(h.t.Context(), id, d.By, choice, d.View, ledgertest.Nonce())
	if err != nil {
		return err
	}
	d.Assertion, d.Assurance = h.keys[person].Sign(h.t, c), countersign.Passkey
	return h.take(d)
}

// waits fails unless the change waits for people, and returns its request.
func (h *house) waits(err error) countersign.Request {
	h.t.Helper()
	held, ok := errors.AsType[*gate.HeldError](err)
	if !ok {
		h.t.Fatalf("got %v, want the change to wait for people", err)
	}
	h.clock.Advance(time.Second)
	return held.Request
}

// through has two people approve the change that waits.
func (h *house) through(err error, people ...string) countersign.Request {
	h.t.Helper()
	r := h.waits(err)
	for _, p := range people {
		must(h.t, h.signs(p, countersign.Approve, r.ID))
	}
	r, err = h.gate.Get(h.t.Context(), r.ID)
	must(h.t, err)
	return r
}

func (h *house) directory() *countersign.Directory {
	h.t.Helper()
	d, err := h.gate.Directory(h.t.Context())
	must(h.t, err)
	return d
}

// holds has the auditor read the whole record.
func (w *world) holds() {
	w.t.Helper()
	head, err := w.store.Head(w.t.Context())
	must(w.t, err)
	report, err := audit.Run(w.t.Context(), audit.Source{Trust: w.trust, Checkpoint: head.Note, Entries: (&history{world: w}).entries})
	must(w.t, err)
	for _, v := range report.Violations {
		w.t.Error(v)
	}
}
