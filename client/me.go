package client

import "time"

// Me is the person who is signed in, how they are, and what is still to be done.
type Me struct {
	Person   Self      `json:"person"`
	Session  Session   `json:"session"`
	Passkeys []Passkey `json:"passkeys"`
	// Enrolled counts the people with a passkey that signs.
	Enrolled int `json:"enrolled"`
	// Paired is true once two people had one: nobody changes who or what decides
	// alone any more.
	Paired bool `json:"paired"`
	// Claimed is true once somebody has taken the server over.
	Claimed   bool   `json:"claimed"`
	Demo      bool   `json:"demo"`
	Version   string `json:"version"`
	PublicURL string `json:"public_url"`
	Log       Log    `json:"log"`
	Checklist []Task `json:"checklist"`
}

// A Self is the person who asks.
type Self struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Groups []string  `json:"groups"`
	Since  time.Time `json:"since"`
}

// A Session is one person signed in, in one browser.
type Session struct {
	Method   string    `json:"method"` // "link", "passkey"
	AuthTime time.Time `json:"auth_time"`
	OpenedAt time.Time `json:"opened_at"`
	// ExpiresAt is when the person has to sign in again.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// Assurance is what the session alone lends a decision, "session" or nothing.
	Assurance string `json:"assurance"`
	Solo      bool   `json:"solo"`
}

// A Passkey is one that a person enrolled.
type Passkey struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Since  time.Time `json:"since"`
	Synced bool      `json:"synced"`
	// Pending is true until a second person confirms it.
	Pending bool `json:"pending"`
	// ConfirmBy is when one that was enrolled with a recovery code lapses unless it
	// is confirmed; nil never.
	ConfirmBy *time.Time `json:"confirm_by,omitempty"`
	// VouchedBy are the names of who stood for it.
	VouchedBy []string `json:"vouched_by"`
}

// A Log is the record at one moment. Root is in base64.
type Log struct {
	Origin string `json:"origin"`
	Size   string `json:"size"`
	Root   string `json:"root"`
	VKey   string `json:"vkey"`
}

// A Task is one of what a first run is made of.
type Task struct {
	ID     string `json:"id"`
	Done   bool   `json:"done"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Href   string `json:"href"`
}
