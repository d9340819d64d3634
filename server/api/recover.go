package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/setup"
)

// recover begins the day after which a recovery code opens an enrolment, and tells
// everybody.
func (a *api) recover(w http.ResponseWriter, r *http.Request, _ caller) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := body(w, r, maxBody, &in); err != nil {
		return err
	}
	t, begun, err := a.desk.Recover(r.Context(), in.Code)
	if err == nil {
		err = a.recoverable(r.Context(), t)
	}
	if err != nil {
		return err
	}
	if begun {
		a.cfg.Log.Warn("a recovery code was shown", "person", t.Person, "peer", r.RemoteAddr, "opens", t.Opens)
		err := a.desk.Notify(r.Context(), fmt.Sprintf("Somebody at %s showed a recovery code of %s. From %s on it enrols a passkey. If that is not %s, have the operator deactivate them before.",
			r.RemoteAddr, t.Name, t.Opens.Format("2 Jan 2006 15:04 UTC"), t.Name))
		if err != nil {
			return unavailable("notices", err)
		}
	}
	return reply(w, http.StatusAccepted, struct {
		OpensAt time.Time `json:"opens_at"`
	}{t.Opens})
}

// recoverable refuses a recovery code that was made before its person was
// deactivated, and ends it and the others: also after they are active again.
// Whatever else opens an enrolment it lets through.
func (a *api) recoverable(ctx context.Context, t setup.Ticket) error {
	if t.Why != setup.Recovery {
		return nil
	}
	entries, err := a.store.Events(ctx, countersign.RequestID(t.Person))
	if err != nil {
		return unavailable("what became of its person", err)
	}
	for _, e := range entries {
		changed, err := e.Event()
		if err != nil {
			return err
		}
		b, ok := changed.Body.(countersign.PersonChanged)
		if !ok || !b.Person.Inactive || changed.At.Before(t.Made.Truncate(time.Millisecond)) {
			continue
		}
		if err := a.desk.EndRecovery(ctx, t.Person); err != nil {
			return unavailable("recovery codes", err)
		}
		return &countersign.Error{
			Code: countersign.CodeUnauthenticated, Detail: "this code ended when its person was deactivated",
			Hint: "ask the operator for a link",
		}
	}
	return nil
}

// newCodes makes the caller's recovery codes anew, in place of those they had.
func (a *api) newCodes(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := body(w, r, maxBody, &struct{}{}); err != nil {
		return err
	}
	if err := a.freshly(c); err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	codes, err := a.desk.Codes(r.Context(), d.People[c.ID])
	if err != nil {
		return unavailable("recovery codes", err)
	}
	return reply(w, http.StatusCreated, struct {
		RecoveryCodes []string `json:"recovery_codes"`
	}{codes})
}
