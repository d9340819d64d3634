package countersign

import (
	"fmt"
	"slices"
)

// DecisionState is where the decision on a request stands.
type DecisionState string

// The decision states.
const (
	DecisionPending   DecisionState = "pending"
	DecisionApproved  DecisionState = "approved"
	DecisionRejected  DecisionState = "rejected"
	DecisionExpired   DecisionState = "expired"
	DecisionWithdrawn DecisionState = "withdrawn"
	DecisionDenied    DecisionState = "denied"
	DecisionAllowed   DecisionState = "allowed"
)

// ExecutionState is whether a command ran.
type ExecutionState string

// The execution states.
const (
	ExecutionNone      ExecutionState = "none"
	ExecutionRunning   ExecutionState = "running"
	ExecutionSucceeded ExecutionState = "succeeded"
	ExecutionFailed    ExecutionState = "failed"
	ExecutionUnknown   ExecutionState = "unknown"
)

// State is the two fields that say where a request is. They are never mixed.
type State struct {
	Decision  DecisionState  `json:"decision,omitempty"`
	Execution ExecutionState `json:"execution,omitempty"`
}

// Settled reports whether nothing more will happen by itself: it ran, or it
// will not.
func (s State) Settled() bool {
	switch s.Execution {
	case ExecutionSucceeded, ExecutionFailed, ExecutionUnknown:
		return true
	case ExecutionRunning:
		return false
	}
	switch s.Decision {
	case DecisionRejected, DecisionExpired, DecisionWithdrawn, DecisionDenied:
		return true
	}
	return false
}

// A Move is one line of the table of allowed moves.
type Move struct {
	From State
	Kind EventKind
	To   State
}

// moves is the table. It is never written to.
var moves = table()

func table() []Move {
	start := State{}
	none := func(d DecisionState) State { return State{d, ExecutionNone} }
	pending, approved := none(DecisionPending), none(DecisionApproved)
	t := []Move{
		{start, KindRequested, pending},

		{pending, KindDenied, none(DecisionDenied)},
		{pending, KindAllowed, none(DecisionAllowed)},
		{pending, KindHeld, pending},
		{pending, KindDecided, pending},
		{pending, KindDecided, approved},
		{pending, KindDecided, none(DecisionRejected)},
		{pending, KindEscalated, pending},
		{pending, KindExpired, none(DecisionExpired)},
		{pending, KindWithdrawn, none(DecisionWithdrawn)},

		{approved, KindHeld, pending}, // stricter at release, or a void vote
		{approved, KindDenied, none(DecisionDenied)},
		{approved, KindDecided, none(DecisionRejected)}, // second thoughts
		{approved, KindLapsed, none(DecisionExpired)},
		{approved, KindWithdrawn, none(DecisionWithdrawn)},
	}
	for _, by := range []DecisionState{DecisionApproved, DecisionAllowed} {
		running, unknown := State{by, ExecutionRunning}, State{by, ExecutionUnknown}
		t = append(t,
			Move{none(by), KindReleased, running},
			Move{running, KindCompleted, State{by, ExecutionSucceeded}},
			Move{running, KindCompleted, State{by, ExecutionFailed}},
			Move{running, KindCompleted, unknown},
			Move{unknown, KindResolved, State{by, ExecutionSucceeded}},
			Move{unknown, KindResolved, State{by, ExecutionFailed}},
		)
	}
	return t
}

// Moves returns the table: every move that is not in it is refused, by the gate
// before it is recorded and by the auditor after. Besides, joined, refused and
// payload.revealed change nothing and may come wherever there is a request.
func Moves() []Move { return slices.Clone(moves) }

// CheckMove returns an error unless the table has the move.
func CheckMove(m Move) error {
	changesNothing := m.Kind == KindJoined || m.Kind == KindRefused || m.Kind == KindRevealed
	if changesNothing && m.From == m.To && m.From != (State{}) {
		return nil
	}
	if slices.Contains(moves, m) {
		return nil
	}
	return fmt.Errorf("no move by %s from %s/%s to %s/%s", m.Kind,
		m.From.Decision, m.From.Execution, m.To.Decision, m.To.Execution)
}
