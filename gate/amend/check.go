// Package amend holds what the gate knows of changes of the control plane:
// Check says whether one may be made at all, Reduces whether it only takes
// rights away, and an Executor makes one that people let through.
package amend

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/policy"
)

// A Checker checks changes against what else is there.
type Checker struct {
	// Sinks are the regions that a policy may name besides those of the directory.
	Sinks []countersign.Sink
	Now   func() time.Time
}

// Check refuses a change that would leave the control plane broken, or that
// makes somebody look like who they are not. by asks for it; what begins with it
// would at the time.
func (c Checker) Check(d *countersign.Directory, at time.Time, by countersign.Principal, id countersign.RequestID, b countersign.Body) error {
	var want countersign.RequestID
	var err error
	switch b := b.(type) {
	case countersign.PolicyChanged:
		want, err = countersign.PolicyID, c.bundle(d, at, b)
	case countersign.PersonChanged:
		want, err = countersign.RequestID(b.Person.ID), errors.Join(person(d, by, b.Person), away(d, by, b.Person, at))
	case countersign.GroupChanged:
		want, err = countersign.GroupID(b.Group.Name), errors.Join(group(d, b.Group), onCall(d, b.Group))
	case countersign.AgentChanged:
		want, err = countersign.RequestID(b.Agent.ID), agent(d, by, b.Agent)
	case countersign.ResourceChanged:
		want, err = countersign.ResourceID(b.Resource.Name), resource(b.Resource)
	case countersign.HaltChanged:
		want, err = countersign.HaltID(b.Halt.Agent), halt(d, b.Halt)
	default:
		return refused(countersign.CodeBadRequest, "nobody asks for %s this way", b.Kind())
	}
	if err == nil && (want != id || !id.IsEntity()) {
		err = refused(countersign.CodeBadRequest, "the change is of %s and says that it is of %s", want, id)
	}
	return err
}

func refused(code countersign.Code, format string, args ...any) *countersign.Error {
	return &countersign.Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// bundle loads the candidate: its error is a *policy.LoadError.
func (c Checker) bundle(d *countersign.Directory, now time.Time, b countersign.PolicyChanged) error {
	files := map[string][]byte{}
	for name, text := range b.Files {
		files[name] = []byte(text)
	}
	p, err := policy.Load(files, policy.CatalogueOf(d, c.Sinks))
	if err != nil {
		return err
	}
	if p.Digest() != b.Bundle {
		return refused(countersign.CodeDigestMismatch, "the files are not those of bundle %s", b.Bundle)
	}
	if why := p.Locks(now); why != "" {
		e := refused(countersign.CodeBadRequest, "the policy could never be changed again: %s", why)
		e.Hint = "let its rules leave out the verb control.policy"
		return e
	}
	return nil
}

func person(d *countersign.Directory, by countersign.Principal, p countersign.Person) error {
	for id, other := range d.People {
		if id != p.ID && other.Issuer == p.Issuer && other.Subject == p.Subject {
			e := refused(countersign.CodeConflict, "%s is %s already", p.Subject, id)
			e.Hint = "one human is one person here"
			return e
		}
	}
	old, known := d.People[p.ID]
	switch {
	case !known && !strings.HasPrefix(p.ID, "per_"):
		return refused(countersign.CodeBadRequest, "%q is no id of a person", p.ID)
	case !known && !p.Since.IsZero():
		return refused(countersign.CodeBadRequest, "a person is here since the change that adds them")
	case known && (!old.Since.Equal(p.Since) || old.InvitedBy != p.InvitedBy):
		return refused(countersign.CodeBadRequest, "since when %s is here, and by whose invitation, cannot be changed", p.Name)
	case !known && by.Kind == countersign.KindPerson && p.InvitedBy != by.ID:
		return refused(countersign.CodeBadRequest, "whom %s adds is invited by %s", by.Name, by.ID)
	}
	return nil
}

func group(d *countersign.Directory, g countersign.Group) error {
	if g.Name == countersign.Everyone {
		e := refused(countersign.CodeConflict, "%s is the built-in group of all active people", g.Name)
		e.Hint = "choose another name"
		return e
	}
	old, known := d.Groups[g.Name]
	if countersign.LooksLikeID(g.Name) && !known {
		e := refused(countersign.CodeBadRequest, "%q looks like the id of a person or an agent, and owners are named by either", g.Name)
		e.Hint = "choose another name"
		return e
	}
	for _, m := range g.Members {
		if _, ok := d.People[m.Person]; !ok {
			e := refused(countersign.CodeNotFound, "there is no person %s", m.Person)
			e.Hint = "countersign person ls shows them"
			return e
		}
		i := slices.IndexFunc(old.Members, func(o countersign.Member) bool { return o.Person == m.Person })
		if i >= 0 && !old.Members[i].Since.Equal(m.Since) || i < 0 && !m.Since.IsZero() {
			return refused(countersign.CodeBadRequest, "a membership begins with the change that makes it")
		}
	}
	return nil
}

func resource(r countersign.Resource) error {
	if r.Name == "" || r.Name == countersign.ControlResource {
		return refused(countersign.CodeConflict, "%q cannot be the name of a resource", r.Name)
	}
	return nil
}

func halt(d *countersign.Directory, h countersign.Halt) error {
	if _, ok := d.Agents[h.Agent]; !ok && h.Agent != countersign.AllAgents {
		return refused(countersign.CodeNotFound, "there is no agent %q", h.Agent)
	}
	if !h.On && !d.Halts[h.Agent].On {
		return refused(countersign.CodeConflict, "nothing of %s is held", h.Agent)
	}
	return nil
}

// Reduces reports whether the change only takes rights away, so that it may be
// made at once: a person or an agent is deactivated, tokens are revoked,
// identities of an agent are taken away, an absence ends or has no stand-in, or
// everything of an agent is held.
func Reduces(d *countersign.Directory, b countersign.Body) bool {
	switch b := b.(type) {
	case countersign.HaltChanged:
		return b.Halt.On
	case countersign.PersonChanged:
		old, ok := d.People[b.Person.ID]
		less := lessAway(old.Away, b.Person.Away)
		if less {
			old.Away = b.Person.Away
		}
		old.Inactive = old.Inactive || b.Person.Inactive
		return ok && (b.Person.Inactive || less) && same(old, b.Person)
	case countersign.AgentChanged:
		old, ok := d.Agents[b.Agent.ID]
		old.Inactive = old.Inactive || b.Agent.Inactive
		old.Tokens = slices.Clone(old.Tokens)
		for i := range min(len(old.Tokens), len(b.Agent.Tokens)) {
			old.Tokens[i].Revoked = old.Tokens[i].Revoked || b.Agent.Tokens[i].Revoked
		}
		if !slices.ContainsFunc(b.Agent.Identities, func(i countersign.Identity) bool { return !slices.ContainsFunc(old.Identities, i.Equal) }) {
			old.Identities = b.Agent.Identities
		}
		return ok && same(old, b.Agent)
	}
	return false
}

// same reports whether two entities are recorded alike.
func same[T any](a, b T) bool {
	one, err := canon.Marshal(a)
	two, err2 := canon.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(one, two)
}

// Alone is the body as it is recorded where nobody but who made the change stood
// for it.
func Alone(b countersign.Body) countersign.Body { return marked(b, true) }

// Countersigned is the body as it is recorded where others stood for it.
func Countersigned(b countersign.Body) countersign.Body { return marked(b, false) }

func marked(b countersign.Body, solo bool) countersign.Body {
	switch b := b.(type) {
	case countersign.PolicyChanged:
		b.Solo = solo
		return b
	case countersign.PersonChanged:
		b.Solo = solo
		return b
	case countersign.GroupChanged:
		b.Solo = solo
		return b
	case countersign.AgentChanged:
		b.Solo = solo
		return b
	case countersign.ResourceChanged:
		b.Solo = solo
		return b
	case countersign.HaltChanged:
		b.Solo = solo
		return b
	}
	return b
}
