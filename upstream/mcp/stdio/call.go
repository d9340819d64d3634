package stdio

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// Call sends one request and waits for its answer. The error is an
// *rpc.UnansweredError.
func (s *Session) Call(ctx context.Context, ask rpc.Ask) (rpc.Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, ask.Limit, fmt.Errorf("the server did not answer within %s", ask.Limit))
	defer cancel()
	id, reply, err := s.register(ask.Listener)
	if err != nil {
		return rpc.Answer{}, &rpc.UnansweredError{Cause: err}
	}
	defer s.forget(id)
	params := ask.Params
	if ask.Listener != nil && ask.Listener.HearsProgress() {
		if params, err = rpc.Progress(params, id); err != nil {
			return rpc.Answer{}, &rpc.UnansweredError{Cause: err}
		}
	}
	if s.said.Revision == rpc.Modern {
		if params, err = rpc.Stateless(params, s.cfg.Version); err != nil {
			return rpc.Answer{}, &rpc.UnansweredError{Cause: err}
		}
	}
	line, err := rpc.Request(id, ask.Method, params)
	if err != nil {
		return rpc.Answer{}, &rpc.UnansweredError{Cause: err}
	}
	select {
	case s.outbox <- append(line, '\n'):
	case <-s.over:
		return rpc.Answer{}, &rpc.UnansweredError{Cause: s.cause}
	case <-ctx.Done():
		return rpc.Answer{}, s.giveUp(ctx, id, &rpc.UnansweredError{Cause: context.Cause(ctx)})
	}
	select {
	case a := <-reply:
		return a, nil
	case <-s.over:
		select {
		case a := <-reply: // it came before the end
			return a, nil
		default:
			return rpc.Answer{}, &rpc.UnansweredError{Sent: true, Cause: s.cause}
		}
	case <-ctx.Done():
		return rpc.Answer{}, s.giveUp(ctx, id, &rpc.UnansweredError{Sent: true, Cause: context.Cause(ctx)})
	}
}

// giveUp tells the server that nobody waits any more. A server that let a call
// time out and has no other to work on is ended, since it may never answer again.
func (s *Session) giveUp(ctx context.Context, id int64, why *rpc.UnansweredError) error {
	switch left := s.forget(id); {
	case left == 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		s.end(why)
	case why.Sent:
		s.reply(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`+"\n", id))
	}
	return why
}

func (s *Session) register(l rpc.Listener) (int64, <-chan rpc.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return 0, nil, s.cause
	}
	s.next++
	reply := make(chan rpc.Answer, 1)
	s.waiting[s.next] = waiting{reply, l}
	return s.next, reply, nil
}

// forget takes the call from those that wait and says how many are left.
func (s *Session) forget(id int64) (left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
	return len(s.waiting)
}

// resolve gives a waiting call its answer, once. Answers that nobody waits for
// are dropped.
func (s *Session) resolve(id int64, a rpc.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.waiting[id]; ok {
		delete(s.waiting, id)
		w.reply <- a
	}
}

// tell tells the call that waits of its progress.
func (s *Session) tell(m rpc.Message) {
	id, ok := m.Progress()
	if !ok {
		return
	}
	s.mu.Lock()
	w := s.waiting[id]
	s.mu.Unlock()
	m.Tell(w.listener, id)
}
