package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/config"
)

// The exit codes of every verb.
const (
	exitOK        = 0
	exitFailed    = 1
	exitCancelled = 2
	exitSignIn    = 4
	exitPending   = 8
	exitTampered  = 9
)

const exitCodes = `Exit codes:
  0  it worked
  1  it did not; for approve: it was not approved
  2  cancelled
  4  sign in first
  8  still pending
  9  verify or audit found tampering`

// A failure ends a verb with an exit code, a line and perhaps a hint.
type failure struct {
	code   int
	detail string // empty: everything has been said
	hint   string
}

func (f *failure) Error() string { return f.detail }

// failed is a failure with what to do next.
func failed(hint, format string, args ...any) error {
	return &failure{exitFailed, fmt.Sprintf(format, args...), hint}
}

// exit ends the verb with the code when everything has been said.
func exit(code int) error { return &failure{code: code} }

// report prints the error, if there is one, and returns the exit code.
func (t *terminal) report(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	err = reached(err)
	if f, ok := errors.AsType[*failure](err); ok {
		t.complain(f.detail, f.hint)
		return f.code
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		t.say("cancelled")
		return exitCancelled
	}
	if problems, ok := errors.AsType[config.Problems](err); ok {
		for _, p := range problems {
			t.complain(p.Error(), p.Hint)
		}
		return exitFailed
	}
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Code == string(countersign.CodePending) {
		t.say("%s", oneLine(p.Detail))
		t.say("hint: %s", oneLine(p.Hint))
		return exitPending
	}
	if p, ok := errors.AsType[*client.Problem](err); ok {
		t.complain(p.Detail, p.Hint)
		return codeOf(countersign.Code(p.Code))
	}
	if e, ok := errors.AsType[*countersign.Error](err); ok {
		t.complain(e.Detail, e.Hint)
		return codeOf(e.Code)
	}
	t.complain(err.Error(), "")
	return exitFailed
}

func codeOf(c countersign.Code) int {
	switch c {
	case countersign.CodeUnauthenticated:
		return exitSignIn
	case countersign.CodePending:
		return exitPending
	}
	return exitFailed
}

// complain says what is wrong, each thing in one line.
func (t *terminal) complain(detail, hint string) {
	if detail != "" {
		t.say("error: %s", oneLine(detail))
	}
	if hint != "" {
		t.say("hint: %s", oneLine(hint))
	}
}
