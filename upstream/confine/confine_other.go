//go:build !linux

package confine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Main returns at once: only Linux takes the last steps in a child.
func Main([]string) {}

// HideMemory does nothing: only Linux can.
func HideMemory() error { return nil }

// Start starts the program. Only UnsafeSameUser works here.
func Start(_ context.Context, p Program) (*Child, error) {
	if p.User != "" {
		return nil, fmt.Errorf("%w: a user of its own needs Linux; leave user out and set unsafe_same_user: true", ErrNoIsolation)
	}
	if _, err := p.choose(0); err != nil {
		return nil, err
	}
	p, err := p.resolve()
	if err != nil {
		return nil, err
	}
	path, err := p.lookUp()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, p.Command[1:]...)
	cmd.Args, cmd.Env, cmd.Dir = p.Command, p.environ(), p.Dir
	c, err := start(cmd)
	if err != nil {
		return nil, errors.Join(ErrNoIsolation, err)
	}
	return c, nil
}

func holdThread() (release func()) { return func() {} }

func (c *Child) reap() {
	err := c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.reaped = err, true
}

func killGroup(p *os.Process) { p.Kill() }
