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
	}
)

// A Tool is what is known of one tool of a resource.
type Tool struct {
	Verbs   []string `json:"verbs,omitempty"`
	Classes []string `json:"classes,omitempty"`
	Sink    string   `json:"sink,omitempty"`
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
}

// A Policy is the active bundle. Files maps names to texts.
type Policy struct {
	Digest string            `json:"digest,omitempty"`
	Files  map[string]string `json:"files"`
}

// An Explanation is what the active policy would say of an ask; nothing of it
// is recorded.
type Explanation struct {
	Facts   Facts   `json:"facts"`
	Verdict Verdict `json:"verdict"`
}
