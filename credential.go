package countersign

import (
	"cmp"
	"slices"
	"time"
)

// A Credential is a passkey that a person enrolled. Its key signs decisions.
type Credential struct {
	// ID is the WebAuthn credential id in base64url without padding.
	ID     string `json:"id"`
	Person string `json:"person"`         // "per_…"
	Name   string `json:"name,omitempty"` // as the person calls it: "MacBook"
	// Key is the public key as a COSE_Key (RFC 9052, section 7).
	Key []byte `json:"key"`
	// RPID and Origin are what every ceremony must name, exactly: "localhost",
	// "http://localhost:8480".
	RPID   string `json:"rp_id"`
	Origin string `json:"origin"`
	// Synced is the backup-eligible flag: the key may live in a vendor's cloud.
	Synced bool   `json:"synced,omitempty"`
	AAGUID string `json:"aaguid,omitempty"`
	// Since is when it was enrolled: it counts only for requests made after it.
	Since time.Time `json:"since"`
	// VouchedBy are who stood for the enrolment: "operator" (setup link, CLI),
	// the id of the inviter, of who confirmed it, or the person's own id when an
	// earlier passkey signed for it.
	VouchedBy []string `json:"vouched_by,omitempty"`
	// Pending is true while it needs the confirmation of a second person who is
	// not the inviter; until then it signs nothing that counts.
	Pending bool `json:"pending,omitempty"`
	// ConfirmBy is when one that was enrolled with a recovery code lapses, unless
	// somebody has confirmed it before; zero never.
	ConfirmBy time.Time `json:"confirm_by,omitzero"`
	Removed   bool      `json:"removed,omitempty"`
}

// CountsFor reports whether the credential may sign a decision on a request made
// at the time.
func (c Credential) CountsFor(asked time.Time) bool {
	return !c.Pending && !c.Removed && c.Since.Before(asked)
}

// Lapsed reports whether nobody confirmed the credential in time.
func (c Credential) Lapsed(now time.Time) bool {
	return c.Pending && !c.ConfirmBy.IsZero() && !now.Before(c.ConfirmBy)
}

// An Assertion is the evidence of one passkey signature over one decision. It
// can be checked again offline, years later (W3C Web Authentication level 3,
// section 7.2); package ledger says how.
type Assertion struct {
	Credential string `json:"credential"`  // its id
	Nonce      []byte `json:"nonce"`       // the 32 random bytes of the challenge
	ClientData []byte `json:"client_data"` // clientDataJSON as signed
	AuthData   []byte `json:"auth_data"`   // authenticatorData
	Signature  []byte `json:"signature"`
	Key        []byte `json:"key"` // COSE_Key, equal to the enrolled one
	RPID       string `json:"rp_id"`
	Origin     string `json:"origin"`
}

type (
	// CredentialEnrolled: a person has a new passkey. It is on record before its
	// first use.
	CredentialEnrolled struct {
		Credential Credential `json:"credential"`
		Solo       bool       `json:"solo"`
	}
	// CredentialChanged: a passkey was confirmed or removed, or lapsed.
	CredentialChanged struct {
		Credential Credential `json:"credential"`
		Because    string     `json:"because,omitempty"` // "confirmed", or why it was removed
		Solo       bool       `json:"solo"`
	}
)

// Kind implements Body.
func (CredentialEnrolled) Kind() EventKind { return KindCredentialEnrolled }

// Kind implements Body.
func (CredentialChanged) Kind() EventKind { return KindCredentialChanged }

// CredentialID is the id that events about the credential carry.
func CredentialID(id string) RequestID { return RequestID("key:" + id) }

// CredentialsOf returns the person's credentials that are not removed, pending
// ones too, the oldest first.
func (d *Directory) CredentialsOf(person string) []Credential {
	var live []Credential
	for _, c := range d.Credentials {
		if c.Person == person && !c.Removed {
			live = append(live, c)
		}
	}
	slices.SortFunc(live, func(a, b Credential) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return live
}

// Enrolled counts the active people with a passkey that signs.
func (d *Directory) Enrolled() int {
	n := 0
	for id, p := range d.People {
		if !p.Inactive && slices.ContainsFunc(d.CredentialsOf(id), func(c Credential) bool { return !c.Pending }) {
			n++
		}
	}
	return n
}
