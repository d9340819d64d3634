// Package web is what people use in a browser: sign-in, the Inbox, a request and
// its decision, the History. Its pages are drawn on the server and hold no
// script at all, so that nothing an agent writes can act in a reviewer's
// browser. Start with New; decide.go takes the decisions, see.go says who sees
// what.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
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
	static map[string]string // path to ETag
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
	if w.pages, err = template.New("").Funcs(functions()).ParseFS(files, "pages/*.html"); err != nil {
		return nil, err
	}
	if w.static, err = etags(); err != nil {
		return nil, err
	}
	w.mux = w.routes()
	return w, nil
}

func (w *Web) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", w.forPeople(w.inbox))
	mux.Handle("GET /history", w.forPeople(w.history))
	mux.Handle("GET /r/{id}", w.forPeople(w.request))
	mux.Handle("POST /r/{id}/decide", w.posted(w.forPeople(w.decide)))
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

// etags names each static file by its content.
func etags() (map[string]string, error) {
	tags := map[string]string{}
	err := fs.WalkDir(files, "static", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		sum := sha256.Sum256(b)
		tags["/"+path] = `"` + hex.EncodeToString(sum[:8]) + `"`
		return err
	})
	return tags, err
}

func (w *Web) file(rw http.ResponseWriter, r *http.Request) {
	tag, ok := w.static[r.URL.Path]
	if !ok {
		w.fail(rw, r, noPage())
		return
	}
	rw.Header().Set("Etag", tag)
	rw.Header().Set("Cache-Control", "no-cache") // kept, and asked for again by its tag
	http.ServeFileFS(rw, r, files, r.URL.Path[1:])
}

// page is what every page is drawn with.
type page struct {
	Title  string // less the product's name
	Viewer *viewer
	// Here is "inbox", "history" or empty.
	Here    string
	Waiting int // for the viewer; 0 is not shown
	Foot    foot
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
	p.Foot = w.foot(r.Context(), p.Viewer)
	var b bytes.Buffer
	if err := w.pages.ExecuteTemplate(&b, name, p); err != nil {
		w.cfg.Log.Error("a page cannot be drawn", "page", name, "err", err)
		http.Error(rw, "this page cannot be drawn; the server's log says why", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	rw.Write(b.Bytes())
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
