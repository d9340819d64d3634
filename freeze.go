package countersign

import "time"

// KindHaltChanged is the kind of events of halts.
const KindHaltChanged EventKind = "halt.changed"

// AllAgents in place of an agent's id means every agent.
const AllAgents = "*"

// A Halt has everything that an agent asks for held: what the policy would have
// let through waits for people, and nothing that they approve runs while it is on.
type Halt struct {
	Agent  string `json:"agent"` // "agt_…", or AllAgents
	On     bool   `json:"on"`
	Reason string `json:"reason,omitempty"`
	// By and Since are who changed it last and when, as the event around it says.
	By    Principal `json:"-"`
	Since time.Time `json:"-"`
}

// HaltChanged: an agent's actions are held from now on, or no more.
type HaltChanged struct {
	Halt Halt `json:"halt"`
	Solo bool `json:"solo"`
}

// Kind implements Body.
func (HaltChanged) Kind() EventKind { return KindHaltChanged }

// HaltID is the id that events about the agent's halt carry: "halt:agt_…", or
// "halt:*" for all agents.
func HaltID(agent string) RequestID { return RequestID("halt:" + agent) }

// HaltOf returns the halt that is on for what the principals ask for, and whether
// one is: that of an agent among them, or that of all agents.
func (d *Directory) HaltOf(by Principal, chain []Principal) (Halt, bool) {
	for _, p := range append([]Principal{by}, chain...) {
		if p.Kind != KindAgent {
			continue
		}
		for _, agent := range []string{p.ID, AllAgents} {
			if h := d.Halts[agent]; h.On {
				return h, true
			}
		}
	}
	return Halt{}, false
}
