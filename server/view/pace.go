package view

import (
	"time"

	"github.com/countersignhq/countersign"
)

// A Pace is how fast a choice was made.
type Pace struct {
	// Seconds are those from when it could be made to when it was recorded.
	Seconds int `json:"took_s"`
	// DwellMS is for how many milliseconds its page claims to have shown the
	// command; 0 where none says so.
	DwellMS int `json:"dwell_ms,omitempty"`
}

// paceOf is the pace of a choice on the request.
func paceOf(r countersign.Request, d countersign.Decision) Pace {
	from := r.CreatedAt
	if q := r.Verdict.Requirement; q != nil && q.NotBefore.After(from) && q.NotBefore.Before(d.At) {
		from = q.NotBefore
	}
	return Pace{int(d.At.Sub(from) / time.Second), d.DwellMS}
}

// lastPace is that of the last choice that settles, and counts.
func lastPace(r countersign.Request) *Pace {
	for i := len(r.Decisions) - 1; i >= 0; i-- {
		if d := r.Decisions[i]; d.Void == "" && d.Choice != countersign.Escalate {
			return new(paceOf(r, d))
		}
	}
	return nil
}
