package mcp

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An unanswered call is one of which only this is known: whether the server may
// have seen it.
type unanswered struct {
	sent  bool
	cause error
}

func (e *unanswered) Error() string { return e.cause.Error() }
func (e *unanswered) Unwrap() error { return e.cause }

// call sends one request and waits for its answer. The error is an *unanswered.
func (s *session) call(ctx context.Context, method string, params []byte, limit time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the server did not answer within %s", limit))
	defer cancel()
	id, reply, err := s.register()
	if err != nil {
		return answer{}, &unanswered{cause: err}
	}
	defer s.forget(id)
	line, err := requestLine(id, method, params)
	if err != nil {
		return answer{}, &unanswered{cause: err}
	}
	select {
	case s.outbox <- line:
	case <-s.over:
		return answer{}, &unanswered{cause: s.cause}
	case <-ctx.Done():
		return answer{}, s.giveUp(ctx, id, &unanswered{cause: context.Cause(ctx)})
	}
	select {
	case a := <-reply:
		return a, nil
	case <-s.over:
		select {
		case a := <-reply: // it came before the end
			return a, nil
		default:
			return answer{}, &unanswered{sent: true, cause: s.cause}
		}
	case <-ctx.Done():
		return answer{}, s.giveUp(ctx, id, &unanswered{sent: true, cause: context.Cause(ctx)})
	}
}

// giveUp tells the server that nobody waits any more. A server that let a call
// time out and has no other to work on is ended, since it may never answer again.
func (s *session) giveUp(ctx context.Context, id int64, why *unanswered) error {
	switch left := s.forget(id); {
	case left == 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		s.end(why)
	case why.sent:
		s.reply(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`+"\n", id))
	}
	return why
}

func (s *session) register() (int64, <-chan answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return 0, nil, s.cause
	}
	s.next++
	reply := make(chan answer, 1)
	s.waiting[s.next] = reply
	return s.next, reply, nil
}

// forget takes the call from those that wait and says how many are left.
func (s *session) forget(id int64) (left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
	return len(s.waiting)
}

// resolve gives a waiting call its answer, once. Answers that nobody waits for
// are dropped.
func (s *session) resolve(id int64, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reply, ok := s.waiting[id]; ok {
		delete(s.waiting, id)
		reply <- a
	}
}
