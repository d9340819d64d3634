package api

import (
	"fmt"
	"net/http"

	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server"
	"github.com/countersignhq/countersign/server/wire"
)

func (a *api) resources(w http.ResponseWriter, r *http.Request, _ caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, client.Resources{Resources: wire.Resources(d)})
}

func (a *api) agents(w http.ResponseWriter, r *http.Request, _ caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, client.Agents{Agents: wire.Agents(d)})
}

func (a *api) people(w http.ResponseWriter, r *http.Request, _ caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, client.People{People: wire.People(d)})
}

func (a *api) policy(w http.ResponseWriter, r *http.Request, _ caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, wire.Policy(d))
}

// explain says what the policy would make of an ask of an agent's. Nothing of
// it is recorded and nothing runs.
func (a *api) explain(w http.ResponseWriter, r *http.Request, _ caller) error {
	var in struct {
		askBody
		Requester string `json:"requester"` // the id of an agent; empty is none of those here
	}
	if err := body(w, r, maxAsk, &in); err != nil {
		return err
	}
	ask, err := in.ask(a.origin(r))
	if err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if agent, known := d.Agents[in.Requester]; known {
		ask.By = agent.Principal()
	} else if in.Requester != "" {
		return bad(fmt.Sprintf("there is no agent %.40q", in.Requester), "GET /v1/agents lists them")
	}
	facts, verdict, err := a.gate.Explain(r.Context(), ask)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, client.Explanation{Facts: wire.Facts(facts), Verdict: wire.Verdict(verdict)})
}

// description answers the OpenAPI document of all this.
func (a *api) description(w http.ResponseWriter, r *http.Request, _ caller) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.WriteHeader(http.StatusOK)
	if _, err := fmt.Fprint(w, server.OpenAPI()); err != nil {
		return errGone
	}
	return nil
}
