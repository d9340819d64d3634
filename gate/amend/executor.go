package amend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// An Executor makes the changes that people let through, by recording them. Like
// every executor it opens the permit itself.
type Executor struct {
	Store store.Store
	Trust ledger.Trust
	Checker
}

// Run implements gate.Executor. A change that was made against an entity as it
// no longer is fails, and leaves it as it is.
func (x Executor) Run(ctx context.Context, r ledger.Release, _ io.Writer) (countersign.Outcome, error) {
	failed := countersign.Outcome{Execution: countersign.ExecutionFailed}
	permit, err := ledger.OpenPermit(r, x.Trust, countersign.ControlResource, x.Now())
	if err != nil {
		return failed, err
	}
	command, err := permit.Command()
	if err != nil {
		return failed, err
	}
	c, ok := command.(countersign.Control)
	if !ok {
		return failed, fmt.Errorf("a %s changes nothing here", command.Kind())
	}
	request, err := x.Store.Get(ctx, permit.Request())
	if err != nil {
		return failed, err
	}
	for {
		err := x.record(ctx, c, request)
		switch {
		case err == nil:
			return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, nil
		case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrLate): // something else changed, or the time: look again
		case errors.Is(err, store.ErrUnknown):
			return x.look(ctx, c, request, err)
		default:
			return failed, err
		}
	}
}

// record makes the change, on the directory as it is at that moment.
func (x Executor) record(ctx context.Context, c countersign.Control, r countersign.Request) error {
	d, err := x.Store.Snapshot(ctx)
	if err != nil {
		return err
	}
	if now := d.Versions[c.Entity]; now != c.From {
		return fmt.Errorf("changed meanwhile: the change was made against version %d of %s, which has version %d; ask for it again", c.From, c.Entity, now)
	}
	body, err := c.Event()
	if err != nil {
		return err
	}
	at := x.Now()
	if at.Before(r.UpdatedAt) {
		at = r.UpdatedAt // the record's clock never goes back
	}
	if err := x.Check(d, at, r.Requester, c.Entity, body); err != nil {
		return err
	}
	e, err := ledger.Encode(countersign.Event{
		Request: c.Entity, Version: c.From + 1, Body: countersign.Beginning(body, at),
		Who: countersign.Who{Actor: r.Requester, OnBehalfOf: r.OnBehalfOf, Origin: r.Origin, Request: r.ID},
	})
	if err != nil {
		return err
	}
	_, err = x.Store.Commit(ctx, store.Change{Events: []ledger.Event{e}, Directory: d.Version, NotBefore: at, NotAfter: NotAfter(at)})
	return err
}

// NotAfter is the latest that a change may be recorded in which something begins at
// the time. Later it would count for what was asked meanwhile.
func NotAfter(begins time.Time) time.Time { return begins.Add(time.Minute) }

// look reads whether a change whose commit was not answered is on record.
func (x Executor) look(ctx context.Context, c countersign.Control, r countersign.Request, lost error) (countersign.Outcome, error) {
	made, err := Made(ctx, x.Store, c, r.ID)
	switch {
	case err != nil:
		return countersign.Outcome{Execution: countersign.ExecutionUnknown}, errors.Join(lost, err)
	case !made:
		return countersign.Outcome{Execution: countersign.ExecutionFailed}, lost
	}
	return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, nil
}

// Made reports whether the request's change is on record.
func Made(ctx context.Context, s store.Store, c countersign.Control, id countersign.RequestID) (bool, error) {
	entries, err := s.Events(ctx, c.Entity)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if uint64(len(entries)) <= c.From {
		return false, nil
	}
	e, err := entries[c.From].Event()
	return err == nil && e.Who.Request == id, err
}
