package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/amend"
	"github.com/countersignhq/countersign/store"
)

// SetAway says that the person is away, and who stands in for them: the person says
// so, or the operator for them. To name a stand-in gives rights, and is a change of
// the control plane like any other: once two people have passkeys it waits for two,
// and the error is a *HeldError. Without one it is made at once.
func (g *Gate) SetAway(ctx context.Context, who countersign.Who, person string, away countersign.Away, reason string) error {
	return g.change(ctx, who, reason, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		p, err := personOf(d, person)
		if err != nil {
			return "", nil, err
		}
		next := countersign.Away{StandIn: away.StandIn, Until: away.Until.UTC().Truncate(time.Millisecond)}
		if away.From.After(g.now()) {
			next.From = away.From.UTC().Truncate(time.Millisecond)
		}
		if old := p.Away; old != nil && old.StandIn == next.StandIn && old.Until.Equal(next.Until) && (old.From.Equal(next.From) || old.On(g.now()) && next.From.IsZero()) {
			return "", nil, nil
		}
		p.Away = &next
		return countersign.RequestID(person), countersign.PersonChanged{Person: p}, nil
	})
}

// EndAway ends the person's absence, or takes back one that is still to come, at
// once: by themselves, or by the operator.
func (g *Gate) EndAway(ctx context.Context, who countersign.Who, person string) error {
	err := g.Change(ctx, who, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		p, err := personOf(d, person)
		if err != nil {
			return "", nil, err
		}
		if p.Away == nil || !g.now().Before(p.Away.Until) {
			return "", nil, &countersign.Error{Code: countersign.CodeConflict, Detail: p.Name + " is not away"}
		}
		if who.Actor.Kind != countersign.KindOperator && who.Actor.ID != person {
			return "", nil, &countersign.Error{Code: countersign.CodeForbidden, Detail: "only " + p.Name + " or the operator ends it", Hint: "ask the operator"}
		}
		p.Away = nil
		return countersign.RequestID(person), countersign.PersonChanged{Person: p}, nil
	})
	if err != nil {
		return err
	}
	return g.turn(ctx)
}

// turn has cards brought up to date by what has changed since it was looked last. Once
// other people are asked, or through other accounts, that is all of them; once
// anything else of the directory has changed, those that somebody has decided: their
// approval may count no longer.
func (g *Gate) turn(ctx context.Context) error {
	if !g.cfg.Cards {
		return nil
	}
	d, err := g.Directory(ctx)
	if err != nil {
		return err
	}
	last := g.looked.Load()
	switch {
	case last == nil || !sameAsked(last, d):
		err = g.askAgain(ctx, func(countersign.Request) bool { return true })
	case last.Version != d.Version:
		err = g.askAgain(ctx, func(r countersign.Request) bool { return len(r.Decisions) > 0 })
	}
	if err == nil {
		g.looked.Store(d)
	}
	return err
}

// sameAsked reports whether both directories ask the same people through the same
// accounts: those who are active and not away, whoever stands in for the others, and
// the members of each group.
func sameAsked(a, b *countersign.Directory) bool {
	type seat struct {
		inactive, away bool
		standIn        string
	}
	seats := func(d *countersign.Directory) map[string]seat {
		all := map[string]seat{}
		for id, p := range d.People {
			s := seat{inactive: p.Inactive}
			var away countersign.Away
			if away, s.away = d.AwayOf(id); s.away {
				s.standIn = away.StandIn
			}
			all[id] = s
		}
		return all
	}
	return maps.Equal(seats(a), seats(b)) &&
		maps.EqualFunc(a.Links, b.Links, func(x, y countersign.Link) bool { return x.Person == y.Person }) &&
		maps.EqualFunc(a.Groups, b.Groups, func(x, y countersign.Group) bool { return x.Pool == y.Pool && slices.Equal(x.Members, y.Members) })
}

func personOf(d *countersign.Directory, id string) (countersign.Person, error) {
	p, ok := d.People[id]
	if !ok {
		return p, &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("there is no person %s", id)}
	}
	return p, nil
}

// isOwnAbsence reports whether the person changes nothing but their own absence,
// and nobody gets a right by it.
func isOwnAbsence(d *countersign.Directory, by countersign.Principal, b countersign.Body) bool {
	p, ok := b.(countersign.PersonChanged)
	return ok && !p.Person.Inactive && p.Person.ID == by.ID && amend.Reduces(d, b)
}

// moment is when absences and freezes are looked at: now, or later if the record's clock, which
// never goes back, is known to be ahead.
func (g *Gate) moment() time.Time {
	now := g.now()
	if past := time.UnixMilli(g.turned.Load()).UTC(); past.After(now) {
		return past
	}
	return now
}

// by is the latest that the change may be recorded, and the turn that comes first
// if it is one: at which an absence begins or ends, and what was found of who
// decides is true no more, or at which a freeze begins.
func (c change) by() (notAfter, turn time.Time) {
	turn = c.freeze
	if c.seen != nil && !c.seen.Now.IsZero() {
		if t := c.seen.Turn(); turn.IsZero() || !t.IsZero() && t.Before(turn) {
			turn = t
		}
	}
	last := turn.Add(-time.Millisecond)
	if turn.IsZero() || !c.notAfter.IsZero() && c.notAfter.Before(last) {
		return c.notAfter, time.Time{}
	}
	return last, turn
}

// missed turns a change that came after the turn into one that is to be decided
// again, on the directory as of then.
func (g *Gate) missed(turn time.Time, err error) error {
	if turn.IsZero() || !errors.Is(err, store.ErrLate) {
		return err
	}
	for {
		old := g.turned.Load()
		if old >= turn.UnixMilli() || g.turned.CompareAndSwap(old, turn.UnixMilli()) {
			return fmt.Errorf("an absence began or ended, or a freeze began: %w", store.ErrConflict)
		}
	}
}
