package client

import "time"

// An Away is somebody's absence, one that is still to come too.
type Away struct {
	Person   string `json:"person"` // the name
	PersonID string `json:"person_id"`
	// StandIn decides in their place; empty: nobody does.
	StandIn   string    `json:"stand_in,omitempty"` // the name
	StandInID string    `json:"stand_in_id,omitempty"`
	From      time.Time `json:"from"`
	Until     time.Time `json:"until"`
	// Since is when it was recorded: the stand-in decides what was asked after it.
	Since time.Time `json:"since"`
	// Now is true while they are away.
	Now bool `json:"now"`
}

// MyAway is what of absences concerns the person who asks.
type MyAway struct {
	Away *Away `json:"away"` // their own, null without one
	// For are the absences of those who named them as stand-in.
	For []Away `json:"for"`
}

// NewAway announces an absence.
type NewAway struct {
	// From defaults to now. Until is at most 30 days after it.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until"`
	// StandIn is a person by id, by issuer|subject, or by a name that only one has;
	// empty: nobody decides in their place.
	StandIn string `json:"stand_in,omitempty"`
	Reason  string `json:"reason,omitempty"` // for who approves it
}
