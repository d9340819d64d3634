package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/link"
	"github.com/countersignhq/countersign/identity/session"
)

// Link makes a sign-in link for the person, which works once and for thirty
// minutes. Whoever has it is the person.
func (w *Web) Link(ctx context.Context, person string) (string, error) {
	secret, err := link.New(ctx, w.kept, person, w.cfg.Now())
	if err != nil {
		return "", err
	}
	return w.origin + "/signin?" + url.Values{"link": {secret}}.Encode(), nil
}

// signIn is what the sign-in page draws.
type signIn struct {
	Link string // the secret, spent by the button alone
	Next string
	Host string
	// Profiles are the reviewers that anybody may be; the demo's.
	Profiles []countersign.Person
}

// signInPage shows the button. It spends nothing: mail scanners and previews
// fetch links too.
func (w *Web) signInPage(rw http.ResponseWriter, r *http.Request) {
	d, err := w.gate.Directory(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	q := r.URL.Query()
	s := signIn{Link: q.Get("link"), Next: ownPage(q.Get("next")), Host: w.origin}
	for _, id := range w.cfg.Profiles {
		s.Profiles = append(s.Profiles, d.People[id])
	}
	rw.Header().Set("Content-Security-Policy", scriptPolicy)
	w.draw(rw, r, http.StatusOK, "signin", page{Title: "Sign in", Body: s})
}

// arrives says whom the form of the sign-in page signs in: the owner of the
// link, or a reviewer of the demo.
func (w *Web) arrives(r *http.Request) (string, error) {
	if id := r.PostForm.Get("profile"); slices.Contains(w.cfg.Profiles, id) {
		return id, nil
	}
	return link.Take(r.Context(), w.kept, r.PostForm.Get("link"))
}

// spend takes the link and opens a session of the person it was made for.
func (w *Web) spend(rw http.ResponseWriter, r *http.Request) {
	person, err := w.arrives(r)
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	d, err := w.gate.Directory(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	if p, ok := d.People[person]; !ok || p.Inactive {
		w.fail(rw, r, &countersign.Error{Code: countersign.CodeForbidden, Detail: "this link is of nobody who is active here", Hint: "ask the operator"})
		return
	}
	err = session.Open(r.Context(), w.kept, rw, r, session.Session{Person: person, AuthTime: w.cfg.Now(), Method: "link"})
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	w.cfg.Log.Info("signed in", "person", person, "method", "link")
	http.Redirect(rw, r, ownPage(r.PostForm.Get("next")), http.StatusSeeOther)
}

func (w *Web) signOut(rw http.ResponseWriter, r *http.Request) {
	if err := session.End(r.Context(), w.kept, rw, r); err != nil {
		w.fail(rw, r, err)
		return
	}
	http.Redirect(rw, r, "/signin", http.StatusSeeOther)
}

var (
	plainPath = regexp.MustCompile(`^/(history|r/req_[0-9a-z]{16})?$`)
	ownPath   = regexp.MustCompile(`^(/plain)?/(history|r/req_[0-9a-z]{16})?$|^/(people|agents|resources|policy|setup|verify)$`)
)

// ownPage is the address if it is of one of the pages that somebody may be sent
// to after signing in, otherwise the Inbox's.
func ownPage(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !ownPath.MatchString(u.Path) {
		return "/"
	}
	own := url.URL{Path: u.Path, RawQuery: u.Query().Encode()}
	return own.String()
}
