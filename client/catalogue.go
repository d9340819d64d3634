package client

import "time"

// A Resource is a protected endpoint with its labels. In a request it has the
// labels of that time and neither tools nor pins.
type Resource struct {
	Name           string          `json:"name"`
	Environment    string          `json:"environment,omitempty"`
	Regions        []string        `json:"regions,omitempty"`
	DataClasses    []string        `json:"data_classes,omitempty"`
	Owners         []string        `json:"owners,omitempty"`
	UnsafeSameUser bool            `json:"unsafe_same_user,omitempty"`
	Tools          map[string]Tool `json:"tools,omitempty"`
	// GuardedBy are the ids of the rules that may bear on it; in a list only.
	GuardedBy []string `json:"guarded_by,omitempty"`
}

// Resources, Agents and People are whole lists.
type (
	Resources struct {
		Resources []Resource `json:"resources"`
	}
	Agents struct {
		Agents []Agent `json:"agents"`
	}
	People struct {
		People []Person `json:"people"`
		OnCall []OnCall `json:"on_call"`
	}
)

// A Tool is what is known of one tool of a resource.
type Tool struct {
	Verbs   []string `json:"verbs,omitempty"`
	Classes []string `json:"classes,omitempty"`
	Sink    string   `json:"sink,omitempty"`
	// Understand is the language of the text in Argument, empty if it is given none.
	Understand string `json:"understand,omitempty"`
	Argument   string `json:"argument,omitempty"`
	// Listed is false when the configuration does not say what it does.
	Listed bool `json:"listed"`
	// Pin is the digest of its definition, Changed that of another one seen since.
	Pin     string `json:"pin,omitempty"`
	Changed string `json:"changed,omitempty"`
}

// An Agent is a program that asks.
type Agent struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Owner     string     `json:"owner"`
	OwnerID   string     `json:"owner_id"`
	CreatedBy *Principal `json:"created_by,omitempty"`
	Region    string     `json:"region,omitempty"`
	Inactive  bool       `json:"inactive,omitempty"`
	Tokens    []Token    `json:"tokens"`
	// LastAskedAt is when its newest request last changed; zero if it has none.
	LastAskedAt time.Time `json:"last_asked_at,omitzero"`
}

// A Token is one bearer token of an agent; its text was shown once.
type Token struct {
	ID       string    `json:"id"`
	IssuedBy string    `json:"issued_by"` // a name
	IssuedAt time.Time `json:"issued_at"`
	Expires  time.Time `json:"expires"`
	Revoked  bool      `json:"revoked,omitempty"`
}

// A Person is someone who may decide.
type Person struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Groups   []string  `json:"groups"`
	Inactive bool      `json:"inactive,omitempty"`
	Since    time.Time `json:"since"`
	Passkeys []Passkey `json:"passkeys"`
	// InvitedBy is the name of who invited them, empty for nobody on record.
	InvitedBy string `json:"invited_by,omitempty"`
	// LastDecidedAt is when they last decided one of the newest requests.
	LastDecidedAt time.Time `json:"last_decided_at,omitzero"`
	// Away is their absence, nil without one.
	Away *Away `json:"away,omitempty"`
}

// A Policy is the active bundle. Digest is empty where none is loaded, and
// everything is held.
type Policy struct {
	Digest string        `json:"bundle"`
	Files  []PolicyFile  `json:"files"`
	Rules  []RuleOutline `json:"rules"`
	// ChangedAt and ChangedBy say when it became the active one, and by whom.
	ChangedAt time.Time `json:"changed_at,omitzero"`
	ChangedBy string    `json:"changed_by,omitempty"`
	// Solo is true when one alone could change it.
	Solo bool `json:"solo"`
}

// A PolicyFile is one file of a bundle.
type PolicyFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// A RuleOutline is one rule in words.
type RuleOutline struct {
	ID      string `json:"id"`
	Why     string `json:"why"`
	Effect  string `json:"effect"`
	Source  string `json:"source"` // "policy/production.yaml:21"
	Match   string `json:"match"`
	When    string `json:"when"`
	Require string `json:"require"`
}

// An Explanation is what the active policy would say of an ask; nothing of it
// is recorded.
type Explanation struct {
	Facts   Facts   `json:"facts"`
	Verdict Verdict `json:"verdict"`
}
