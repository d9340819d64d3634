package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/passkey"
	"github.com/countersignhq/countersign/identity/session"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/server/wire"
)

// decide takes a person's choice to the gate. No bearer token approves, whoever
// holds it.
func (a *api) decide(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	var in client.Choice
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	if c.Credential == "token" {
		if in.Choice == string(countersign.Approve) {
			return &countersign.Error{Code: countersign.CodeAssuranceTooLow, Detail: "a bearer token approves nothing", Hint: "a reviewer approves in the console"}
		}
		return &countersign.Error{Code: countersign.CodeForbidden, Detail: "only a person decides", Hint: "sign in as a reviewer"}
	}
	d, err := a.choice(r, c, in)
	if err != nil {
		return err
	}
	if d.Assertion, err = a.assertion(r, c, d.Choice, in.Assertion); err != nil {
		return err
	}
	dir, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if d.Assertion == nil && session.Signs(dir, c.ID) {
		d.Assurance = ""
	}
	found, err := a.gate.Get(r.Context(), d.Request)
	if err != nil {
		return err
	}
	// The gate puts on record who tries to decide what is not theirs. Of a
	// request that waits for nobody there is nothing to try, and nothing to tell.
	if found.Decision != countersign.DecisionPending && !view.Sees(dir, c.Principal, found) {
		return notFound(r.PathValue("id"))
	}
	decided, err := a.gate.Decide(r.Context(), d)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/requests/"+string(decided.ID))
	return rest.Reply(w, http.StatusCreated, wire.RequestFor(decided, dir, c.Principal))
}

// maxDwell is a day in milliseconds.
const maxDwell = 24 * 60 * 60 * 1000

// choice is what a person posted, as the gate takes it.
func (a *api) choice(r *http.Request, c rest.Caller, in client.Choice) (gate.Decision, error) {
	d := gate.Decision{
		Request: countersign.RequestID(r.PathValue("id")), Origin: a.door.From(r),
		Decision: countersign.Decision{
			By: c.Principal, Choice: countersign.Choice(in.Choice), Reason: in.Reason, To: in.To,
			Assurance: c.Assurance(a.door.Now()), AuthTime: c.Auth.AuthTime, Method: c.Auth.Method,
			Channel: c.Auth.Channel, Solo: c.Auth.Solo,
		},
	}
	if err := rest.CheckReason(in.Reason); err != nil {
		return d, err
	}
	if in.DwellMS < 0 || in.DwellMS > maxDwell {
		return d, rest.Bad("dwell_ms is no time that a page can have been open", "leave it out")
	}
	d.DwellMS = in.DwellMS
	var err error
	if d.Digest, err = countersign.ParseDigest(in.Digest); err != nil {
		return d, rest.Bad(err.Error(), "send the digest of the request that was read")
	}
	if in.ViewDigest != "" {
		if d.View, err = countersign.ParseDigest(in.ViewDigest); err != nil {
			return d, rest.Bad(err.Error(), "send the view_digest of the request that was read")
		}
	}
	return d, nil
}

// challenge answers what the caller's passkey signs to decide the request so.
func (a *api) challenge(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	keys, err := a.cfg.Accounts.Ceremonies()
	if err != nil {
		return err
	}
	var in client.Choice
	if err := rest.Read(w, r, rest.Small, &in); err != nil {
		return err
	}
	d, err := a.choice(r, c, in)
	if err != nil {
		return err
	}
	found, _, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if d.Digest != found.Digest {
		return &countersign.Error{Code: countersign.CodeDigestMismatch, Detail: fmt.Sprintf("the choice is about another command than %s", found.ID), Hint: "open the request again and read it"}
	}
	nonce := passkey.Nonce()
	ceremony, mine, err := a.gate.Ceremony(r.Context(), found.ID, c.Principal, d.Choice, d.View, nonce)
	if err != nil {
		return err
	}
	options, err := keys.BeginDecision(r.Context(), passkey.Signing{Person: c.ID, Request: found.ID, Choice: d.Choice}, mine, nonce, ceremony.Challenge())
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, options)
}

// assertion is the signature that came with a choice, nil if there is none.
func (a *api) assertion(r *http.Request, c rest.Caller, choice countersign.Choice, sent json.RawMessage) (*countersign.Assertion, error) {
	if len(sent) == 0 || string(sent) == "null" {
		return nil, nil
	}
	keys, err := a.cfg.Accounts.Ceremonies()
	if err != nil {
		return nil, err
	}
	var in passkey.Answer
	if err := canon.Unmarshal(sent, &in); err != nil {
		return nil, rest.Bad("the assertion is not a ceremony and a credential", "GET /v1/openapi.yaml shows the shapes")
	}
	s := passkey.Signing{Person: c.ID, Request: countersign.RequestID(r.PathValue("id")), Choice: choice}
	return keys.Sign(r.Context(), s, in.Ceremony, in.Credential)
}

// mostDecided is how many requests one call decides.
const mostDecided = 100

// decideSeveral takes one choice on several requests of one group to the gate, each
// by itself: each has its digest and its view, and an event of its own. Above low
// nothing is decided at all.
func (a *api) decideSeveral(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	var in client.Choices
	if err := rest.Read(w, r, rest.Large, &in); err != nil {
		return err
	}
	if len(in.Items) == 0 || len(in.Items) > mostDecided {
		return rest.Bad(fmt.Sprintf("a call decides from 1 to %d requests, and this names %d", mostDecided, len(in.Items)), "send several calls")
	}
	if in.Choice != string(countersign.Approve) && in.Choice != string(countersign.Reject) {
		return rest.Bad("several requests are approved or rejected together", "escalate each by itself")
	}
	decisions, dir, err := a.together(r, c, in)
	if err != nil {
		return err
	}
	out := client.Decided{Items: []client.DecidedItem{}}
	for _, d := range decisions {
		if session.Signs(dir, c.ID) {
			d.Assurance = "" // their choices are signed, one by one
		}
		item := client.DecidedItem{Request: string(d.Request)}
		after, err := a.gate.Decide(r.Context(), d)
		if err != nil {
			p := problem.Of(err)
			item.Problem = &p
		} else {
			item.Decision = string(after.Decision)
		}
		out.Items = append(out.Items, item)
	}
	return rest.Reply(w, http.StatusOK, out)
}

// together are the decisions of the call, if its requests are of one group.
func (a *api) together(r *http.Request, c rest.Caller, in client.Choices) ([]gate.Decision, *countersign.Directory, error) {
	dir, err := a.gate.Directory(r.Context())
	if err != nil {
		return nil, nil, err
	}
	var decisions []gate.Decision
	var rows []view.Row
	for _, item := range in.Items {
		found, _, err := a.find(r.Context(), c, item.Request)
		if err != nil {
			return nil, nil, err
		}
		d, err := a.choice(r, c, client.Choice{
			Choice: in.Choice, Digest: item.Digest, ViewDigest: item.ViewDigest, Reason: in.Reason, DwellMS: item.DwellMS,
		})
		if err != nil {
			return nil, nil, err
		}
		d.Request = found.ID
		decisions, rows = append(decisions, d), append(rows, view.RowOf(dir, found))
	}
	for _, row := range rows {
		switch {
		case row.Severity > countersign.Low:
			return nil, nil, &countersign.Error{
				Code:   countersign.CodeAssuranceTooLow,
				Detail: fmt.Sprintf("%s is of severity %s, and only what is low or less is decided together; nothing was decided", row.ID, row.Severity),
				Hint:   "open it and decide it by itself",
			}
		case row.Rule != rows[0].Rule || row.AgentID != rows[0].AgentID:
			return nil, nil, rest.Bad(fmt.Sprintf("%s is of another agent or held by another rule; nothing was decided", row.ID), "decide each group by itself")
		}
	}
	return decisions, dir, nil
}
