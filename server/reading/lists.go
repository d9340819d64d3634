package reading

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/server/wire"
	"github.com/countersignhq/countersign/store"
)

// Sizes of pages.
const (
	defaultPage = 50
	maxPage     = 200
	maxSearched = 20 // pages of the store looked through for one page of a person's
)

// list answers the requests that the caller may see. A page may hold fewer than
// its limit and still have a next one.
func (a *answerer) list(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	q, err := query(r.URL.Query())
	if err != nil {
		return err
	}
	page := client.Page{Requests: []client.Request{}}
	if page.After, err = a.last(r.Context()); err != nil {
		return err
	}
	if c.Kind == countersign.KindAgent {
		if q.Requester != "" && q.Requester != c.ID {
			return rest.Reply(w, http.StatusOK, page)
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
			if view.Sees(d, c.Principal, one) {
				page.Requests = append(page.Requests, wire.RequestFor(one, d, c.Principal))
			}
		}
		page.Next, q.Cursor = next, next
		if next == "" || len(page.Requests) > 0 {
			break
		}
	}
	return rest.Reply(w, http.StatusOK, page)
}

func query(v url.Values) (store.Query, error) {
	q := store.Query{
		Decision: countersign.DecisionState(v.Get("decision")), Execution: countersign.ExecutionState(v.Get("execution")),
		Resource: v.Get("resource"), Requester: v.Get("requester"), Cursor: v.Get("cursor"), Limit: defaultPage,
	}
	n, given, err := rest.Number(v, "limit")
	if err != nil {
		return q, err
	}
	if given {
		q.Limit = int(max(1, min(n, maxPage)))
	}
	if _, _, err := rest.Number(v, "cursor"); err != nil {
		return q, rest.Bad("the cursor is not one that a page gave", "start again without")
	}
	if s := v.Get("digest"); s != "" {
		if q.Digest, err = countersign.ParseDigest(s); err != nil {
			return q, rest.Bad(err.Error(), "copy it whole")
		}
	}
	if s := v.Get("since"); s != "" {
		if q.Since, err = time.Parse(time.RFC3339, s); err != nil {
			return q, rest.Bad(fmt.Sprintf("since is %.40q, no time of RFC 3339", s), "write 2026-03-01T12:00:00Z")
		}
	}
	return q, knownStates(q)
}

func knownStates(q store.Query) error {
	switch q.Decision {
	case "", countersign.DecisionPending, countersign.DecisionApproved, countersign.DecisionRejected, countersign.DecisionExpired,
		countersign.DecisionWithdrawn, countersign.DecisionDenied, countersign.DecisionAllowed:
	default:
		return rest.Bad(fmt.Sprintf("decision is %.40q", q.Decision), "it is pending, approved, rejected, expired, withdrawn, denied or allowed")
	}
	switch q.Execution {
	case "", countersign.ExecutionNone, countersign.ExecutionRunning, countersign.ExecutionSucceeded,
		countersign.ExecutionFailed, countersign.ExecutionUnknown:
	default:
		return rest.Bad(fmt.Sprintf("execution is %.40q", q.Execution), "it is none, running, succeeded, failed or unknown")
	}
	return nil
}

// mostPending is how many pending requests an Inbox looks at, the newest.
const mostPending = 500

// inbox answers what is pending that the person sees. The console asks again from
// after on when events come.
func (a *answerer) inbox(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	after, err := a.last(r.Context()) // before the search: what comes between is told twice, never missed
	if err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	pending, more, err := a.gate.Search(r.Context(), store.Query{Decision: countersign.DecisionPending, Limit: mostPending})
	if err != nil {
		return err
	}
	return rest.ReplyZipped(w, r, struct {
		At    time.Time `json:"at"`
		After string    `json:"after"`
		view.Inbox
		More bool `json:"more"`
	}{a.door.Now().UTC(), after, view.InboxOf(d, d.People[c.ID], pending), more != ""})
}

// A rowPage is one page of the History.
type rowPage struct {
	Rows  []view.Row `json:"rows"`
	Next  string     `json:"next"`
	After string     `json:"after"`
}

// history answers what is no longer pending, newest first, as the caller may see
// it. A page may hold fewer rows than its limit and still have a next one.
func (a *answerer) history(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	v := r.URL.Query()
	q, err := query(v)
	if err != nil {
		return err
	}
	q.Resource, q.Requester = "", "" // the filter takes parts of their names
	f, err := filter(v)
	if err != nil {
		return err
	}
	page := rowPage{Rows: []view.Row{}}
	if page.After, err = a.last(r.Context()); err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	found, next, err := view.Find(r.Context(), a.gate.Search, d, c.Principal, q, f)
	if err != nil {
		return err
	}
	page.Next = next
	for _, one := range found {
		page.Rows = append(page.Rows, view.RowOf(d, one))
	}
	return rest.ReplyZipped(w, r, page)
}

func filter(v url.Values) (view.Filter, error) {
	f := view.Filter{
		Person: v.Get("person"), Agent: v.Get("agent"), Resource: v.Get("resource"),
		Rule: v.Get("rule"), Indicator: v.Get("indicator"),
	}
	var err error
	if s := v.Get("until"); s != "" {
		if f.Until, err = time.Parse(time.RFC3339, s); err != nil {
			return f, rest.Bad(fmt.Sprintf("until is %.40q, no time of RFC 3339", s), "write 2026-03-01T12:00:00Z")
		}
	}
	return f, nil
}

// last is the id of the newest event, "-1" in an empty log.
func (a *answerer) last(ctx context.Context) (string, error) {
	head, err := a.store.Head(ctx)
	if err != nil {
		return "", fmt.Errorf("read the head of the log: %w", err)
	}
	return strconv.FormatInt(head.Size-1, 10), nil
}
