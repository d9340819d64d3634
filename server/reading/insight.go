package reading

import (
	"net/http"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/store"
)

// The window of an insight in days, and the most requests that it is made of.
const (
	defaultDays = 30
	maxDays     = 90
	mostFolded  = 5000
)

// auditors is the group whose people see everybody's figures.
const auditors = "auditors"

// insight answers how people decide: a person sees their own figures, auditors and
// the operator everybody's.
func (a *answerer) insight(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	days, given, err := rest.Number(r.URL.Query(), "days")
	if err != nil {
		return err
	}
	if !given {
		days = defaultDays
	}
	if days < 1 || days > maxDays {
		return rest.Bad("days is from 1 to 90", "30 is what it is without")
	}
	now := a.door.Now().UTC()
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	whose := c.ID
	if c.Kind == countersign.KindOperator || slices.Contains(d.GroupsOf(c.ID, now), auditors) {
		whose = ""
	}
	q := store.Query{Since: now.Add(-time.Duration(days) * 24 * time.Hour), Limit: 500}
	var all []countersign.Request
	for len(all) < mostFolded {
		found, next, err := a.gate.Search(r.Context(), q)
		if err != nil {
			return err
		}
		all = append(all, found...)
		if q.Cursor = next; next == "" {
			break
		}
	}
	return rest.Reply(w, http.StatusOK, struct {
		view.Insight
		More bool `json:"more"`
	}{view.InsightOf(all, q.Since, now, whose), q.Cursor != ""})
}
