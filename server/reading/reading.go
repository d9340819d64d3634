// Package reading answers what is on record, to each as much as they may see: lists
// of requests, the Inbox and the History, the stream of events, figures, and what
// there is to know of resources, agents, people and the policy. It changes nothing.
// Routes lists the calls.
package reading

import (
	"sync/atomic"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/store"
)

type answerer struct {
	door  *rest.Door
	gate  *gate.Gate
	store store.Store
	rules atomic.Pointer[outlined] // of the active policy
}

// Routes are the calls that read more than one request.
func Routes(door *rest.Door, g *gate.Gate, s store.Store) []rest.Route {
	a := &answerer{door: door, gate: g, store: s}
	person := []countersign.PrincipalKind{countersign.KindPerson}
	people := []countersign.PrincipalKind{countersign.KindPerson, countersign.KindOperator}
	all := []countersign.PrincipalKind{countersign.KindAgent, countersign.KindPerson, countersign.KindOperator}
	return []rest.Route{
		rest.On("GET", "/v1/requests", all, a.list, "decision", "execution", "resource", "requester", "digest", "since", "cursor", "limit"),
		rest.On("GET", "/v1/inbox", person, a.inbox),
		rest.On("GET", "/v1/history", people, a.history,
			"person", "agent", "resource", "rule", "indicator", "digest", "decision", "execution", "since", "until", "cursor", "limit"),
		rest.On("GET", "/v1/events", all, a.events, "after"),
		rest.On("GET", "/v1/insight", people, a.insight, "days"),
		rest.On("GET", "/v1/resources", people, a.resources),
		rest.On("GET", "/v1/agents", people, a.agents),
		rest.On("GET", "/v1/people", people, a.people),
		rest.On("GET", "/v1/policy", people, a.policy),
	}
}
