package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// lastWords is how long what a program left in its pipes may still be read once
// it has ended, if something that escaped its process group keeps them open.
const lastWords = time.Second

// A Child is a started program. Its pipes belong to the caller, who closes them.
type Child struct {
	Stdin  *os.File // written by the gateway
	Stdout *os.File
	Stderr *os.File

	cmd  *exec.Cmd
	done chan struct{} // closed once it is gone, with err set
	err  error

	mu     sync.Mutex
	reaped bool // guarded by mu; afterwards the process group id may be another's
}

// Done is closed when the program has ended and its process group is killed.
func (c *Child) Done() <-chan struct{} { return c.done }

// Wait waits for the end of the program and says how it ended; nil is exit
// status 0.
func (c *Child) Wait() error {
	<-c.done
	return c.err
}

// Kill ends the program and its whole process group, at once. It does not wait.
func (c *Child) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		killGroup(c.cmd.Process)
	}
}

// Close closes the pipes.
func (c *Child) Close() error {
	return errors.Join(c.Stdin.Close(), c.Stdout.Close(), c.Stderr.Close())
}

// start runs cmd with three pipes and waits for its end in the background.
func start(cmd *exec.Cmd) (*Child, error) {
	c := &Child{cmd: cmd, done: make(chan struct{})}
	var theirs []*os.File
	closeTheirs := func() {
		for _, f := range theirs {
			f.Close()
		}
	}
	for _, p := range []struct {
		ours **os.File
		std  int
	}{{&c.Stdin, 0}, {&c.Stdout, 1}, {&c.Stderr, 2}} {
		r, w, err := os.Pipe()
		if err != nil {
			closeTheirs()
			c.Close()
			return nil, fmt.Errorf("make a pipe: %w", err)
		}
		switch p.std {
		case 0:
			*p.ours, cmd.Stdin = w, r
			theirs = append(theirs, r)
		case 1:
			*p.ours, cmd.Stdout = r, w
			theirs = append(theirs, w)
		case 2:
			*p.ours, cmd.Stderr = r, w
			theirs = append(theirs, w)
		}
	}
	started := make(chan error)
	go c.run(started)
	err := <-started
	closeTheirs()
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Child) run(started chan<- error) {
	release := holdThread()
	defer release()
	if err := c.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	c.reap()
	end := time.Now().Add(lastWords)
	c.Stdout.SetReadDeadline(end)
	c.Stderr.SetReadDeadline(end)
	close(c.done)
}
