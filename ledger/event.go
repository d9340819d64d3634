package ledger

import (
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
)

// An Event is one step on its way to the record: what may stand in the open,
// and the three blobs that may not. Encode makes one from the words.
type Event struct {
	Request countersign.RequestID
	Version uint64
	Kind    countersign.EventKind
	// At is set by the store when it commits.
	At     time.Time
	State  countersign.State
	Public Public
	Sealed Sealed
}

// Sealed are the blobs of an event that stay outside the tree. Each stands in
// the leaf as one salted commitment. Command is there in the first event of a
// request only; the later ones repeat its commitment, so that anyone can see,
// without opening it, that one command is meant throughout.
type Sealed struct {
	Command []byte // canonical bytes of the command
	Who     []byte // canonical JSON of countersign.Who
	Context []byte // canonical JSON of the countersign.Body
}

// Public is what a leaf says of an event in the open: ids, enums, counts and
// hashes of things that are no secret. Nothing in it identifies a person or can
// be guessed back to a command.
type Public struct {
	Actor     countersign.PrincipalKind `json:"actor"`
	Assurance countersign.Assurance     `json:"assurance,omitempty"`

	Effect        countersign.Effect  `json:"effect,omitempty"`
	Rules         []Rule              `json:"rules,omitempty"`
	Policy        countersign.Digest  `json:"policy,omitzero"`
	Understanding string              `json:"understanding,omitempty"`
	Stages        []countersign.Stage `json:"stages,omitempty"`
	ExpiresAt     time.Time           `json:"expires_at,omitzero"`

	Choice countersign.Choice `json:"choice,omitempty"`
	Code   countersign.Code   `json:"code,omitempty"` // why a choice was not counted
	RunBy  time.Time          `json:"run_by,omitzero"`
	Solo   bool               `json:"solo,omitempty"`

	Executor  string            `json:"executor,omitempty"`
	Approvals []int             `json:"approvals,omitempty"` // versions of the decided events
	Bounds    map[string]string `json:"bounds,omitempty"`
	Bytes     string            `json:"bytes,omitempty"` // of the result
	Unsafe    bool              `json:"unsafe_same_user,omitempty"`
}

// A Rule is the value that one rule came to. Only rules that were true, unknown
// or an error stand in a leaf.
type Rule struct {
	ID    string                `json:"id"`
	Value countersign.RuleValue `json:"value"`
}

// Encode makes the record's form of an event. The time is the store's to set.
func Encode(e countersign.Event) (Event, error) {
	context, err := canon.Marshal(e.Body)
	if err != nil {
		return Event{}, fmt.Errorf("encode %s of %s: %w", e.Kind(), e.Request, err)
	}
	who, err := canon.Marshal(e.Who)
	if err != nil {
		return Event{}, fmt.Errorf("encode who of %s of %s: %w", e.Kind(), e.Request, err)
	}
	return Event{
		Request: e.Request, Version: e.Version, Kind: e.Kind(), State: e.State,
		Public: publicOf(e),
		Sealed: Sealed{Command: e.Command, Who: who, Context: context},
	}, nil
}

func publicOf(e countersign.Event) Public {
	p := Public{Actor: e.Who.Actor.Kind}
	switch b := e.Body.(type) {
	case countersign.Requested:
		p.Understanding, p.Unsafe = b.Facts.Understanding, b.Resource.UnsafeSameUser
	case countersign.Denied:
		p.judge(b.Verdict)
	case countersign.Allowed:
		p.judge(b.Verdict)
	case countersign.Held:
		p.judge(b.Verdict)
	case countersign.Decided:
		p.choose(b.Decision)
		p.RunBy = millis(b.RunBy)
	case countersign.Escalated:
		p.choose(b.Decision)
		p.Stages = []countersign.Stage{b.Stage}
	case countersign.Refused:
		p.choose(b.Decision)
		p.Code = b.Code
	case countersign.Released:
		p.Executor, p.Approvals, p.Bounds = b.Executor, b.Approvals, b.Bounds
		if b.Verdict != nil {
			p.judge(*b.Verdict)
		}
	case countersign.Completed:
		p.Bytes = b.Outcome.Bytes
	case countersign.Resolved:
		p.Bytes = b.Outcome.Bytes
	case countersign.PolicyChanged:
		p.Policy, p.Solo = b.Bundle, b.Solo
	case countersign.ResourceChanged:
		p.Solo, p.Unsafe = b.Solo, b.Resource.UnsafeSameUser
	case countersign.PersonChanged:
		p.Solo = b.Solo
	case countersign.GroupChanged:
		p.Solo = b.Solo
	case countersign.AgentChanged:
		p.Solo = b.Solo
	case countersign.HaltChanged:
		p.Solo = b.Solo
	case countersign.CredentialEnrolled:
		p.Solo = b.Solo
	case countersign.CredentialChanged:
		p.Solo = b.Solo
	case countersign.LinkMade:
		p.Solo = b.Solo
	case countersign.LinkBroken:
		p.Solo = b.Solo
	}
	return p
}

func (p *Public) judge(v countersign.Verdict) {
	p.Effect, p.Policy, p.Understanding = v.Effect, v.Policy, v.Understanding
	for _, r := range v.Rules {
		if r.Value != countersign.RuleFalse {
			p.Rules = append(p.Rules, Rule{r.ID, r.Value})
		}
	}
	if v.Requirement != nil {
		p.Stages, p.ExpiresAt = v.Requirement.Stages, millis(v.Requirement.ExpiresAt)
	}
}

func (p *Public) choose(d countersign.Decision) {
	p.Choice, p.Assurance, p.Solo = d.Choice, d.Assurance, d.Solo
}

// millis is a time in the precision of the record.
func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
