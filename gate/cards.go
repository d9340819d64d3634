package gate

import (
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// JobCards is the kind of the jobs that have every posted copy of a request
// brought up to date. The key is the request's id.
const JobCards = "cards"

// cards is the job that belongs to the events of a request which people are, or
// were, asked about: it is queued in the same commit, so that no change goes
// untold however the process ends.
func (g *Gate) cards(r countersign.Request, events []countersign.Event) []store.Job {
	held := func(e countersign.Event) bool { return e.Kind() == countersign.KindHeld }
	asked := r.Verdict.Requirement != nil || slices.ContainsFunc(events, held)
	if !g.cfg.Cards || !asked || !slices.ContainsFunc(events, shows) {
		return nil
	}
	return []store.Job{{Kind: JobCards, Key: string(r.ID), Due: g.cfg.Now()}}
}

// shows reports whether an event changes what people see of a request: its
// state, its votes or its stages.
func shows(e countersign.Event) bool {
	switch e.Kind() {
	case countersign.KindJoined, countersign.KindRefused, countersign.KindRevealed:
		return false
	}
	return true
}
