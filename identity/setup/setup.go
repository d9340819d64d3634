// Package setup keeps what opens the enrolment of a passkey and nothing else: the
// setup link of a server that nobody has taken over, invitations, and recovery
// codes. Of each secret only the hash is kept. Look reads what one opens and
// spends nothing; Spend, of which many callers one gets it, ends it.
package setup

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// Lives of what opens an enrolment.
const (
	SetupLife  = 30 * time.Minute
	InviteLife = 7 * 24 * time.Hour
	// RecoveryWait is how long after it is first shown a recovery code opens
	// anything, so that everybody has time to see the notice.
	RecoveryWait = 24 * time.Hour
	// recoveryOpen is how long it then does.
	recoveryOpen = 24 * time.Hour
	codeLife     = 10 * 365 * 24 * time.Hour
	noticeLife   = 30 * 24 * time.Hour
)

// Why a passkey is enrolled.
const (
	Setup    = "setup"
	Invited  = "invite"
	Recovery = "recovery"
	Another  = "another" // beside one that the person has
)

// A Ticket is what a secret opens: the enrolment of one passkey.
type Ticket struct {
	Why string `json:"why"`
	// ID names an invitation: "inv_…".
	ID string `json:"id,omitempty"`
	// Person is whose passkey it will be: "per_…"; empty for a setup link, by
	// which the first person is added.
	Person string `json:"person,omitempty"`
	Name   string `json:"name,omitempty"`
	// Groups are those that the person comes into, By is the id of the inviter.
	Groups  []string  `json:"groups,omitempty"`
	By      string    `json:"by,omitempty"`
	Expires time.Time `json:"expires"`
	// Made is when a recovery code was.
	Made time.Time `json:"made,omitzero"`
	// Opens is when a recovery code opens anything, zero until it is first shown.
	Opens time.Time `json:"opens,omitzero"`
}

// A Desk keeps them. It is safe for concurrent use within one process.
type Desk struct {
	kept store.Ephemeral
	now  func() time.Time
	mu   sync.Mutex // over the lists of invitations and notices
}

// New returns a desk that keeps everything in kept.
func New(kept store.Ephemeral, now func() time.Time) *Desk { return &Desk{kept: kept, now: now} }

// NewSetup returns the secret of a new setup link. Those made before end: there is
// one at a time.
func (d *Desk) NewSetup(ctx context.Context) (string, error) {
	if err := d.kept.DropSubject(ctx, "setup"); err != nil {
		return "", err
	}
	secret := rand.Text() + rand.Text()
	return secret, d.put(ctx, secret, "setup", Ticket{Why: Setup, Expires: d.now().Add(SetupLife)})
}

// Look returns what the secret opens now, and spends nothing.
func (d *Desk) Look(ctx context.Context, secret string) (Ticket, error) {
	e, err := d.kept.Get(ctx, key(secret))
	return d.open(e, err)
}

// Spend ends the secret and returns what it opened.
func (d *Desk) Spend(ctx context.Context, secret string) (Ticket, error) {
	if _, err := d.Look(ctx, secret); err != nil {
		return Ticket{}, err // a code that is not open yet stays what it is
	}
	e, err := d.kept.Take(ctx, key(secret))
	t, err := d.open(e, err)
	if err == nil && t.Why == Invited {
		err = d.forget(ctx, t.ID)
	}
	return t, err
}

// Return gives a secret back that was spent in vain: it opens what it opened.
func (d *Desk) Return(ctx context.Context, secret string, t Ticket) error {
	switch t.Why {
	case Setup:
		return d.put(ctx, secret, "setup", t)
	case Recovery:
		return d.put(ctx, secret, recoveryOf(t.Person), t)
	}
	return d.invited(ctx, secret, t)
}

func (d *Desk) open(e store.Entry, err error) (Ticket, error) {
	var t Ticket
	if errors.Is(err, store.ErrNotFound) {
		return t, &countersign.Error{
			Code: countersign.CodeUnauthenticated, Detail: "this link or code has been used, has ended, or was never one",
			Hint: "ask for another",
		}
	}
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(e.Value, &t); err != nil {
		return t, err
	}
	if t.Why == Recovery && (t.Opens.IsZero() || d.now().Before(t.Opens)) {
		hint := "ask for it at /recover; it opens 24 hours after that"
		if !t.Opens.IsZero() {
			hint = "it opens at " + t.Opens.UTC().Format("2006-01-02 15:04 UTC")
		}
		return t, &countersign.Error{Code: countersign.CodeForbidden, Detail: "this recovery code opens nothing yet", Hint: hint}
	}
	return t, nil
}

func (d *Desk) put(ctx context.Context, secret, subject string, t Ticket) error {
	return d.putAt(ctx, key(secret), subject, t.Expires, t)
}

func (d *Desk) putAt(ctx context.Context, key, subject string, expires time.Time, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := d.kept.Put(ctx, store.Entry{Key: key, Subject: subject, Value: value, Expires: expires}); err != nil {
		return fmt.Errorf("keep %s: %w", subject, err)
	}
	return nil
}

func key(secret string) string {
	sum := sha256.Sum256([]byte("countersign/enrolment/v1\n" + plain(secret)))
	return "enrolment:" + hex.EncodeToString(sum[:])
}

// plain is a secret as it was made: people write codes in lower case, and with
// blanks for dashes.
func plain(secret string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(strings.TrimSpace(secret)))
}
