package reading

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/view"
)

const (
	heartbeat = 15 * time.Second
	// stall is how long a reader may take nothing before the stream is cut. It
	// resumes where it was.
	stall     = 30 * time.Second
	batchSize = 256
)

// events streams what is recorded, as server-sent events (WHATWG HTML, section
// 9.2). The id of an event is its place in the log, so that a reader who comes
// back with Last-Event-ID, or ?after=, misses nothing and gets nothing twice.
// Without either the stream begins now.
func (a *answerer) events(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	next, err := a.startAt(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	rest.Unhurried(w)
	s := &stream{answerer: a, w: w, r: r, caller: c, next: next}
	changed, done := a.gate.Changes()
	defer done()
	ticker, beat := time.NewTicker(rest.Look), time.NewTicker(heartbeat)
	defer ticker.Stop()
	defer beat.Stop()
	if err := s.beat("retry: 2000\n"); err != nil {
		return err
	}
	for {
		if err := s.drain(r.Context()); err != nil {
			return err
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-changed:
		case <-ticker.C:
		case <-beat.C:
			if s.caller, err = a.door.Identify(r); err != nil {
				return err
			}
			if err := s.beat(": still here\n"); err != nil {
				return err
			}
		}
	}
}

// startAt is the place in the log of the first event to send.
func (a *answerer) startAt(r *http.Request) (int64, error) {
	head, err := a.store.Head(r.Context())
	if err != nil {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("after")
	}
	if last == "" {
		return head.Size, nil
	}
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n < -1 {
		return 0, rest.Bad(fmt.Sprintf("%.40q is no id of an event", last), "send the id of the last event that arrived")
	}
	if n >= head.Size {
		return 0, &countersign.Error{Code: countersign.CodeConflict, Detail: fmt.Sprintf("the log ends before %d: it is not the one that was read", n), Hint: "load the list again"}
	}
	return n + 1, nil
}

// A stream is one reader of events.
type stream struct {
	*answerer
	w      http.ResponseWriter
	r      *http.Request
	caller rest.Caller
	next   int64 // the place in the log of what comes next
}

// drain sends what is on record and was not sent. Who reads is looked at again
// before each batch: whoever may no longer see gets no more.
func (s *stream) drain(ctx context.Context) error {
	head, err := s.store.Head(ctx)
	if err != nil {
		return s.unlessGone(ctx, err)
	}
	for s.next < head.Size {
		if s.caller, err = s.door.Identify(s.r); err != nil {
			return err
		}
		leaves, err := s.store.Leaves(ctx, s.next, min(s.next+batchSize, head.Size))
		if err != nil {
			return s.unlessGone(ctx, err)
		}
		if err := s.send(ctx, leaves); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) send(ctx context.Context, leaves [][]byte) error {
	d, err := s.gate.Directory(ctx)
	if err != nil {
		return s.unlessGone(ctx, err)
	}
	seen := map[countersign.RequestID]bool{}
	for _, leaf := range leaves {
		st, err := ledger.ParseLeaf(leaf)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", s.next, err)
		}
		id := st.Event.Request
		if _, known := seen[id]; !known {
			if seen[id], err = s.shows(ctx, id, d); err != nil {
				return s.unlessGone(ctx, err)
			}
		}
		if seen[id] {
			if err := s.event(st.Event); err != nil {
				return err
			}
		}
		s.next++
	}
	return s.flush()
}

// shows reports whether the reader may know of the event's subject: people and
// the operator of what the control plane changes, and each of the requests that
// they may see.
func (s *stream) shows(ctx context.Context, id countersign.RequestID, d *countersign.Directory) (bool, error) {
	if id.IsEntity() {
		return s.caller.Kind == countersign.KindPerson || s.caller.Kind == countersign.KindOperator, nil
	}
	r, err := s.gate.Get(ctx, id)
	if err != nil {
		return false, err
	}
	return view.Sees(d, s.caller.Principal, r), nil
}

func (s *stream) event(e ledger.Event) error {
	out := client.Event{
		Index: strconv.FormatInt(s.next, 10), Kind: string(e.Kind), Version: e.Version,
		Decision: string(e.State.Decision), Execution: string(e.State.Execution), At: e.At,
	}
	name := "request"
	if e.Request.IsEntity() {
		name, out.Entity = "directory", string(e.Request)
	} else {
		out.Request = string(e.Request)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("encode event %d: %w", s.next, err)
	}
	return s.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", s.next, name, b))
}

// beat keeps the connection open, and tells where the stream is: a reader who
// may see little need not read everything again.
func (s *stream) beat(line string) error {
	if err := s.write(fmt.Sprintf("%sid: %d\n\n", line, s.next-1)); err != nil {
		return err
	}
	return s.flush()
}

func (s *stream) write(text string) error {
	// A server that knows no deadlines has none to extend.
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now().Add(stall))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return rest.ErrGone
	}
	return nil
}

func (s *stream) flush() error {
	if err := http.NewResponseController(s.w).Flush(); err != nil {
		return rest.ErrGone
	}
	return nil
}

func (s *stream) unlessGone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return rest.ErrGone
	}
	return err
}
