// Package worker runs the parsers of hostile input in child processes that can
// be killed: the same binary, started again with a hidden verb. A child has no
// environment, no network and no files; it reads one input after the other from
// a pipe and writes one answer to each. Whatever is odd about a child, that it
// ends, is late or writes what is no answer, costs the input that it had and the
// child, and nothing else: another one takes the next input.
//
// [Main] must be called first in main and in each TestMain whose tests use a
// [Pool]; [New] makes the pool for one of its handlers.
package worker

import (
	"errors"
	"time"
)

// Verb is the hidden verb of the binary that a pool starts and Main answers to.
const Verb = "__worker"

// A Handler answers one input. It runs in the child, for one input at a time,
// and is called with no input once before the child is ready, to warm it up.
// One that panics ends its child.
type Handler func(input []byte) []byte

// The ways in which an input gets no answer.
var (
	ErrTooLarge = errors.New("the input is too large to be parsed")
	ErrLate     = errors.New("the parser was not done in time and was stopped")
	ErrBroken   = errors.New("the parser broke off")
	ErrNoChild  = errors.New("no parser could be started")
	ErrClosed   = errors.New("the parsers are stopped")
)

// Config is what a pool may be told. Its zero value works.
type Config struct {
	// Deadline is how long an input may take, from the moment that a child that
	// is ready has it. Where the machine is too busy to run the child, it is what
	// the child may use of the processor, and eight times as long by the clock.
	// Defaults to 250 milliseconds.
	Deadline time.Duration
	// Start is how long a child may take to get ready. Defaults to a minute.
	Start time.Duration
	// MostInput is the size in bytes of the largest input. Defaults to 64 KiB.
	MostInput int
	// MostAnswer is the size in bytes of the largest answer. Defaults to 256 KiB.
	MostAnswer int
	// OnStart is told of each start of a child, with the error of one that did not get
	// ready. It must not block. Defaults to nothing.
	OnStart func(error)
}

func (c Config) complete() Config {
	if c.Deadline == 0 {
		c.Deadline = 250 * time.Millisecond
	}
	if c.Start == 0 {
		c.Start = time.Minute
	}
	if c.MostInput == 0 {
		c.MostInput = 64 << 10
	}
	if c.MostAnswer == 0 {
		c.MostAnswer = 256 << 10
	}
	if c.OnStart == nil {
		c.OnStart = func(error) {}
	}
	return c
}
