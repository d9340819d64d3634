package api

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/store"
)

// mostPending is how many pending requests an Inbox looks at, the newest.
const mostPending = 500

// inbox answers what is pending that the person sees. The console asks again from
// after on when events come.
func (a *api) inbox(w http.ResponseWriter, r *http.Request, c caller) error {
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
	return replyZipped(w, r, struct {
		At    time.Time `json:"at"`
		After string    `json:"after"`
		view.Inbox
		More bool `json:"more"`
	}{a.cfg.Now().UTC(), after, view.InboxOf(d, d.People[c.ID], pending), more != ""})
}

// A rowPage is one page of the History.
type rowPage struct {
	Rows  []view.Row `json:"rows"`
	Next  string     `json:"next"`
	After string     `json:"after"`
}

// history answers what is no longer pending, newest first, as the caller may see
// it. A page may hold fewer rows than its limit and still have a next one.
func (a *api) history(w http.ResponseWriter, r *http.Request, c caller) error {
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
	return replyZipped(w, r, page)
}

func filter(v url.Values) (view.Filter, error) {
	f := view.Filter{
		Person: v.Get("person"), Agent: v.Get("agent"), Resource: v.Get("resource"),
		Rule: v.Get("rule"), Indicator: v.Get("indicator"),
	}
	var err error
	if s := v.Get("until"); s != "" {
		if f.Until, err = time.Parse(time.RFC3339, s); err != nil {
			return f, bad(fmt.Sprintf("until is %.40q, no time of RFC 3339", s), "write 2026-03-01T12:00:00Z")
		}
	}
	return f, nil
}
