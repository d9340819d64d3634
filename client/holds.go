package client

import "time"

// A Hold says that everything of an agent is held, or of all agents.
type Hold struct {
	// ID is the agent's id, or "all".
	ID     string    `json:"id"`
	Name   string    `json:"name"` // of the agent, or "all agents"
	Reason string    `json:"reason"`
	By     string    `json:"by"` // a name
	Since  time.Time `json:"since"`
}

// Holds is the whole list of those that are on.
type Holds struct {
	Holds []Hold `json:"holds"`
}

// NewHold has everything held that the agent, by id or name, asks for; or with All,
// that all agents do.
type NewHold struct {
	Agent  string `json:"agent,omitempty"`
	All    bool   `json:"all,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Choices is one choice on several requests of one group: one agent's, held by one
// rule, none of severity above low.
type Choices struct {
	Choice string       `json:"choice"` // "approve", "reject"
	Reason string       `json:"reason,omitempty"`
	Items  []ChoiceItem `json:"items"`
}

// A ChoiceItem is one of the requests, with the digests of what was shown of it.
type ChoiceItem struct {
	Request    string `json:"request"`
	Digest     string `json:"digest"`
	ViewDigest string `json:"view_digest,omitempty"`
	DwellMS    int    `json:"dwell_ms,omitempty"`
}

// Decided says what became of each, in the order of the call.
type Decided struct {
	Items []DecidedItem `json:"items"`
}

// A DecidedItem has the decision that the request came to, or the problem.
type DecidedItem struct {
	Request  string   `json:"request"`
	Decision string   `json:"decision,omitempty"`
	Problem  *Problem `json:"problem,omitempty"`
}
