package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
)

// A change is a draft with all that is to be written for it, sealed.
type change struct {
	draft   *batch.Draft
	sealed  []sealedBlobs     // one an event
	fresh   *store.SubjectKey // of a new request
	held    []*ringKey
	digest  []byte // blinded, of a new request
	openKey []byte // blinded; nil for none
	jobs    []any  // columns of rows
	kept    []any
}

// sealedBlobs are the blobs of one event as they are kept.
type sealedBlobs struct {
	actor                 string
	who, context, command []byte
}

// Commit implements store.Log. All that can be done beside the writer is done
// here, on the caller's goroutine: salts, commitments, sealing and, if the head
// is known, the leaves.
func (s *Store) Commit(ctx context.Context, sc store.Change) (store.Committed, error) {
	d, err := batch.NewDraft(sc)
	if err != nil {
		return store.Committed{}, err
	}
	c := &change{draft: d}
	defer func() { s.keys.drop(c.held) }()
	if err := s.sealAll(ctx, c); err != nil {
		return store.Committed{}, err
	}
	head, _ := s.heads.get(d.Subject())
	if head.Version+1 == sc.Events[0].Version {
		if err := d.Write(s.draftTime(), head); err != nil {
			return store.Committed{}, err
		}
		for event := range sc.Events {
			d.Packed(event)
		}
	}
	done, err := s.write.do(ctx, &op{change: c})
	if err == nil && c.fresh != nil {
		s.keys.made(c.fresh)
	}
	return done, err
}

func (s *Store) draftTime() time.Time {
	now := s.cfg.Now().UTC().Truncate(time.Millisecond)
	if last := s.tip.Load().Last; now.Before(last) {
		return last
	}
	return now
}

func (s *Store) sealAll(ctx context.Context, c *change) error {
	subject, err := s.subjectKey(ctx, c)
	if err != nil {
		return err
	}
	for i, e := range c.draft.Change.Events {
		actor, err := actorOf(e)
		if err != nil {
			return err
		}
		who, err := s.keys.hold(ctx, actor)
		if err != nil {
			return err
		}
		c.held = append(c.held, who)
		c.sealed = append(c.sealed, sealEvent(e, c.draft.Open[i], who.SubjectKey, subject))
	}
	if row := c.draft.Change.Row; row != nil {
		c.digest = s.blindDigest(row.Digest)
		if row.OpenKey != "" {
			c.openKey = s.seal.Blind("open key", row.OpenKey)
		}
	}
	for _, j := range c.draft.Change.Jobs {
		c.jobs = append(c.jobs, s.jobRow(j)...)
	}
	for _, e := range c.draft.Change.Keep {
		c.kept = append(c.kept, s.keptRow(e)...)
	}
	return nil
}

func sealEvent(e ledger.Event, open ledger.Disclosure, who, subject *store.SubjectKey) sealedBlobs {
	place := func(slot ledger.Slot) store.Place {
		return store.Place{Request: e.Request, Version: e.Version, Slot: slot}
	}
	sealed := sealedBlobs{
		actor:   who.Subject,
		who:     who.Seal(place(ledger.SlotWho), *open.Who),
		context: subject.Seal(place(ledger.SlotContext), *open.Context),
	}
	if open.Command != nil {
		sealed.command = subject.Seal(place(ledger.SlotCommand), *open.Command)
	}
	return sealed
}

// subjectKey returns the key of what the change is about.
func (s *Store) subjectKey(ctx context.Context, c *change) (*store.SubjectKey, error) {
	id := c.draft.Subject()
	if c.draft.Change.Row != nil {
		var err error
		c.fresh, err = s.seal.NewKey(string(id))
		return c.fresh, err
	}
	if id.IsEntity() {
		held, err := s.keys.hold(ctx, string(id))
		if err != nil {
			return nil, err
		}
		c.held = append(c.held, held)
		return held.SubjectKey, nil
	}
	k, err := s.keys.find(ctx, s.read, string(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%s is not on record, or was erased: %w", id, store.ErrConflict)
	}
	return k, err
}

// actorOf reads the id of who acted, whose key seals Who.
func actorOf(e ledger.Event) (string, error) {
	raw, ok := canon.Member(e.Sealed.Who, "actor", "id")
	if !ok {
		return "", fmt.Errorf("%s of %s: who names no actor", e.Kind, e.Request)
	}
	id := strings.Trim(string(raw), `"`)
	if id == "" || len(id)+2 != len(raw) || strings.Contains(id, `\`) {
		return "", fmt.Errorf("%s of %s: %s is no id of an actor", e.Kind, e.Request, raw)
	}
	if !countersign.RequestID(id).IsEntity() {
		return "", fmt.Errorf("%s of %s: the actor has the id of a request, %s", e.Kind, e.Request, id)
	}
	return id, nil
}
