package view

import (
	"cmp"
	"slices"

	"github.com/countersignhq/countersign"
)

// A Group is several requests of one agent that the same rule holds.
type Group struct {
	Rule     string                  `json:"rule"` // empty: the default
	AgentID  string                  `json:"agent_id"`
	Agent    string                  `json:"agent"`
	Severity countersign.Severity    `json:"severity"` // the highest among them
	Items    []countersign.RequestID `json:"items"`    // in the order of the list
	// Batch is true when all may be decided in one call: none is above low.
	Batch bool `json:"batch"`
}

// GroupsOf are the groups of two and more among the rows, the largest first.
func GroupsOf(rows []Row) []Group {
	groups := []Group{}
	for _, row := range rows {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Rule == row.Rule && g.AgentID == row.AgentID })
		if i < 0 {
			groups = append(groups, Group{Rule: row.Rule, AgentID: row.AgentID, Agent: row.Agent})
			i = len(groups) - 1
		}
		groups[i].Items = append(groups[i].Items, row.ID)
		groups[i].Severity = max(groups[i].Severity, row.Severity)
	}
	groups = slices.DeleteFunc(groups, func(g Group) bool { return len(g.Items) < 2 })
	for i := range groups {
		groups[i].Batch = groups[i].Severity <= countersign.Low
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(len(b.Items), len(a.Items)) })
	return groups
}
