package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/store"
)

const (
	mostPending = 500 // requests that the Inbox looks at, the newest
	mostRows    = 200 // in one group
)

// A row is one pending request in the Inbox.
type row struct {
	ID       countersign.RequestID
	Severity countersign.Severity
	Sentence brief.Text
	Line     brief.Text // the command, in one line
	Labels   []brief.Text
	Hidden   string    // "4 hidden characters"
	Opens    time.Time // until when nobody can approve it; zero: it is open
	Note     string    // why it is not for this person, or what they said
	Rule     string
	Needs    string
	Pips     pips
	Fuse     fuse
	request  countersign.Request
}

// A group is one part of the Inbox.
type group struct {
	Title string
	Rows  []row
	N     int // of all rows; more than len(Rows) where the list is cut
	Main  bool
}

// inbox is what the Inbox draws.
type inbox struct {
	Groups   []group
	Filter   filter
	Cut      bool // there are more pending requests than were looked at
	Refresh  int  // seconds; 0 is off
	OnHref   string
	OffHref  string
	Elsewise int // rows that the filter leaves out
}

// filter is what the address says to show.
type filter struct{ Resource, Rule, Agent string }

func filterOf(q url.Values) filter {
	field := func(name string) string { v := q.Get(name); return v[:min(len(v), 200)] }
	return filter{field("resource"), field("rule"), field("agent")}
}

func (f filter) values() url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"resource": f.Resource, "rule": f.Rule, "agent": f.Agent} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

// Any reports whether it leaves anything out.
func (f filter) Any() bool { return f != filter{} }

func (f filter) lets(r countersign.Request) bool {
	has := func(s, part string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(part)) }
	rule := f.Rule == "" || slices.ContainsFunc(r.Verdict.Leading(), func(t countersign.RuleTrace) bool { return has(t.ID, f.Rule) })
	return rule && has(r.Resource.Name, f.Resource) && (has(r.Requester.Name, f.Agent) || r.Requester.ID == f.Agent)
}

func (w *Web) inbox(rw http.ResponseWriter, r *http.Request, v *viewer) {
	found, more, err := w.gate.Search(r.Context(), store.Query{Decision: countersign.DecisionPending, Limit: mostPending})
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	in := inbox{Filter: filterOf(r.URL.Query()), Cut: more != ""}
	mine, done, others := group{Title: "For you to decide", Main: true}, group{Title: "You decided, others have not"}, group{Title: "Not yours to decide"}
	for _, req := range found {
		if !v.sees(req) {
			continue
		}
		if !in.Filter.lets(req) {
			in.Elsewise++
			continue
		}
		switch say, why := view.Said(req, v.ID), quorum.MayDecide(v.dir, req, v.ID); {
		case say != "":
			done.add(v.row(req, say))
		case why != nil:
			others.add(v.row(req, view.NotYours(v.dir, req, v.ID, why)))
		default:
			mine.add(v.row(req, ""))
		}
	}
	in.Groups = []group{mine.sorted(), done.sorted(), others.sorted()}
	in.refresh(r.URL.Query().Get("refresh"), mine.N == 0)
	if in.Refresh > 0 {
		rw.Header().Set("Refresh", map[int]string{calm: "20", eager: "10"}[in.Refresh])
	}
	title := "Inbox"
	if mine.N > 0 {
		title = "Inbox (" + plural(mine.N, "waits", "wait") + ")"
	}
	w.draw(rw, r, http.StatusOK, "inbox", page{Title: title, Viewer: v, Here: "inbox", Waiting: mine.N, Body: in})
}

const (
	calm  = 20 // seconds, if asked for
	eager = 10 // seconds, while nothing waits
)

// refresh loads the page again by itself while nothing waits, and otherwise only
// if the reader wants it: what reloads takes away where they were reading.
func (in *inbox) refresh(asked string, empty bool) {
	switch {
	case asked == "off":
	case asked == "on":
		in.Refresh = calm
	case empty:
		in.Refresh = eager
	}
	link := func(state string) string {
		q := in.Filter.values()
		q.Set("refresh", state)
		return "/plain/?" + q.Encode()
	}
	in.OnHref, in.OffHref = link("on"), link("off")
}

func (g *group) add(r row) { g.Rows, g.N = append(g.Rows, r), g.N+1 }

// sorted puts the highest risk first, then what has waited longest.
func (g group) sorted() group {
	slices.SortFunc(g.Rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), a.request.CreatedAt.Compare(b.request.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	g.Rows = g.Rows[:min(len(g.Rows), mostRows)]
	return g
}

func (v *viewer) row(r countersign.Request, note string) row {
	b := brief.Build(r, v.dir)
	out := row{
		ID: r.ID, Severity: b.Severity, Sentence: b.Sentence, Line: brief.CommandLine(r), Note: note,
		Pips: pipsOf(b.Deciders.Signed, b.Deciders.Needed), Fuse: fuseOf(r, v.now), Needs: needs(b.Deciders.Stages), request: r,
	}
	for _, f := range b.Facts {
		switch f.Name {
		case brief.FactWhere:
			out.Labels = append(out.Labels, f.Value, f.Detail)
		case brief.FactData:
			out.Labels = append(out.Labels, f.Value)
		}
	}
	if len(b.Why.Rules) > 0 {
		out.Rule = b.Why.Rules[0].ID
	}
	if c := b.Deciders.Closed; c != nil && v.now.Before(c.Until) {
		out.Opens = c.Until
	}
	if n := b.Command.End.Hidden; n > 0 {
		out.Hidden = plural(n, "hidden character", "hidden characters")
	}
	return out
}

// needs is "one person, passkey".
func needs(stages []brief.Stage) string {
	people, least := 0, countersign.Chat
	for _, s := range stages {
		people += s.Quorum
		if s.Assurance.Meets(least) {
			least = s.Assurance
		}
	}
	count := map[int]string{1: "one person", 2: "two people", 3: "three people"}[people]
	if count == "" {
		count = plural(people, "person", "people")
	}
	return count + ", " + string(least)
}
