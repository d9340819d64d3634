package gate_test

import (
	"slices"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

func TestWhoseClickBecameVoidIsShownSoAndMayApproveAgain(t *testing.T) {
	for name, breaks := range map[string]func(*world){
		"unlinked":    func(w *world) { must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "stolen")) },
		"deactivated": func(w *world) { w.comesBack("bob") },
	} {
		t.Run(name, func(t *testing.T) {
			w := chatting(t)
			w.posts()
			w.linked(link("bob"))
			r := w.held("both", `{"path":"/srv/a"}`)
			must(t, w.clicks("bob", r.ID))
			must(t, w.gate.Tick(t.Context()))
			w.queued()
			w.shows(r.ID, 1, "")

			breaks(w)
			must(t, w.gate.Tick(t.Context()))
			if got := w.queued(); !slices.Equal(got, []string{string(r.ID)}) {
				t.Errorf("queued the cards of %v, want %s", got, r.ID)
			}
			w.shows(r.ID, 0, "bob approved it through an account of slack that was unlinked since")
			w.approve("carol", r.ID)
			w.shows(r.ID, 1, "bob approved it through an account of slack that was unlinked since")
			w.run(r.ID)
			w.ran(r.ID, 0)

			w.approve("bob", r.ID)
			w.refused(w.decide("bob", countersign.Approve, r.ID), countersign.CodeAlreadySettled)
			w.run(r.ID)
			w.ran(r.ID, 1)
			w.holds()
			w.proven(r.ID)
			if got, want := w.releasedOn(r.ID), []int{4, 5}; !slices.Equal(got, want) {
				t.Errorf("the release rests on %v, want on %v: bob's second approval and carol's", got, want)
			}
		})
	}
}

func TestAChangeOfPeopleQueuesTheCardsOfAllThatTheyMayBeAskedOrHaveApproved(t *testing.T) {
	w := chatting(t)
	w.posts()
	w.linked(link("bob"))
	waits := w.held("both", `{"path":"/srv/a"}`)
	approved := w.held("list", `{"path":"/srv/b"}`)
	must(t, w.clicks("bob", approved.ID))
	ran := w.held("list", `{"path":"/srv/c"}`)
	must(t, w.clicks("bob", ran.ID))
	w.run(ran.ID)
	must(t, w.gate.Tick(t.Context()))
	w.queued()

	must(t, w.gate.Tick(t.Context()))
	if got := w.queued(); len(got) != 0 {
		t.Errorf("queued the cards of %v, and nothing has changed", got)
	}
	must(t, w.gate.Unlink(t.Context(), operator(), link("bob").ID(), "stolen"))
	must(t, w.gate.Tick(t.Context()))
	got := w.queued()
	slices.Sort(got)
	want := []string{string(waits.ID), string(approved.ID)}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("queued the cards of %v, want %v: what waits, and what is approved and has not run", got, want)
	}
}

// shows fails unless the Brief counts so many signatures, and says that of the
// first choice.
func (w *world) shows(id countersign.RequestID, signed int, void string) {
	w.t.Helper()
	r, err := w.gate.Get(w.t.Context(), id)
	must(w.t, err)
	d, err := w.gate.Directory(w.t.Context())
	must(w.t, err)
	b := brief.Build(r, d).Deciders
	if b.Signed != signed || b.Choices[0].Void.String() != void {
		w.t.Errorf("the brief shows %d signatures, and of the first choice %q; want %d and %q", b.Signed, b.Choices[0].Void, signed, void)
	}
}

// releasedOn are the versions of the approvals that the release names.
func (w *world) releasedOn(id countersign.RequestID) []int {
	w.t.Helper()
	entries, err := w.store.Events(w.t.Context(), id)
	must(w.t, err)
	for _, entry := range entries {
		e, err := entry.Event()
		must(w.t, err)
		if b, ok := e.Body.(countersign.Released); ok {
			return b.Approvals
		}
	}
	return nil
}
