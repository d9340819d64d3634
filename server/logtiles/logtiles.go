// Package logtiles serves the log over HTTP as C2SP tlog-tiles: checkpoint and
// hash tiles to anybody, entries to auditors.
package logtiles

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/tlog"
)

// Config is what the handler may be told. Its zero value serves no entries.
type Config struct {
	// Auditor reports whether the caller may read entries. Defaults to nobody.
	Auditor func(*http.Request) bool
	// Now defaults to time.Now.
	Now func() time.Time
	// Log gets what fails. Defaults to slog.Default.
	Log *slog.Logger
}

const (
	height    = ledger.TileHeight
	fullWidth = 1 << height
	fresh     = time.Second // how old a checkpoint may be that is given out
)

type handler struct {
	log store.Log
	cfg Config

	mu   sync.Mutex
	head ledger.Checkpoint // under mu
	read time.Time         // when head was read; under mu
}

// New returns the handler of everything below /log/.
func New(l store.Log, cfg Config) http.Handler {
	if cfg.Auditor == nil {
		cfg.Auditor = func(*http.Request) bool { return false }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	h := &handler{log: l, cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /log/checkpoint", h.checkpoint)
	mux.HandleFunc("GET /log/tile/", h.tile)
	mux.HandleFunc("/log/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			problem.WriteMethod(w, []string{http.MethodGet, http.MethodHead})
			return
		}
		problem.Write(w, notFound(), "")
	})
	return mux
}

func (h *handler) checkpoint(w http.ResponseWriter, r *http.Request) {
	head, err := h.newest(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=1")
	h.write(w, head.Note)
}

// newest is the head of the log, read at most once a second.
func (h *handler) newest(ctx context.Context) (ledger.Checkpoint, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	if age := now.Sub(h.read); h.head.Note != nil && age >= 0 && age < fresh {
		return h.head, nil
	}
	head, err := h.log.Head(ctx)
	if err != nil {
		return ledger.Checkpoint{}, unavailable(err)
	}
	h.head, h.read = head, now
	return head, nil
}

func (h *handler) tile(w http.ResponseWriter, r *http.Request) {
	t, err := parse(strings.TrimPrefix(r.URL.EscapedPath(), "/log/tile/"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if t.L < 0 && !h.cfg.Auditor(r) {
		h.fail(w, r, &countersign.Error{Code: countersign.CodeForbidden, Detail: "entries are for auditors", Hint: "hash tiles and the checkpoint are for anybody"})
		return
	}
	head, err := h.log.Head(r.Context())
	if err != nil {
		h.fail(w, r, unavailable(err))
		return
	}
	if !within(t, head.Size) {
		h.fail(w, r, notFound())
		return
	}
	var b []byte
	if t.L < 0 {
		b, err = h.entries(r.Context(), t)
	} else {
		b, err = h.log.Tile(r.Context(), t)
	}
	if err != nil {
		h.fail(w, r, unavailable(err))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", caching(t))
	h.write(w, b)
}

// caching says how long a tile may be kept. What a full tile holds never
// changes; a partial one is soon of no use.
func caching(t tlog.Tile) string {
	switch {
	case t.L < 0:
		return "no-store"
	case t.W == fullWidth:
		return "public, max-age=31536000, immutable"
	}
	return "public, max-age=60"
}

// parse reads the path of a tile after /log/tile/: "<level>/<N>[.p/<W>]" or
// "entries/<N>[.p/<W>]". The level of a tile of entries is -1.
func parse(path string) (tlog.Tile, error) {
	goPath := path
	if rest, ok := strings.CutPrefix(path, "entries/"); ok {
		goPath = "data/" + rest
	} else if strings.HasPrefix(path, "data/") {
		return tlog.Tile{}, notFound()
	}
	// x/mod's own paths begin with the height, and its parser takes one
	// spelling of each.
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", height, goPath))
	if err != nil {
		return tlog.Tile{}, notFound()
	}
	return t, nil
}

// within reports whether a log of the size has the tile, full or that wide.
func within(t tlog.Tile, size int64) bool {
	level := max(t.L, 0)
	have := size >> (level * height) // hashes on this level
	return t.N <= have/fullWidth && t.N*fullWidth+int64(t.W) <= have
}

// entries are the leaves as C2SP tlog-tiles has them: each after its length in
// two bytes, big-endian.
func (h *handler) entries(ctx context.Context, t tlog.Tile) ([]byte, error) {
	from := t.N * fullWidth
	leaves, err := h.log.Leaves(ctx, from, from+int64(t.W))
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, leaf := range leaves {
		b = binary.BigEndian.AppendUint16(b, uint16(len(leaf))) // ledger.MaxLeaf fits
		b = append(b, leaf...)
	}
	return b, nil
}

func (h *handler) write(w http.ResponseWriter, b []byte) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(b); err != nil {
		h.cfg.Log.Debug("a reader of the log is gone", "err", err)
	}
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem.Write(w, err, "")
	if code := countersign.CodeOf(err); code == countersign.CodeInternal || code == countersign.CodeUnavailable {
		h.cfg.Log.Error("the log cannot be served", "path", r.URL.Path, "err", err)
	}
}

func notFound() error {
	return &countersign.Error{Code: countersign.CodeNotFound, Detail: "the log has nothing of this name", Hint: "C2SP tlog-tiles says what there is"}
}

func unavailable(err error) error {
	return fmt.Errorf("%w (%w)", &countersign.Error{Code: countersign.CodeUnavailable, Detail: "the log cannot be read", Hint: "try again in a moment"}, err)
}
