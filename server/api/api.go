// Package api is the REST door and the control plane's reading side: what
// scripts, agents, the console and the command line speak. New is the place to
// start; its table of routes says what there is and who may use it, and see.go
// who sees which request.
package api

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/chat"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/setup"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/store"
)

// Config is what an API may be told. Its zero value works, for agents alone.
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
	// Door stands in the origin of what arrives here. Defaults to "api".
	Door string
	// Passkeys are the ceremonies. Nil: there are none, and the calls that need
	// them say so.
	Passkeys *passkey.Passkeys
	// LinkCode makes the one-time code that a person types in a chat to link their
	// account. Nil: no chat is connected.
	LinkCode func(ctx context.Context, in string, p chat.Proof) (code string, ends time.Time, err error)
	// Chats are the names of those that are connected: "slack".
	Chats []string
	// Desk keeps what opens an enrolment. Defaults to one of the store's own.
	Desk *setup.Desk
	// About is what the server says of itself to people.
	About About
	// Now is the clock that the gate also has. Defaults to time.Now.
	Now func() time.Time
	// Log gets one line a request: ids, never a body. Defaults to slog.Default.
	Log *slog.Logger
}

type api struct {
	gate  *gate.Gate
	store store.Store
	cfg   Config
	desk  *setup.Desk
	rules atomic.Pointer[outlined] // of the active policy
}

// A route is one line of the table. Whoever is not named may not use it.
type route struct {
	method, path string
	may          []countersign.PrincipalKind // empty: anybody
	query        []string                    // the parameters it has
	handle       func(http.ResponseWriter, *http.Request, caller) error
}

// Whom routes are for.
const (
	agent    = countersign.KindAgent
	person   = countersign.KindPerson
	operator = countersign.KindOperator
)

func (a *api) routes() []route {
	const one = "/v1/requests/{id}"
	type kinds = []countersign.PrincipalKind
	all, people := kinds{agent, person, operator}, kinds{person, operator}
	return []route{
		{"POST", "/v1/requests", kinds{agent}, nil, a.submit},
		{"GET", "/v1/requests", all, []string{"decision", "execution", "resource", "requester", "digest", "since", "cursor", "limit"}, a.list},
		{"GET", one, all, []string{"wait", "after"}, a.get},
		{"GET", one + "/brief", all, nil, a.brief},
		{"POST", one + "/decisions", all, nil, a.decide},
		{"POST", one + "/run", kinds{agent}, nil, a.run},
		{"POST", one + "/withdraw", kinds{agent, operator}, nil, a.withdraw},
		{"GET", one + "/result", kinds{agent}, nil, a.result},
		{"GET", one + "/receipt", all, nil, a.receipt},
		{"POST", one + "/challenge", kinds{person}, nil, a.challenge},
		{"POST", one + "/reveal", kinds{person}, nil, a.reveal},
		{"POST", "/v1/changes", people, nil, a.change},
		{"POST", "/v1/decisions", kinds{person}, nil, a.decideSeveral},
		{"GET", "/v1/insight", people, []string{"days"}, a.insight},
		{"GET", "/v1/holds", people, nil, a.holds},
		{"POST", "/v1/holds", people, nil, a.hold},
		{"DELETE", "/v1/holds/{id}", people, []string{"reason"}, a.unhold},
		{"POST", "/v1/session/challenge", nil, nil, a.beginSignIn},
		{"POST", "/v1/session", nil, nil, a.signIn},
		{"DELETE", "/v1/session", kinds{person}, nil, a.signOut},
		{"POST", "/v1/passkeys/challenge", nil, nil, a.beginEnrolment},
		{"POST", "/v1/passkeys", nil, nil, a.enrol},
		{"DELETE", "/v1/passkeys/{id}", people, nil, a.removePasskey},
		{"POST", "/v1/passkeys/{id}/confirm", kinds{person}, nil, a.confirmPasskey},
		{"GET", "/v1/invites", kinds{person}, nil, a.invites},
		{"POST", "/v1/invites", kinds{person}, nil, a.invite},
		{"DELETE", "/v1/invites/{id}", kinds{person}, nil, a.withdrawInvite},
		{"POST", "/v1/recovery", nil, nil, a.recover},
		{"POST", "/v1/recovery/codes", kinds{person}, nil, a.newCodes},
		{"GET", "/v1/notices", kinds{person}, nil, a.notices},
		{"GET", "/v1/links", kinds{person}, nil, a.links},
		{"POST", "/v1/links", kinds{person}, nil, a.linkCode},
		{"DELETE", "/v1/links/{chat}/{workspace}/{account}", kinds{person}, nil, a.unlink},
		{"GET", "/v1/me", kinds{person}, nil, a.me},
		{"GET", "/v1/me/away", kinds{person}, nil, a.away},
		{"PUT", "/v1/me/away", kinds{person}, nil, a.setAway},
		{"DELETE", "/v1/me/away", kinds{person}, nil, a.endAway},
		{"GET", "/v1/inbox", kinds{person}, nil, a.inbox},
		{"GET", "/v1/history", people, []string{"person", "agent", "resource", "rule", "indicator", "digest", "decision", "execution", "since", "until", "cursor", "limit"}, a.history},
		{"GET", "/v1/events", all, []string{"after"}, a.events},
		{"GET", "/v1/resources", people, nil, a.resources},
		{"GET", "/v1/agents", people, nil, a.agents},
		{"GET", "/v1/people", people, nil, a.people},
		{"GET", "/v1/policy", people, nil, a.policy},
		{"POST", "/v1/policy/explain", people, nil, a.explain},
		{"GET", "/v1/openapi.yaml", nil, nil, a.description},
	}
}

// New returns the handler of everything below /v1/.
func New(g *gate.Gate, s store.Store, cfg Config) http.Handler {
	if cfg.Door == "" {
		cfg.Door = "api"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Desk == nil {
		cfg.Desk = setup.New(s.Ephemeral(), cfg.Now)
	}
	a := &api{gate: g, store: s, cfg: cfg, desk: cfg.Desk}
	mux := http.NewServeMux()
	paths := map[string]methods{}
	for _, rt := range a.routes() {
		if paths[rt.path] == nil {
			paths[rt.path] = methods{}
			mux.Handle(rt.path, paths[rt.path])
		}
		paths[rt.path][rt.method] = a.serve(rt)
		if rt.method == http.MethodGet {
			paths[rt.path][http.MethodHead] = a.serve(rt)
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

// serve finds out who calls, refuses whom the route is not for, and tells what
// fails as a problem.
func (a *api) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.cfg.Now()
		sent := &answer{ResponseWriter: w}
		sent.Header().Set("Cache-Control", "no-store")
		sent.Header().Set("X-Content-Type-Options", "nosniff")
		c, err := a.admit(rt, r)
		if err == nil {
			err = rt.handle(sent, r, c)
		}
		code := countersign.Code("")
		if errors.Is(err, errGone) || err != nil && r.Context().Err() != nil {
			code, err = "gone", nil
		}
		if err != nil {
			code = countersign.CodeOf(err)
			if sent.status == 0 {
				problem.Write(sent, err, about(err, r))
			}
		}
		attrs := []any{"method", r.Method, "route", rt.path, "status", sent.status, "took", a.cfg.Now().Sub(start)}
		attrs = appendNotEmpty(attrs, "caller", c.Principal.ID)
		attrs = appendNotEmpty(attrs, "peer", r.RemoteAddr)
		attrs = appendNotEmpty(attrs, "id", r.PathValue("id"))
		attrs = appendNotEmpty(attrs, "code", string(code))
		if code == countersign.CodeInternal || code == countersign.CodeUnavailable {
			a.cfg.Log.Error("http", append(attrs, "err", err)...)
			return
		}
		a.cfg.Log.Info("http", attrs...)
	})
}

// admit returns who calls, or why they may not.
func (a *api) admit(rt route, r *http.Request) (caller, error) {
	if err := knownQuery(r, rt.query); err != nil {
		return caller{}, err
	}
	if len(rt.may) == 0 {
		return caller{}, a.sameOrigin(r) // else another site's page could sign somebody in as another
	}
	c, err := a.identify(r)
	if err != nil {
		return caller{}, err
	}
	if !slices.Contains(rt.may, c.Kind) {
		return c, &countersign.Error{
			Code: countersign.CodeForbidden, Detail: "this is not for an " + string(c.Kind) + " to use",
			Hint: "it is for: " + words(rt.may),
		}
	}
	return c, nil
}

// about is the id of the request that the error is about. Of a request that is
// not found, nothing is said.
func about(err error, r *http.Request) countersign.RequestID {
	if !strings.HasPrefix(r.URL.Path, "/v1/requests/") {
		return ""
	}
	switch countersign.CodeOf(err) {
	case countersign.CodeNotFound, countersign.CodeUnauthenticated:
		return ""
	}
	return countersign.RequestID(r.PathValue("id"))
}

func words(kinds []countersign.PrincipalKind) string {
	var list []string
	for _, k := range kinds {
		list = append(list, string(k))
	}
	return strings.Join(list, ", ")
}

func appendNotEmpty(attrs []any, key, value string) []any {
	if value == "" {
		return attrs
	}
	return append(attrs, key, value)
}

// answer remembers the status that was sent, 0 before any.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
