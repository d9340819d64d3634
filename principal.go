package countersign

import (
	"maps"
	"slices"
	"time"
)

// PrincipalKind says what kind of actor a principal is.
type PrincipalKind string

// The kinds of principals.
const (
	KindAgent    PrincipalKind = "agent"
	KindPerson   PrincipalKind = "person"
	KindOperator PrincipalKind = "operator" // whoever can open data/admin.sock
	KindGateway  PrincipalKind = "gateway"  // Countersign itself: timers, recovery
)

// A Principal is a verified actor at the time of an event.
type Principal struct {
	Kind PrincipalKind `json:"kind"`
	ID   string        `json:"id"`
	Name string        `json:"name"`
	// Owner of an agent: the id of a person ("per_…") or the name of a group.
	Owner string `json:"owner,omitempty"`
	// Issuer and Subject are what the identity was verified by; "local" is the
	// issuer of people that the operator made.
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// Gateway returns the principal of what Countersign does by itself.
func Gateway() Principal {
	return Principal{Kind: KindGateway, ID: "gateway", Name: "countersign"}
}

// Operator returns the principal of whoever uses the admin socket.
func Operator() Principal {
	return Principal{Kind: KindOperator, ID: "operator", Name: "operator (local)"}
}

// An Origin is where an ask or a decision came from. Client is a claim.
type Origin struct {
	Door   string `json:"door"`             // "mcp", "api", "console", "admin"
	Peer   string `json:"peer,omitempty"`   // address and port
	Client string `json:"client,omitempty"` // what the client says it is
	Trace  string `json:"trace,omitempty"`  // W3C trace id
	// ServerAccount is true when the asker runs under the operating system
	// account of the server itself, or may: then whoever asks could also read
	// what a person's browser keeps.
	ServerAccount bool `json:"server_account,omitempty"`
}

// Who is everything about the people and machines behind one event.
type Who struct {
	Actor      Principal   `json:"actor"`
	OnBehalfOf []Principal `json:"on_behalf_of,omitempty"`
	Origin     Origin      `json:"origin"`
	// AuthTime and Method tell how and when a person proved who they are.
	AuthTime time.Time `json:"auth_time,omitzero"`
	Method   string    `json:"method,omitempty"` // "link", "passkey", "chat", "token", "socket"
	// Request is the request that let the actor's change of the control plane
	// through; empty where it needed none.
	Request RequestID `json:"request,omitempty"`
	// Assertion is the signature of a passkey over the decision of the event.
	Assertion *Assertion `json:"assertion,omitempty"`
}

// A Person is someone who may decide.
type Person struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// InvitedBy is who invited the person: another person's id, or "operator".
	InvitedBy string `json:"invited_by,omitempty"`
	// Inactive people decide nothing; their approvals that have not yet been
	// executed are void.
	Inactive bool `json:"inactive,omitempty"`
	// Since is when the person was first on record: they decide only requests
	// made after it.
	Since time.Time `json:"since"`
	// Away is the person's last absence, be it over or still to come; nil: none.
	Away *Away `json:"away,omitempty"`
}

// Principal returns the person as an actor.
func (p Person) Principal() Principal {
	return Principal{Kind: KindPerson, ID: p.ID, Name: p.Name, Issuer: p.Issuer, Subject: p.Subject}
}

// A Group is a named set of people. Membership may only grant.
type Group struct {
	Name    string   `json:"name"`
	Members []Member `json:"members"`
	// Pool is the group of whose members a schedule selects those of an on-call
	// group. A person counts as one while they are of both, for what was asked since
	// they are in the pool; a member's Since is then when their stint began. Empty
	// for every other group.
	Pool string `json:"pool,omitempty"`
}

// A Member is one person of a group. A membership counts only for requests made
// after Since.
type Member struct {
	Person string    `json:"person"` // "per_…"
	Since  time.Time `json:"since"`
}

// An Agent is a program that asks. It can never decide.
type Agent struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Owner is the id of a person or the name of a group.
	Owner string `json:"owner"`
	// CreatedBy is who made the agent. A person here is barred as an owner is.
	CreatedBy Principal `json:"created_by"`
	// Region is where the agent runs, as declared: what a result sent to it
	// enters. Empty is unknown.
	Region   string  `json:"region,omitempty"`
	Inactive bool    `json:"inactive,omitempty"`
	Tokens   []Token `json:"tokens,omitempty"`
	// Identities are what else the agent is known by.
	Identities []Identity `json:"identities,omitempty"`
}

// An Identity says by which tokens of another issuer an agent is known: those
// that have each of the claims, with one of its values. It is as good as a token
// of the agent, so it is on record like one.
type Identity struct {
	Issuer string `json:"issuer"`
	// Keys is the address of the issuer's keys, empty for what its metadata names.
	Keys   string              `json:"keys,omitempty"`
	Claims map[string][]string `json:"claims"`
}

// Equal reports whether both let in the same tokens, spelled the same.
func (i Identity) Equal(o Identity) bool {
	return i.Issuer == o.Issuer && i.Keys == o.Keys && maps.EqualFunc(i.Claims, o.Claims, slices.Equal)
}

// Principal returns the agent as an actor.
func (a Agent) Principal() Principal {
	return Principal{Kind: KindAgent, ID: a.ID, Name: a.Name, Owner: a.Owner, Issuer: "local", Subject: a.Name}
}

// A Token is one of an agent's bearer tokens, kept only as a hash.
type Token struct {
	ID       string    `json:"id"`   // "tok_…"
	Hash     Digest    `json:"hash"` // SHA-256 of the token
	IssuedBy Principal `json:"issued_by"`
	IssuedAt time.Time `json:"issued_at"`
	Expires  time.Time `json:"expires"`
	Revoked  bool      `json:"revoked,omitempty"`
}

// Live reports whether the token opens anything at the time.
func (t Token) Live(now time.Time) bool { return !t.Revoked && now.Before(t.Expires) }
