package web

import (
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/server/view"
)

// ending says how a request ended, nil while people can decide.
func ending(r countersign.Request, b brief.Brief) *notice {
	n := notice{Icon: decisionWord(r.Decision).Icon}
	switch r.Execution {
	case countersign.ExecutionRunning:
		n.Icon, n.Title, n.Text = "hourglass", "It is running.", "It was released once. What comes of it is written here when it is on record."
		return &n
	case countersign.ExecutionSucceeded:
		n.Kind, n.Icon, n.Title = "done", "circle-check", "Ran once, as approved."
		n.Text = "It " + b.Outcome.Says.String() + ". Nothing can run under this approval again."
		if r.Decision == countersign.DecisionAllowed {
			n.Title, n.Text = "Ran once, by rule.", "Nobody was asked. It "+b.Outcome.Says.String()+"."
		}
		return &n
	case countersign.ExecutionFailed:
		n.Kind, n.Icon, n.Title, n.Text = "bad", "x", "It failed.", sentenceOf(b.Outcome.Says.String())
		return &n
	case countersign.ExecutionUnknown:
		n.Kind, n.Icon, n.Title = "bad", "circle-help", "Nobody knows whether it ran."
		n.Text = "It was released, and what happened is not on record. Look at " + r.Resource.Name + " before it is asked for again; the operator records what happened."
		return &n
	}
	return notRun(r, b, &n)
}

func notRun(r countersign.Request, b brief.Brief, n *notice) *notice {
	asker := b.Facts[0].Value.String()
	switch r.Decision {
	case countersign.DecisionPending:
		return nil
	case countersign.DecisionApproved, countersign.DecisionAllowed:
		n.Kind, n.Title = "done", "Approved. Nothing has run yet."
		n.Text = "It runs once, when " + asker + " comes back for it; after " + r.RunBy.UTC().Format("15:04:05") + " UTC it no longer may."
		for _, c := range b.Deciders.Lost() {
			n.Kind, n.Title = "warn", "Approved, and not every approval counts any more. Nothing has run yet."
			n.Text += " " + sentenceOf(c.Void.String())
		}
	case countersign.DecisionRejected:
		n.Title, n.Text = "Rejected. It did not run.", asker+" was told. If it asks again, that is a new request."
		if choices := b.Deciders.Choices; len(choices) > 0 {
			last := choices[len(choices)-1]
			n.Title, n.Quote = "Rejected by "+last.Name.String()+". It did not run.", last.Reason
		}
	case countersign.DecisionExpired:
		n.Title = "Nobody decided in time. It did not run."
		n.Text = "It ended at " + r.SettledAt.UTC().Format("15:04:05") + " UTC and counts as refused. " + asker + " was told; if it asks again, that is a new request."
		if !r.RunBy.IsZero() {
			n.Title = "Approved, and not run in time. It did not run."
		}
	case countersign.DecisionWithdrawn:
		n.Title, n.Text = "Taken back. It did not run.", "If it is asked for again, that is a new request."
	case countersign.DecisionDenied:
		n.Title, n.Text = "Denied by rule. It did not run.", asker+" was told which rule. Nobody could have approved it."
		if len(b.Because) > 0 {
			n.Text = sentenceOf(b.Because.String())
		}
	}
	return n
}

// A step is one event of the record, as the timeline draws it.
type step struct {
	At   time.Time
	Kind countersign.EventKind
	Leaf string
	Icon string
	// Says is what the event says besides, By the person's choice that it holds.
	Says string
	By   *brief.Signature
}

// steps are the recorded events of the request.
func (w *Web) steps(r *http.Request, req countersign.Request, b brief.Brief) ([]step, error) {
	if w.cfg.Events == nil {
		return nil, nil
	}
	entries, err := w.cfg.Events(r.Context(), req.ID)
	if err != nil {
		return nil, err
	}
	var steps []step
	choices, refused := b.Deciders.Choices, b.Deciders.Refused
	for _, entry := range entries {
		e, err := entry.Event()
		if err != nil {
			return nil, err
		}
		s := step{At: e.At, Kind: e.Kind(), Icon: "r-info", Leaf: plural(int(entry.Index), "", "")}
		switch body := e.Body.(type) {
		case countersign.Requested:
			s.Says = "by " + b.Facts[0].Value.String() + ", " + b.Facts[4].Value.String()
		case countersign.Held:
			s.Says = view.Because(body.Verdict, body.Because)
		case countersign.Denied:
			s.Says = view.Because(body.Verdict, body.Because)
		case countersign.Allowed:
			s.Says = view.Because(body.Verdict, "")
		case countersign.Decided, countersign.Escalated:
			s.Icon, s.By, choices = "r-low", first(choices), rest(choices)
		case countersign.Refused:
			s.By, refused = first(refused), rest(refused)
		case countersign.Released:
			s.Icon, s.Says = "r-low", "policy, people and bytes were checked again; one permit, for "+b.Facts[2].Value.String()
		case countersign.Completed:
			s.Icon, s.Says = "r-low", string(body.Outcome.Execution)
			if req.ResolvedBy == nil { // otherwise the Brief tells what was found out later
				s.Says = b.Outcome.Says.String()
			}
		case countersign.Resolved:
			s.Icon, s.Says = "r-low", b.Outcome.Says.String()
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func first(list []brief.Signature) *brief.Signature {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

func rest(list []brief.Signature) []brief.Signature { return list[min(len(list), 1):] }
