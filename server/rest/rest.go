// Package rest is how a call of the REST door comes in and how its answer goes
// out: who sends it and from where, what may stand in its query and its body, and
// what is told of what fails. It knows nothing of what the calls do: On makes one
// line of the table of those, and Door.Handler serves the table.
package rest

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/problem"
)

// Config is what a Door may be told. Its zero value works, for agents alone.
type Config struct {
	// Origin is the origin of public_url, "https://gate.example". What a browser
	// posts with its session must carry exactly this Origin; empty, nothing that
	// a session posts is taken.
	Origin string
	// Sessions returns the person whose browser session a request carries, false
	// if it carries none. Nil: nobody is signed in.
	Sessions func(*http.Request) (countersign.Principal, AuthInfo, bool)
	// Authenticate takes the place of tokens and sessions where who calls is
	// known otherwise, as on the admin socket.
	Authenticate func(*http.Request) (countersign.Principal, AuthInfo, bool)
	// Name stands in the origin of what arrives here. Defaults to "api".
	Name string
	// Now is the clock that the gate also has. Defaults to time.Now.
	Now func() time.Time
	// Log gets one line a request: ids, never a body. Defaults to slog.Default.
	Log *slog.Logger
}

// A Door is where calls come in. Its Config has the defaults filled in.
type Door struct {
	Config
	directory func(context.Context) (*countersign.Directory, error)
}

// New returns a door at which those of the directory call.
func New(directory func(context.Context) (*countersign.Directory, error), cfg Config) *Door {
	if cfg.Name == "" {
		cfg.Name = "api"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Door{Config: cfg, directory: directory}
}

// A Handle does what one call asks for. What it returns is told as a problem.
type Handle func(http.ResponseWriter, *http.Request, Caller) error

// A Route is one line of the table. Whoever is not named may not use it.
type Route struct {
	Method, Path string
	May          []countersign.PrincipalKind // empty: anybody
	Query        []string                    // the parameters it has
	handle       Handle
}

// On returns the line for a method and a path in the patterns of http.ServeMux: who
// may use it, nil for anybody, what it does, and which parameters it has.
func On(method, path string, may []countersign.PrincipalKind, do Handle, query ...string) Route {
	return Route{Method: method, Path: path, May: may, Query: query, handle: do}
}

// Handler serves the table.
func (d *Door) Handler(table []Route) http.Handler {
	mux := http.NewServeMux()
	paths := map[string]methods{}
	for _, rt := range table {
		if paths[rt.Path] == nil {
			paths[rt.Path] = methods{}
			mux.Handle(rt.Path, paths[rt.Path])
		}
		paths[rt.Path][rt.Method] = d.serve(rt)
		if rt.Method == http.MethodGet {
			paths[rt.Path][http.MethodHead] = d.serve(rt)
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem.Write(w, &countersign.Error{Code: countersign.CodeNotFound, Detail: "there is no such address here", Hint: "GET /v1/openapi.yaml lists them"}, "")
	})
	return mux
}

// methods are what one address has, by method.
type methods map[string]http.Handler

// ServeHTTP implements http.Handler.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h, ok := m[r.Method]; ok {
		h.ServeHTTP(w, r)
		return
	}
	problem.WriteMethod(w, slices.Sorted(maps.Keys(m)))
}
