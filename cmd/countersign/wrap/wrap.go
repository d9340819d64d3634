// Package wrap runs the commands of one resource in a process of an agent's: Find
// asks the gateway which resource that is, Attach takes its place there, and Serve
// takes work and says what became of it, until its context ends. What runs the
// commands opens the permit of each with a key of the log that is pinned here.
package wrap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/upstream/remote"
)

// A Config says where the gateway is. Doors and Token are needed.
type Config struct {
	// Doors is the address of the doors: http://127.0.0.1:8481.
	Doors string
	// Token is the agent's.
	Token string
	// UserAgent is how the process calls itself. Defaults to Go's.
	UserAgent string
	// Client sends. Defaults to one that follows no redirects.
	Client *http.Client
	// Patience is how long a place that another process has is waited for. Defaults
	// to 15 seconds: one that ended without a word is soon missed.
	Patience time.Duration
}

// A Server runs released commands, for which it opens the permit itself, and
// answers the methods that are no commands.
type Server interface {
	Run(ctx context.Context, r ledger.Release, out io.Writer) (countersign.Outcome, error)
	Pass(ctx context.Context, method string, params []byte) ([]byte, error)
	Capabilities(ctx context.Context) (json.RawMessage, error)
	Instructions(ctx context.Context) (string, error)
}

// Find asks which resource the agent's process runs commands of: the one of the
// name, or its only one.
func Find(ctx context.Context, cfg Config, name string) (remote.Welcome, error) {
	p := process{cfg: cfg.complete()}
	var w remote.Welcome
	err := p.call(ctx, http.MethodGet, "?"+url.Values{"resource": {name}}.Encode(), nil, &w)
	return w, err
}

func (c Config) complete() Config {
	if c.Client == nil {
		c.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if c.Patience <= 0 {
		c.Patience = 15 * time.Second
	}
	return c
}

// A process is attached to the gateway.
type process struct {
	cfg      Config
	server   Server
	hello    remote.Hello
	executor string
	running  sync.WaitGroup
}

// again is the pause before a gateway is asked again that cannot be asked.
const again = 500 * time.Millisecond

// Serve attaches to the resource, says so, and runs its commands until the context
// ends. A gateway that goes away is attached to again when it is back; where another
// process has taken the place meanwhile, that is the error. What runs then has been
// told of before Serve returns.
func Serve(ctx context.Context, cfg Config, resource string, s Server, ready func()) error {
	p := &process{cfg: cfg.complete(), server: s, hello: remote.Hello{Resource: resource}}
	var err error
	if p.hello.Capabilities, err = s.Capabilities(ctx); err != nil {
		return err
	}
	if p.hello.Instructions, err = s.Instructions(ctx); err != nil {
		return err
	}
	if err := p.attach(ctx); err != nil {
		return err
	}
	ready()
	err = p.work(ctx)
	p.running.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = p.call(last, http.MethodDelete, "/"+p.executor, nil, nil) // else its silence tells
	return err
}

// attach takes the place at the gateway. One that another process has left without
// a word is free after a moment.
func (p *process) attach(ctx context.Context) error {
	give := time.Now().Add(p.cfg.Patience)
	for {
		var w remote.Welcome
		err := p.call(ctx, http.MethodPost, "", p.hello, &w)
		if err == nil {
			p.executor = w.Executor
			return nil
		}
		if refused, ok := errors.AsType[*countersign.Error](err); !ok || refused.Code != countersign.CodeConflict || time.Now().After(give) {
			return err
		}
		if pause(ctx) != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(again):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// work takes work until the context ends, or the place is another's: the calls that
// this process's agent makes would meet the other's server.
func (p *process) work(ctx context.Context) error {
	for ctx.Err() == nil {
		var w remote.Work
		err := p.call(ctx, http.MethodGet, "/"+p.executor+"/jobs", nil, &w)
		switch {
		case err == nil && w.ID != "":
			executor := p.executor
			p.running.Go(func() { p.answer(executor, w.ID, p.do(w)) })
		case err == nil: // there was nothing to do
		case countersign.CodeOf(err) == countersign.CodeNotFound:
			err := p.attach(ctx)
			if countersign.CodeOf(err) == countersign.CodeConflict {
				return err
			}
			if err != nil {
				_ = pause(ctx)
			}
		default:
			_ = pause(ctx)
		}
	}
	return nil
}

// do does the work. An agent that ends does not end what was released.
func (p *process) do(w remote.Work) remote.Answer {
	ctx := context.Background()
	if w.Release == nil {
		result, err := p.server.Pass(ctx, w.Method, w.Params)
		if err != nil {
			return remote.Answer{Error: err.Error()}
		}
		return remote.Answer{Result: result}
	}
	var out bytes.Buffer
	o, err := p.server.Run(ctx, *w.Release, &out)
	a := remote.Answer{Execution: o.Execution, Detail: o.Detail, Result: out.Bytes()}
	if err != nil {
		a.Detail = err.Error()
	}
	return a
}

// answer tells what became of the work, for as long as a gateway may take to come
// back. One that has given up says so, and is told nothing more; one that does not
// take the answer is told what became of the work without it.
func (p *process) answer(executor, work string, a remote.Answer) {
	ctx, cancel := context.WithTimeout(context.Background(), ledger.PermitLife)
	defer cancel()
	for {
		err := p.call(ctx, http.MethodPost, "/"+executor+"/jobs/"+work, a, nil)
		if err == nil {
			return
		}
		switch countersign.CodeOf(err) {
		case countersign.CodeConflict, countersign.CodeNotFound, countersign.CodeUnauthenticated, countersign.CodeForbidden:
			return
		case countersign.CodeTooLarge, countersign.CodeBadRequest:
			if len(a.Result) == 0 {
				return
			}
			a = without(a, err)
		default:
			if pause(ctx) != nil {
				return
			}
		}
	}
}

// without is an answer less its result, which the gateway did not take.
func without(a remote.Answer, why error) remote.Answer {
	said := fmt.Sprintf("the answer of %d bytes was not taken: %v", len(a.Result), why)
	if a.Execution == "" {
		return remote.Answer{Error: said}
	}
	return remote.Answer{Execution: a.Execution, Detail: said}
}

// call makes one call. What the gateway refuses is a *countersign.Error.
func (p *process) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, p.cfg.Doors+"/executor"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+p.cfg.Token)
	r.Header.Set("Content-Type", "application/json")
	if p.cfg.UserAgent != "" {
		r.Header.Set("User-Agent", p.cfg.UserAgent)
	}
	w, err := p.cfg.Client.Do(r)
	if err != nil {
		return fmt.Errorf("the gateway cannot be asked: %w", err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(io.LimitReader(w.Body, 32<<20))
	if err != nil {
		return fmt.Errorf("the gateway's answer did not arrive whole: %w", err)
	}
	if w.StatusCode/100 == 2 {
		if out == nil || len(b) == 0 {
			return nil
		}
		return json.Unmarshal(b, out)
	}
	refused := &countersign.Error{}
	if json.Unmarshal(b, refused) != nil || refused.Code == "" {
		return fmt.Errorf("the gateway answered %s; is %s the address of the doors?", w.Status, p.cfg.Doors)
	}
	return refused
}
