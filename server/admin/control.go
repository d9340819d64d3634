package admin

import (
	"errors"
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/server/wire"
)

// A Repin names the tool whose definition is accepted as last listed; an empty
// name means all of the resource's.
type Repin struct {
	Tool string `json:"tool,omitempty"`
}

// A Bundle is a policy to make the active one: file names to texts.
type Bundle struct {
	Files map[string]string `json:"files"`
}

func (a *admin) repin(r *http.Request) (client.Resource, error) {
	in, err := body[Repin](r)
	if err != nil {
		return client.Resource{}, err
	}
	name := r.PathValue("kind") + "/" + r.PathValue("name")
	if err := a.gate.Repin(r.Context(), who(r), name, in.Tool); err != nil {
		return client.Resource{}, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Resource{}, err
	}
	return wire.Resource(d.Resources[name]), nil
}

func (a *admin) setPolicy(r *http.Request) (client.Policy, error) {
	in, err := body[Bundle](r)
	if err != nil {
		return client.Policy{}, err
	}
	if len(in.Files) == 0 {
		return client.Policy{}, &countersign.Error{Code: countersign.CodeBadRequest, Detail: "the bundle has no file"}
	}
	err = a.gate.SetPolicy(r.Context(), who(r), in.Files)
	if wrong, ok := errors.AsType[*policy.LoadError](err); ok {
		return client.Policy{}, &countersign.Error{
			Code: countersign.CodeBadRequest, Detail: "the policy does not load: " + wrong.Error(), Hint: "the active one stays; countersign policy lint tells more",
		}
	}
	if err != nil {
		return client.Policy{}, err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return client.Policy{}, err
	}
	return wire.Policy(d), nil
}
