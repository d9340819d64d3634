package worker

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// size is one child and its warm spare.
const size = 2

// A Pool keeps the children of one handler. It is safe for concurrent use; an
// input waits until a child is free.
type Pool struct {
	handler string
	cfg     Config
	// ready holds the children that wait for an input, and the failures of those
	// that did not get so far. Each of alive is in it, at work or starting.
	ready  chan started
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	alive    int                 // under mu
	starting bool                // under mu: one at a time, since warming up takes the whole processor
	children map[*child]struct{} // under mu
}

type started struct {
	*child
	err error
}

// New returns a pool for the handler of that name. It starts nothing yet.
func New(handler string, cfg Config) *Pool {
	return &Pool{
		handler: handler, cfg: cfg.complete(), ready: make(chan started, size), closed: make(chan struct{}),
		children: map[*child]struct{}{},
	}
}

// Warm starts the children, so that the first input finds them ready. It does
// not wait for them.
func (p *Pool) Warm() { p.fill() }

// Ask has a child answer the input. An error is one of this package's; what the
// input is then is not known.
func (p *Pool) Ask(input []byte) ([]byte, error) {
	if len(input) > p.cfg.MostInput {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(input), p.cfg.MostInput)
	}
	answer, err := p.ask(input)
	return answer, p.blame(err)
}

// blame is the error, or ErrClosed: once the pool is closed neither child nor input
// is to blame.
func (p *Pool) blame(err error) error {
	if err != nil && p.isClosed() {
		return ErrClosed
	}
	return err
}

func (p *Pool) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

func (p *Pool) ask(input []byte) ([]byte, error) {
	late := time.NewTimer(p.cfg.Start)
	defer late.Stop()
	for {
		p.fill()
		select {
		case <-p.closed:
			return nil, ErrClosed
		case <-late.C:
			return nil, fmt.Errorf("%w in time", ErrNoChild)
		case s := <-p.ready:
			if s.err != nil {
				p.lose(nil)
				return nil, fmt.Errorf("%w: %w", ErrNoChild, s.err)
			}
			if s.ended() { // while it waited, so that no input is to blame
				p.lose(s.child)
				continue
			}
			answer, err := s.ask(input, p.cfg)
			if err != nil {
				p.lose(s.child)
				p.fill()
				return nil, err
			}
			p.ready <- s
			return answer, nil
		}
	}
}

// fill starts what is missing, one child after the other.
func (p *Pool) fill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed() || p.starting || p.alive == size {
		return
	}
	p.alive++
	p.starting = true
	go p.start()
}

func (p *Pool) start() {
	c, err := p.spawn()
	if err == nil {
		err = c.await(p.cfg.Start)
	}
	if err != nil && c != nil {
		p.end(c)
	}
	if err = p.blame(err); !errors.Is(err, ErrClosed) {
		p.cfg.OnStart(err)
	}
	p.mu.Lock()
	p.starting = false
	p.mu.Unlock()
	p.ready <- started{c, err}
	if err == nil {
		p.fill()
	}
}

// spawn starts a child, unless the pool was closed meanwhile.
func (p *Pool) spawn() (*child, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed() {
		return nil, ErrClosed
	}
	c, err := spawn(p.handler)
	if err == nil {
		p.children[c] = struct{}{}
	}
	return c, err
}

// lose gives up a child, or the place of one that did not start.
func (p *Pool) lose(c *child) {
	if c != nil {
		p.end(c)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive--
}

func (p *Pool) end(c *child) {
	c.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.children, c)
}

// Close ends all children and waits until they are gone.
func (p *Pool) Close() error {
	p.once.Do(func() { close(p.closed) })
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.children {
		c.kill()
	}
	clear(p.children)
	return nil
}
