package web

import (
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// reveal puts on record that the viewer has the secrets of the command shown to
// them, and shows them, this once. What they decide on that page is about that view.
func (w *Web) reveal(rw http.ResponseWriter, r *http.Request, v *viewer) {
	req, err := w.find(r, v)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	if v.session.Pending(v.dir) {
		w.fail(rw, r, &countersign.Error{
			Code: countersign.CodeAssuranceTooLow, Detail: "the passkey that you signed in with waits for a second person to confirm it",
			Hint: "sign in with one that counts, or have it confirmed; nothing was shown",
		})
		return
	}
	if req, err = w.gate.Reveal(r.Context(), req.ID, v.Principal(), origin(r), typed(r.PostForm.Get("reason"))); err != nil {
		w.fail(rw, r, err)
		return
	}
	w.cfg.Log.Info("revealed", "request", req.ID, "person", v.ID, "peer", r.RemoteAddr)
	w.show(rw, r, v, req, brief.Reveal(req, v.dir), http.StatusOK, func(s *shown) {
		s.Notice = &notice{
			Icon: "eye", Title: "You see what was left out.",
			Text: "That you revealed it, and why, is on record. It is gone when you leave this page.",
		}
	})
}
