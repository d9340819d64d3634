package account

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/server/rest"
)

// removePasskey removes a passkey of the caller's; sessions that it opened end. A
// session that lies in a browser removes none. With one that nobody confirmed end
// the recovery codes: whoever recovered with one may have the others.
func (a *accounts) removePasskey(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	reason, err := rest.ReadReason(w, r)
	if err != nil {
		return err
	}
	if c.Kind == countersign.KindPerson {
		if err := c.NeedFresh(a.door.Now()); err != nil {
			return err
		}
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if err := a.gate.RemoveCredential(r.Context(), a.door.Who(r, c), r.PathValue("id"), reason); err != nil {
		return err
	}
	if removed := d.Credentials[r.PathValue("id")]; removed.Pending {
		if err := a.cfg.Desk.EndRecovery(r.Context(), removed.Person); err != nil {
			return rest.Unavailable("recovery codes", err)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// confirmPasskey has the caller stand for another's passkey.
func (a *accounts) confirmPasskey(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	if err := rest.Read(w, r, rest.Small, &struct{}{}); err != nil {
		return err
	}
	if err := c.NeedFresh(a.door.Now()); err != nil {
		return err
	}
	if err := a.gate.ConfirmCredential(r.Context(), a.door.Who(r, c), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// recover begins the day after which a recovery code opens an enrolment, and tells
// everybody.
func (a *accounts) recover(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	t, begun, err := a.cfg.Desk.Recover(r.Context(), in.Code)
	if err == nil {
		err = a.recoverable(r.Context(), t)
	}
	if err != nil {
		return err
	}
	if begun {
		a.door.Log.Warn("a recovery code was shown", "person", t.Person, "peer", r.RemoteAddr, "opens", t.Opens)
		err := a.cfg.Desk.Notify(r.Context(), fmt.Sprintf("Somebody at %s showed a recovery code of %s. From %s on it enrols a passkey. If that is not %s, have the operator deactivate them before.",
			r.RemoteAddr, t.Name, t.Opens.Format("2 Jan 2006 15:04 UTC"), t.Name))
		if err != nil {
			return rest.Unavailable("notices", err)
		}
	}
	return rest.Reply(w, http.StatusAccepted, struct {
		OpensAt time.Time `json:"opens_at"`
	}{t.Opens})
}

// recoverable refuses a recovery code that was made before its person was
// deactivated, and ends it and the others: also after they are active again.
// Whatever else opens an enrolment it lets through.
func (a *accounts) recoverable(ctx context.Context, t setup.Ticket) error {
	if t.Why != setup.Recovery {
		return nil
	}
	entries, err := a.store.Events(ctx, countersign.RequestID(t.Person))
	if err != nil {
		return rest.Unavailable("what became of its person", err)
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
		if err := a.cfg.Desk.EndRecovery(ctx, t.Person); err != nil {
			return rest.Unavailable("recovery codes", err)
		}
		return &countersign.Error{
			Code: countersign.CodeUnauthenticated, Detail: "this code ended when its person was deactivated",
			Hint: "ask the operator for a link",
		}
	}
	return nil
}

// newCodes makes the caller's recovery codes anew, in place of those they had.
func (a *accounts) newCodes(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	if err := rest.Read(w, r, rest.Small, &struct{}{}); err != nil {
		return err
	}
	if err := c.NeedFresh(a.door.Now()); err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	codes, err := a.cfg.Desk.Codes(r.Context(), d.People[c.ID])
	if err != nil {
		return rest.Unavailable("recovery codes", err)
	}
	return rest.Reply(w, http.StatusCreated, struct {
		RecoveryCodes []string `json:"recovery_codes"`
	}{codes})
}
