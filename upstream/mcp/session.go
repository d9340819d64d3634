package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/upstream/confine"
)

// A session is one run of the server, from initialize to its end. Four goroutines
// serve it: one writes to the server, one reads its answers, one its standard
// error, one waits for its end. All end with it.
type session struct {
	cfg   *Config
	child *confine.Child

	outbox  chan []byte   // lines to send; who hands one over knows that it is being sent
	replies chan []byte   // answers to the server's own requests; dropped when full
	changed chan struct{} // the tools have changed; holds one
	over    chan struct{} // closed when the session has ended, with cause set
	cause   error

	mu      sync.Mutex
	next    int64
	waiting map[int64]chan answer // by id; guarded by mu, nil once the session is over

	capabilities json.RawMessage // as initialize answered; not written afterwards
	instructions string
}

// open starts the server and shakes hands with it.
func open(ctx context.Context, cfg *Config) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.StartTimeout, fmt.Errorf("the server was not ready within %s", cfg.StartTimeout))
	defer cancel()
	child, err := confine.Start(ctx, cfg.program())
	if err != nil {
		return nil, err
	}
	s := &session{
		cfg: cfg, child: child, waiting: map[int64]chan answer{},
		outbox: make(chan []byte), replies: make(chan []byte, 16), changed: make(chan struct{}, 1), over: make(chan struct{}),
	}
	var running sync.WaitGroup
	running.Go(s.write)
	running.Go(s.logErrors)
	running.Go(func() { s.end(s.read()) })
	go func() { // whoever waits for over finds no goroutine left but this one's last steps
		<-child.Done()
		running.Wait()
		child.Close()
	}()
	go s.tellOfChanges()
	if err := s.initialize(ctx); err != nil {
		s.end(err)
		return nil, err
	}
	return s, nil
}

func (s *session) alive() bool {
	select {
	case <-s.over:
		return false
	case <-s.child.Done():
		return false
	default:
		return true
	}
}

// end ends the session: the server is killed and whoever waits is told.
func (s *session) end(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return
	}
	s.waiting, s.cause = nil, cause
	s.child.Kill()
	s.child.Stdin.Close()
	close(s.over)
}

// close lets the server end by itself, for a moment.
func (s *session) close() {
	s.child.Stdin.Close()
	select {
	case <-s.child.Done():
	case <-time.After(2 * time.Second):
	}
	s.end(ErrClosed)
	<-s.child.Done()
}

func (s *session) initialize(ctx context.Context) error {
	version, err := json.Marshal(s.cfg.Version)
	if err != nil {
		return err
	}
	a, err := s.call(ctx, "initialize", fmt.Appendf(nil,
		`{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"countersign","version":%s}}`, version), s.cfg.StartTimeout)
	if err == nil && a.problem+a.failed != "" {
		err = errors.New(a.problem + a.failed)
	}
	if err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	if err := canon.Check(a.body); err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	revision, _ := canon.Member(a.body, "result", "protocolVersion")
	switch string(revision) {
	case `"2025-11-25"`, `"2025-06-18"`:
	default:
		return fmt.Errorf("initialize: the server speaks protocol %s; 2025-11-25 and 2025-06-18 are understood", quoteBrief(string(revision)))
	}
	if raw, ok := canon.Member(a.body, "result", "capabilities"); ok {
		s.capabilities = raw
	}
	if raw, ok := canon.Member(a.body, "result", "instructions"); ok && json.Unmarshal(raw, &s.instructions) != nil {
		return errors.New("initialize: the server's instructions are no text")
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

func (s *session) reply(line []byte) {
	select {
	case s.replies <- line:
	default:
	}
}

func (s *session) write() {
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
func (s *session) read() error {
	in := newLines(s.child.Stdout, s.cfg.MaxResult+256)
	for {
		line, tooLong, id, err := in.next()
		if tooLong {
			s.resolve(id, answer{problem: fmt.Sprintf("the answer is larger than %d bytes", s.cfg.MaxResult)})
		}
		if err != nil {
			return s.howItEnded(err)
		}
		if !tooLong {
			s.take(line)
		}
	}
}

// howItEnded waits for the end of a server that says no more, and helps it along.
func (s *session) howItEnded(err error) error {
	if errors.Is(err, io.EOF) {
		select {
		case <-s.child.Done():
		case <-time.After(time.Second):
		}
	}
	s.child.Kill()
	ended := s.child.Wait()
	switch {
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("the server was ended: %w", err)
	case ended != nil:
		return fmt.Errorf("the server ended: %w", ended)
	}
	return errors.New("the server ended")
}

func (s *session) take(line []byte) {
	m, err := parseMessage(line)
	switch {
	case err != nil:
		var scan idScanner
		scan.write(line)
		s.resolve(scan.id(), answer{problem: "the server's response cannot be read: " + err.Error()})
		s.cfg.Log.Debug("a line of the server is no message", "problem", err)
	case m.method != nil && m.id != nil:
		if line := m.replyLine(); line != nil {
			s.reply(line)
		}
	case string(m.method) == `"notifications/tools/list_changed"`:
		select {
		case s.changed <- struct{}{}:
		default:
		}
	case m.method == nil && m.id != nil:
		if id, err := strconv.ParseInt(string(m.id), 10, 64); err == nil {
			s.resolve(id, m.answer())
		}
	}
}

func (s *session) tellOfChanges() {
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

// logErrors puts the server's standard error into the log, up to a number of
// lines and a length of each, and reads past the rest.
func (s *session) logErrors() {
	const mostLines, mostBytes = 10_000, 4 << 10
	in := bufio.NewReaderSize(s.child.Stderr, mostBytes)
	for n := 0; n < mostLines; {
		line, more, err := in.ReadLine()
		if err != nil {
			return
		}
		s.cfg.Log.Debug("stderr", "line", string(line))
		n++
		for more && err == nil {
			_, more, err = in.ReadLine()
		}
	}
	s.cfg.Log.Debug("stderr is no longer logged", "lines", mostLines)
	io.Copy(io.Discard, in)
}
