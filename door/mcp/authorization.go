package mcp

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/auth"
)

// authenticate returns the agent that sent the request.
func (d *door) authenticate(r *http.Request) (countersign.Who, error) {
	if d.cfg.Authenticate == nil {
		return countersign.Who{}, errors.New("this door was given no way to know agents")
	}
	by, err := d.cfg.Authenticate(r.Context(), r)
	if err != nil {
		return by, err
	}
	if by.Actor.Kind != countersign.KindAgent || by.Actor.ID == "" {
		return by, &countersign.Error{Code: countersign.CodeForbidden, Detail: "only agents ask here", Hint: "use an agent's token"}
	}
	by.Method = cmp.Or(by.Method, "token")
	return by, nil
}

func (d *door) unauthenticated(p *reply, r *http.Request, err error) {
	e, ok := errors.AsType[*countersign.Error](err)
	if !ok {
		d.cfg.Log.Warn("an agent could not be told apart", "err", err)
		e = &countersign.Error{Code: countersign.CodeUnauthenticated, Detail: "it is not known who asks", Hint: "send Authorization: Bearer and an agent's token"}
	}
	if c := d.challenge(r, err, e.Code); c != "" && e.Code != countersign.CodeUnavailable {
		p.w.Header().Set("WWW-Authenticate", c)
	}
	switch e.Code {
	case countersign.CodeForbidden:
		p.problem(http.StatusForbidden, e)
	case countersign.CodeUnavailable:
		p.problem(http.StatusServiceUnavailable, e)
	default:
		p.problem(http.StatusUnauthorized, e)
	}
}

// metadata tells a client without credentials where it gets some for the resource
// whose metadata the path names. It reports whether the path names any.
func (d *door) metadata(p *reply, r *http.Request) bool {
	name, ok := strings.CutPrefix(r.URL.Path, auth.WellKnown)
	if !ok {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		p.w.Header().Set("Allow", "GET, HEAD")
		p.problem(http.StatusMethodNotAllowed, &countersign.Error{Code: countersign.CodeBadRequest, Detail: r.Method + " is not answered here", Hint: "read it with GET"})
		return true
	}
	if d.cfg.Authorization == nil {
		p.problem(http.StatusNotFound, &countersign.Error{Code: countersign.CodeNotFound, Detail: "agents have their tokens from the operator alone", Hint: "send Authorization: Bearer and an agent's token"})
		return true
	}
	if no := d.known(r, name); no != nil {
		p.problem(no.Status, no.Err)
		return true
	}
	b, err := d.cfg.Authorization.Metadata(name)
	if err != nil {
		d.cfg.Log.Error("the metadata of a resource cannot be written", "resource", name, "err", err)
		p.problem(http.StatusInternalServerError, &countersign.Error{Code: countersign.CodeInternal, Detail: "something failed in the gateway"})
		return true
	}
	p.status(http.StatusOK, "application/json", b)
	return true
}

// challenge is the field WWW-Authenticate of a refusal, empty for one that no other
// token would change.
func (d *door) challenge(r *http.Request, refusal error, code countersign.Code) string {
	if a := d.cfg.Authorization; a != nil {
		c := a.Challenge(strings.TrimPrefix(r.URL.Path, "/"), r, refusal)
		if code != countersign.CodeForbidden || strings.Contains(c, "insufficient_scope") {
			return c
		}
		return ""
	}
	if code == countersign.CodeForbidden {
		return ""
	}
	return `Bearer realm="countersign", error="invalid_token"`
}
