// Package web is what people use in a browser: sign-in, the console, and below
// /plain/ the Inbox, a request and its decision, and the History for browsers
// without script, drawn on the server. Start with New; console.go serves the
// console, decide.go takes the decisions of the plain pages.
package web

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// Config is what the pages may be told.
type Config struct {
	// PublicURL is how browsers reach the pages: "https://gate.example", without
	// a path. It has no default.
	PublicURL string
	// Head is the newest checkpoint, for the foot of every page. Nil: none is shown.
	Head func(context.Context) (ledger.Checkpoint, error)
	// Events are the recorded events of a request, for the timeline of a settled
	// one. Nil: it has none.
	Events func(context.Context, countersign.RequestID) ([]ledger.Entry, error)
	// Now is the clock that the gate also has. Defaults to time.Now.
	Now func() time.Time
	// Log defaults to slog.Default. What requests hold never reaches it.
	Log *slog.Logger
	// Demo is the gate's: approvals may come from where the agents run.
	Demo bool
	// Profiles are the people whom the sign-in page offers to be, without a proof
	// of any kind. For a demo alone.
	Profiles []string
	// Version stands at the foot of every page.
	Version string
}

// A Web serves the pages.
type Web struct {
	gate   *gate.Gate
	kept   store.Ephemeral
	cfg    Config
	origin string // of PublicURL, as browsers spell it
	pages  *template.Template
	static map[string]asset // by path
	mux    *http.ServeMux
}

//go:embed pages static
var files embed.FS

// New returns the pages over the gate; sessions and sign-in links are kept in
// kept.
func New(g *gate.Gate, kept store.Ephemeral, cfg Config) (*Web, error) {
	public, err := url.Parse(cfg.PublicURL)
	if err != nil || public.Host == "" || (public.Scheme != "http" && public.Scheme != "https") {
		return nil, fmt.Errorf("public_url %q is no http or https address", cfg.PublicURL)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	w := &Web{gate: g, kept: kept, cfg: cfg, origin: public.Scheme + "://" + public.Host}
	icons, err := sprite()
	if err != nil {
		return nil, err
	}
	if w.pages, err = template.New("").Funcs(functions(icons)).ParseFS(files, "pages/*.html"); err != nil {
		return nil, err
	}
	if w.static, err = assets(); err != nil {
		return nil, err
	}
	w.mux = w.routes()
	return w, nil
}

func (w *Web) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, page := range []string{"/{$}", "/r/{id}", "/history", "/people", "/agents", "/resources", "/policy", "/insight", "/account", "/setup/slack"} {
		mux.HandleFunc("GET "+page, w.closed)
	}
	for _, page := range []string{"/verify", "/setup", "/join", "/recover"} {
		mux.HandleFunc("GET "+page, w.open)
	}
	mux.Handle("GET /plain/{$}", w.forPeople(w.inbox))
	mux.Handle("GET /plain/history", w.forPeople(w.history))
	mux.Handle("GET /plain/r/{id}", w.forPeople(w.request))
	mux.Handle("POST /plain/r/{id}/decide", w.posted(w.forPeople(w.decide)))
	mux.Handle("POST /plain/r/{id}/reveal", w.posted(w.forPeople(w.reveal)))
	mux.HandleFunc("GET /signin", w.signInPage)
	mux.Handle("POST /signin", w.posted(http.HandlerFunc(w.spend)))
	mux.Handle("POST /signout", w.posted(http.HandlerFunc(w.signOut)))
	mux.HandleFunc("GET /static/", w.file)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) { w.fail(rw, r, noPage()) })
	return mux
}

// ServeHTTP implements http.Handler.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	guard(rw.Header())
	w.mux.ServeHTTP(rw, r)
}

// page is what every page is drawn with.
type page struct {
	Title  string // less the product's name
	Viewer *viewer
	// Here is "inbox", "history" or empty.
	Here    string
	Waiting int // for the viewer; 0 is not shown
	// Held are the agents of which everything is held, for the head of the page.
	Held []held
	Foot foot
	// Critical makes the page look different before a word of it is read.
	Critical bool
	Body     any // what the page's own template draws
}

type foot struct {
	Leaves  string // empty: not shown
	Version string
	Signed  string // "session, 6 min old"
}

// draw sends the page named by the template. It is drawn whole before a byte is
// sent: half a request must never look like all of it.
func (w *Web) draw(rw http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Foot, p.Held = w.foot(r.Context(), p.Viewer), p.Viewer.held()
	b, err := w.drawn(name, p)
	if err != nil {
		w.undrawn(rw, name, err)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	rw.Write(b)
}

func (w *Web) drawn(name string, p page) ([]byte, error) {
	var b bytes.Buffer
	err := w.pages.ExecuteTemplate(&b, name, p)
	return b.Bytes(), err
}

func (w *Web) undrawn(rw http.ResponseWriter, name string, err error) {
	w.cfg.Log.Error("a page cannot be drawn", "page", name, "err", err)
	http.Error(rw, "this page cannot be drawn; the server's log says why", http.StatusInternalServerError)
}

func (w *Web) foot(ctx context.Context, v *viewer) foot {
	f := foot{Version: w.cfg.Version}
	if v == nil {
		return f
	}
	f.Signed = "session, " + ago(w.cfg.Now().Sub(v.session.AuthTime)) + " old"
	if w.cfg.Head == nil {
		return f
	}
	f.Leaves = "cannot be read"
	if head, err := w.cfg.Head(ctx); err == nil {
		f.Leaves = plural(int(head.Size), "leaf", "leaves")
	}
	return f
}
