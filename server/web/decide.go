package web

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/server/problem"
)

// longestReason is how much anybody reads of a reason, in characters.
const longestReason = 280

// decide takes the viewer's choice. What comes of it is told on the request's
// page: the request as it then is, or why the choice does not count.
func (w *Web) decide(rw http.ResponseWriter, r *http.Request, v *viewer) {
	req, err := w.find(r, v)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	choice, err := choiceOf(r, req)
	if err == nil {
		choice.Assurance, choice.AuthTime, choice.Method = v.assurance(), v.session.AuthTime, v.session.Method
		choice.Solo, choice.Channel, choice.By = v.session.Method != "passkey", "console", v.Principal()
		_, err = w.gate.Decide(r.Context(), gate.Decision{Request: req.ID, Decision: choice, Origin: origin(r)})
	}
	w.cfg.Log.Info("decided", "request", req.ID, "person", v.ID, "choice", choice.Choice, "peer", r.RemoteAddr, "code", codeOf(err))
	if err != nil {
		w.refused(rw, r, v, choice, err)
		return
	}
	http.Redirect(rw, r, "/plain/r/"+string(req.ID), http.StatusSeeOther)
}

func codeOf(err error) countersign.Code {
	if err == nil {
		return ""
	}
	return countersign.CodeOf(err)
}

// choiceOf reads the form.
func choiceOf(r *http.Request, req countersign.Request) (countersign.Decision, error) {
	f := r.PostForm
	d := countersign.Decision{
		Choice: countersign.Choice(f.Get("choice")), Reason: typed(f.Get("reason")), To: f.Get("to"),
	}
	if d.Choice != countersign.Escalate {
		d.To = ""
	}
	digest, err := countersign.ParseDigest(f.Get("digest"))
	view, err2 := countersign.ParseDigest(f.Get("view_digest"))
	d.Digest, d.View = digest, view
	switch {
	case err != nil || err2 != nil:
		return d, &countersign.Error{Code: countersign.CodeBadRequest, Detail: "the form does not say what was shown", Hint: "open the request again and decide there"}
	case utf8.RuneCountInString(d.Reason) > longestReason:
		return d, &countersign.Error{Code: countersign.CodeTooLarge, Detail: "the reason is longer than 280 characters", Hint: "say it shorter; nothing was recorded"}
	case d.Choice == countersign.Approve && req.Facts.Severity() == countersign.Critical && f.Get("name") != req.Resource.Name:
		return d, &countersign.Error{Code: countersign.CodeReasonRequired, Detail: "the name that was typed is not the resource's", Hint: "it stands in the first sentence; nothing was recorded"}
	}
	return d, nil
}

// typed is the text of a field as people meant it.
func typed(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// origin is where a decision came from.
func origin(r *http.Request) countersign.Origin {
	const most = 120
	client := strings.Map(func(c rune) rune {
		if c > unicode.MaxASCII || !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, r.UserAgent())
	return countersign.Origin{Door: "console", Peer: r.RemoteAddr, Client: client[:min(len(client), most)]}
}

// refused shows the request as it is now, and above it why the choice does not
// count.
func (w *Web) refused(rw http.ResponseWriter, r *http.Request, v *viewer, d countersign.Decision, why error) {
	req, err := w.gate.Get(r.Context(), countersign.RequestID(r.PathValue("id")))
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	p := problem.Of(why)
	w.show(rw, r, v, req, brief.Build(req, v.dir), p.Status, func(s *shown) {
		s.Reason = d.Reason
		n := notice{Kind: "bad", Icon: "ban", Title: sentenceOf(p.Detail), Text: sentenceOf(p.Hint), Code: p.Code}
		switch countersign.Code(p.Code) {
		case countersign.CodeAlreadySettled:
			n = late(req, s.Brief, d.Choice, v)
		case countersign.CodeViewChanged, countersign.CodeDigestMismatch:
			n.Kind, n.Icon, n.Title = "warn", "circle-alert", "Read it again before you decide."
			n.Text = "What you were shown is not what is there now. " + notRecorded(d.Choice) + "."
		case countersign.CodeSelfApproval:
			if v.owns(req.Requester) {
				n.Title = "You own " + s.Facts[0].Value.String() + ", so you cannot decide for it."
			}
			n.Text = "The attempt is on record. " + n.Text
		case countersign.CodeNotAReviewer, countersign.CodeAssuranceTooLow:
			n.Text = "The attempt is on record; nothing ran. " + n.Text
		}
		s.Notice = &n
	})
}

func notRecorded(c countersign.Choice) string {
	noun := map[countersign.Choice]string{countersign.Approve: "approval", countersign.Reject: "rejection", countersign.Escalate: "escalation"}[c]
	if noun == "" {
		noun = "choice"
	}
	return "Your " + noun + " was not recorded"
}

// late tells whoever lost a race who was faster, and what became of it.
func late(r countersign.Request, b brief.Brief, c countersign.Choice, v *viewer) notice {
	n := notice{Kind: "warn", Icon: "circle-alert", Title: "Already settled.", Code: string(countersign.CodeAlreadySettled)}
	end := " and nothing ran."
	if r.Execution != countersign.ExecutionNone {
		end = "; it ran without it."
	}
	told := notRecorded(c) + end
	choices := b.Deciders.Choices
	switch {
	case r.Decision == countersign.DecisionExpired || r.Decision == countersign.DecisionPending:
		n.Icon, n.Title, n.Text = "clock", "Nobody decided in time. It did not run.", told
	case r.Decision == countersign.DecisionWithdrawn:
		n.Title, n.Text = "Already taken back.", told
	case r.Decision == countersign.DecisionDenied:
		n.Title, n.Text = "Already denied by rule.", told
	case len(choices) > 0:
		last := choices[len(choices)-1]
		did := map[countersign.Choice]string{countersign.Approve: "approved", countersign.Reject: "rejected"}[last.Choice]
		n.Title, n.Quote = "Already decided by "+last.Name.String()+".", last.Reason
		n.Text = last.Name.String() + " " + did + " it at " + last.At.UTC().Format("15:04:05") + " UTC, " +
			ago(v.now.Sub(last.At)) + " before you. " + told
	}
	return n
}
