package setup

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// How many recovery codes a person has, and how they are written: four groups of
// five letters and digits, 100 bits.
const (
	codes     = 8
	codeChars = 20
	codeGroup = 5
)

// Codes makes the person's recovery codes, in place of those they had. They are
// shown once.
func (d *Desk) Codes(ctx context.Context, person countersign.Person) ([]string, error) {
	if err := d.EndRecovery(ctx, person.ID); err != nil {
		return nil, err
	}
	var list []string
	for range codes {
		code := rand.Text()[:codeChars]
		for at := codeChars - codeGroup; at > 0; at -= codeGroup {
			code = code[:at] + "-" + code[at:]
		}
		t := Ticket{Why: Recovery, Person: person.ID, Name: person.Name, Made: d.now().UTC(), Expires: d.now().Add(codeLife)}
		if err := d.put(ctx, code, recoveryOf(person.ID), t); err != nil {
			return nil, err
		}
		list = append(list, code)
	}
	return list, nil
}

// EndRecovery ends the person's recovery codes, also one whose wait has begun.
func (d *Desk) EndRecovery(ctx context.Context, person string) error {
	return d.kept.DropSubject(ctx, recoveryOf(person))
}

func recoveryOf(person string) string { return "recovery:" + person }

// Recover begins the wait of a recovery code, and returns when the code opens an
// enrolment and whose it is. Shown again it opens no later; begun is false then,
// and nobody needs to be told anew.
func (d *Desk) Recover(ctx context.Context, code string) (t Ticket, begun bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, err := d.kept.Get(ctx, key(code))
	if errors.Is(err, store.ErrNotFound) {
		return t, false, noCode()
	}
	if err != nil {
		return t, false, err
	}
	if err := json.Unmarshal(e.Value, &t); err != nil {
		return t, false, err
	}
	if t.Why != Recovery {
		return t, false, noCode()
	}
	if !t.Opens.IsZero() {
		return t, false, nil
	}
	t.Opens = d.now().Add(RecoveryWait).UTC().Truncate(time.Second)
	t.Expires = t.Opens.Add(recoveryOpen)
	return t, true, d.put(ctx, code, e.Subject, t)
}

func noCode() error {
	return &countersign.Error{
		Code: countersign.CodeUnauthenticated, Detail: "this code has been used, has ended, or was never one",
		Hint: "each of the eight works once; or ask the operator for a link",
	}
}
