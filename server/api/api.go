// Package api is the REST door: what scripts, agents, the console and the command
// line speak. New is the place to start; its table of routes says what there is and
// who may use it. Here stand the calls about one request, and about what is held and
// changed; server/account and server/reading have the others, and server/rest how
// any call comes in.
package api

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server"
	"github.com/countersignhq/countersign/server/account"
	"github.com/countersignhq/countersign/server/reading"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/store"
)

// Config is what an API may be told. Its zero value works, for agents alone.
type Config struct {
	// Door says how calls come in and who sends them.
	Door rest.Config
	// Accounts says how people come in.
	Accounts account.Config
}

type api struct {
	door  *rest.Door
	gate  *gate.Gate
	store store.Store
	cfg   Config
}

// New returns the handler of everything below /v1/.
func New(g *gate.Gate, s store.Store, cfg Config) http.Handler {
	door := rest.New(g.Directory, cfg.Door)
	return door.Handler(table(door, g, s, cfg))
}

// table is every call that there is, with who may use it.
func table(door *rest.Door, g *gate.Gate, s store.Store, cfg Config) []rest.Route {
	a := &api{door: door, gate: g, store: s, cfg: cfg}
	return slices.Concat(a.routes(), account.Routes(door, g, s, cfg.Accounts), reading.Routes(door, g, s))
}

// routes are the calls about one request, and about what is held and changed.
func (a *api) routes() []rest.Route {
	type kinds = []countersign.PrincipalKind
	const agent, person, operator = countersign.KindAgent, countersign.KindPerson, countersign.KindOperator
	const one = "/v1/requests/{id}"
	all, people := kinds{agent, person, operator}, kinds{person, operator}
	return []rest.Route{
		rest.On("POST", "/v1/requests", kinds{agent}, a.submit),
		rest.On("GET", one, all, a.get, "wait", "after"),
		rest.On("GET", one+"/brief", all, a.brief),
		rest.On("POST", one+"/decisions", all, a.decide),
		rest.On("POST", one+"/run", kinds{agent}, a.run),
		rest.On("POST", one+"/withdraw", kinds{agent, operator}, a.withdraw),
		rest.On("GET", one+"/result", kinds{agent}, a.result),
		rest.On("GET", one+"/receipt", all, a.receipt),
		rest.On("POST", one+"/challenge", kinds{person}, a.challenge),
		rest.On("POST", one+"/reveal", kinds{person}, a.reveal),
		rest.On("POST", "/v1/decisions", kinds{person}, a.decideSeveral),
		rest.On("POST", "/v1/policy/explain", people, a.explain),
		rest.On("POST", "/v1/changes", people, a.change),
		rest.On("GET", "/v1/holds", people, a.holds),
		rest.On("POST", "/v1/holds", people, a.hold),
		rest.On("DELETE", "/v1/holds/{id}", people, a.unhold, "reason"),
		rest.On("GET", "/v1/openapi.yaml", nil, a.description),
	}
}

// description answers the OpenAPI document of all this.
func (a *api) description(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.WriteHeader(http.StatusOK)
	if _, err := fmt.Fprint(w, server.OpenAPI()); err != nil {
		return rest.ErrGone
	}
	return nil
}
