// Package stdio speaks MCP with a server that is a child process: one message a
// line over its standard input and output, in either era of the protocol. Open
// starts the server.
package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/countersignhq/countersign/upstream/confine"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// A Config says what to start. All of it is needed but LogStderr.
type Config struct {
	confine.Program
	rpc.Terms
	// LogStderr has the lines of the server's standard error logged.
	LogStderr bool
	// Closed is the cause with which calls end that Close cuts off.
	Closed error
}

// A Session is one run of the server, from its greeting to its end. Four
// goroutines serve it: one writes to the server, one reads its answers, one its
// standard error, one waits for its end. All end with it.
type Session struct {
	cfg   Config
	child *confine.Child

	outbox  chan []byte   // lines to send; who hands one over knows that it is being sent
	replies chan []byte   // answers to the server's own requests; dropped when full
	changed chan struct{} // the tools have changed; holds one
	over    chan struct{} // closed when the session has ended, with cause set
	cause   error

	mu      sync.Mutex
	next    int64
	waiting map[int64]waiting // by id; guarded by mu, nil once the session is over

	said rpc.Said // not written after Open
}

// waiting is a call that has no answer yet.
type waiting struct {
	reply    chan rpc.Answer
	listener rpc.Listener
}

// Open starts the server and shakes hands with it.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.StartTimeout, fmt.Errorf("the server was not ready within %s", cfg.StartTimeout))
	defer cancel()
	child, err := confine.Start(ctx, cfg.Program)
	if err != nil {
		return nil, err
	}
	s := &Session{
		cfg: cfg, child: child, waiting: map[int64]waiting{},
		outbox: make(chan []byte), replies: make(chan []byte, 16), changed: make(chan struct{}, 1), over: make(chan struct{}),
	}
	var running sync.WaitGroup
	running.Go(s.write)
	running.Go(s.readErrors)
	running.Go(func() { s.end(s.read()) })
	go func() { // whoever waits for over finds no goroutine left but this one's last steps
		<-child.Done()
		running.Wait()
		child.Close()
	}()
	go s.tellOfChanges()
	if err := s.greet(ctx); err != nil {
		s.end(err)
		return nil, err
	}
	return s, nil
}

func (s *Session) greet(ctx context.Context) error {
	said, err := rpc.Greet(ctx, s.Call, s.cfg.Version, s.cfg.StartTimeout)
	if s.said = said; err != nil || said.Revision == rpc.Modern {
		return err
	}
	select {
	case s.outbox <- []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n"):
		return nil
	case <-s.over:
		return s.cause
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Said is what the server says of itself.
func (s *Session) Said() rpc.Said { return s.said }

// Over reports whether the server runs and listens no more.
func (s *Session) Over() bool {
	select {
	case <-s.over:
		return true
	case <-s.child.Done():
		return true
	default:
		return false
	}
}

// Silent is false: the end of a child is seen without asking it.
func (s *Session) Silent() bool { return false }

// end ends the session: the server is killed and whoever waits is told.
func (s *Session) end(cause error) { s.endAfter(0, rpc.Answer{}, cause) }

// endAfter ends the session once the call has its answer, in one step: whoever
// has been told finds no session that is about to end.
func (s *Session) endAfter(id int64, a rpc.Answer, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return
	}
	if w, ok := s.waiting[id]; ok {
		w.reply <- a
	}
	s.waiting, s.cause = nil, cause
	s.child.Kill()
	s.child.Stdin.Close()
	close(s.over)
}

// Close lets the server end by itself, for a moment, and then ends it.
func (s *Session) Close() {
	s.child.Stdin.Close()
	select {
	case <-s.child.Done():
	case <-time.After(2 * time.Second):
	}
	s.end(s.cfg.Closed)
	<-s.child.Done()
}

func (s *Session) reply(line []byte) {
	select {
	case s.replies <- line:
	default:
	}
}

func (s *Session) write() {
	for {
		var line []byte
		select {
		case line = <-s.outbox:
		case line = <-s.replies:
		case <-s.over:
			return
		}
		if _, err := s.child.Stdin.Write(line); err != nil {
			s.end(fmt.Errorf("write to the server: %w", err))
			return
		}
	}
}

// read takes the server's lines until it ends and returns how.
func (s *Session) read() error {
	in := newLines(s.child.Stdout, s.cfg.MaxResult+256)
	for {
		line, tooLong, id, err := in.next()
		tooLarge := rpc.Answer{Problem: fmt.Sprintf("the answer is larger than %d bytes", s.cfg.MaxResult)}
		switch {
		case errors.Is(err, errHopeless):
			s.endAfter(id, tooLarge, err)
			return err
		case err != nil:
			return s.howItEnded(err)
		case tooLong:
			s.resolve(id, tooLarge)
		default:
			s.take(line)
		}
	}
}

// howItEnded waits for the end of a server that says no more, and helps it along.
func (s *Session) howItEnded(err error) error {
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read from the server: %w", err)
	}
	select {
	case <-s.child.Done():
	case <-time.After(time.Second):
		s.child.Kill()
	}
	if ended := s.child.Wait(); ended != nil {
		return fmt.Errorf("the server ended: %w", ended)
	}
	return errors.New("the server ended")
}

func (s *Session) take(line []byte) {
	m, err := rpc.Parse(line)
	switch {
	case err != nil:
		var scan idScanner
		scan.write(line)
		s.resolve(scan.id(), rpc.Answer{Problem: "the server's response cannot be read: " + err.Error()})
		s.cfg.Log.Debug("a line of the server is no message", "problem", err)
	case m.Method != nil && m.ID != nil:
		if line := m.Reply(); line != nil {
			s.reply(append(line, '\n'))
		}
	case m.Method != nil:
		s.notified(m)
	case m.Method == nil && m.ID != nil:
		if id, err := strconv.ParseInt(string(m.ID), 10, 64); err == nil {
			s.resolve(id, m.Answer())
		}
	}
}

// notified takes a notification. Whose call a log message belongs to cannot be
// told on a pipe, and one agent is not told of another's.
func (s *Session) notified(m rpc.Message) {
	s.tell(m)
	n, ok := m.Notice()
	if !ok {
		return
	}
	if n.Method == rpc.ToolsChanged {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	if s.cfg.OnNotice != nil {
		s.cfg.OnNotice(n)
	}
}

func (s *Session) tellOfChanges() {
	for {
		select {
		case <-s.changed:
			if s.cfg.OnToolsChanged != nil {
				s.cfg.OnToolsChanged()
			}
		case <-s.over:
			return
		}
	}
}

// readErrors reads the server's standard error, so that a server that writes goes on,
// and logs it if it may.
func (s *Session) readErrors() {
	if s.cfg.LogStderr {
		logLines(s.child.Stderr, s.cfg.Log, time.Now)
	}
	io.Copy(io.Discard, s.child.Stderr)
}
