package countersign

import "time"

// Choice is what a person says of a request.
type Choice string

// The choices.
const (
	Approve  Choice = "approve"
	Reject   Choice = "reject"
	Escalate Choice = "escalate"
)

// A Decision is one person's choice, with the digests of what they saw. Who they
// are and when it was stand in the event around it, sealed apart from the rest.
type Decision struct {
	By     Principal `json:"-"`
	Choice Choice    `json:"choice"`
	// Digest is the digest of the command decided; View of the Brief shown.
	Digest Digest `json:"digest"`
	View   Digest `json:"view"`
	Reason string `json:"reason,omitempty"`
	// To is the group that an escalation adds.
	To        string    `json:"to,omitempty"`
	Assurance Assurance `json:"assurance"`
	// AuthTime and Method tell when and how the person proved who they are.
	AuthTime time.Time `json:"-"`
	Method   string    `json:"-"` // "link", "passkey", "chat"
	// Assertion is the passkey's signature over this decision, nil without one.
	Assertion *Assertion `json:"-"`
	Channel   string     `json:"channel"` // "console", "slack", "cli", "demo"
	// Link is the link of the chat account that it came through, empty for any
	// other way; AuthTime is then since when that link stood.
	Link RequestID `json:"-"`
	// Solo is true when no second enrolled passkey vouches for the person: the
	// session was opened by a link of the operator.
	Solo bool `json:"solo,omitempty"`
	// DwellMS is for how many milliseconds the page showed the command before the
	// choice; a claim of the page, 0 where it says nothing.
	DwellMS int       `json:"dwell_ms,omitempty"`
	At      time.Time `json:"-"` // when it was recorded
	// Version is that of the event it stands in.
	Version uint64 `json:"-"`
	// Void says why an approval no longer counts, empty while it does.
	Void string `json:"-"`
}
