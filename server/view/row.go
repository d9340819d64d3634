package view

import (
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
)

// A Row is one request in a list.
type Row struct {
	ID       countersign.RequestID `json:"id"`
	Version  uint64                `json:"version"`
	Severity countersign.Severity  `json:"severity"`
	Sentence brief.Text            `json:"sentence"`
	// Command is the command in one line. Cut is true where that is not all of it,
	// Hidden how many hidden characters the whole has.
	Command brief.Text `json:"command"`
	Cut     bool       `json:"cut"`
	Hidden  int        `json:"hidden"`
	// Labels are where it would run and what data it is about: "prod, eu-west-1", "pii".
	Labels   []string `json:"labels"`
	Agent    string   `json:"agent"`
	AgentID  string   `json:"agent_id"`
	Resource string   `json:"resource"`
	// Rule is the first rule that bears on the verdict, empty if the default did.
	Rule       string                     `json:"rule"`
	Indicators []string                   `json:"indicators"`
	Stages     []Stage                    `json:"stages"`
	Assurance  countersign.Assurance      `json:"assurance"` // the highest that a stage needs
	AskedAt    time.Time                  `json:"asked_at"`
	ExpiresAt  time.Time                  `json:"expires_at,omitzero"`
	Decision   countersign.DecisionState  `json:"decision"`
	Execution  countersign.ExecutionState `json:"execution"`
	// DecidedAt is when the last choice that counts was made, DecidedBy by whom.
	DecidedAt time.Time `json:"decided_at,omitzero"`
	DecidedBy []string  `json:"decided_by"`
	// OpensAt is when it can be approved at the earliest; zero: always.
	OpensAt time.Time `json:"opens_at,omitzero"`
	// Pace is of that last choice; nil if there is none.
	*Pace
	Outcome brief.Text `json:"outcome,omitempty"`
	// Note says why it is not the reader's to decide, or what they have said.
	Note string `json:"note"`
}

// A Stage is how far one stage is.
type Stage struct {
	Groups []string `json:"groups"`
	Signed int      `json:"signed"`
	Quorum int      `json:"quorum"`
	Says   string   `json:"says"`
}

// RowOf is the request as a row.
func RowOf(d *countersign.Directory, r countersign.Request) Row {
	b := brief.Build(r, d)
	row := Row{
		ID: r.ID, Version: r.Version, Severity: b.Severity, Sentence: b.Sentence, Command: brief.CommandLine(r),
		Hidden: b.Command.End.Hidden, Labels: []string{}, AgentID: r.Requester.ID, Indicators: []string{}, Stages: []Stage{},
		AskedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt(), Decision: r.Decision, Execution: r.Execution, DecidedBy: []string{},
	}
	row.Cut = !b.Command.End.Shown || isCut(row.Command)
	for _, f := range b.Facts {
		switch f.Name {
		case brief.FactAsks:
			row.Agent = f.Value.String()
		case brief.FactWhere:
			row.Resource = f.Value.String()
			row.Labels = append(row.Labels, f.Detail.String())
		case brief.FactData:
			row.Labels = append(row.Labels, f.Value.String())
		}
	}
	if len(b.Why.Rules) > 0 {
		row.Rule = b.Why.Rules[0].ID
	}
	for _, i := range b.Indicators {
		if !slices.Contains(row.Indicators, i.ID) {
			row.Indicators = append(row.Indicators, i.ID)
		}
	}
	for _, s := range b.Deciders.Stages {
		row.Stages = append(row.Stages, Stage{Groups: s.Groups, Signed: len(s.Signed), Quorum: s.Quorum, Says: s.Says})
		if s.Assurance.Meets(row.Assurance) {
			row.Assurance = s.Assurance
		}
	}
	for _, s := range b.Deciders.Choices {
		if len(s.Void) > 0 || s.Choice == countersign.Escalate {
			continue
		}
		row.DecidedAt = s.At
		if by := s.Name.String(); !slices.Contains(row.DecidedBy, by) {
			row.DecidedBy = append(row.DecidedBy, by)
		}
	}
	row.Pace = lastPace(r)
	if b.Deciders.Closed != nil {
		row.OpensAt = b.Deciders.Closed.Until
	}
	if b.Outcome != nil {
		row.Outcome = b.Outcome.Says
	}
	return row
}

// isCut reports whether a line of the Brief's ends in the words with which it
// says that it is not whole.
func isCut(t brief.Text) bool {
	return len(t) > 0 && t[len(t)-1].Role == brief.Quiet && strings.HasPrefix(t[len(t)-1].Text, "... (")
}
