package streamable

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// The pauses between two streams on which a server speaks unasked.
const (
	shortPause = 250 * time.Millisecond
	longPause  = 30 * time.Second
)

// errMute is a server that does not speak unasked.
var errMute = errors.New("the server offers no stream of its own")

// hears begins to hear what the server says unasked, if it is one that does.
func (s *Session) hears() {
	for _, what := range [][]string{{"tools", "listChanged"}, {"prompts", "listChanged"}, {"resources", "listChanged"}, {"resources", "subscribe"}} {
		if raw, _ := canon.Member(s.said.Capabilities, what...); string(raw) == "true" {
			go s.listen()
			return
		}
	}
}

// listen hears what the server says unasked, until the session ends or the server
// offers no such stream. What was said while none was open is not known, so that
// a stream that is opened again counts as a change of the tools.
func (s *Session) listen() {
	pause := shortPause
	for n := 0; s.life.Err() == nil; n++ {
		began := time.Now()
		err := s.hear(func() {
			if n > 0 {
				s.offered(rpc.Notice{Method: rpc.ToolsChanged})
			}
		})
		if errors.Is(err, errMute) {
			return
		}
		if pause = min(2*pause, longPause); time.Since(began) > longPause {
			pause = shortPause
		}
		s.cfg.Log.Debug("the server's own stream ended", "problem", err)
		select {
		case <-time.After(pause):
		case <-s.life.Done():
		}
	}
}

// hear opens the stream of a server (MCP 2025-11-25, transports, "Listening for
// Messages from the Server"; 2026-07-28, subscriptions) and reads it to its end.
func (s *Session) hear(opened func()) error {
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	r, err := s.request(ctx, http.MethodGet, nil)
	if s.said.Revision == rpc.Modern {
		_, r, err = s.post(ctx, rpc.Ask{Method: "subscriptions/listen",
			Params: []byte(`{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true}}`)})
	}
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if r.Method == http.MethodPost {
		r.Header.Set("Accept", "application/json, text/event-stream")
	}
	w, err := s.client.Do(r)
	if err != nil {
		return reached(err)
	}
	defer w.Body.Close()
	if kind, _, _ := mime.ParseMediaType(w.Header.Get("Content-Type")); w.StatusCode != http.StatusOK || kind != "text/event-stream" {
		if w.StatusCode/100 == 5 || s.turnedAway(w) {
			return errors.New("the server answered " + w.Status)
		}
		return errMute
	}
	opened()
	in := events{lines: bufio.NewReaderSize(w.Body, 4<<10), most: s.cfg.MaxResult + 256}
	for {
		data, err := in.next()
		if err != nil {
			return err
		}
		m, err := rpc.Parse(data)
		switch {
		case err != nil:
			s.cfg.Log.Debug("an event of the server is no message", "problem", err)
		case m.Method != nil && m.ID != nil:
			if reply := m.Reply(); reply != nil {
				s.tell(reply)
			}
		case m.Method != nil:
			s.notified(m)
		case s.said.Revision == rpc.Modern && m.ID != nil:
			return io.EOF // the server ends the subscription
		}
	}
}

// notified takes a notification that belongs to no call.
func (s *Session) notified(m rpc.Message) {
	if n, ok := m.Notice(); ok {
		s.offered(n)
	}
}

// offered hands on what the server says of what it offers.
func (s *Session) offered(n rpc.Notice) {
	if n.Method == rpc.ToolsChanged {
		s.toolsChanged()
	}
	if s.cfg.OnNotice != nil {
		s.cfg.OnNotice(n)
	}
}

// toolsChanged has the listener told, one call of it at a time.
func (s *Session) toolsChanged() {
	if s.cfg.OnToolsChanged == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed = true; s.telling {
		return
	}
	s.telling = true
	go func() {
		for {
			s.mu.Lock()
			if !s.changed || s.life.Err() != nil {
				s.telling = false
				s.mu.Unlock()
				return
			}
			s.changed = false
			s.mu.Unlock()
			s.cfg.OnToolsChanged()
		}
	}()
}
