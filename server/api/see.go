package api

import (
	"context"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/view"
)

// sees reports whether the caller may see the request; view.Sees says who may.
func (c caller) sees(r countersign.Request, d *countersign.Directory) bool {
	return view.Sees(d, c.Principal, r)
}

// find returns the request if the caller may see it. One that they may not see
// is not there.
func (a *api) find(ctx context.Context, c caller, id string) (countersign.Request, *countersign.Directory, error) {
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return countersign.Request{}, nil, err
	}
	r, err := a.gate.Get(ctx, countersign.RequestID(id))
	if err != nil && countersign.CodeOf(err) != countersign.CodeNotFound {
		return r, d, err
	}
	if err != nil || !c.sees(r, d) {
		return r, d, notFound(id)
	}
	return r, d, nil
}

func notFound(id string) error {
	return &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no request %.40q that you may see", id), Hint: "GET /v1/requests lists those you may"}
}
