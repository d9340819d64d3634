package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/server/rest"
)

// change makes a change of the control plane, or asks people to let it through:
// 201 when it is made, 202 with the request that waits.
func (a *api) change(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	var in struct {
		Entity string          `json:"entity"`
		Kind   string          `json:"kind"`
		Body   json.RawMessage `json:"body"`
		// Files are a policy's, in place of a body: name to text.
		Files  map[string]string `json:"files"`
		Reason string            `json:"reason"`
	}
	if err := rest.Read(w, r, rest.Large, &in); err != nil {
		return err
	}
	if c.Kind == countersign.KindPerson {
		if err := c.NeedFresh(a.door.Now()); err != nil {
			return err
		}
	}
	if err := rest.CheckReason(in.Reason); err != nil {
		return err
	}
	changed, err := changeOf(in.Entity, countersign.EventKind(in.Kind), in.Body, in.Files)
	if err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	waits, applied, err := a.gate.Propose(r.Context(), c.Principal, a.door.From(r), countersign.RequestID(in.Entity), changed, strings.TrimSpace(in.Reason))
	if err != nil {
		return err
	}
	if applied {
		return rest.Reply(w, http.StatusCreated, struct {
			Applied bool `json:"applied"`
			Solo    bool `json:"solo"`
		}{true, !d.Paired})
	}
	return rest.ReplyHeld(w, waits.ID)
}

// changeOf is what would be recorded.
func changeOf(entity string, kind countersign.EventKind, b json.RawMessage, files map[string]string) (countersign.Body, error) {
	if !countersign.RequestID(entity).IsEntity() || entity == "" {
		return nil, rest.Bad("a change names what it changes", `such as "policy", "grp:dba" or a person's id`)
	}
	if len(files) > 0 && len(b) > 0 {
		return nil, rest.Bad("a change has a body or files", "send one of them")
	}
	if len(files) == 0 {
		changed, err := countersign.ParseBody(kind, b)
		if err != nil {
			return nil, rest.Bad(err.Error(), "GET /v1/openapi.yaml shows the shapes")
		}
		return changed, nil
	}
	if kind != countersign.KindPolicyChanged {
		return nil, rest.Bad("files are a policy's", "the kind of such a change is "+string(countersign.KindPolicyChanged))
	}
	texts := map[string][]byte{}
	for name, text := range files {
		texts[name] = []byte(text)
	}
	return countersign.PolicyChanged{Bundle: policy.DigestOf(texts), Files: files}, nil
}
