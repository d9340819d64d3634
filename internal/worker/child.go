package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"sync"
	"time"
)

// ready is the byte that a child writes when it is warm.
const ready = 'R'

// A child is a started child process, as its parent has it.
type child struct {
	cmd  *exec.Cmd
	in   *os.File // the child's input
	out  *os.File // the child's answers
	done chan struct{}
	once sync.Once
}

func spawn(handler string) (*child, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe: %w", err), theirIn.Close(), in.Close())
	}
	defer theirIn.Close()
	defer theirOut.Close()
	cmd, err := command(handler)
	if err == nil {
		cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout = []string{}, "/", theirIn, theirOut
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	c := &child{cmd: cmd, in: in, out: out, done: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// await waits for the child to be ready.
func (c *child) await(most time.Duration) error {
	if err := c.out.SetReadDeadline(time.Now().Add(most)); err != nil {
		return err
	}
	var said [1]byte
	if _, err := io.ReadFull(c.out, said[:]); err != nil {
		return fmt.Errorf("the child did not get ready; main must call worker.Main first: %w", err)
	}
	if said[0] != ready {
		return fmt.Errorf("the child said %q before it was ready", said)
	}
	return nil
}

// ask gives the input to the child and returns its answer. After an error the
// child is of no more use.
func (c *child) ask(input []byte, cfg Config) ([]byte, error) {
	now := time.Now()
	answers := &patient{child: c, most: cfg.Deadline, used: processorTime(c.cmd.Process), end: now.Add(busy * cfg.Deadline)}
	if err := errors.Join(c.in.SetWriteDeadline(answers.end), c.out.SetReadDeadline(now.Add(cfg.Deadline))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	_, err := c.in.Write(frame(input))
	var answer []byte
	if err == nil {
		answer, err = readFrame(answers, cfg.MostAnswer)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%w: %v", ErrLate, cfg.Deadline)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return answer, nil
}

// busy is how many times its deadline a child may take by the clock where the
// machine gives it no processor to use it up.
const busy = 8

// untold is the processor's time of a process of which it cannot be told.
const untold = time.Duration(math.MaxInt64)

// A patient reads a child's answer until the deadline is used up.
type patient struct {
	*child
	most time.Duration // of the processor's time
	used time.Duration // before the input
	end  time.Time     // by the clock, at last
}

func (p *patient) Read(b []byte) (int, error) {
	for {
		n, err := p.out.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		now, used := time.Now(), processorTime(p.cmd.Process)
		if !now.Before(p.end) || used == untold || used-p.used >= p.most {
			return 0, err
		}
		if err := p.out.SetReadDeadline(now.Add(p.most / 4)); err != nil {
			return 0, err
		}
	}
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// kill ends the child and its process group, and waits until it is gone.
func (c *child) kill() {
	c.once.Do(func() {
		if !c.ended() { // afterwards the number of its group may be another's
			killGroup(c.cmd.Process)
		}
		<-c.done
		c.in.Close()
		c.out.Close()
	})
}

// frame is the message with its length, four bytes, in front.
func frame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...)
}

func readFrame(r io.Reader, most int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if uint64(n) > uint64(most) {
		return nil, fmt.Errorf("a message of %d bytes, at most %d", n, most)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}
