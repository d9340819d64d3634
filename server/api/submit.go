package api

import (
	"bytes"
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
	"github.com/countersignhq/countersign/server/wire"
)

// submit takes an agent's ask down the path.
func (a *api) submit(w http.ResponseWriter, r *http.Request, c caller) error {
	ask, err := a.ask(w, r)
	if err != nil {
		return err
	}
	ask.By = c.Principal
	if ask.Key, err = idempotencyKey(r); err != nil {
		return err
	}
	ctx, cancel := waiting(w, r)
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
func (a *api) run(w http.ResponseWriter, r *http.Request, c caller) error {
	if err := body(w, r, maxBody, &struct{}{}); err != nil {
		return err
	}
	found, _, err := a.find(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	ctx, cancel := waiting(w, r)
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
	if err := body(w, r, maxAsk, &in); err != nil {
		return gate.Ask{}, err
	}
	return in.ask(a.origin(r))
}

func (in askBody) ask(o countersign.Origin) (gate.Ask, error) {
	if in.Resource == "" || len(in.Command) == 0 {
		return gate.Ask{}, bad("an ask names a resource and a command", `send {"resource":…,"command":{…},"reason":…}`)
	}
	if len(in.Reason) > maxReason {
		return gate.Ask{}, tooLong()
	}
	command, err := commandOn(in.Resource, in.Command)
	return gate.Ask{Command: command, Reason: in.Reason, Origin: o}, err
}

// maxReason is the size of the longest reason, in bytes.
const maxReason = 4 << 10

// reasonOf reads a body that is a reason and nothing else.
func reasonOf(w http.ResponseWriter, r *http.Request) (string, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := body(w, r, maxBody, &in); err != nil {
		return "", err
	}
	if len(in.Reason) > maxReason {
		return "", tooLong()
	}
	return in.Reason, nil
}

func tooLong() error {
	return bad(fmt.Sprintf("the reason is longer than %d bytes", maxReason), "say it shorter")
}

// commandOn reads a command, which stands on the resource whether or not it
// repeats its name.
func commandOn(resource string, b []byte) (countersign.Command, error) {
	c, err := countersign.DecodeCommand(b)
	if e, ok := errors.AsType[*canon.SyntaxError](err); ok {
		return nil, bad(err.Error(), meant(e, reflect.TypeFor[client.Command]()))
	}
	if err != nil {
		return nil, bad(err.Error(), "GET /v1/openapi.yaml shows the kinds of commands")
	}
	if c.On() != "" && c.On() != resource {
		return nil, bad(fmt.Sprintf("the ask is on %.80q and its command on %.80q", resource, c.On()), "name one resource")
	}
	m, ok := c.(countersign.MCPRequest)
	if !ok {
		return nil, bad("commands of kind "+c.Kind()+" do not arrive here", "use the resource's own door")
	}
	m.Resource = resource
	if m.Method == "" {
		return nil, bad("the command has no method", `an mcp.request has one, such as "tools/call"`)
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
		return "", bad("the Idempotency-Key is not up to 255 printable ASCII characters", "use a random id")
	}
	return key, nil
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
	if err := reply(w, http.StatusOK, answer); err != nil {
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
	return reply(w, http.StatusAccepted, wire.Request(pending, d))
}
