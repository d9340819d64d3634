package account

import (
	"errors"
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/wire"
)

// away answers the caller's absence, and those for which they stand in.
func (a *accounts) away(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, wire.MyAway(d, c.ID))
}

// setAway says that the caller is away, or asks people to let somebody stand in for
// them: 200 when it is made, 202 with the request that waits.
func (a *accounts) setAway(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	var in client.NewAway
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	in.Reason = strings.TrimSpace(in.Reason)
	if in.Until.IsZero() {
		return rest.Bad("an absence has an until", "write 2026-03-01T12:00:00Z")
	}
	if err := rest.CheckReason(in.Reason); err != nil {
		return err
	}
	if in.StandIn != "" {
		if err := c.NeedFresh(a.door.Now()); err != nil {
			return err
		}
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	next := countersign.Away{From: in.From, Until: in.Until}
	if in.StandIn != "" {
		if next.StandIn, err = personCalled(d, in.StandIn); err != nil {
			return err
		}
	}
	err = a.gate.SetAway(r.Context(), a.door.Who(r, c), c.ID, next, in.Reason)
	if held, ok := errors.AsType[*gate.HeldError](err); ok {
		return rest.ReplyHeld(w, held.Request.ID)
	}
	if err != nil {
		return err
	}
	return a.away(w, r, c)
}

// endAway ends the caller's absence at once.
func (a *accounts) endAway(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	if err := a.gate.EndAway(r.Context(), a.door.Who(r, c), c.ID); err != nil {
		return err
	}
	return a.away(w, r, c)
}

// personCalled is the id of the person with the id, the issuer|subject, or a name
// that only one has.
func personCalled(d *countersign.Directory, called string) (string, error) {
	var found []string
	for id, p := range d.People {
		if id == called || p.Issuer+"|"+p.Subject == called {
			return id, nil
		}
		if p.Name == called {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", &countersign.Error{Code: countersign.CodeNotFound, Detail: "there is no such person", Hint: "GET /v1/people lists them"}
	case 1:
		return found[0], nil
	}
	return "", &countersign.Error{Code: countersign.CodeConflict, Detail: "several people are called so", Hint: "give the id: GET /v1/people"}
}
