package mcp

import (
	"context"
	"fmt"
	"time"

	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// A renewal looks for a session that answers, once for all who wait for one.
type renewal struct {
	done    chan struct{} // closed once it is over, with what follows set
	session session
	err     error
}

// running returns the session with the server, a new one if there is none.
func (u *Upstream) running(ctx context.Context) (session, error) {
	s, leave, err := u.use(ctx)
	if err != nil {
		return nil, err
	}
	leave()
	return s, nil
}

// use returns the session with the server, a new one if there is none. Until leave
// nobody doubts it for its silence: a server that is busy is silent too.
func (u *Upstream) use(ctx context.Context) (s session, leave func(), err error) {
	if u.life.Err() != nil {
		return nil, nil, context.Cause(u.life)
	}
	s, coming := u.take()
	if coming != nil {
		select {
		case <-coming.done:
		case <-ctx.Done():
			return nil, nil, u.notYet(context.Cause(ctx))
		}
		if coming.err != nil {
			return nil, nil, coming.err
		}
		s = coming.session
		u.count(1)
	}
	return s, func() { u.count(-1) }, nil
}

// take returns the session, counted as used, or the renewal to wait for: the one
// that is under way, or a new one.
func (u *Upstream) take() (session, *renewal) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.session
	if s != nil && !s.Over() && (u.uses > 0 || !s.Silent()) {
		u.uses++
		return s, nil
	}
	if u.coming == nil {
		u.coming = &renewal{done: make(chan struct{})}
		go u.renew(u.coming, s)
	}
	return nil, u.coming
}

func (u *Upstream) count(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.uses += n
}

// renew keeps the old session if its server answers, and else opens another. It
// belongs to the upstream and not to a caller, who may go while others wait.
func (u *Upstream) renew(r *renewal, old session) {
	if old != nil && u.answers(old) {
		r.session = old
	} else {
		r.session, r.err = u.start(old)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.session, u.coming = r.session, nil
	close(r.done)
}

// answers reports whether the session goes on. One that was silent for a while is
// asked.
func (u *Upstream) answers(s session) bool {
	if s.Over() || !s.Silent() {
		return !s.Over()
	}
	_, err := s.Call(u.life, rpc.Ask{Method: "ping", Limit: patience})
	return err == nil && !s.Over()
}

const (
	// patience is how long a session that was silent has for its answer.
	patience = 5 * time.Second
	// soon is how long a session lives at least whose end is no failure to start.
	soon = 10 * time.Second
	// longest is the longest pause between two starts.
	longest = 15 * time.Second
)

// start opens a session in place of the old one, if there was one.
func (u *Upstream) start(old session) (session, error) {
	if old != nil {
		old.Close()
		u.ended()
	}
	if err := u.pause(); err != nil {
		return nil, err
	}
	s, err := u.open(u.life)
	u.cfg.OnStart(err)
	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		u.failures++
		return nil, err
	}
	u.started = time.Now()
	return s, nil
}

// ended counts the end of a session as a failure to start if it came soon.
func (u *Upstream) ended() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failures++; time.Since(u.started) > soon {
		u.failures = 0
	}
}

// pause waits before a server is started again: not at all the first time, then
// twice as long each time.
func (u *Upstream) pause() error {
	u.mu.Lock()
	failures := u.failures
	u.mu.Unlock()
	if failures < 2 {
		return nil
	}
	wait := time.NewTimer(min(longest, time.Second<<min(failures-2, 10)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-u.life.Done():
		return context.Cause(u.life)
	}
}

// notYet is what a caller is told who did not wait for the server to get ready.
func (u *Upstream) notYet(cause error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failures < 2 {
		return cause
	}
	return fmt.Errorf("the server ended %d times in a row and is not started again yet: %w", u.failures, cause)
}
