package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/policy"
)

// change makes a change of the control plane, or asks people to let it through:
// 201 when it is made, 202 with the request that waits.
func (a *api) change(w http.ResponseWriter, r *http.Request, c caller) error {
	var in struct {
		Entity string          `json:"entity"`
		Kind   string          `json:"kind"`
		Body   json.RawMessage `json:"body"`
		// Files are a policy's, in place of a body: name to text.
		Files  map[string]string `json:"files"`
		Reason string            `json:"reason"`
	}
	if err := body(w, r, maxAsk, &in); err != nil {
		return err
	}
	if c.Kind == person {
		if err := a.freshly(c); err != nil {
			return err
		}
	}
	if len(in.Reason) > maxReason {
		return tooLong()
	}
	changed, err := changeOf(in.Entity, countersign.EventKind(in.Kind), in.Body, in.Files)
	if err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	waits, applied, err := a.gate.Propose(r.Context(), c.Principal, a.origin(r), countersign.RequestID(in.Entity), changed, strings.TrimSpace(in.Reason))
	if err != nil {
		return err
	}
	if applied {
		return reply(w, http.StatusCreated, struct {
			Applied bool `json:"applied"`
			Solo    bool `json:"solo"`
		}{true, !d.Paired})
	}
	w.Header().Set("Location", "/v1/requests/"+string(waits.ID))
	return reply(w, http.StatusAccepted, struct {
		Request countersign.RequestID `json:"request"`
	}{waits.ID})
}

// changeOf is what would be recorded.
func changeOf(entity string, kind countersign.EventKind, b json.RawMessage, files map[string]string) (countersign.Body, error) {
	if !countersign.RequestID(entity).IsEntity() || entity == "" {
		return nil, bad("a change names what it changes", `such as "policy", "grp:dba" or a person's id`)
	}
	if len(files) > 0 && len(b) > 0 {
		return nil, bad("a change has a body or files", "send one of them")
	}
	if len(files) == 0 {
		changed, err := countersign.ParseBody(kind, b)
		if err != nil {
			return nil, bad(err.Error(), "GET /v1/openapi.yaml shows the shapes")
		}
		return changed, nil
	}
	if kind != countersign.KindPolicyChanged {
		return nil, bad("files are a policy's", "the kind of such a change is "+string(countersign.KindPolicyChanged))
	}
	texts := map[string][]byte{}
	for name, text := range files {
		texts[name] = []byte(text)
	}
	return countersign.PolicyChanged{Bundle: policy.DigestOf(texts), Files: files}, nil
}
