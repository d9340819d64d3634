package web

import (
	"cmp"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
)

// held says that everything of an agent is held, or of all.
type held struct {
	Whose  string // "all agents"
	By     string
	Since  time.Time
	Reason string
}

// held are all that are on, all agents first. Nobody sees none.
func (v *viewer) held() []held {
	if v == nil {
		return nil
	}
	var list []held
	for agent, h := range v.dir.Halts {
		whose := v.dir.Agents[agent].Name
		if agent == countersign.AllAgents {
			whose = "all agents"
		}
		if h.On {
			list = append(list, held{Whose: whose, By: h.By.Name, Since: h.Since, Reason: h.Reason})
		}
	}
	slices.SortFunc(list, func(a, b held) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Whose, b.Whose))
	})
	return list
}
