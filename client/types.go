package client

import (
	"encoding/json"
	"time"
)

// The words that Request.Decision and Request.Execution hold.
const (
	DecisionPending   = "pending"
	DecisionApproved  = "approved"
	DecisionRejected  = "rejected"
	DecisionExpired   = "expired"
	DecisionWithdrawn = "withdrawn"
	DecisionDenied    = "denied"
	DecisionAllowed   = "allowed"

	ExecutionNone      = "none"
	ExecutionRunning   = "running"
	ExecutionSucceeded = "succeeded"
	ExecutionFailed    = "failed"
	ExecutionUnknown   = "unknown"
)

// A Request is an agent asking for one command, and all that has become of it.
// Digests are "sha256:" and 64 hex digits, times are RFC 3339 in UTC, and
// numbers that may need 64 bits are decimal strings.
type Request struct {
	ID      string `json:"id"`
	Version uint64 `json:"version"`
	Digest  string `json:"digest"`
	// ViewDigest names the brief as it is now; a decision sends it back.
	ViewDigest string      `json:"view_digest"`
	Resource   Resource    `json:"resource"`
	Command    Command     `json:"command"`
	Requester  Principal   `json:"requester"`
	OnBehalfOf []Principal `json:"on_behalf_of"`
	Reason     string      `json:"reason"` // a claim of the requester's
	Origin     Origin      `json:"origin"`
	Facts      Facts       `json:"facts"`
	Verdict    Verdict     `json:"verdict"`
	Decision   string      `json:"decision"`
	Decisions  []Decision  `json:"decisions"`
	// Because says why it is pending again, or why it was denied without a rule.
	Because   string   `json:"because,omitempty"`
	Repeats   *Repeat  `json:"repeats,omitempty"`
	Execution string   `json:"execution"`
	Outcome   *Outcome `json:"outcome,omitempty"`
	// Problem says why it did not run, or that nobody can tell; nil otherwise.
	Problem *Problem `json:"problem,omitempty"`
	// Result is the exact text of what the command answered, JSON of the shape
	// {"result":…} or {"error":…}. It is there in the answer of a submit or a run
	// that had it, and otherwise kept for 24 hours at /result.
	Result    string    `json:"result,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// ExpiresAt is when a pending request is refused, RunBy when a complete
	// approval lapses.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RunBy     time.Time `json:"run_by,omitzero"`
	SettledAt time.Time `json:"settled_at,omitzero"`
}

// Settled reports whether nothing more will happen by itself: it ran, or it
// will not.
func (r Request) Settled() bool {
	switch r.Execution {
	case ExecutionSucceeded, ExecutionFailed, ExecutionUnknown:
		return true
	case ExecutionRunning:
		return false
	}
	switch r.Decision {
	case DecisionRejected, DecisionExpired, DecisionWithdrawn, DecisionDenied:
		return true
	}
	return false
}

// A Command is the exact thing that would run. Which fields it has depends on
// its kind; "mcp.request" has Method and Params.
type Command struct {
	Kind string `json:"kind"`
	// Method is the JSON-RPC method: "tools/call".
	Method string `json:"method,omitempty"`
	// Params is the exact text of the params, a JSON object; empty if there are
	// none.
	Params string `json:"params,omitempty"`
	// Resource, Target and Tool complete the canonical bytes that the digest is
	// of. The server fills them in; in an Ask they may be left out.
	Resource string `json:"resource,omitempty"`
	Target   string `json:"target,omitempty"`
	Tool     string `json:"tool,omitempty"`
	// Entity is what a control.change would change, BodyKind how; its brief shows
	// the change.
	Entity   string `json:"entity,omitempty"`
	BodyKind string `json:"body_kind,omitempty"`
	// Redacted is how many secrets stand in Params as what they are, "[password, 14
	// characters]". Only the agent that asked is shown them.
	Redacted int `json:"redacted,omitempty"`
}

// An Ask is what an agent posts.
type Ask struct {
	// Key, if not empty, names the request (Idempotency-Key): the same command with
	// the same key is that request until 24 hours after it was settled, and never
	// runs twice; another command with it is refused. Up to 255 printable ASCII
	// characters.
	Key      string  `json:"-"`
	Resource string  `json:"resource"`
	Command  Command `json:"command"`
	Reason   string  `json:"reason,omitempty"`
}

// A Choice is what a person posts. Digest names the command decided, ViewDigest
// the brief that was shown. Reject and escalate need a reason; To is the group
// that an escalation adds.
type Choice struct {
	// DwellMS is for how many milliseconds the command was shown; it may be left out.
	DwellMS    int    `json:"dwell_ms,omitempty"`
	Choice     string `json:"choice"` // "approve", "reject", "escalate"
	Digest     string `json:"digest"`
	ViewDigest string `json:"view_digest,omitempty"`
	Reason     string `json:"reason,omitempty"`
	To         string `json:"to,omitempty"`
	// Assertion is a passkey's signature over this decision.
	Assertion json.RawMessage `json:"assertion,omitempty"`
}

// A Principal is a verified actor. Owner is the name of the person or the group
// that owns an agent, and OwnerID the person's id ("per_…") or the group's name.
type Principal struct {
	Kind    string `json:"kind,omitempty"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Owner   string `json:"owner,omitempty"`
	OwnerID string `json:"owner_id,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// An Origin is where an ask came from. Client is a claim.
type Origin struct {
	Door   string `json:"door"`
	Peer   string `json:"peer,omitempty"`
	Client string `json:"client,omitempty"`
	Trace  string `json:"trace,omitempty"`
	// ServerAccount is true when the asker runs under the server's own account.
	ServerAccount bool `json:"server_account,omitempty"`
}

// Facts are what was understood of a command.
type Facts struct {
	Tool    string   `json:"tool,omitempty"`
	Verbs   []string `json:"verbs"`
	Objects []Object `json:"objects,omitempty"`
	Classes []string `json:"classes,omitempty"`
	// Exports is true when data would leave the resource to Sink.
	Exports       bool         `json:"exports,omitempty"`
	Sink          *Destination `json:"sink,omitempty"`
	Certainty     string       `json:"certainty"` // "known", "possible", "unknown"
	Severity      string       `json:"severity"`  // the highest among the indicators
	Indicators    []Indicator  `json:"indicators"`
	Understanding string       `json:"understanding,omitempty"`
}

// An Object is one thing that a command would touch.
type Object struct {
	Name      string   `json:"name"`
	Verb      string   `json:"verb"`
	Classes   []string `json:"classes,omitempty"`
	Count     string   `json:"count,omitempty"`
	Certainty string   `json:"certainty"`
}

// A Destination is where data would go.
type Destination struct {
	Address   string `json:"address"`
	Region    string `json:"region,omitempty"`
	Certainty string `json:"certainty"`
}

// An Indicator is a named risk finding.
type Indicator struct {
	ID       string `json:"id"`
	Severity string `json:"severity"` // "info", "low", "medium", "high", "critical"
	Evidence string `json:"evidence,omitempty"`
	// Where is the dotted path of the argument it is about.
	Where     string `json:"where,omitempty"`
	Source    string `json:"source"`
	Certainty string `json:"certainty"`
}

// A Verdict is the policy's answer. Policy is the digest of the bundle.
type Verdict struct {
	Effect        string       `json:"effect"` // "allow", "hold", "deny"
	Rules         []Rule       `json:"rules"`
	Requirement   *Requirement `json:"requirement,omitempty"`
	Policy        string       `json:"policy,omitempty"`
	Catalogue     string       `json:"catalogue,omitempty"`
	Understanding string       `json:"understanding,omitempty"`
}

// A Rule says what one rule made of a request.
type Rule struct {
	ID     string `json:"id"`
	Value  string `json:"value"` // "true", "false", "unknown", "error"
	Why    string `json:"why,omitempty"`
	Effect string `json:"effect,omitempty"`
	// Counts is true when the rule bears on the verdict.
	Counts bool   `json:"counts,omitempty"`
	Source string `json:"source,omitempty"` // "policy/production.yaml:21"
	Waits  string `json:"waits,omitempty"`
}

// A Requirement is what a held request needs before it may run.
type Requirement struct {
	Stages    []Stage   `json:"stages"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// ReasonRequired is true when an approval must carry a reason.
	ReasonRequired   bool `json:"reason_required,omitempty"`
	RunWithinSeconds int  `json:"run_within_s,omitempty"`
	// Bounds are limits that hold while it runs, by name, as decimal numbers.
	Bounds map[string]string `json:"bounds,omitempty"`
	// Blocked says why nobody can approve it as things stand.
	Blocked []string `json:"blocked,omitempty"`
	// NotBefore is when it can be approved at the earliest; Closed says why.
	NotBefore time.Time `json:"not_before,omitzero"`
	Closed    []string  `json:"closed,omitempty"`
	// Ladder are the groups that are needed as well if nobody decides, by when.
	Ladder []Rung `json:"ladder,omitempty"`
	// Remind is when reviewers are asked again.
	Remind *Reminder `json:"remind,omitempty"`
}

// A Rung is one step of an escalation.
type Rung struct {
	At time.Time `json:"at"`
	To []string  `json:"to"`
}

// A Reminder is at a time, and every so many seconds from then; 0 is once.
type Reminder struct {
	At           time.Time `json:"at"`
	EverySeconds int       `json:"every_s,omitempty"`
}

// A Stage needs Quorum distinct people of the groups.
type Stage struct {
	Reviewers []string `json:"reviewers"`
	Quorum    int      `json:"quorum"`
	Assurance string   `json:"assurance"` // "chat", "session", "passkey"
}

// A Decision is one person's choice on record.
type Decision struct {
	By         Principal `json:"by"`
	Choice     string    `json:"choice"`
	Assurance  string    `json:"assurance"`
	Channel    string    `json:"channel"`
	Reason     string    `json:"reason"`
	To         string    `json:"to,omitempty"`
	Solo       bool      `json:"solo,omitempty"`
	ViewDigest string    `json:"view_digest,omitempty"`
	At         time.Time `json:"at"`
	// Void says why an approval no longer counts.
	Void string `json:"void,omitempty"`
}

// An Outcome is what happened.
type Outcome struct {
	Execution    string    `json:"execution"`
	Detail       string    `json:"detail,omitempty"`
	ResultDigest string    `json:"result_digest,omitempty"`
	Bytes        string    `json:"bytes,omitempty"`
	StartedAt    time.Time `json:"started_at,omitzero"`
	FinishedAt   time.Time `json:"finished_at,omitzero"`
	// ResolvedBy and ResolvedWhy are there when a person recorded what really
	// happened.
	ResolvedBy  *Principal `json:"resolved_by,omitempty"`
	ResolvedWhy string     `json:"resolved_why,omitempty"`
}

// A Repeat says what became of the last identical ask.
type Repeat struct {
	Request   string    `json:"request"`
	At        time.Time `json:"at"`
	Decision  string    `json:"decision"`
	Execution string    `json:"execution"`
}

// A Problem is a refusal (RFC 9457, application/problem+json). It is an error.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code names the refusal for programs: "self_approval".
	Code string `json:"code"`
	// Hint says what to do next.
	Hint string `json:"hint,omitempty"`
	// Rule is the rule that refused.
	Rule string `json:"rule,omitempty"`
	// Request is the id of the request it is about.
	Request string `json:"request,omitempty"`
	// RetryAfterSeconds is when asking again may help; 0 says nothing of it.
	RetryAfterSeconds int `json:"retry_after_s,omitempty"`
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Hint == "" {
		return p.Detail
	}
	return p.Detail + "; " + p.Hint
}

// A Page is a part of a list of requests, newest first. Next is the cursor of
// the rest, empty at the end. After is where to start the events from so that
// none is missed since the page was made.
type Page struct {
	Requests []Request `json:"requests"`
	Next     string    `json:"next,omitempty"`
	After    string    `json:"after"`
}

// An Event is one server-sent event: something was recorded that the caller may
// see. Index is its place in the log, and the SSE id.
type Event struct {
	Index string `json:"index"`
	Kind  string `json:"kind"` // "requested", "decided", "agent.changed", …
	// Request is the id of the request, Entity of what else changed.
	Request   string    `json:"request,omitempty"`
	Entity    string    `json:"entity,omitempty"`
	Version   uint64    `json:"version"`
	Decision  string    `json:"decision,omitempty"`
	Execution string    `json:"execution,omitempty"`
	At        time.Time `json:"at"`
}
