package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/identity/session"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/server/view"
)

// contentPolicy lets a page load its own style, fonts and images, post to its
// own server, and nothing else: no script at all.
const contentPolicy = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func guard(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: under it browsers send "Origin: null" with a form, and no
	// decision could be told from another site's (Fetch, "append a request
	// Origin header").
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// posted lets a form through that one of these pages sent, and refuses one that
// another site made a browser send, or that does not say where it is from.
func (w *Web) posted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		origin, site := r.Header["Origin"], r.Header.Get("Sec-Fetch-Site")
		if len(origin) != 1 || origin[0] != w.origin || (site != "" && site != "same-origin") {
			w.fail(rw, r, &countersign.Error{
				Code: countersign.CodeForbidden, Detail: "this was not sent from a page of " + w.origin,
				Hint: "open the page there and do it again; nothing was recorded",
			})
			return
		}
		r.Body = http.MaxBytesReader(rw, r.Body, 64<<10)
		if err := r.ParseForm(); err != nil {
			w.fail(rw, r, &countersign.Error{Code: countersign.CodeBadRequest, Detail: "the form cannot be read", Hint: "a reason is short; nothing was recorded"})
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// A viewer is who looks at a page.
type viewer struct {
	countersign.Person
	session session.Session
	dir     *countersign.Directory
	now     time.Time
}

func (v *viewer) assurance() countersign.Assurance { return v.session.Lends(v.dir, v.now) }

// errSignedOut says that nobody is signed in.
var errSignedOut = errors.New("nobody is signed in")

func (w *Web) viewer(r *http.Request) (*viewer, error) {
	s, ok, err := session.Find(r.Context(), w.kept, r)
	if err != nil {
		return nil, &countersign.Error{Code: countersign.CodeUnavailable, Detail: "sessions cannot be read", Hint: "try again in a moment"}
	}
	if !ok {
		return nil, errSignedOut
	}
	d, err := w.gate.Directory(r.Context())
	if err != nil {
		return nil, err
	}
	if !s.Stands(d) {
		return nil, errSignedOut
	}
	return &viewer{d.People[s.Person], s, d, w.cfg.Now()}, nil
}

// forPeople finds out who looks. Who is not signed in is sent to do so; what
// they posted is not taken.
func (w *Web) forPeople(handle func(http.ResponseWriter, *http.Request, *viewer)) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		v, err := w.viewer(r)
		switch {
		case err == nil:
			handle(rw, r, v)
		case !errors.Is(err, errSignedOut):
			w.fail(rw, r, err)
		case r.Method == http.MethodPost:
			w.fail(rw, r, &countersign.Error{
				Code: countersign.CodeUnauthenticated, Detail: "Your session has ended. Nothing was recorded.",
				Hint: "sign in again with a new link and decide again",
			})
		default:
			w.toSignIn(rw, r)
		}
	})
}

// fail tells what was refused, on a page of its own.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, err error) {
	p := problem.Of(err)
	if p.Status >= http.StatusInternalServerError {
		w.cfg.Log.Error("a page failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	v, _ := w.viewer(r) // without one the page still says what is wrong
	title := map[int]string{
		http.StatusNotFound: "Not found", http.StatusUnauthorized: "Sign in again", http.StatusServiceUnavailable: "Unavailable",
		http.StatusInternalServerError: "Failed",
	}[p.Status]
	if title == "" {
		title = "Refused"
	}
	w.draw(rw, r, p.Status, "error", page{Title: title, Viewer: v, Body: notice{
		Kind: "bad", Icon: "octagon-x", Title: sentenceOf(p.Detail), Text: sentenceOf(p.Hint), Code: p.Code,
	}})
}

func noPage() error {
	return &countersign.Error{Code: countersign.CodeNotFound, Detail: "There is nothing here that you may see", Hint: "what waits for you is in the Inbox"}
}

func (v *viewer) sees(r countersign.Request) bool { return view.Sees(v.dir, v.Principal(), r) }

func (v *viewer) owns(asker countersign.Principal) bool { return view.Owns(v.dir, v.ID, asker) }
