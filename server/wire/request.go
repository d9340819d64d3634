// Package wire writes the words of the domain in the JSON of the outside
// contract: Request is the one to read first.
package wire

import (
	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/client"
)

// Request is the request as callers of the API see it. The view digest is that
// of the brief that would be shown with the directory as it is.
func Request(r countersign.Request, d *countersign.Directory) client.Request {
	out := client.Request{
		ID: string(r.ID), Version: r.Version, Digest: text(r.Digest), ViewDigest: text(brief.Build(r, d).Digest()),
		Resource: Resource(r.Resource), Command: command(r.Command),
		Requester: Principal(r.Requester, d), OnBehalfOf: []client.Principal{},
		Reason: r.Reason, Origin: origin(r.Origin), Facts: Facts(r.Facts), Verdict: Verdict(r.Verdict),
		Decision: string(r.Decision), Decisions: []client.Decision{}, Because: r.Because,
		Execution: string(r.Execution), Outcome: outcome(r, d),
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, ExpiresAt: r.ExpiresAt(), RunBy: r.RunBy, SettledAt: r.SettledAt,
	}
	for _, p := range r.OnBehalfOf {
		out.OnBehalfOf = append(out.OnBehalfOf, Principal(p, d))
	}
	for _, dec := range r.Decisions {
		out.Decisions = append(out.Decisions, decision(dec))
	}
	if r.Repeats != nil {
		out.Repeats = &client.Repeat{
			Request: string(r.Repeats.Request), At: r.Repeats.At,
			Decision: string(r.Repeats.Decision), Execution: string(r.Repeats.Execution),
		}
	}
	return out
}

// Principal is an actor. The owner of an agent is named as the directory names
// them, which may be nil.
func Principal(p countersign.Principal, d *countersign.Directory) client.Principal {
	return client.Principal{
		Kind: string(p.Kind), ID: p.ID, Name: p.Name, Owner: owner(p.Owner, d), OwnerID: p.Owner,
		Issuer: p.Issuer, Subject: p.Subject,
	}
}

func owner(id string, d *countersign.Directory) string {
	if d != nil {
		if p, ok := d.People[id]; ok {
			return p.Name
		}
	}
	return id
}

func command(c countersign.Command) client.Command {
	switch c := c.(type) {
	case countersign.MCPRequest:
		return client.Command{
			Kind: c.Kind(), Method: c.Method, Params: string(c.Params),
			Resource: c.Resource, Target: text(c.Target), Tool: text(c.Tool),
		}
	case countersign.Control:
		return client.Command{Kind: c.Kind(), Resource: c.On(), Entity: string(c.Entity), BodyKind: string(c.BodyKind)}
	case nil:
		return client.Command{}
	}
	return client.Command{Kind: c.Kind(), Resource: c.On()}
}

func origin(o countersign.Origin) client.Origin {
	out := client.Origin{Door: o.Door, Peer: o.Peer, Client: o.Client, Trace: o.Trace, ServerAccount: o.ServerAccount}
	if out.Client != "" {
		out.Client += claimed
	}
	return out
}

const claimed = " (claimed)"

// Facts are what was understood.
func Facts(f countersign.Facts) client.Facts {
	out := client.Facts{
		Tool: f.Tool, Verbs: notNil(f.Verbs), Classes: f.Classes, Exports: f.Exports, Certainty: string(f.Certainty),
		Severity: f.Severity().String(), Indicators: []client.Indicator{}, Understanding: f.Understanding,
	}
	for _, o := range f.Objects {
		out.Objects = append(out.Objects, client.Object{
			Name: o.Name, Verb: o.Verb, Classes: o.Classes, Count: o.Count, Certainty: string(o.Certainty),
		})
	}
	if f.Sink != nil {
		out.Sink = &client.Destination{Address: f.Sink.Address, Region: f.Sink.Region, Certainty: string(f.Sink.Certainty)}
	}
	for _, i := range f.Indicators {
		out.Indicators = append(out.Indicators, client.Indicator{
			ID: i.ID, Severity: i.Severity.String(), Evidence: i.Evidence, Where: i.Where,
			Source: i.Source, Certainty: string(i.Certainty),
		})
	}
	return out
}

// Verdict is the policy's answer.
func Verdict(v countersign.Verdict) client.Verdict {
	out := client.Verdict{
		Effect: string(v.Effect), Rules: []client.Rule{},
		Policy: text(v.Policy), Catalogue: text(v.Catalogue), Understanding: v.Understanding,
	}
	for _, r := range v.Rules {
		out.Rules = append(out.Rules, client.Rule{
			ID: r.ID, Value: string(r.Value), Why: r.Why, Effect: string(r.Effect),
			Counts: r.Counts, Source: r.Source, Waits: r.Waits,
		})
	}
	if q := v.Requirement; q != nil {
		out.Requirement = &client.Requirement{
			Stages: []client.Stage{}, ExpiresAt: q.ExpiresAt, ReasonRequired: q.Reason,
			RunWithinSeconds: q.RunWithinSeconds, Bounds: q.Bounds, Blocked: q.Blocked,
			NotBefore: q.NotBefore, Closed: q.Closed,
		}
		for _, rung := range q.Ladder {
			out.Requirement.Ladder = append(out.Requirement.Ladder, client.Rung{At: rung.At, To: notNil(rung.To)})
		}
		if q.Remind != nil {
			out.Requirement.Remind = &client.Reminder{At: q.Remind.At, EverySeconds: q.Remind.EverySeconds}
		}
		for _, s := range q.Stages {
			out.Requirement.Stages = append(out.Requirement.Stages, client.Stage{
				Reviewers: notNil(s.Reviewers), Quorum: s.Quorum, Assurance: string(s.Assurance),
			})
		}
	}
	return out
}

func decision(d countersign.Decision) client.Decision {
	return client.Decision{
		By: client.Principal{Kind: string(d.By.Kind), ID: d.By.ID, Name: d.By.Name}, Choice: string(d.Choice), Assurance: string(d.Assurance), Channel: d.Channel,
		Reason: d.Reason, To: d.To, Solo: d.Solo, ViewDigest: text(d.View), At: d.At, Void: d.Void,
	}
}

func outcome(r countersign.Request, d *countersign.Directory) *client.Outcome {
	o := r.Outcome
	if o == nil {
		return nil
	}
	out := &client.Outcome{
		Execution: string(o.Execution), Detail: o.Detail, ResultDigest: text(o.ResultDigest), Bytes: o.Bytes,
		StartedAt: o.StartedAt, FinishedAt: o.FinishedAt, ResolvedWhy: r.ResolvedWhy,
	}
	if r.ResolvedBy != nil {
		by := Principal(*r.ResolvedBy, d)
		out.ResolvedBy = &by
	}
	return out
}

func text(d countersign.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
