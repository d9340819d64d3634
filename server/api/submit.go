package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/client"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/server/problem"
	"github.com/countersignhq/countersign/server/rest"
	"github.com/countersignhq/countersign/server/wire"
)

// submit takes an agent's ask down the path.
func (a *api) submit(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	ask, err := a.ask(w, r)
	if err != nil {
		return err
	}
	ask.By = c.Principal
	if ask.Key, err = idempotencyKey(r); err != nil {
		return err
	}
	ctx, cancel := rest.Waiting(w, r)
	defer cancel()
	var out bytes.Buffer
	result, err := a.gate.Submit(atOnce(), ask, &out)
	if err == nil {
		result, err = a.attend(ctx, r, c, result, &out)
	}
	if err != nil {
		return err
	}
	return a.settle(w, r, result, out.Bytes())
}

// run spends the approval of what the caller asked for.
func (a *api) run(w http.ResponseWriter, r *http.Request, c rest.Caller) error {
	if err := rest.Read(w, r, rest.Small, &struct{}{}); err != nil {
		return err
	}
	found, _, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	ctx, cancel := rest.Waiting(w, r)
	defer cancel()
	var out bytes.Buffer
	result, err := a.gate.Wait(atOnce(), c.Principal, found.ID, &out)
	if err == nil {
		result, err = a.attend(ctx, r, c, result, &out)
	}
	if err != nil {
		return err
	}
	return a.settle(w, r, result, out.Bytes())
}

// An askBody is what an agent posts. Who asks is not in it.
type askBody struct {
	Resource string          `json:"resource"`
	Command  json.RawMessage `json:"command"`
	Reason   string          `json:"reason"`
}

func (a *api) ask(w http.ResponseWriter, r *http.Request) (gate.Ask, error) {
	var in askBody
	if err := rest.Read(w, r, rest.Large, &in); err != nil {
		return gate.Ask{}, err
	}
	return in.ask(a.door.From(r))
}

func (in askBody) ask(o countersign.Origin) (gate.Ask, error) {
	if in.Resource == "" || len(in.Command) == 0 {
		return gate.Ask{}, rest.Bad("an ask names a resource and a command", `send {"resource":…,"command":{…},"reason":…}`)
	}
	if err := rest.CheckReason(in.Reason); err != nil {
		return gate.Ask{}, err
	}
	command, err := commandOn(in.Resource, in.Command)
	return gate.Ask{Command: command, Reason: in.Reason, Origin: o}, err
}

// maxCommand is the size of the largest command, in bytes.
const maxCommand = 1 << 20

// commandOn reads a command, which stands on the resource whether or not it
// repeats its name.
func commandOn(resource string, b []byte) (countersign.Command, error) {
	c, err := countersign.DecodeCommand(b)
	if e, ok := errors.AsType[*canon.SyntaxError](err); ok {
		return nil, rest.Bad(err.Error(), rest.Meant(e, reflect.TypeFor[client.Command]()))
	}
	if err != nil {
		return nil, rest.Bad(err.Error(), "GET /v1/openapi.yaml shows the kinds of commands")
	}
	if c.On() != "" && c.On() != resource {
		return nil, rest.Bad(fmt.Sprintf("the ask is on %.80q and its command on %.80q", resource, c.On()), "name one resource")
	}
	m, ok := c.(countersign.MCPRequest)
	if !ok {
		return nil, rest.Bad("commands of kind "+c.Kind()+" do not arrive here", "use the resource's own door")
	}
	m.Resource = resource
	if m.Method == "" {
		return nil, rest.Bad("the command has no method", `an mcp.request has one, such as "tools/call"`)
	}
	if canonical, err := countersign.Canonical(m); err == nil && len(canonical) > maxCommand {
		return nil, &countersign.Error{Code: countersign.CodeTooLarge, Detail: fmt.Sprintf("the command has %d bytes", len(canonical)), Hint: fmt.Sprintf("at most %d can be reviewed", maxCommand)}
	}
	return m, nil
}

func idempotencyKey(r *http.Request) (string, error) {
	key := strings.TrimSpace(r.Header.Get("Idempotency-Key"))
	plain := strings.IndexFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) < 0
	if len(key) > 255 || !plain {
		return "", rest.Bad("the Idempotency-Key is not up to 255 printable ASCII characters", "use a random id")
	}
	return key, nil
}

// atOnce is the context of an asker who takes one look and does not wait.
func atOnce() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// attend waits for what becomes of a request that is held, until the context
// ends, and runs it if it is approved. It takes one look at a time and asks before
// each who calls: for a token that was revoked meanwhile nothing runs, and nothing
// is told.
func (a *api) attend(ctx context.Context, r *http.Request, c rest.Caller, result gate.Result, out gate.Sink) (gate.Result, error) {
	for {
		held, ok := result.(gate.Pending)
		if !ok {
			_, err := a.door.Identify(r) // what ran took its time
			return result, err
		}
		found, over, err := a.glance(ctx, r, held.Request.ID, held.Request.Version)
		if err != nil {
			return nil, err
		}
		if over {
			return gate.Pending{Request: found}, nil
		}
		if result, err = a.gate.Wait(atOnce(), c.Principal, found.ID, out); err != nil {
			return nil, err
		}
	}
}

// settle answers what became of an ask: 200 once it is settled, 202 while it
// waits. Why it did not run stands in the request's problem.
func (a *api) settle(w http.ResponseWriter, r *http.Request, result gate.Result, out []byte) error {
	var found countersign.Request
	var refused *countersign.Error
	switch x := result.(type) {
	case gate.Done:
		found = x.Request
	case gate.Refused:
		found, refused = x.Request, x.Err
	case gate.Unknown:
		found, refused = x.Request, x.Err
	case gate.Pending:
		return a.accepted(w, r, x.Request)
	default:
		return fmt.Errorf("the gate answered %T", result)
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	answer := wire.Request(found, d)
	answer.Result = string(out)
	if refused != nil {
		p := problem.Of(refused)
		p.Request = string(found.ID)
		answer.Problem = &p
	}
	if err := rest.Reply(w, http.StatusOK, answer); err != nil {
		return err
	}
	a.gate.Delivered(r.Context(), found.ID)
	return nil
}

func (a *api) accepted(w http.ResponseWriter, r *http.Request, pending countersign.Request) error {
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/requests/"+string(pending.ID))
	w.Header().Set("Retry-After", "5")
	return rest.Reply(w, http.StatusAccepted, wire.Request(pending, d))
}

// explain says what the policy would make of an ask of an agent's. Nothing of
// it is recorded and nothing runs.
func (a *api) explain(w http.ResponseWriter, r *http.Request, _ rest.Caller) error {
	var in struct {
		askBody
		Requester string `json:"requester"` // the id of an agent; empty is none of those here
	}
	if err := rest.Read(w, r, rest.Large, &in); err != nil {
		return err
	}
	ask, err := in.ask(a.door.From(r))
	if err != nil {
		return err
	}
	d, err := a.gate.Directory(r.Context())
	if err != nil {
		return err
	}
	if agent, known := d.Agents[in.Requester]; known {
		ask.By = agent.Principal()
	} else if in.Requester != "" {
		return rest.Bad(fmt.Sprintf("there is no agent %.40q", in.Requester), "GET /v1/agents lists them")
	}
	facts, verdict, err := a.gate.Explain(r.Context(), ask)
	if err != nil {
		return err
	}
	return rest.Reply(w, http.StatusOK, client.Explanation{Facts: wire.Facts(facts), Verdict: wire.Verdict(verdict)})
}
