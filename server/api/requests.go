package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/identity/session"
	"github.com/countersignhq/countersign/server/wire"
	"github.com/countersignhq/countersign/store"
)

// get answers one request, and with ?wait= its next change.
func (a *api) get(w http.ResponseWriter, r *http.Request, c caller) error {
	q := r.URL.Query()
	wait, waits, err := number(q, "wait")
	if err != nil {
		return err
	}
	after, given, err := number(q, "after")
	if err != nil {
		return err
	}
	found, d, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !given {
		after = found.Version
	}
	if waits && wait > 0 {
		ctx, cancel := hold(w, r, min(time.Duration(min(wait, 1<<20))*time.Second, maxWait))
		defer cancel()
		for over := false; !over && found.Version <= after; {
			if found, over, err = a.glance(ctx, r, found.ID, after); err != nil {
				return err
			}
		}
		if found, d, err = a.find(r.Context(), c, r.PathValue("id")); err != nil {
			return err
		}
	}
	return reply(w, http.StatusOK, wire.RequestFor(found, d, c.Principal))
}

// Sizes of pages.
const (
	defaultPage = 50
	maxPage     = 200
	maxSearched = 20 // pages of the store looked through for one page of a person's
)

// list answers the requests that the caller may see. A page may hold fewer than
// its limit and still have a next one.
func (a *api) list(w http.ResponseWriter, r *http.Request, c caller) error {
	q, err := query(r.URL.Query())
	if err != nil {
		return err
	}
	page := client.Page{Requests: []client.Request{}}
	if page.After, err = a.last(r.Context()); err != nil {
		return err
	}
	if c.Kind == agent {
		if q.Requester != "" && q.Requester != c.ID {
			return reply(w, http.StatusOK, page)
		}
		q.Requester = c.ID
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	for range maxSearched {
		found, next, err := a.gate.Search(r.Context(), q)
		if err != nil {
			return err
		}
		for _, one := range found {
			if c.sees(one, d) {
				page.Requests = append(page.Requests, wire.RequestFor(one, d, c.Principal))
			}
		}
		page.Next, q.Cursor = next, next
		if next == "" || len(page.Requests) > 0 {
			break
		}
	}
	return reply(w, http.StatusOK, page)
}

func query(v url.Values) (store.Query, error) {
	q := store.Query{
		Decision: countersign.DecisionState(v.Get("decision")), Execution: countersign.ExecutionState(v.Get("execution")),
		Resource: v.Get("resource"), Requester: v.Get("requester"), Cursor: v.Get("cursor"), Limit: defaultPage,
	}
	n, given, err := number(v, "limit")
	if err != nil {
		return q, err
	}
	if given {
		q.Limit = int(max(1, min(n, maxPage)))
	}
	if _, _, err := number(v, "cursor"); err != nil {
		return q, bad("the cursor is not one that a page gave", "start again without")
	}
	if s := v.Get("digest"); s != "" {
		if q.Digest, err = countersign.ParseDigest(s); err != nil {
			return q, bad(err.Error(), "copy it whole")
		}
	}
	if s := v.Get("since"); s != "" {
		if q.Since, err = time.Parse(time.RFC3339, s); err != nil {
			return q, bad(fmt.Sprintf("since is %.40q, no time of RFC 3339", s), "write 2026-03-01T12:00:00Z")
		}
	}
	return q, knownStates(q)
}

func knownStates(q store.Query) error {
	switch q.Decision {
	case "", countersign.DecisionPending, countersign.DecisionApproved, countersign.DecisionRejected, countersign.DecisionExpired,
		countersign.DecisionWithdrawn, countersign.DecisionDenied, countersign.DecisionAllowed:
	default:
		return bad(fmt.Sprintf("decision is %.40q", q.Decision), "it is pending, approved, rejected, expired, withdrawn, denied or allowed")
	}
	switch q.Execution {
	case "", countersign.ExecutionNone, countersign.ExecutionRunning, countersign.ExecutionSucceeded,
		countersign.ExecutionFailed, countersign.ExecutionUnknown:
	default:
		return bad(fmt.Sprintf("execution is %.40q", q.Execution), "it is none, running, succeeded, failed or unknown")
	}
	return nil
}

// decide takes a person's choice to the gate. No bearer token approves, whoever
// holds it.
func (a *api) decide(w http.ResponseWriter, r *http.Request, c caller) error {
	var in client.Choice
	if err := body(w, r, maxBody, &in); err != nil {
		return err
	}
	if c.credential == "token" {
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
	if found.Decision != countersign.DecisionPending && !c.sees(found, dir) {
		return notFound(r.PathValue("id"))
	}
	decided, err := a.gate.Decide(r.Context(), d)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/requests/"+string(decided.ID))
	return reply(w, http.StatusCreated, wire.RequestFor(decided, dir, c.Principal))
}

// maxDwell is a day in milliseconds.
const maxDwell = 24 * 60 * 60 * 1000

// choice is what a person posted, as the gate takes it.
func (a *api) choice(r *http.Request, c caller, in client.Choice) (gate.Decision, error) {
	d := gate.Decision{
		Request: countersign.RequestID(r.PathValue("id")), Origin: a.origin(r),
		Decision: countersign.Decision{
			By: c.Principal, Choice: countersign.Choice(in.Choice), Reason: in.Reason, To: in.To,
			Assurance: c.assurance(a.cfg.Now()), AuthTime: c.auth.AuthTime, Method: c.auth.Method,
			Channel: c.auth.Channel, Solo: c.auth.Solo,
		},
	}
	if len(in.Reason) > maxReason {
		return d, tooLong()
	}
	if in.DwellMS < 0 || in.DwellMS > maxDwell {
		return d, bad("dwell_ms is no time that a page can have been open", "leave it out")
	}
	d.DwellMS = in.DwellMS
	var err error
	if d.Digest, err = countersign.ParseDigest(in.Digest); err != nil {
		return d, bad(err.Error(), "send the digest of the request that was read")
	}
	if in.ViewDigest != "" {
		if d.View, err = countersign.ParseDigest(in.ViewDigest); err != nil {
			return d, bad(err.Error(), "send the view_digest of the request that was read")
		}
	}
	return d, nil
}

// withdraw takes a request back.
func (a *api) withdraw(w http.ResponseWriter, r *http.Request, c caller) error {
	reason, err := reasonOf(w, r)
	if err != nil {
		return err
	}
	found, d, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	found, err = a.gate.Withdraw(r.Context(), found.ID, a.who(r, c), reason)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, wire.RequestFor(found, d, c.Principal))
}

// result answers the exact bytes of what the command answered, while they are
// kept.
func (a *api) result(w http.ResponseWriter, r *http.Request, c caller) error {
	found, _, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if !found.Settled() {
		return &countersign.Error{Code: countersign.CodePending, Detail: fmt.Sprintf("%s is %s and has no result yet", found.ID, found.Decision), Hint: "run it, or wait for it"}
	}
	kept, err := a.gate.Result(r.Context(), found.ID)
	if err != nil {
		return err
	}
	if kept == nil {
		return &countersign.Error{Code: countersign.CodeNotFound, Detail: fmt.Sprintf("no result of %s is kept", found.ID), Hint: "results of up to 1 MiB are kept for 24 hours"}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(kept)))
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(kept); err != nil {
		return errGone
	}
	if r.Method == http.MethodGet {
		a.gate.Delivered(r.Context(), found.ID)
	}
	return nil
}
