package setup

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// Invite makes an invitation for the person, by another or by the operator. It
// works once, and within seven days.
func (d *Desk) Invite(ctx context.Context, person countersign.Person, groups []string, by string) (Ticket, string, error) {
	secret := rand.Text() + rand.Text()
	t := Ticket{
		Why: Invited, ID: countersign.NewID("inv"), Person: person.ID, Name: person.Name, Groups: groups, By: by,
		Expires: d.now().Add(InviteLife),
	}
	return t, secret, d.invited(ctx, secret, t)
}

// invited keeps the invitation and puts it on the list.
func (d *Desk) invited(ctx context.Context, secret string, t Ticket) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := listOf[Ticket](ctx, d, invitations)
	if err != nil {
		return err
	}
	if err := d.put(ctx, secret, t.ID, t); err != nil {
		return err
	}
	return d.putAt(ctx, invitations, invitations, d.now().Add(InviteLife), append(list, t))
}

// Invites returns the invitations that can still be used, the oldest first.
func (d *Desk) Invites(ctx context.Context) ([]Ticket, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := listOf[Ticket](ctx, d, invitations)
	return slices.DeleteFunc(list, func(t Ticket) bool { return !d.now().Before(t.Expires) }), err
}

// Withdraw ends the invitation.
func (d *Desk) Withdraw(ctx context.Context, id string) (Ticket, error) {
	list, err := d.Invites(ctx)
	if err != nil {
		return Ticket{}, err
	}
	i := slices.IndexFunc(list, func(t Ticket) bool { return t.ID == id })
	if i < 0 {
		return Ticket{}, &countersign.Error{Code: countersign.CodeNotFound, Detail: "there is no such invitation", Hint: "it may have been used, or have ended"}
	}
	if err := d.kept.DropSubject(ctx, id); err != nil {
		return Ticket{}, err
	}
	return list[i], d.forget(ctx, id)
}

// forget takes the invitation off the list.
func (d *Desk) forget(ctx context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := listOf[Ticket](ctx, d, invitations)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(t Ticket) bool { return t.ID == id })
	return d.putAt(ctx, invitations, invitations, d.now().Add(InviteLife), list)
}

// The keys of the lists.
const (
	invitations = "invitations"
	notices     = "notices"
)

// listOf reads a list; the caller holds mu.
func listOf[T any](ctx context.Context, d *Desk, name string) ([]T, error) {
	e, err := d.kept.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []T
	return list, json.Unmarshal(e.Value, &list)
}

// A Notice tells everybody of something that they should look at.
type Notice struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Notify puts a notice up for a month.
func (d *Desk) Notify(ctx context.Context, text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := listOf[Notice](ctx, d, notices)
	if err != nil {
		return err
	}
	now := d.now().UTC()
	list = slices.DeleteFunc(list, func(n Notice) bool { return now.Sub(n.At) > noticeLife })
	return d.putAt(ctx, notices, notices, now.Add(noticeLife), append(list, Notice{now, text}))
}

// Notices returns those of the last month, the newest first.
func (d *Desk) Notices(ctx context.Context) ([]Notice, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := listOf[Notice](ctx, d, notices)
	slices.Reverse(list)
	return list, err
}
