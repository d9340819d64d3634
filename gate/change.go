package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/amend"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/store"
)

// A HeldError says that a change of the control plane waits for people. It is
// made when they have approved it.
type HeldError struct{ Request countersign.Request }

// Error implements error.
func (e *HeldError) Error() string { return e.Unwrap().Error() }

// Unwrap gives the refusal that callers are told, of CodePending.
func (e *HeldError) Unwrap() error {
	return &countersign.Error{
		Code: countersign.CodePending, Detail: fmt.Sprintf("%s waits for people with passkeys; nothing has changed yet", e.Request.ID),
		Hint: "it is made once it is approved in the console",
	}
}

// errMoved: a change was made against an entity that has changed since.
var errMoved = errors.New("the entity moved")

// A nextBody is given the directory as it is, and says which entity changes and
// what is recorded of it; a nil body changes nothing. The zero time in it is
// when the change is made.
type nextBody = func(*countersign.Directory) (countersign.RequestID, countersign.Body, error)

// Change makes one change of the control plane, or asks people to let it
// through. Until two people with passkeys have been enrolled it is made at once
// and its record says solo. From then on it is a request like any other, judged
// by the active policy and by the built-in rule of two people, and the error is
// a *HeldError. What only takes rights away is always made at once. next is asked
// again if the directory changed meanwhile.
func (g *Gate) Change(ctx context.Context, who countersign.Who, next nextBody) error {
	return g.change(ctx, who, "", next)
}

// Propose makes the change of the entity, or asks people to let it through: what
// Change does for a body that somebody sent. It returns the request that waits,
// or reports that the change was made at once.
func (g *Gate) Propose(ctx context.Context, by countersign.Principal, origin countersign.Origin, id countersign.RequestID, body countersign.Body, reason string) (r countersign.Request, applied bool, err error) {
	who := countersign.Who{Actor: by, Origin: origin}
	if by.Kind == countersign.KindOperator {
		who.Method = "socket"
	}
	err = g.change(ctx, who, reason, func(d *countersign.Directory) (countersign.RequestID, countersign.Body, error) {
		return id, body, g.control.Check(d, g.now(), by, id, body)
	})
	if wrong, ok := errors.AsType[*policy.LoadError](err); ok {
		err = &countersign.Error{Code: countersign.CodeBadRequest, Detail: "the policy does not load: " + wrong.Error(), Hint: "the active one stays; countersign policy lint tells more"}
	}
	if held, ok := errors.AsType[*HeldError](err); ok {
		return held.Request, false, nil
	}
	return countersign.Request{}, err == nil, err
}

func (g *Gate) change(ctx context.Context, who countersign.Who, reason string, next nextBody) error {
	for {
		d, err := g.Directory(ctx)
		if err != nil {
			return err
		}
		id, body, err := next(d)
		if err != nil || body == nil {
			return err
		}
		at, err := g.beginning(ctx)
		if err != nil {
			return err
		}
		if body.Kind().Verb() != "" {
			if p, ok := d.People[who.Actor.ID]; ok && who.Actor.Kind == countersign.KindPerson {
				who.Actor = p.Principal()
			}
			if err := g.control.Check(d, at, who.Actor, id, body); err != nil {
				return err
			}
		}
		alone, err := mayAlone(d, who.Actor, body)
		switch {
		case err != nil:
			return err
		case alone:
			err = g.commit(ctx, d, at, who, id, body)
		default:
			err = g.ask(ctx, d, who, reason, id, body)
		}
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, errMoved) {
			return err
		}
	}
}

// mayAlone reports whether nobody else needs to stand for the change.
func mayAlone(d *countersign.Directory, by countersign.Principal, b countersign.Body) (bool, error) {
	switch {
	case b.Kind().Verb() == "":
		return true, nil // whoever records these has rules of its own
	case by.Kind != countersign.KindOperator && by.Kind != countersign.KindPerson:
		return false, &countersign.Error{Code: countersign.CodeForbidden, Detail: by.Name + " cannot change people, groups, agents, resources or policy", Hint: "ask a person, or the operator"}
	case !active(d, by):
		return false, &countersign.Error{Code: countersign.CodeForbidden, Detail: by.ID + " is no active person here", Hint: "ask the operator"}
	case isHalt(b):
		return true, nil
	case by.Kind == countersign.KindOperator:
		return !d.Paired || amend.Reduces(d, b), nil
	case d.Paired:
		return amend.Reduces(d, b) && isTheirs(d, by, b), nil
	case isOwnAbsence(d, by, b):
		return true, nil
	case !enrolled(d, by.ID):
		return false, &countersign.Error{Code: countersign.CodeForbidden, Detail: by.Name + " has no passkey, and changes nothing alone", Hint: "enrol a passkey, or ask the operator"}
	}
	return true, nil
}

// isHalt reports whether the change has everything of an agent held: whoever may
// decide does that at once.
func isHalt(b countersign.Body) bool {
	h, ok := b.(countersign.HaltChanged)
	return ok && h.Halt.On
}

// isTheirs reports whether the change is of the person, or of an agent of theirs.
func isTheirs(d *countersign.Directory, by countersign.Principal, b countersign.Body) bool {
	switch b := b.(type) {
	case countersign.PersonChanged:
		return b.Person.ID == by.ID
	case countersign.AgentChanged:
		return slices.Contains(quorum.Barred(d, b.Agent.Principal(), nil), by.ID)
	}
	return false
}

// enrolled reports whether the person is active and has a passkey that signs.
func enrolled(d *countersign.Directory, person string) bool {
	p, ok := d.People[person]
	return ok && !p.Inactive && signs(d, person)
}

// direct records a change that nobody is asked about.
func (g *Gate) direct(ctx context.Context, who countersign.Who, next nextBody) error {
	for {
		d, err := g.Directory(ctx)
		if err != nil {
			return err
		}
		id, body, err := next(d)
		if err != nil || body == nil {
			return err
		}
		at, err := g.beginning(ctx)
		if err != nil {
			return err
		}
		if err = g.commit(ctx, d, at, who, id, body); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// commit records a change for which nobody but who makes it stands, with the time
// at which what begins with it does.
func (g *Gate) commit(ctx context.Context, d *countersign.Directory, at time.Time, who countersign.Who, id countersign.RequestID, body countersign.Body) error {
	e, err := ledger.Encode(countersign.Event{
		Request: id, Version: d.Versions[id] + 1, Who: who, Body: countersign.Beginning(amend.Alone(body), at),
	})
	if err != nil {
		return err
	}
	jobs, err := g.notices(who.Actor, id, d.Versions[id]+1, body)
	if err != nil {
		return err
	}
	// What was right for the directory as it was is recorded on no other one.
	_, err = g.store.Commit(ctx, store.Change{Events: []ledger.Event{e}, Directory: d.Version, Jobs: jobs, NotBefore: at, NotAfter: amend.NotAfter(at)})
	if errors.Is(err, store.ErrLate) {
		return fmt.Errorf("%s of %s was drawn up at %s, too long ago: %w", e.Kind, id, at, store.ErrConflict)
	}
	if err != nil {
		return unavailable(fmt.Errorf("record %s of %s: %w", e.Kind, id, err))
	}
	g.hub.Wake("")
	return nil
}

// beginning is since when counts what is recorded now: by the clock, or since the
// record's last event where the clock is behind it. Else it would count for what
// was asked before.
func (g *Gate) beginning(ctx context.Context) (time.Time, error) {
	now := g.now()
	head, err := g.store.Head(ctx)
	if err != nil || head.Size == 0 {
		return now, unavailable(err)
	}
	leaves, err := g.store.Leaves(ctx, head.Size-1, head.Size)
	if err != nil {
		return now, unavailable(err)
	}
	last, err := ledger.ParseLeaf(leaves[0])
	if last.Event.At.After(now) {
		now = last.Event.At
	}
	return now, unavailable(err)
}

// ask has people decide the change. The same change asked again is the same
// request.
func (g *Gate) ask(ctx context.Context, d *countersign.Directory, who countersign.Who, reason string, id countersign.RequestID, body countersign.Body) error {
	if err := enoughPeople(d, who.Actor); err != nil {
		return err
	}
	c, err := countersign.Changing(id, d.Versions[id], amend.Countersigned(body))
	if err != nil {
		return err
	}
	now, cancel := context.WithCancel(ctx)
	cancel() // nobody waits here: it is made when it is approved
	result, err := g.Submit(now, Ask{By: who.Actor, OnBehalfOf: who.OnBehalfOf, Command: c, Reason: reason, Origin: who.Origin, Method: who.Method}, nil)
	if err != nil {
		return err
	}
	switch r := result.(type) {
	case Pending:
		return &HeldError{r.Request}
	case Refused:
		g.Delivered(ctx, r.Request.ID)
		return r.Err
	case Unknown:
		return r.Err
	case Done:
		g.Delivered(ctx, r.Request.ID)
		if r.Request.Execution == countersign.ExecutionFailed {
			return &countersign.Error{Code: countersign.CodeFailed, Detail: fmt.Sprintf("%s was not made: %s", r.Request.ID, r.Request.Outcome.Detail), Hint: "ask for it again"}
		}
		return nil
	}
	return fmt.Errorf("a change came to %T", result)
}

// enoughPeople refuses a change that nobody could let through, before it waits.
func enoughPeople(d *countersign.Directory, by countersign.Principal) error {
	barred := quorum.Barred(d, by, nil)
	n := 0
	for id := range d.People {
		if _, away := d.AwayOf(id); enrolled(d, id) && !away && !slices.Contains(barred, id) {
			n++
		}
	}
	if n >= 2 {
		return nil
	}
	e := &countersign.Error{Code: countersign.CodeCannotApprove, Detail: fmt.Sprintf("a change needs two people with passkeys beside who asks for it, and there are %d", n),
		Hint: "have the operator ask for it on the server's machine, such as with countersign person add NAME: who is here can then approve it"}
	if by.Kind == countersign.KindOperator {
		e.Hint = "a person who is here enrols a passkey: a new link, or a recovery code"
	}
	return e
}

// understandControl finds what a change of the control plane would do. It is
// asked for by a person or by the operator, and made against the entity as it is.
func (g *Gate) understandControl(a *asked, c countersign.Control) error {
	if a.By.Kind != countersign.KindPerson && a.By.Kind != countersign.KindOperator || !a.directory.Paired {
		return &countersign.Error{Code: countersign.CodeForbidden, Detail: a.By.Name + " cannot ask for changes of people, groups, agents, resources or policy", Hint: "ask a person, or the operator"}
	}
	body, err := c.Event()
	if err != nil {
		return &countersign.Error{Code: countersign.CodeBadRequest, Detail: err.Error()}
	}
	if now := a.directory.Versions[c.Entity]; now != c.From {
		return fmt.Errorf("%w (%w)", &countersign.Error{
			Code: countersign.CodeConflict, Detail: fmt.Sprintf("%s has version %d and not %d", c.Entity, now, c.From), Hint: "look at it again",
		}, errMoved)
	}
	return g.control.Check(a.directory, a.now, a.By, c.Entity, body)
}

// finish makes an approved change of the control plane: nobody needs to come
// back for it. What stands in its way is in the request, or in the log.
func (g *Gate) finish(ctx context.Context, r countersign.Request) countersign.Request {
	if _, ok := r.Command.(countersign.Control); !ok || r.Decision != countersign.DecisionApproved || r.Execution != countersign.ExecutionNone {
		return r
	}
	gone := make(chan struct{})
	close(gone)
	if _, err := g.await(context.WithoutCancel(ctx), gone, r, g.control, nil); err != nil {
		g.cfg.Log.Error("an approved change is not made yet; ask for it again", "request", r.ID, "err", err)
	}
	if after, err := g.store.Get(ctx, r.ID); err == nil {
		return after
	}
	return r
}

// left says what became of a command that an earlier process left running. Of a
// change of the control plane the record tells; of anything else nobody can.
func (g *Gate) left(ctx context.Context, r countersign.Request) (countersign.Outcome, error) {
	o := countersign.Outcome{Execution: countersign.ExecutionUnknown, Detail: "the gateway stopped while it ran", FinishedAt: g.now()}
	c, ok := r.Command.(countersign.Control)
	if !ok {
		return o, nil
	}
	made, err := amend.Made(ctx, g.store, c, r.ID)
	if o.Execution, o.Detail = countersign.ExecutionSucceeded, ""; !made {
		o.Execution, o.Detail = countersign.ExecutionFailed, "not made: the gateway stopped before it"
	}
	return o, err
}
