package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/store"
)

const (
	historyPage = 50
	mostTurned  = 20 // pages of the store that one page of the History is made of
)

// settled is one request in the History.
type settled struct {
	earlier
	Severity countersign.Severity
	Sentence brief.Text
	Resource string
	Rule     string
}

// A day is what settled on it, newest first.
type day struct {
	Name string
	Rows []settled
}

// history is what the History draws.
type history struct {
	Days       []day
	N          int
	Filter     filter
	Decision   string
	Execution  string
	Decisions  []string
	Executions []string
	More       string // the address of older ones
}

func (w *Web) history(rw http.ResponseWriter, r *http.Request, v *viewer) {
	q := r.URL.Query()
	h := history{
		Filter: filterOf(q), Decision: q.Get("decision"), Execution: q.Get("execution"),
		Decisions:  []string{"approved", "rejected", "expired", "withdrawn", "denied", "allowed"},
		Executions: []string{"none", "running", "succeeded", "failed", "unknown"},
	}
	if !slices.Contains(h.Decisions, h.Decision) {
		h.Decision = ""
	}
	if !slices.Contains(h.Executions, h.Execution) {
		h.Execution = ""
	}
	query := store.Query{
		Decision: countersign.DecisionState(h.Decision), Execution: countersign.ExecutionState(h.Execution),
		Cursor: q.Get("cursor"), Limit: historyPage,
	}
	if _, err := strconv.ParseUint(query.Cursor, 10, 63); query.Cursor != "" && err != nil {
		w.fail(rw, r, &countersign.Error{Code: countersign.CodeBadRequest, Detail: "This is no page of the history", Hint: "start again from the first"})
		return
	}
	var next string
	for range mostTurned {
		found, more, err := w.gate.Search(r.Context(), query)
		if err != nil {
			w.fail(rw, r, err)
			return
		}
		for _, req := range found {
			if req.Decision != countersign.DecisionPending && h.Filter.lets(req) && v.sees(req) {
				h.add(v, req)
			}
		}
		query.Cursor, next = more, more
		if more == "" || h.N >= historyPage {
			break
		}
	}
	if next != "" {
		h.More = "/plain/history?" + h.values(next).Encode()
	}
	w.draw(rw, r, http.StatusOK, "history", page{Title: "History", Viewer: v, Here: "history", Body: h})
}

func (h *history) values(cursor string) url.Values {
	q := h.Filter.values()
	for name, v := range map[string]string{"decision": h.Decision, "execution": h.Execution, "cursor": cursor} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

func (h *history) add(v *viewer, r countersign.Request) {
	b := brief.Build(r, v.dir)
	s := settled{earlier: earlierOf(r), Severity: b.Severity, Sentence: b.Sentence, Resource: b.Facts[2].Value.String()}
	if len(b.Why.Rules) > 0 {
		s.Rule = b.Why.Rules[0].ID
	}
	name := r.CreatedAt.UTC().Format("Monday 2 January 2006")
	if n := len(h.Days); n == 0 || h.Days[n-1].Name != name {
		h.Days = append(h.Days, day{Name: name})
	}
	last := &h.Days[len(h.Days)-1]
	last.Rows = append(last.Rows, s)
	h.N++
}
