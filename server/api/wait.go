package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

// waiting is the context of a caller who waits as long as the Prefer header
// says: it ends when the wait is over or the caller is gone.
func waiting(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	wait, asked := prefers(r)
	if asked {
		w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
	}
	return hold(w, r, wait)
}

// hold is the context of a wait of that long.
func hold(w http.ResponseWriter, r *http.Request, wait time.Duration) (context.Context, context.CancelFunc) {
	unhurried(w)
	return context.WithTimeout(r.Context(), wait)
}

// unhurried takes the server's write deadline off a connection that is held
// open. A writer without deadlines says so, and needs none taken off.
func unhurried(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
}

// atOnce is the context of an asker who takes one look and does not wait.
func atOnce() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// attend waits for what becomes of a request that is held, until the context
// ends, and runs it if it is approved. It takes one look at a time and asks before
// each who calls: for a token that was revoked meanwhile nothing runs, and nothing
// is told.
func (a *api) attend(ctx context.Context, r *http.Request, c caller, result gate.Result, out gate.Sink) (gate.Result, error) {
	for {
		held, ok := result.(gate.Pending)
		if !ok {
			_, err := a.identify(r) // what ran took its time
			return result, err
		}
		found, over, err := a.glance(ctx, r, held.Request.ID, held.Request.Version)
		if err != nil {
			return nil, err
		}
		if over {
			return gate.Pending{Request: found}, nil
		}
		if result, err = a.gate.Wait(atOnce(), c.Principal, found.ID, out); err != nil {
			return nil, err
		}
	}
}

// glance waits a moment for the request to change, and asks again who calls. It is
// over when the context has ended, or the server is about to.
func (a *api) glance(ctx context.Context, r *http.Request, id countersign.RequestID, after uint64) (found countersign.Request, over bool, err error) {
	moment, cancel := context.WithTimeout(ctx, look)
	defer cancel()
	if found, err = a.gate.Watch(moment, id, after); err != nil {
		return found, false, err
	}
	if _, err := a.identify(r); err != nil {
		return found, false, err
	}
	draining := found.Version <= after && moment.Err() == nil
	return found, draining || ctx.Err() != nil, nil
}
