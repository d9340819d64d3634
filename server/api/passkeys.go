package api

import "net/http"

// removePasskey removes a passkey of the caller's; sessions that it opened end. A
// session that lies in a browser removes none. With one that nobody confirmed end
// the recovery codes: whoever recovered with one may have the others.
func (a *api) removePasskey(w http.ResponseWriter, r *http.Request, c caller) error {
	reason, err := reasonOf(w, r)
	if err != nil {
		return err
	}
	if c.Kind == person {
		if err := a.freshly(c); err != nil {
			return err
		}
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if err := a.gate.RemoveCredential(r.Context(), a.who(r, c), r.PathValue("id"), reason); err != nil {
		return err
	}
	if removed := d.Credentials[r.PathValue("id")]; removed.Pending {
		if err := a.desk.EndRecovery(r.Context(), removed.Person); err != nil {
			return unavailable("recovery codes", err)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// confirmPasskey has the caller stand for another's passkey.
func (a *api) confirmPasskey(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := body(w, r, maxBody, &struct{}{}); err != nil {
		return err
	}
	if err := a.freshly(c); err != nil {
		return err
	}
	if err := a.gate.ConfirmCredential(r.Context(), a.who(r, c), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
