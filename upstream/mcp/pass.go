package mcp

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersignhq/countersign/upstream/mcp/rpc"
)

// isShort says whether the method is one of those that are no commands and that
// the gateway passes on.
func isShort(method string) bool {
	switch method {
	case "ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list":
		return true
	}
	return false
}

// Pass answers one of the methods ping, tools/list, prompts/list, resources/list
// and resources/templates/list over the one session with the server: the bytes
// are {"result":…} or {"error":…}, the member's value as the server wrote it.
func (u *Upstream) Pass(ctx context.Context, method string, params []byte) ([]byte, error) {
	if !isShort(method) {
		return nil, fmt.Errorf("%s: %q is a command and needs a release; only lists and ping are passed on", u.cfg.Name, method)
	}
	if err := rpc.CheckParams(params); err != nil {
		return nil, fmt.Errorf("%s: %w", u.cfg.Name, err)
	}
	sess, leave, err := u.turn(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", u.cfg.Name, method, err)
	}
	defer leave()
	a, err := sess.Call(ctx, rpc.Ask{Method: method, Params: params, Limit: u.cfg.CallTimeout})
	if err == nil && a.Problem != "" {
		err = errors.New(a.Problem)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", u.cfg.Name, method, err)
	}
	return a.Body, nil
}

// turn waits until fewer than the most calls are in flight, and for a server
// that runs. Whoever gets a turn gives it back with leave.
func (u *Upstream) turn(ctx context.Context) (s session, leave func(), err error) {
	select {
	case u.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	s, unused, err := u.use(ctx)
	if err != nil {
		<-u.turns
		return nil, nil, err
	}
	return s, func() { unused(); <-u.turns }, nil
}
