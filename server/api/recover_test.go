package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
)

func TestARecoveryLeavesThePersonsCodesAndItsRemovalEndsThem(t *testing.T) {
	w := newWorld(t)
	b := w.browser(bob)
	codes := b.enrol(object{}).RecoveryCodes
	w.shown(codes[0])
	thief, theirs := w.recovered(codes[0])
	if by := theirs.Passkey.ConfirmBy; !theirs.Passkey.Pending || by == nil || !by.Equal(theirs.Passkey.Since.Add(7*24*time.Hour)) {
		t.Errorf("got %+v, want it to lapse after seven days", theirs.Passkey)
	}
	thief.send("POST", "/v1/recovery/codes", object{}).wants(t, 403, countersign.CodeAssuranceTooLow)
	w.stranger().send("POST", "/v1/recovery", object{"code": codes[1]}).wants(t, http.StatusAccepted, "")
	b.signIn().wants(t, http.StatusOK, "")
	b.send("DELETE", "/v1/passkeys/"+theirs.Passkey.ID, object{"reason": "not mine"}).wants(t, http.StatusNoContent, "")
	for _, code := range codes[1:] {
		w.stranger().send("POST", "/v1/recovery", object{"code": code}).wants(t, 401, countersign.CodeUnauthenticated)
		w.stranger().send("POST", "/v1/passkeys/challenge", object{"token": code}).wants(t, 401, countersign.CodeUnauthenticated)
	}

	got := b.send("POST", "/v1/recovery/codes", object{})
	got.wants(t, http.StatusCreated, "")
	fresh := decode[madePasskey](t, got).RecoveryCodes
	if len(fresh) != 8 {
		t.Fatalf("bob is given %d new codes, want 8", len(fresh))
	}
	w.shown(fresh[0])
	w.recovered(fresh[0])
}

func TestADeactivationEndsTheRecovery(t *testing.T) {
	w := newWorld(t)
	b := w.browser(bob)
	codes := b.enrol(object{}).RecoveryCodes
	begun := w.stranger()
	w.shown(codes[0], codes[1])
	made := begun.create(begun.begin("/v1/passkeys/challenge", object{"token": codes[1]}))
	operator := countersign.Who{Actor: countersign.Operator()}
	d, err := w.gate.Directory(t.Context())
	must(t, err)
	person := d.People[w.ids[bob]]
	for _, inactive := range []bool{true, false} {
		person.Inactive = inactive
		_, err := w.gate.SetPerson(t.Context(), operator, person)
		must(t, err)
	}
	begun.send("POST", "/v1/passkeys", made).wants(t, 401, countersign.CodeUnauthenticated)
	w.stranger().send("POST", "/v1/passkeys/challenge", object{"token": codes[0]}).wants(t, 401, countersign.CodeUnauthenticated)
	w.stranger().send("POST", "/v1/recovery", object{"code": codes[2]}).wants(t, 401, countersign.CodeUnauthenticated)

	b.signIn().wants(t, http.StatusOK, "")
	fresh := decode[madePasskey](t, b.send("POST", "/v1/recovery/codes", object{})).RecoveryCodes
	w.shown(fresh[0])
	w.recovered(fresh[0])
}
