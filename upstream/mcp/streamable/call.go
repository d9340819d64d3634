package streamable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/mcpfields"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// Call sends one request, once, and waits for its answer. The error is an
// *rpc.UnansweredError: an answer of the HTTP server that no MCP server gave is
// an answer where it says that nothing ran, and none where something may have.
func (s *Session) Call(ctx context.Context, ask rpc.Ask) (rpc.Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, ask.Limit, fmt.Errorf("the server did not answer within %s", ask.Limit))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(s.life, func() { stop(context.Cause(s.life)) })()
	var sent atomic.Bool
	unanswered := func(err error) error {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return &rpc.UnansweredError{Sent: sent.Load(), Cause: err}
	}
	if ctx.Err() != nil {
		return rpc.Answer{}, unanswered(nil)
	}
	id, w, err := s.send(ctx, ask, &sent)
	if err == nil && s.turnedAway(w) {
		_ = w.Body.Close()
		sent.Store(false) // what was turned away has reached nobody who runs anything
		id, w, err = s.send(ctx, ask, &sent)
	}
	if err != nil {
		return rpc.Answer{}, unanswered(err)
	}
	defer w.Body.Close()
	a, err := s.answer(w, id, ask.Listener)
	if err != nil {
		s.giveUp(ctx, id)
		return rpc.Answer{}, unanswered(err)
	}
	s.note(ask.Method, w, a)
	return a, nil
}

// send makes the request of a call and sends it, once. sent is whether the server
// may have seen it.
func (s *Session) send(ctx context.Context, ask rpc.Ask, sent *atomic.Bool) (int64, *http.Response, error) {
	id, r, err := s.post(ctx, ask)
	if err != nil {
		return 0, nil, err
	}
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}))
	r.GetBody = nil // nobody may send it a second time
	w, err := s.client.Do(r)
	if err != nil {
		s.giveUp(ctx, id)
		return 0, nil, reached(err)
	}
	return id, w, nil
}

// reached is the error of a connection without the address, which names nothing
// that the reader does not know.
func reached(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		if !strings.HasPrefix(err.Error(), "Post ") {
			break
		}
		err = inner
	}
	return err
}

// post makes the request of a call.
func (s *Session) post(ctx context.Context, ask rpc.Ask) (int64, *http.Request, error) {
	s.mu.Lock()
	s.next++
	id := s.next
	s.mu.Unlock()
	method, params := ask.Method, ask.Params
	modern := s.said.Revision == rpc.Modern || method == "server/discover"
	var err error
	if ask.Listener != nil && ask.Listener.HearsProgress() {
		if params, err = rpc.Progress(params, id); err != nil {
			return 0, nil, err
		}
	}
	if modern && method != "server/discover" {
		if params, err = rpc.Stateless(params, s.cfg.Version); err != nil {
			return 0, nil, err
		}
	}
	body, err := rpc.Request(id, method, params)
	if err != nil {
		return 0, nil, err
	}
	r, err := s.request(ctx, http.MethodPost, body)
	if err != nil {
		return 0, nil, err
	}
	if !modern {
		return id, r, nil
	}
	r.Header.Set("Mcp-Protocol-Version", rpc.Modern)
	r.Header.Set("Mcp-Method", method)
	if name, ok := mcpfields.Name(method, params); ok {
		r.Header.Set("Mcp-Name", mcpfields.Encode(name))
		s.mu.Lock()
		mirror := s.mirrors[name]
		s.mu.Unlock()
		arguments, _ := canon.Member(params, "arguments")
		for field, path := range mirror {
			if value, ok := mcpfields.Value(arguments, path); ok && method == "tools/call" {
				r.Header.Set(mcpfields.Param+field, mcpfields.Encode(value))
			}
		}
	}
	return id, r, nil
}

// request makes a request with what all carry.
func (s *Session) request(ctx context.Context, method string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range s.cfg.Header {
		r.Header.Set(name, value)
	}
	if s.cfg.OAuth != nil {
		token, err := s.cfg.OAuth.Token(ctx)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("User-Agent", "countersign/"+s.cfg.Version)
	r.Header.Set("Accept", "application/json, text/event-stream")
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.said.Revision != "" {
		r.Header.Set("Mcp-Protocol-Version", s.said.Revision)
	}
	if s.id != "" {
		r.Header.Set("Mcp-Session-Id", s.id)
	}
	return r, nil
}

// note keeps what an answer tells besides.
func (s *Session) note(method string, w *http.Response, a rpc.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = time.Now()
	result, ok := canon.Member(a.Body, "result")
	switch {
	case !ok:
	case method == "initialize":
		s.id = w.Header.Get("Mcp-Session-Id")
	case method == "tools/list" && s.said.Revision == rpc.Modern && canon.Check(result) == nil:
		for tool, mirror := range mcpfields.Listed(result) {
			s.mirrors[tool] = mirror
		}
	}
}

// giveUp tells a server with sessions that nobody waits any more. To others the
// closed connection says so.
func (s *Session) giveUp(ctx context.Context, id int64) {
	if ctx.Err() == nil || s.life.Err() != nil || s.said.Revision == rpc.Modern || s.said.Revision == "" {
		return
	}
	s.tell([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + strconv.FormatInt(id, 10) + `}}`))
}

// tell sends a message that has no answer, while the caller goes on; when there
// are too many at once, not at all.
func (s *Session) tell(message []byte) {
	select {
	case s.aside <- struct{}{}:
	default:
		return
	}
	go func() {
		defer func() { <-s.aside }()
		ctx, cancel := context.WithTimeout(s.life, aside)
		defer cancel()
		if err := s.notify(ctx, message); err != nil {
			s.cfg.Log.Debug("a message beside the calls was not taken", "problem", err)
		}
	}()
}

// notify sends a message that has no answer.
func (s *Session) notify(ctx context.Context, message []byte) error {
	r, err := s.request(ctx, http.MethodPost, message)
	if err != nil {
		return err
	}
	w, err := s.client.Do(r)
	if err != nil {
		return reached(err)
	}
	defer w.Body.Close()
	_, _ = io.CopyN(io.Discard, w.Body, mostHeader)
	if w.StatusCode/100 != 2 {
		return fmt.Errorf("the server answered %s to a notification", w.Status)
	}
	return nil
}
