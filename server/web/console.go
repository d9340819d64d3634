package web

import (
	"errors"
	"net/http"
	"net/url"
)

// scriptPolicy is contentPolicy for the pages that the console draws: its one
// script, which may ask its own server, and never make text into markup.
const scriptPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// shell sends the page that the console draws into. A browser without script is
// sent on to the page that the server draws, if there is one at plain.
func (w *Web) shell(rw http.ResponseWriter, r *http.Request, plain string) {
	rw.Header().Set("Content-Security-Policy", scriptPolicy)
	body, err := w.drawn("console", page{Title: "Countersign", Body: plain})
	if err != nil {
		w.undrawn(rw, "console", err)
		return
	}
	// No more than the icons and an address of ours stand in it. The pages that the
	// server draws hold what agents wrote, and after a reveal a secret beside it: they
	// are not compressed, since their length would tell of it (BREACH).
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	if small, err := zipped(body); err == nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = small
	}
	rw.Write(body)
}

// open serves a page of the console that needs no session.
func (w *Web) open(rw http.ResponseWriter, r *http.Request) { w.shell(rw, r, "") }

// closed serves a page of the console to who is signed in.
func (w *Web) closed(rw http.ResponseWriter, r *http.Request) {
	_, err := w.viewer(r)
	if errors.Is(err, errSignedOut) {
		w.toSignIn(rw, r)
		return
	}
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	plain := "/plain/"
	if plainPath.MatchString(r.URL.Path) {
		plain = "/plain" + r.URL.Path
	}
	w.shell(rw, r, plain)
}

// toSignIn sends whoever asked for a page to sign in, and back to it.
func (w *Web) toSignIn(rw http.ResponseWriter, r *http.Request) {
	to := "/signin"
	if next := ownPage(r.URL.RequestURI()); next != "/" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}
