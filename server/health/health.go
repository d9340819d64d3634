// Package health says whether the server is up and whether it is of use:
// /healthz and /readyz.
package health

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// Config is what the handler may be told. Its zero value works.
type Config struct {
	// Data is the folder whose free space counts. Empty: none is looked at.
	Data string
	// Trust is what the head of the log must verify by. Zero: it is only read.
	Trust ledger.Trust
	// GivenUp counts the things that were given up and that somebody should look at,
	// such as a card that no try could post. Nil: nothing is.
	GivenUp func(context.Context) (int, error)
	// Now is the clock that the store also has. Defaults to time.Now.
	Now func() time.Time
	// Log gets why a check fails. Defaults to slog.Default.
	Log *slog.Logger
}

const (
	// kept is how long a result is given out again, so that whoever asks cannot
	// make the server work.
	kept      = 5 * time.Second
	patience  = 2 * time.Second
	leastFree = 64 << 20         // bytes; below it releases stop
	skew      = 60 * time.Second // behind the last event; beyond it releases stop
)

// A Report is what /readyz answers. Checks says "ok" or "failed" by name: what
// failed exactly stands in the server's log alone.
type Report struct {
	Ready  bool              `json:"ready"`
	Checks map[string]string `json:"checks"`
	// GivenUp counts what was given up and lies there. It makes nothing less ready, and
	// somebody should look at it: countersign doctor lists it.
	GivenUp int `json:"given_up,omitempty"`
}

type handler struct {
	store store.Store
	cfg   Config

	mu     sync.Mutex
	report Report    // under mu
	made   time.Time // under mu
}

// New returns the handler of /healthz, which answers 200 while the process
// answers at all, and of /readyz, which answers 200 if what is asked for now
// could run and 503 otherwise.
func New(s store.Store, cfg Config) http.Handler {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	h := &handler{store: s, cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", h.ready)
	return mux
}

func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	report := h.current(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !report.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(report) // an error here is a caller who is gone
}

func (h *handler) current(ctx context.Context) Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	if age := now.Sub(h.made); h.report.Checks != nil && age >= 0 && age < kept {
		return h.report
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	report := Report{Ready: true, Checks: map[string]string{}}
	for name, check := range map[string]func(context.Context) error{
		"head": h.head, "write": h.write, "space": h.space, "clock": h.clock,
	} {
		report.Checks[name] = "ok"
		if err := check(ctx); err != nil {
			report.Ready, report.Checks[name] = false, "failed"
			h.cfg.Log.Warn("not ready", "check", name, "err", err)
		}
	}
	if h.cfg.GivenUp != nil {
		var err error
		if report.GivenUp, err = h.cfg.GivenUp(ctx); err != nil {
			h.cfg.Log.Warn("nobody can tell what was given up", "err", err)
		}
	}
	h.report, h.made = report, now
	return report
}

// head: the log's signed head can be read, and verifies where a key is known.
func (h *handler) head(ctx context.Context) error {
	head, err := h.store.Head(ctx)
	if err != nil || h.cfg.Trust.Keys == nil {
		return err
	}
	_, err = ledger.OpenCheckpoint(head.Note, h.cfg.Trust.Origin, h.cfg.Trust.Keys)
	return err
}

// write: the database that holds the log takes a write. Nothing is appended.
func (h *handler) write(ctx context.Context) error {
	return h.store.Ephemeral().Put(ctx, store.Entry{Key: "readyz", Subject: "readyz", Expires: h.cfg.Now().Add(time.Minute)})
}

func (h *handler) space(context.Context) error {
	if h.cfg.Data == "" {
		return nil
	}
	free, err := freeBytes(h.cfg.Data)
	if err != nil {
		return err
	}
	if free < leastFree {
		return fmt.Errorf("%d bytes are free in %s, less than %d; free some", free, h.cfg.Data, leastFree)
	}
	return nil
}

// clock: the clock is not behind the last event.
func (h *handler) clock(ctx context.Context) error {
	head, err := h.store.Head(ctx)
	if err != nil || head.Size == 0 {
		return err
	}
	leaves, err := h.store.Leaves(ctx, head.Size-1, head.Size)
	if err != nil {
		return err
	}
	if len(leaves) != 1 {
		return fmt.Errorf("the store gave %d leaves for one", len(leaves))
	}
	st, err := ledger.ParseLeaf(leaves[0])
	if err != nil {
		return err
	}
	if behind := st.Event.At.Sub(h.cfg.Now()); behind > skew {
		return fmt.Errorf("the clock is %s behind the last event; set the clock", behind)
	}
	return nil
}
