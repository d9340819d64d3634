package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server/rest"
)

// allHeld is what stands in an address for all agents.
const allHeld = "all"

// holds answers of which agents everything is held.
func (a *api) holds(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	list := client.Holds{Holds: []client.Hold{}}
	for agent, h := range d.Halts {
		if h.On {
			list.Holds = append(list.Holds, holdOf(d, agent))
		}
	}
	slices.SortFunc(list.Holds, func(a, b client.Hold) int { return strings.Compare(a.ID, b.ID) })
	return rest.Reply(w, http.StatusOK, list)
}

func holdOf(d *countersign.Directory, agent string) client.Hold {
	h := d.Halts[agent]
	out := client.Hold{ID: agent, Name: d.Agents[agent].Name, Reason: h.Reason, By: h.By.Name, Since: h.Since}
	if agent == countersign.AllAgents {
		out.ID, out.Name = allHeld, "all agents"
	}
	return out
}

// hold has everything of an agent, or of all, held at once. Every person who is
// signed in may, whatever their session is worth.
func (a *api) hold(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	var in client.NewHold
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	if in.All == (in.Agent != "") {
		return rest.Bad("a hold names one agent, or all", `send {"agent":…} or {"all":true}`)
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	agent := countersign.AllAgents
	if !in.All {
		if agent, err = agentCalled(d, in.Agent); err != nil {
			return err
		}
	}
	if err := a.gate.Halt(r.Context(), a.door.Who(r, c), agent, in.Reason); err != nil {
		return err
	}
	if d, err = a.gate.Directory(r.Context()); err != nil {
		return err
	}
	return rest.Reply(w, http.StatusCreated, holdOf(d, agent))
}

// agentCalled is the id of the agent with the id or the name.
func agentCalled(d *countersign.Directory, called string) (string, error) {
	if _, ok := d.Agents[called]; ok {
		return called, nil
	}
	for id, one := range d.Agents {
		if one.Name == called {
			return id, nil
		}
	}
	return "", &countersign.Error{Code: countersign.CodeNotFound, Detail: "there is no such agent", Hint: "GET /v1/agents lists them"}
}

// unhold ends a hold, or asks people to let that happen: 200 when it is made, 202
// with the request that waits.
func (a *api) unhold(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	agent := r.PathValue("id")
	switch agent {
	case allHeld:
		agent = countersign.AllAgents
	default:
		if agent, err = agentCalled(d, agent); err != nil {
			return err
		}
	}
	if c.Kind == countersign.KindPerson {
		if err := c.NeedFresh(a.door.Now()); err != nil {
			return err
		}
	}
	reason := r.URL.Query().Get("reason")
	if err := rest.CheckReason(reason); err != nil {
		return err
	}
	err = a.gate.Lift(r.Context(), a.door.Who(r, c), agent, reason)
	if held, ok := errors.AsType[*gate.HeldError](err); ok {
		return rest.ReplyHeld(w, held.Request.ID)
	}
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, struct {
		Applied bool `json:"applied"`
		Solo    bool `json:"solo"`
	}{true, !d.Paired})
}
