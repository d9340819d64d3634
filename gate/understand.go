package gate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate/quorum"
	"github.com/countersignhq/countersign/policy"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/understand"
	"github.com/countersignhq/countersign/understand/control"
	"github.com/countersignhq/countersign/understand/mcptool"
)

// Times of the path (design: waiting survives everything).
const (
	answerLife  = 10 * time.Minute // how long a settled answer waits for its asker
	keyLife     = 24 * time.Hour   // how long it is given to whoever has its key
	resultLife  = 24 * time.Hour   // how long a result can be fetched
	repeatAlarm = 24 * time.Hour   // how long an unknown outcome makes a repeat wait
)

// asked is an ask that was understood.
type asked struct {
	Ask
	directory *countersign.Directory
	resource  countersign.Resource
	executor  Executor
	command   countersign.Command
	canonical []byte
	digest    countersign.Digest
	openKey   string
	after     countersign.RequestID // settled, and loses the open key to this ask
	facts     countersign.Facts
	repeats   *countersign.Repeat
	lens      *lens
	now       time.Time
}

// understand completes the command from the resource, names it by its digest,
// and finds its facts.
func (g *Gate) understand(ctx context.Context, ask Ask) (asked, error) {
	if err := g.catchUp(ctx, ask.Command); err != nil {
		return asked{}, err
	}
	d, err := g.Directory(ctx)
	if err != nil {
		return asked{}, err
	}
	a := asked{Ask: ask, directory: d, executor: ask.Via, lens: g.lens(d), now: d.Now}
	if a.resource, err = resource(d, ask.Command.On()); err != nil {
		return asked{}, err
	}
	if !active(d, ask.By) {
		return asked{}, &countersign.Error{Code: countersign.CodeForbidden, Detail: ask.By.Name + " is no active agent or person here", Hint: "ask the operator"}
	}
	if a.executor == nil {
		a.executor = g.executor(a.resource.Name)
	}
	if a.executor == nil {
		return asked{}, &countersign.Error{Code: countersign.CodeUnavailable,
			Detail: fmt.Sprintf("no upstream of this server runs commands on %s", a.resource.Name), Hint: "add it to the configuration"}
	}
	a.command = complete(ask.Command, a.resource)
	if a.canonical, err = countersign.Canonical(a.command); err != nil {
		return asked{}, &countersign.Error{Code: countersign.CodeBadRequest, Detail: err.Error(), Hint: "send JSON that can be read one way only"}
	}
	a.digest = countersign.DigestOfCanonical(a.canonical)
	a.openKey = a.key()
	if c, ok := a.command.(countersign.Control); ok {
		if err := g.understandControl(&a, c); err != nil {
			return asked{}, err
		}
	}
	a.facts = g.facts(d, a.command, a.resource)
	if err := g.repeated(ctx, &a); err != nil {
		return asked{}, unavailable(err)
	}
	return a, nil
}

func resource(d *countersign.Directory, name string) (countersign.Resource, error) {
	if name == countersign.ControlResource {
		return countersign.BuiltIn(), nil
	}
	r, ok := d.Resources[name]
	if !ok {
		return r, &countersign.Error{Code: countersign.CodeUnknownResource, Detail: fmt.Sprintf("there is no resource %q", name), Hint: "countersign resource ls shows them"}
	}
	return r, nil
}

// complete fills in what only the gateway knows of where the command would run.
func complete(c countersign.Command, r countersign.Resource) countersign.Command {
	switch c := c.(type) {
	case countersign.MCPRequest:
		if stripped, err := mcptool.Strip(c.Params); err == nil {
			c.Params = stripped // what cannot be stripped has no canonical form either
		}
		c.Target, c.Tool = r.Target, countersign.Digest{}
		if name, ok := mcptool.Tool(c); ok {
			c.Tool = definition(r, name)
		}
		return c
	}
	return c
}

// executor is what runs commands on the resource, nil if nothing does.
func (g *Gate) executor(resource string) Executor {
	if resource == countersign.ControlResource {
		return g.control
	}
	return g.cfg.Executors[resource]
}

func (g *Gate) facts(d *countersign.Directory, c countersign.Command, r countersign.Resource) countersign.Facts {
	switch c := c.(type) {
	case countersign.MCPRequest:
		return mcptool.Understand(c, r, g.cfg.Sinks, g.cfg.Languages)
	case countersign.Control:
		return control.Understand(c, d)
	}
	return countersign.Facts{Certainty: countersign.Unknown, Classes: []string{"unlabelled"}}
}

// key names what a repeat of the ask joins: equal agent, known by the same,
// whole chain, resource and digest, or the asker's own key in place of the
// resource and the digest.
func (a asked) key() string {
	h := sha256.New()
	parts := []string{a.By.ID, a.By.Issuer, a.By.Subject}
	for _, p := range a.OnBehalfOf {
		parts = append(parts, p.Issuer, p.Subject)
	}
	if a.Key != "" {
		parts = append(parts, "key", a.Key)
	} else {
		parts = append(parts, a.resource.Name, "digest", a.digest.String())
	}
	fmt.Fprintf(h, "%q", parts)
	return hex.EncodeToString(h.Sum(nil))
}

// repeated finds what became of the last identical ask. After an unknown
// outcome, the same change asked again within a day is a risk of its own.
func (g *Gate) repeated(ctx context.Context, a *asked) error {
	last, err := g.store.Last(ctx, store.Query{
		Requester: a.By.ID, Digest: a.digest, Since: a.now.Add(-30 * 24 * time.Hour),
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a.repeats = &last
	id := "request.repeat"
	if a.afterUnknown() {
		id = "request.repeat-after-unknown"
	}
	a.facts.Indicators = append(a.facts.Indicators, understand.Found(id,
		fmt.Sprintf("%s, %s, %s", last.Request, last.Decision, last.Execution), "", "history", countersign.Known))
	return nil
}

// afterUnknown reports whether the ask would repeat a change of which nobody
// knows whether it happened.
func (a asked) afterUnknown() bool {
	r := a.repeats
	return r != nil && r.Execution == countersign.ExecutionUnknown &&
		a.now.Before(r.At.Add(repeatAlarm)) && understand.Mutates(a.facts.Verbs)
}

// judge asks the policy.
func (g *Gate) judge(a asked) countersign.Verdict {
	return a.lens.policy.Decide(context.Background(), a.input(), nil)
}

// Explain says what is understood of an ask and what the policy would make of it
// now. Nothing of it is recorded and nothing runs.
func (g *Gate) Explain(ctx context.Context, ask Ask) (countersign.Facts, countersign.Verdict, error) {
	a, err := g.understand(ctx, ask)
	if err != nil {
		return countersign.Facts{}, countersign.Verdict{}, err
	}
	return a.facts, g.judge(a), nil
}

func (a asked) input() policy.Input {
	in := policy.Input{
		Facts: a.facts, Resource: a.resource, Requester: a.By, OnBehalfOf: a.OnBehalfOf,
		AgentRegion: a.directory.Agents[a.By.ID].Region, Now: a.now, Catalogue: a.lens.resources[a.resource.Name],
	}
	in.Stopped = stopped(a.directory, a.By, a.OnBehalfOf)
	if a.afterUnknown() {
		in.Doubt = "the outcome of " + string(a.repeats.Request) + ", the same change"
	}
	return in
}

func (a asked) who() countersign.Who {
	return countersign.Who{Actor: a.By, OnBehalfOf: a.OnBehalfOf, Origin: a.Origin, Method: cmp.Or(a.Method, "token")}
}

func (a asked) requested() countersign.Event {
	e := step(a.who(), countersign.DecisionPending, countersign.ExecutionNone, countersign.Requested{
		Resource: labels(a.resource), Facts: a.facts, Reason: a.Reason,
		Barred: quorum.Barred(a.directory, a.By, a.OnBehalfOf), Repeats: a.repeats, Key: countersign.DigestOfKey(a.Key),
	})
	e.Command = a.canonical
	return e
}

// labels is the resource as it is recorded with each request: what people and
// auditors need, without the catalogue of its tools.
func labels(r countersign.Resource) countersign.Resource {
	r.Tools, r.Tables, r.Pins, r.Changed, r.Claims = nil, nil, nil, nil, nil
	return r
}

func (a asked) row(openKey string) *store.Row {
	return &store.Row{Requester: a.By.ID, Resource: a.resource.Name, Digest: a.digest, OpenKey: openKey, After: a.after}
}

func gateway() countersign.Who {
	return countersign.Who{Actor: countersign.Gateway(), Origin: countersign.Origin{Door: "gateway"}}
}

// refusal is what the asker is told of a request that will not run.
func refusal(r countersign.Request) *countersign.Error {
	e := &countersign.Error{Code: countersign.CodeDenied}
	switch r.Decision {
	case countersign.DecisionDenied:
		why := r.Because
		for _, rule := range r.Verdict.Leading() {
			e.Rule, why = rule.ID, rule.Why
			break
		}
		e.Detail = fmt.Sprintf("%s was denied: %s", r.ID, why)
		e.Hint = "the same ask will be denied again; change it, or ask whoever keeps the policy"
	case countersign.DecisionRejected:
		e.Code = countersign.CodeRejected
		last := r.Decisions[len(r.Decisions)-1]
		e.Detail = fmt.Sprintf("%s was rejected by %s: %q", r.ID, last.By.Name, clip(last.Reason, 280))
		e.Hint = "change what you ask for, or ask again with a new reason"
	case countersign.DecisionExpired:
		e.Code = countersign.CodeExpired
		e.Detail = fmt.Sprintf("nobody decided %s in time, so it did not run", r.ID)
		if !r.RunBy.IsZero() {
			e.Code = countersign.CodeLapsed
			e.Detail = fmt.Sprintf("%s was approved and nobody ran it in time, so it did not run", r.ID)
		}
		e.Hint = "ask again"
	case countersign.DecisionWithdrawn:
		e.Code = countersign.CodeWithdrawn
		e.Detail = fmt.Sprintf("%s was withdrawn, so it did not run", r.ID)
		e.Hint = "ask again"
	}
	return e
}

// clip cuts what goes to an untrusted model, and says that it did.
func clip(s string, n int) string {
	runes := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n]) + " (cut)"
}
