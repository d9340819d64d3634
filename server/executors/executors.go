// Package executors is where the processes attach that run commands elsewhere,
// below /executor on the address of the doors:
//
//	GET    /executor?resource=        where to attach: a remote.Welcome less its executor
//	POST   /executor                  a remote.Hello attaches; 201, a remote.Welcome
//	GET    /executor/{id}/jobs        waits up to 20 s; 200, a remote.Work, or 204
//	POST   /executor/{id}/jobs/{job}  a remote.Answer says what became of it; 204
//	DELETE /executor/{id}             the process ends; 204
//
// Each call carries the agent's token. Refusals are problems (RFC 9457).
package executors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/upstream/remote"
)

// Config is what the handler may be told. Without Authenticate nobody gets in.
type Config struct {
	// Authenticate says which agent sent the request.
	Authenticate func(ctx context.Context, r *http.Request) (countersign.Principal, error)
	// Remotes are the resources whose commands run elsewhere, by name.
	Remotes map[string]*remote.Remote
	// VKey is the log's public key, as it is told to who attaches.
	VKey string
	// Wait is how long a process is kept waiting for work. Defaults to 20 seconds.
	Wait time.Duration
}

type executors struct{ cfg Config }

const (
	mostHello  = 1 << 20
	mostAnswer = 24 << 20 // a result of 16 MiB in base64
)

// New returns the handler.
func New(cfg Config) http.Handler {
	if cfg.Wait <= 0 {
		cfg.Wait = 20 * time.Second
	}
	e := &executors{cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /executor", e.as(e.where))
	mux.HandleFunc("POST /executor", e.as(e.attach))
	mux.HandleFunc("GET /executor/{id}/jobs", e.as(e.take))
	mux.HandleFunc("POST /executor/{id}/jobs/{job}", e.as(e.answer))
	mux.HandleFunc("DELETE /executor/{id}", e.as(e.detach))
	return mux
}

// as finds out who calls, and tells what fails as a problem.
func (e *executors) as(do func(http.ResponseWriter, *http.Request, countersign.Principal) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if e.cfg.Authenticate == nil {
			problem.Write(w, errors.New("this server was given no way to know agents"), "")
			return
		}
		by, err := e.cfg.Authenticate(r.Context(), r)
		if err == nil {
			err = do(w, r, by)
		}
		if err != nil {
			problem.Write(w, err, "")
		}
	}
}

func (e *executors) where(w http.ResponseWriter, r *http.Request, by countersign.Principal) error {
	name, err := e.of(by, r.URL.Query().Get("resource"))
	if err != nil {
		return err
	}
	return send(w, http.StatusOK, remote.Welcome{Resource: name, Target: e.cfg.Remotes[name].Target(), VKey: e.cfg.VKey})
}

func (e *executors) attach(w http.ResponseWriter, r *http.Request, by countersign.Principal) error {
	var hello remote.Hello
	if err := read(w, r, mostHello, &hello); err != nil {
		return err
	}
	name, err := e.of(by, hello.Resource)
	if err != nil {
		return err
	}
	to := e.cfg.Remotes[name]
	id, err := to.Attach(by, hello)
	if err != nil {
		return err
	}
	return send(w, http.StatusCreated, remote.Welcome{Executor: id, Resource: name, Target: to.Target(), VKey: e.cfg.VKey})
}

// of is the resource that an agent attaches to: the one it names, or its only one.
func (e *executors) of(by countersign.Principal, name string) (string, error) {
	hint := fmt.Sprintf("the configuration gives it one with upstream: {wrapped: %s}", by.Name)
	if name != "" {
		if _, ok := e.cfg.Remotes[name]; !ok {
			return "", &countersign.Error{Code: countersign.CodeUnknownResource, Detail: fmt.Sprintf("commands on %.80q do not run in a process of an agent's", name), Hint: hint}
		}
		return name, nil
	}
	for candidate, to := range e.cfg.Remotes {
		if to.Of() != by.Name {
			continue
		}
		if name != "" {
			return "", &countersign.Error{Code: countersign.CodeBadRequest, Detail: by.Name + " has more than one resource whose commands run in its own process", Hint: "say which with --resource"}
		}
		name = candidate
	}
	if name == "" {
		return "", &countersign.Error{Code: countersign.CodeUnknownResource, Detail: by.Name + " has no resource whose commands run in its own process", Hint: hint}
	}
	return name, nil
}

func (e *executors) take(w http.ResponseWriter, r *http.Request, by countersign.Principal) error {
	ctx, cancel := context.WithTimeout(r.Context(), e.cfg.Wait)
	defer cancel()
	to, err := e.attached(by, r.PathValue("id"))
	if err != nil {
		return err
	}
	work, ok, err := to.Take(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !ok {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return send(w, http.StatusOK, work)
}

func (e *executors) answer(w http.ResponseWriter, r *http.Request, by countersign.Principal) error {
	var a remote.Answer
	if err := read(w, r, mostAnswer, &a); err != nil {
		return err
	}
	to, err := e.attached(by, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := to.Answer(r.PathValue("id"), r.PathValue("job"), a); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (e *executors) detach(w http.ResponseWriter, r *http.Request, by countersign.Principal) error {
	to, err := e.attached(by, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := to.Detach(r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// attached finds the resource that the agent's process is attached to.
func (e *executors) attached(by countersign.Principal, id string) (*remote.Remote, error) {
	for _, to := range e.cfg.Remotes {
		if to.Of() == by.Name && to.Has(id) {
			return to, nil
		}
	}
	return nil, &countersign.Error{Code: countersign.CodeNotFound, Detail: "this process is not attached, or not any more", Hint: "attach again"}
}

func read(w http.ResponseWriter, r *http.Request, most int, to any) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(most)))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &countersign.Error{Code: countersign.CodeTooLarge, Detail: fmt.Sprintf("more than %d bytes", most), Hint: "send less"}
	}
	if err == nil {
		err = canon.UnmarshalUpTo(b, to, most)
	}
	if err != nil {
		return &countersign.Error{Code: countersign.CodeBadRequest, Detail: err.Error(), Hint: "use the countersign of the server's own version"}
	}
	return nil
}

func send(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a process that has gone is found out about by its silence
	return nil
}
