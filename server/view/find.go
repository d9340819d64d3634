package view

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// A Filter leaves out of a list what it does not name. Zero fields let all
// through; words match anywhere in what they name, in upper or lower case.
type Filter struct {
	Person, Agent, Resource, Rule, Indicator string
	Until                                    time.Time
}

// Lets reports whether the request passes.
func (f Filter) Lets(r countersign.Request) bool {
	return has(r.Resource.Name, f.Resource) && (has(r.Requester.Name, f.Agent) || r.Requester.ID == f.Agent) &&
		(f.Until.IsZero() || r.CreatedAt.Before(f.Until)) &&
		matches(f.Rule, r.Verdict.Leading(), func(t countersign.RuleTrace) bool { return has(t.ID, f.Rule) }) &&
		matches(f.Indicator, r.Facts.Indicators, func(i countersign.Indicator) bool { return has(i.ID, f.Indicator) }) &&
		matches(f.Person, r.Decisions, func(d countersign.Decision) bool { return d.By.ID == f.Person || has(d.By.Name, f.Person) })
}

func has(s, part string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(part)) }

// matches reports whether nothing is wanted, or one of the list is it.
func matches[T any](want string, list []T, is func(T) bool) bool {
	return want == "" || slices.ContainsFunc(list, is)
}

// A Search finds requests by what the store knows them by: gate.Search.
type Search func(context.Context, store.Query) ([]countersign.Request, string, error)

// mostTurned is how many pages of the store are looked through for one page.
const mostTurned = 20

// Find returns a page of the requests that the caller may see and that the
// filter lets through, newest first, and the cursor of the next, empty at the
// end. A page may be shorter than the query's limit, or a little longer.
func Find(ctx context.Context, search Search, d *countersign.Directory, who countersign.Principal, q store.Query, f Filter) (found []countersign.Request, next string, err error) {
	most := q.Limit
	for range mostTurned {
		page, more, err := search(ctx, q)
		if err != nil {
			return nil, "", err
		}
		for _, r := range page {
			settled := q.Decision != "" || r.Decision != countersign.DecisionPending
			if settled && f.Lets(r) && Sees(d, who, r) {
				found = append(found, r)
			}
		}
		q.Cursor, next = more, more
		if more == "" || len(found) >= most {
			break
		}
	}
	return found, next, nil
}

// The size of what is looked through for requests like one, and of what is shown.
const (
	mostLooked = 200
	mostAlike  = 5
)

// Alike finds earlier requests for the same tool on the same resource by the
// same requester: the newest few that the caller may see, and how many there were.
func Alike(ctx context.Context, search Search, d *countersign.Directory, who countersign.Principal, r countersign.Request) (list []countersign.Request, n int, err error) {
	found, _, err := search(ctx, store.Query{Requester: r.Requester.ID, Resource: r.Resource.Name, Limit: mostLooked})
	for _, old := range found {
		if old.ID == r.ID || old.Facts.Tool != r.Facts.Tool || !old.CreatedAt.Before(r.CreatedAt) || !Sees(d, who, old) {
			continue
		}
		if n++; len(list) < mostAlike {
			list = append(list, old)
		}
	}
	return list, n, err
}
