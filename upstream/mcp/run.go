package mcp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// Run runs one released command, once. It opens and spends the permit itself and
// sends exactly the bytes that the permit holds. To out goes the server's
// answer, {"result":…} or {"error":…}, the member's value as the server wrote it;
// an out that is an rpc.Listener also hears what the server says meanwhile.
//
// The outcome is succeeded for a result, failed for an error, for a result with
// isError, and for an answer that is too large or cannot be read; unknown if the
// command was sent and no answer came. An error means that nothing was sent; the
// outcome says failed then.
func (u *Upstream) Run(ctx context.Context, r ledger.Release, out io.Writer) (countersign.Outcome, error) {
	o := countersign.Outcome{StartedAt: u.cfg.Now()}
	err := u.run(ctx, r, out, &o)
	o.FinishedAt = u.cfg.Now()
	if err != nil {
		o.Execution, o.Detail = countersign.ExecutionFailed, "not sent: "+err.Error()
		return o, fmt.Errorf("%s: %w", u.cfg.Name, err)
	}
	return o, nil
}

func (u *Upstream) run(ctx context.Context, r ledger.Release, out io.Writer, o *countersign.Outcome) error {
	p, err := ledger.OpenPermit(r, u.cfg.Trust, u.cfg.Name, o.StartedAt)
	if err != nil {
		return err
	}
	c, err := u.commandOf(p)
	if err != nil {
		return err
	}
	b, err := u.boundsOf(p)
	if err != nil {
		return err
	}
	s, leave, err := u.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := u.spent.Spend(p, u.cfg.Now()); err != nil { // the wait for a turn may have outlived the permit
		return err
	}
	listener, _ := out.(rpc.Listener)
	a, err := s.Call(ctx, rpc.Ask{Method: c.Method, Params: c.Params, Limit: b.time, Listener: listener})
	if un, ok := errors.AsType[*rpc.UnansweredError](err); ok && un.Sent {
		o.Execution, o.Detail = countersign.ExecutionUnknown, "sent, and no answer came: "+err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	if a.Problem == "" && len(a.Body) > b.bytes {
		a = rpc.Answer{Problem: fmt.Sprintf("the answer has %d bytes; %d are allowed", len(a.Body), b.bytes)}
	}
	deliver(a, out, o)
	return nil
}

// commandOf takes the command from the permit and checks that it is for this
// server, as it is configured now.
func (u *Upstream) commandOf(p *ledger.Permit) (countersign.MCPRequest, error) {
	command, err := p.Command()
	if err != nil {
		return countersign.MCPRequest{}, err
	}
	c, ok := command.(countersign.MCPRequest)
	switch {
	case !ok:
		return c, fmt.Errorf("a command of kind %s cannot run on an MCP server", command.Kind())
	case c.Resource != u.cfg.Name:
		return c, fmt.Errorf("the command is for %q", c.Resource)
	case c.Target != u.target:
		return c, fmt.Errorf("the command is for target %s and this server is %s; its configuration has changed, ask again", c.Target, u.target)
	case c.Method == "initialize", c.Method == "server/discover":
		return c, fmt.Errorf("%s is the gateway's own", c.Method)
	}
	return c, rpc.CheckParams(c.Params)
}

type bounds struct {
	time  time.Duration
	bytes int
}

// boundsOf reads the limits approved with the command. One that cannot be held
// here refuses the command: it was approved on a promise.
func (u *Upstream) boundsOf(p *ledger.Permit) (bounds, error) {
	b := bounds{u.cfg.CallTimeout, u.cfg.MaxResult}
	for name, text := range p.Bounds() {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			return b, fmt.Errorf("the bound %s is %q; a positive number is needed", name, text)
		}
		switch name {
		case "seconds":
			if n < int64(b.time/time.Second) {
				b.time = time.Duration(n) * time.Second
			}
		case "bytes":
			b.bytes = int(min(n, int64(b.bytes)))
		default:
			return b, fmt.Errorf("the bound %q cannot be held on an MCP server; approve the command without it", name)
		}
	}
	return b, nil
}

// deliver hands the answer on and fills in the outcome.
func deliver(a rpc.Answer, out io.Writer, o *countersign.Outcome) {
	o.Execution, o.Detail = countersign.ExecutionFailed, a.Problem
	if a.Problem != "" {
		return
	}
	switch {
	case a.Failed != "":
		o.Detail = a.Failed
	default:
		o.Execution = countersign.ExecutionSucceeded
	}
	o.ResultDigest, o.Bytes = sha256.Sum256(a.Body), strconv.Itoa(len(a.Body))
	if _, err := out.Write(a.Body); err != nil {
		// What happened upstream is not undone by a reader who has gone.
		o.Detail = fmt.Sprintf("the answer could not be handed on: %v", err)
	}
}
