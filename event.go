package countersign

import (
	"fmt"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
)

// An Event is one step on record: of a request, or of the control plane.
type Event struct {
	// Request is the request it is about. A control-plane event carries the id
	// of its entity instead: "per_…", "agt_…", "grp:dba", "res:mcp/files",
	// "key:…", "lnk:slack/…", "halt:agt_…", "policy".
	Request RequestID
	// Version is the version that the request, or the entity, has once the
	// event is in: 1 for the first. It is recorded only if the version before
	// is still the current one.
	Version uint64
	At      time.Time
	// State is what is true of the request afterwards; zero for an entity.
	State State
	Who   Who
	Body  Body
	// Command are the canonical bytes, in a Requested event only: later events
	// carry the same commitment.
	Command []byte
}

// Kind is the kind of the event's body.
func (e Event) Kind() EventKind { return e.Body.Kind() }

// EventKind names a kind of event as it stands on the record.
type EventKind string

// The kinds of events.
const (
	KindRequested EventKind = "requested"
	KindJoined    EventKind = "joined"
	KindDenied    EventKind = "denied"
	KindAllowed   EventKind = "allowed"
	KindHeld      EventKind = "held"
	KindDecided   EventKind = "decided"
	KindEscalated EventKind = "escalated"
	KindRefused   EventKind = "refused"
	KindExpired   EventKind = "expired"
	KindWithdrawn EventKind = "withdrawn"
	KindLapsed    EventKind = "lapsed"
	KindReleased  EventKind = "released"
	KindCompleted EventKind = "completed"
	KindResolved  EventKind = "resolved"

	KindPolicyChanged   EventKind = "policy.changed"
	KindPolicyRefused   EventKind = "policy.refused"
	KindResourceChanged EventKind = "resource.changed"
	KindPersonChanged   EventKind = "person.changed"
	KindGroupChanged    EventKind = "group.changed"
	KindAgentChanged    EventKind = "agent.changed"

	KindCredentialEnrolled EventKind = "credential.enrolled"
	KindCredentialChanged  EventKind = "credential.changed"
)

// A Body is what one kind of event says besides who and when. The set is closed.
type Body interface{ Kind() EventKind }

type (
	// Requested: an agent asked. Resource is the resource as it was labelled.
	Requested struct {
		Resource Resource `json:"resource"`
		Facts    Facts    `json:"facts"`
		Reason   string   `json:"reason,omitempty"` // a claim
		// Barred are the ids of the people who cannot decide it, as of now; who
		// becomes barred later is so besides.
		Barred []string `json:"barred,omitempty"`
		// Repeats says what became of the last identical ask, if there was one.
		Repeats *Repeat `json:"repeats,omitempty"`
		// Key stands for the asker's own key of the ask (Idempotency-Key), see
		// DigestOfKey; zero if there was none.
		Key Digest `json:"key,omitzero"`
	}
	// Joined: the same ask came again and shares the request's answer. Key is that
	// of the request.
	Joined struct {
		Key Digest `json:"key,omitzero"`
	}
	// Denied: the policy refused it, at submit or at release. Because is set
	// where no rule did, such as for a resource that is not what it was.
	Denied struct {
		Verdict Verdict `json:"verdict"`
		Because string  `json:"because,omitempty"`
	}
	// Allowed: the policy lets it run without a person.
	Allowed struct {
		Verdict Verdict `json:"verdict"`
	}
	// Held: it waits for people. Because says why it is held again, such as an
	// approval that became void.
	Held struct {
		Verdict Verdict `json:"verdict"`
		Because string  `json:"because,omitempty"`
		// Void are the ids of people whose approvals no longer count; "*" is all.
		Void []string `json:"void,omitempty"`
	}
	// Decided: a person approved or rejected.
	Decided struct {
		Decision Decision `json:"decision"`
		// RunBy is when the approval lapses, set when it completed the requirement.
		RunBy time.Time `json:"run_by,omitzero"`
	}
	// Escalated: a person added a stage; or the gateway did, whose stage is the
	// next rung of the requirement's ladder.
	Escalated struct {
		Decision Decision `json:"decision"`
		Stage    Stage    `json:"stage"`
	}
	// Refused: a person's choice was not counted, such as their own request's.
	Refused struct {
		Decision Decision `json:"decision"`
		Code     Code     `json:"code"`
	}
	// Expired: nobody decided in time.
	Expired struct{}
	// Withdrawn: the requester, or the operator, took it back.
	Withdrawn struct {
		Reason string `json:"reason,omitempty"`
	}
	// Lapsed: it was approved and nobody ran it in time.
	Lapsed struct{}
	// Released: the single-use right to run it was spent.
	Released struct {
		// Executor names who may run it; it is the resource's name.
		Executor string `json:"executor"`
		// Attempt names this release alone: whoever lost the answer to recording it
		// knows it again by this.
		Attempt string `json:"attempt"`
		Target  Digest `json:"target,omitzero"`
		// Policy is the bundle that was active. Verdict is what it said when all
		// was checked again; nil where it allowed the request in the same commit.
		Policy  Digest   `json:"policy,omitzero"`
		Verdict *Verdict `json:"verdict,omitempty"`
		// Approvals are the versions of the decided events it rests on, none
		// where the policy allowed it.
		Approvals []int             `json:"approvals,omitempty"`
		Bounds    map[string]string `json:"bounds,omitempty"`
	}
	// Completed: what happened.
	Completed struct {
		Outcome Outcome `json:"outcome"`
	}
	// Resolved: a person recorded what really happened after an unknown outcome.
	Resolved struct {
		Outcome Outcome `json:"outcome"`
		Reason  string  `json:"reason"`
	}
)

// A Repeat says what became of an earlier identical ask.
type Repeat struct {
	Request   RequestID      `json:"request"`
	At        time.Time      `json:"at"`
	Decision  DecisionState  `json:"decision"`
	Execution ExecutionState `json:"execution"`
}

type (
	// PolicyChanged: another bundle is active.
	PolicyChanged struct {
		Bundle Digest            `json:"bundle"`
		Files  map[string]string `json:"files"` // name to text
		Solo   bool              `json:"solo"`
	}
	// PolicyRefused: a bundle does not load, so the one before stays active.
	PolicyRefused struct {
		Bundle  Digest `json:"bundle"`
		Because string `json:"because"`
	}
	// ResourceChanged: a resource was added, relabelled, pinned or removed.
	ResourceChanged struct {
		Resource Resource `json:"resource"`
		Removed  bool     `json:"removed,omitempty"`
		Because  string   `json:"because,omitempty"`
		Solo     bool     `json:"solo"`
	}
	// PersonChanged: a person was added or changed.
	PersonChanged struct {
		Person Person `json:"person"`
		Solo   bool   `json:"solo"`
	}
	// GroupChanged: a group has these members now.
	GroupChanged struct {
		Group Group `json:"group"`
		Solo  bool  `json:"solo"`
	}
	// AgentChanged: an agent was added or changed, or its tokens were.
	AgentChanged struct {
		Agent Agent `json:"agent"`
		Solo  bool  `json:"solo"`
	}
)

// Kind implements Body.
func (Requested) Kind() EventKind       { return KindRequested }
func (Joined) Kind() EventKind          { return KindJoined }
func (Denied) Kind() EventKind          { return KindDenied }
func (Allowed) Kind() EventKind         { return KindAllowed }
func (Held) Kind() EventKind            { return KindHeld }
func (Decided) Kind() EventKind         { return KindDecided }
func (Escalated) Kind() EventKind       { return KindEscalated }
func (Refused) Kind() EventKind         { return KindRefused }
func (Expired) Kind() EventKind         { return KindExpired }
func (Withdrawn) Kind() EventKind       { return KindWithdrawn }
func (Lapsed) Kind() EventKind          { return KindLapsed }
func (Released) Kind() EventKind        { return KindReleased }
func (Completed) Kind() EventKind       { return KindCompleted }
func (Resolved) Kind() EventKind        { return KindResolved }
func (PolicyChanged) Kind() EventKind   { return KindPolicyChanged }
func (PolicyRefused) Kind() EventKind   { return KindPolicyRefused }
func (ResourceChanged) Kind() EventKind { return KindResourceChanged }
func (PersonChanged) Kind() EventKind   { return KindPersonChanged }
func (GroupChanged) Kind() EventKind    { return KindGroupChanged }
func (AgentChanged) Kind() EventKind    { return KindAgentChanged }

// ParseBody reads the canonical JSON of a body of the kind. A kind or a member
// that this version does not know is an error: nothing on record is guessed.
func ParseBody(kind EventKind, b []byte) (Body, error) {
	switch kind {
	case KindRequested:
		return parse[Requested](b)
	case KindJoined:
		return parse[Joined](b)
	case KindDenied:
		return parse[Denied](b)
	case KindAllowed:
		return parse[Allowed](b)
	case KindHeld:
		return parse[Held](b)
	case KindDecided:
		return parse[Decided](b)
	case KindEscalated:
		return parse[Escalated](b)
	case KindRefused:
		return parse[Refused](b)
	case KindExpired:
		return parse[Expired](b)
	case KindWithdrawn:
		return parse[Withdrawn](b)
	case KindLapsed:
		return parse[Lapsed](b)
	case KindReleased:
		return parse[Released](b)
	case KindCompleted:
		return parse[Completed](b)
	case KindResolved:
		return parse[Resolved](b)
	case KindRevealed:
		return parse[Revealed](b)
	case KindPolicyChanged:
		return parse[PolicyChanged](b)
	case KindPolicyRefused:
		return parse[PolicyRefused](b)
	case KindResourceChanged:
		return parse[ResourceChanged](b)
	case KindPersonChanged:
		return parse[PersonChanged](b)
	case KindGroupChanged:
		return parse[GroupChanged](b)
	case KindAgentChanged:
		return parse[AgentChanged](b)
	case KindCredentialEnrolled:
		return parse[CredentialEnrolled](b)
	case KindCredentialChanged:
		return parse[CredentialChanged](b)
	case KindHaltChanged:
		return parse[HaltChanged](b)
	case KindLinkMade:
		return parse[LinkMade](b)
	case KindLinkBroken:
		return parse[LinkBroken](b)
	}
	return nil, fmt.Errorf("event kind %q is unknown to this version", kind)
}

func parse[T Body](b []byte) (Body, error) {
	var body T
	if err := canon.Unmarshal(b, &body); err != nil {
		return nil, fmt.Errorf("%s: %w", body.Kind(), err)
	}
	return body, nil
}
