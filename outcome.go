package countersign

import "time"

// An Outcome is what happened to a released command.
type Outcome struct {
	// Execution is succeeded, failed or unknown.
	Execution ExecutionState `json:"execution"`
	// Detail says in a few words what failed or why nobody can tell.
	Detail string `json:"detail,omitempty"`
	// ResultDigest is SHA-256 over the result's bytes, zero if there is none.
	ResultDigest Digest `json:"result_digest,omitzero"`
	// Bytes is the size of the result, a decimal number.
	Bytes      string    `json:"bytes,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}
