// Package admin is what the operator of a server may do, over the unix socket
// data/admin.sock: people, groups, agents and their tokens, resources, policy,
// requests that must be resolved or rejected, and the whole record for an audit.
// Listen checks who is at the other end; New answers, and hands what only reads
// on to server/api. Every change is an event by the operator.
// Approve does not exist here: no credential that is stored approves.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/store"
)

// Config is what the handler is told. Its zero value works and reads nothing.
type Config struct {
	// Reads answers every other call, as the operator sees it: server/api.
	Reads http.Handler
	// Link makes a one-use sign-in link for a person. Without one, links are
	// unavailable.
	Link func(ctx context.Context, person string) (url string, err error)
	// Groups are the groups that the configuration keeps, each with its members
	// as issuer|subject. The operator cannot change them here.
	Groups map[string][]string
	// GivenUp lists what chats could not be told; Retry has it all tried again, and
	// returns how much that is. Nil: no chat is connected.
	GivenUp func(context.Context) ([]GivenUp, error)
	Retry   func(context.Context) (int, error)
	// Server is what the server says of itself.
	Server Server
	// Now defaults to time.Now.
	Now func() time.Time
}

// An admin answers the operator's calls.
type admin struct {
	gate  *gate.Gate
	store store.Store
	cfg   Config
}

// maxBody is the largest body of a call: a policy bundle is the largest thing
// that anybody sends.
const maxBody = 4 << 20

// New returns the handler. It must be served on a listener of Listen only: it
// asks nobody who they are.
func New(g *gate.Gate, s store.Store, cfg Config) http.Handler {
	if cfg.Reads == nil {
		cfg.Reads = http.NotFoundHandler()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &admin{g, s, cfg}
	mux := http.NewServeMux()
	mux.Handle("/", cfg.Reads)
	mux.Handle("GET /v1/server", answer(a.server))
	mux.Handle("POST /v1/people", answer(a.addPerson))
	mux.Handle("GET /v1/people/{person}/passkeys", answer(a.passkeys))
	mux.Handle("POST /v1/people/{person}/link", answer(a.link))
	mux.Handle("POST /v1/people/{person}/activate", answer(a.activate))
	mux.Handle("POST /v1/people/{person}/deactivate", answer(a.deactivate))
	mux.Handle("POST /v1/people/{person}/confirm", answer(a.confirm))
	mux.Handle("PUT /v1/people/{person}/away", answer(a.setAway))
	mux.Handle("DELETE /v1/people/{person}/away", answer(a.endAway))
	mux.Handle("POST /v1/people/{person}/unlink", answer(a.unlink))
	mux.Handle("GET /v1/channels/given-up", answer(a.givenUp))
	mux.Handle("POST /v1/channels/retry", answer(a.retry))
	mux.Handle("GET /v1/groups", answer(a.groups))
	mux.Handle("PUT /v1/groups/{group}", answer(a.setGroup))
	mux.Handle("POST /v1/agents", answer(a.addAgent))
	mux.Handle("POST /v1/agents/{agent}/tokens", answer(a.addToken))
	mux.Handle("POST /v1/agents/{agent}/revoke", answer(a.revoke))
	mux.Handle("POST /v1/agents/{agent}/activate", answer(a.activateAgent))
	mux.Handle("POST /v1/agents/{agent}/deactivate", answer(a.deactivateAgent))
	mux.Handle("POST /v1/resources/{kind}/{name}/repin", answer(a.repin))
	mux.Handle("PUT /v1/policy", answer(a.setPolicy))
	mux.Handle("POST /v1/requests/{id}/decisions", answer(a.decide))
	mux.Handle("POST /v1/requests/{id}/resolve", answer(a.resolve))
	mux.HandleFunc("GET /v1/record", a.record)
	return mux
}

// answer makes a handler of a call that answers with JSON.
func answer[T any](call func(*http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := call(r)
		if held, ok := errors.AsType[*gate.HeldError](err); ok {
			problem.Write(w, err, held.Request.ID)
			return
		}
		if err != nil {
			problem.Write(w, err, countersign.RequestID(r.PathValue("id")))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v) // an error here is a caller who is gone
	})
}

// body reads the call's body strictly; an empty one is the zero value.
func body[T any](r *http.Request) (T, error) {
	var v T
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return v, bad("the body cannot be read: %v", err)
	}
	if len(b) == 0 {
		return v, nil
	}
	if err := canon.Unmarshal(b, &v); err != nil {
		return v, bad("%v", err)
	}
	return v, nil
}

// who is the operator at the other end of the socket.
func who(r *http.Request) countersign.Who {
	return countersign.Who{Actor: countersign.Operator(), Origin: origin(r), Method: "socket"}
}

// origin names the process at the other end: "uid 0, pid 4711".
func origin(r *http.Request) countersign.Origin {
	return countersign.Origin{Door: "admin", Peer: r.RemoteAddr}
}
