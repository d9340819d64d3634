package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/server/view"
	"github.com/countersignhq/countersign/store"
)

// shown is what the page of one request draws.
type shown struct {
	brief.Brief
	Lines  []codeLine
	States []stateWord
	// Notice says how it ended, or what came of what the viewer just tried.
	Notice *notice
	Panel  panel
	Past   past
	Steps  []step
	// Pending is true while people can decide, Undo while an approval can still
	// be taken back.
	Pending, Undo, Settled bool
	Critical               bool
	// Reveal is true where secrets are left out that the viewer may be shown.
	Reveal bool
	View   string // the view digest, which a decision carries
	Reason string // what the viewer had typed
}

// A panel is the viewer's side of the decision.
type panel struct {
	Fuse   fuse
	Pips   pips
	Stages []signatures
	// May is true if the viewer's choice counts at all; NotMine says why not.
	May     bool
	NotMine string
	// Approve is true if it is offered; Lacks says why not.
	Approve  bool
	Lacks    string
	Groups   []string // that it can be escalated to
	Signed   string   // "Signed in as Bob Okafor, session 6 min old."
	Resource string   // the name to type
}

// signatures are the lines of one stage.
type signatures struct {
	Says  string
	Lines []signature
}

type signature struct {
	By    *brief.Signature // nil: the line is open
	Open  string           // who may sign here
	N, Of int              // zero where nothing is counted
}

func (w *Web) request(rw http.ResponseWriter, r *http.Request, v *viewer) {
	req, err := w.find(r, v)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	undoing := r.URL.Query().Get("undo") != ""
	if !req.Settled() && req.Decision != countersign.DecisionPending && !undoing {
		rw.Header().Set("Refresh", "3") // nobody decides here now: it shows how it goes on
	}
	w.show(rw, r, v, req, brief.Build(req, v.dir), http.StatusOK, func(s *shown) { s.Undo = s.Undo && undoing })
}

// find returns the request of the address if the viewer may see it.
func (w *Web) find(r *http.Request, v *viewer) (countersign.Request, error) {
	req, err := w.gate.Get(r.Context(), countersign.RequestID(r.PathValue("id")))
	if err != nil && countersign.CodeOf(err) != countersign.CodeNotFound {
		return req, err
	}
	if err != nil || !v.sees(req) {
		return req, noPage()
	}
	return req, nil
}

// show draws the request as b presents it, and as more says.
func (w *Web) show(rw http.ResponseWriter, r *http.Request, v *viewer, req countersign.Request, b brief.Brief, status int, more func(*shown)) {
	s := shown{
		Brief: b, Lines: codeLines(b.Command.Lines), View: b.Digest().String(), Settled: req.Settled(),
		States: []stateWord{decisionWord(req.Decision)}, Notice: ending(req, b), Panel: w.panel(v, req, b),
		Pending: req.Decision == countersign.DecisionPending, Undo: canUndo(v, req),
	}
	s.Reveal = b.Command.End.Redacted > 0 && quorum.MayDecide(v.dir, req, v.ID) == nil
	s.Critical = s.Pending && b.Severity == countersign.Critical
	if req.Execution != countersign.ExecutionNone {
		s.States = append(s.States, executionWord(req.Execution))
	}
	var err error
	if s.Past, err = w.past(r, v, req); err == nil && !s.Pending {
		s.Steps, err = w.steps(r, req, b)
	}
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	more(&s)
	here := "inbox"
	if !s.Pending {
		here = "history"
	}
	w.draw(rw, r, status, "request", page{
		Title:  titleOf(req) + ", " + b.Severity.String() + ", " + string(req.Decision),
		Viewer: v, Here: here, Critical: s.Critical, Body: s,
	})
}

func titleOf(r countersign.Request) string {
	const most = 80
	title := []rune(brief.Summary(r).String())
	if len(title) > most {
		return string(title[:most]) + "…"
	}
	return string(title)
}

// canUndo reports whether an approval can still be taken back.
func canUndo(v *viewer, r countersign.Request) bool {
	waits := r.Decision == countersign.DecisionApproved && r.Execution == countersign.ExecutionNone
	return waits && quorum.MayDecide(v.dir, r, v.ID) == nil
}

func (w *Web) panel(v *viewer, r countersign.Request, b brief.Brief) panel {
	p := panel{
		Fuse: fuseOf(r, v.now), Pips: pipsOf(b.Deciders.Signed, b.Deciders.Needed), Resource: r.Resource.Name,
		Signed: "Signed in as " + v.Name + ", session " + ago(v.now.Sub(v.session.AuthTime)) + " old.",
	}
	p.Stages = stagesOf(r, b.Deciders)
	if why := quorum.MayDecide(v.dir, r, v.ID); why != nil {
		p.NotMine = sentenceOf(view.NotYours(v.dir, r, v.ID, why))
		return p
	}
	p.May = true
	for name := range v.dir.Groups {
		p.Groups = append(p.Groups, name)
	}
	slices.Sort(p.Groups)
	p.Lacks = w.lacks(v, r, b)
	p.Approve = b.Approvable && p.Lacks == ""
	return p
}

// lacks says why the viewer, who may decide, cannot approve; the obstacles that
// nobody passes stand in the Brief.
func (w *Web) lacks(v *viewer, r countersign.Request, b brief.Brief) string {
	const still = " It can be rejected or escalated."
	if c := b.Deciders.Closed; c != nil && v.now.Before(c.Until) {
		return closedUntil(c) + still
	}
	if view.Said(r, v.ID) != "" {
		return "You have approved it and count once: another person is needed."
	}
	least := view.Least(v.dir, r, b, v.ID)
	switch {
	case len(v.dir.CredentialsOf(v.ID)) > 0 && v.assurance() == "":
		return "Your passkey signs this, in the console with script." + still
	case v.assurance().Meets(least):
	case least == countersign.Passkey:
		return "This needs a passkey, and nobody here has enrolled one." + still
	default:
		return "This needs a sign-in at most 15 min old, and yours is " + ago(v.now.Sub(v.session.AuthTime)) + " old. Sign in again with a new link to approve it."
	}
	if r.Origin.ServerAccount && !w.cfg.Demo {
		return "The agent runs under this server's own account, so a session opened by a link cannot approve what it asks for." + still
	}
	return ""
}

// closedUntil says until when nobody can approve it, and why.
func closedUntil(c *brief.Closed) string {
	var why []string
	for _, text := range c.Why {
		why = append(why, text.String())
	}
	return "Nobody can approve this before " + c.Until.UTC().Format("Mon 2 Jan 15:04") + " UTC: " + strings.Join(why, "; ") + "."
}

// stagesOf draws the signatures as they would be on paper: open lines while
// somebody can sign, what no longer counts, and what else people said of it once it
// is over.
func stagesOf(r countersign.Request, d brief.Deciders) []signatures {
	var all []signatures
	pending := r.Decision == countersign.DecisionPending
	for _, s := range d.Stages {
		all = append(all, linesOf(s, pending))
	}
	var others signatures
	for i, c := range d.Choices {
		if approval := c.Choice == countersign.Approve; approval && len(c.Void) > 0 || !approval && !pending {
			others.Lines = append(others.Lines, signature{By: &d.Choices[i]})
		}
	}
	if len(others.Lines) > 0 {
		all = append(all, others)
	}
	return all
}

func linesOf(s brief.Stage, pending bool) signatures {
	out := signatures{Says: s.Says}
	for i := range s.Signed {
		out.Lines = append(out.Lines, signature{By: &s.Signed[i], N: i + 1, Of: s.Quorum})
	}
	if pending && s.Quorum == 1 && len(s.Signed) == 0 {
		return signatures{Lines: []signature{{Open: s.Says, N: 1, Of: 1}}}
	}
	for pending && len(out.Lines) < min(s.Quorum, mostPips) {
		who := "anyone of "
		if len(out.Lines) > 0 {
			who = "another of "
		}
		out.Lines = append(out.Lines, signature{Open: who + listed(s.Groups, "or"), N: len(out.Lines) + 1, Of: s.Quorum})
	}
	return out
}

// past are requests like this one before.
type past struct {
	Rows []earlier
	N    int // of all that were found; more than len(Rows) where the list is cut
}

type earlier struct {
	ID        countersign.RequestID
	At        time.Time
	What      brief.Text
	By        string
	Decision  stateWord
	Execution stateWord
}

const (
	mostLooked = 200
	mostPast   = 5
)

// past looks for the same tool on the same resource by the same requester.
func (w *Web) past(r *http.Request, v *viewer, req countersign.Request) (past, error) {
	found, _, err := w.gate.Search(r.Context(), store.Query{Requester: req.Requester.ID, Resource: req.Resource.Name, Limit: mostLooked})
	var p past
	for _, old := range found {
		if old.ID == req.ID || old.Facts.Tool != req.Facts.Tool || !old.CreatedAt.Before(req.CreatedAt) || !v.sees(old) {
			continue
		}
		if p.N++; len(p.Rows) < mostPast {
			p.Rows = append(p.Rows, earlierOf(old))
		}
	}
	return p, err
}

func earlierOf(r countersign.Request) earlier {
	return earlier{
		ID: r.ID, At: r.CreatedAt, What: brief.Summary(r), By: decidedBy(r),
		Decision: decisionWord(r.Decision), Execution: executionWord(r.Execution),
	}
}

// decidedBy names the people, or says why there are none.
func decidedBy(r countersign.Request) string {
	var names []string
	for _, d := range r.Decisions {
		if d.Void == "" && d.Choice != countersign.Escalate && !slices.Contains(names, d.By.Name) {
			names = append(names, d.By.Name)
		}
	}
	switch {
	case r.Decision == countersign.DecisionWithdrawn:
		return "taken back"
	case r.Decision == countersign.DecisionExpired:
		return "no one in time"
	case len(names) > 0:
		return strings.Join(names, ", ")
	case r.Decision == countersign.DecisionPending:
		return "nobody yet"
	}
	return "no one, by rule"
}
