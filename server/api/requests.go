package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/server/wire"
)

// get answers one request, and with ?wait= its next change.
func (a *api) get(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	q := r.URL.Query()
	wait, waits, err := rest.Number(q, "wait")
	if err != nil {
		return err
	}
	after, given, err := rest.Number(q, "after")
	if err != nil {
		return err
	}
	found, d, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !given {
		after = found.Version
	}
	if waits && wait > 0 {
		ctx, cancel := rest.WaitingFor(w, r, time.Duration(min(wait, 1<<20))*time.Second)
		defer cancel()
		for over := false; !over && found.Version <= after; {
			if found, over, err = a.glance(ctx, r, found.ID, after); err != nil {
				return err
			}
		}
		if found, d, err = a.find(r.Context(), c, r.PathValue("id")); err != nil {
			return err
		}
	}
	return rest.Reply(w, http.StatusOK, wire.RequestFor(found, d, c.Principal))
}

// glance waits a moment for the request to change, and asks again who calls. It is
// over when the context has ended, or the server is about to.
func (a *api) glance(ctx context.Context, r *http.Request, id countersign.RequestID, after uint64) (found countersign.Request, over bool, err error) {
	moment, cancel := context.WithTimeout(ctx, rest.Look)
	defer cancel()
	if found, err = a.gate.Watch(moment, id, after); err != nil {
		return found, false, err
	}
	if _, err := a.door.Identify(r); err != nil {
		return found, false, err
	}
	draining := found.Version <= after && moment.Err() == nil
	return found, draining || ctx.Err() != nil, nil
}

// find returns the request if the caller may see it. One that they may not see
// is not there.
func (a *api) find(ctx context.Context, c rest.Caller, id string) (countersign.Request, *countersign.Directory, error) {
	d, err := a.gate.Directory(ctx)
	if err != nil {
		return countersign.Request{}, nil, err
	}
	r, err := a.gate.Get(ctx, countersign.RequestID(id))
	if err != nil && countersign.CodeOf(err) != countersign.CodeNotFound {
		return r, d, err
	}
	if err != nil || !view.Sees(d, c.Principal, r) {
		return r, d, notFound(id)
	}
	return r, d, nil
}

func notFound(id string) error {
	return &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no request %.40q that you may see", id), Hint: "GET /v1/requests lists those you may"}
}

// withdraw takes a request back.
func (a *api) withdraw(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	reason, err := rest.ReadReason(w, r)
	if err != nil {
		return err
	}
	found, d, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	found, err = a.gate.Withdraw(r.Context(), found.ID, a.door.Who(r, c), reason)
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, wire.RequestFor(found, d, c.Principal))
}

// result answers the exact bytes of what the command answered, while they are
// kept.
func (a *api) result(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	found, _, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !found.Settled() {
		return &countersign.Error{Code: countersign.CodePending, Detail: fmt.Sprintf("%s is %s and has no result yet", found.ID, found.Decision), Hint: "run it, or wait for it"}
	}
	kept, err := a.gate.Result(r.Context(), found.ID)
	if err != nil {
		return err
	}
	if kept == nil {
		return &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("no result of %s is kept", found.ID), Hint: "results of up to 1 MiB are kept for 24 hours"}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(kept)))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(kept); err != nil {
		return rest.ErrGone
	}
	if r.Method == http.MethodGet {
		a.gate.Delivered(r.Context(), found.ID)
	}
	return nil
}
