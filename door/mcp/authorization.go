package mcp

import (
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/door/mcp/auth"
)

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
		p.problem(no.status, no.err)
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
