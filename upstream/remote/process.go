package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// A Hello is what a process says when it attaches.
type Hello struct {
	// Resource is the one it wants to run commands of. Empty: the only one of its
	// agent.
	Resource string `json:"resource,omitempty"`
	// Capabilities and Instructions are those of the server that it wraps.
	Capabilities json.RawMessage `json:"capabilities,omitempty"`
	Instructions string          `json:"instructions,omitempty"`
}

// A Welcome is the answer to a Hello.
type Welcome struct {
	// Executor names this attachment in later calls.
	Executor string             `json:"executor,omitempty"`
	Resource string             `json:"resource"`
	Target   countersign.Digest `json:"target"`
	// VKey is the key of the log, for a process that has pinned none yet.
	VKey string `json:"vkey"`
}

// A Work is one thing to do: a released command, or a method that is none.
type Work struct {
	ID      string          `json:"id"`
	Release *ledger.Release `json:"release,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  []byte          `json:"params,omitempty"`
}

// An Answer is what became of a Work.
type Answer struct {
	// Execution and Detail are the outcome of a command: succeeded, failed or
	// unknown.
	Execution countersign.ExecutionState `json:"execution,omitempty"`
	Detail    string                     `json:"detail,omitempty"`
	// Result is the server's answer, {"result":…} or {"error":…}, in its bytes.
	Result []byte `json:"result,omitempty"`
	// Error says why a method that is no command has no answer.
	Error string `json:"error,omitempty"`

	lost bool // nobody answered
}

// A process is one attachment.
type process struct {
	id    string
	hello Hello
	asks  int       // calls of Take under way
	seen  time.Time // when the last one ended
}

// Attach lets a process of the agent's run the commands. While another is there
// the error says so: which of two servers a command meets is not left to chance.
func (r *Remote) Attach(by countersign.Principal, h Hello) (string, error) {
	if by.Kind != countersign.KindAgent || by.Name != r.cfg.Agent {
		return "", &countersign.Error{Code: countersign.CodeForbidden,
			Detail: fmt.Sprintf("commands on %s run in a process of %s and nobody else's", r.cfg.Name, r.cfg.Agent), Hint: "use that agent's token, or change wrapped: in the configuration"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.attached; p != nil && (p.asks > 0 || time.Since(p.seen) < r.cfg.Lease) {
		return "", &countersign.Error{Code: countersign.CodeConflict,
			Detail: fmt.Sprintf("another process of %s runs the commands on %s", r.cfg.Agent, r.cfg.Name), Hint: "end it, or give each a resource of its own and say which with --resource",
			RetryAfterSeconds: max(1, int(r.cfg.Lease/time.Second))}
	}
	r.release()
	r.attached = &process{id: countersign.NewID("exe"), hello: h, seen: time.Now()}
	r.wake()
	go r.cfg.OnAttached()
	return r.attached.id, nil
}

// Of is the name of the agent whose process may attach.
func (r *Remote) Of() string { return r.cfg.Agent }

// Has reports whether the process is attached.
func (r *Remote) Has(executor string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.check(executor) == nil
}

// release forgets the process that is attached, which is told if it waits for work.
// What it has taken is lost, and what it has not stays in the queue. The caller holds
// mu.
func (r *Remote) release() {
	r.attached = nil
	r.wake()
	for id, j := range r.taken {
		delete(r.taken, id)
		j.answer <- Answer{lost: true}
	}
}

// Detach lets a process go that says that it ends.
func (r *Remote) Detach(executor string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(executor); err != nil {
		return err
	}
	r.release()
	return nil
}

// Take waits for work, and hands it over: nobody else gets it. It returns false
// when the context ends first: by its deadline, the process asks again, or because
// it was cancelled, the place is free for another.
func (r *Remote) Take(ctx context.Context, executor string) (Work, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.check(executor); err != nil {
		return Work{}, false, err
	}
	me := r.attached
	me.asks++
	defer func() {
		me.asks--
		me.seen = time.Now()
		if errors.Is(ctx.Err(), context.Canceled) {
			me.seen = time.Time{} // its connection broke: most likely it has ended
		}
	}()
	for ctx.Err() == nil {
		if err := r.check(executor); err != nil {
			return Work{}, false, err
		}
		if len(r.queue) > 0 {
			j := r.queue[0]
			r.queue = r.queue[1:]
			r.taken[j.work.ID] = j
			return j.work, true, nil
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-changed:
		}
		r.mu.Lock()
	}
	return Work{}, false, nil
}

// Answer takes what became of a Work, once. Afterwards, and after the gateway has
// given up, it is no longer asked for.
func (r *Remote) Answer(executor, id string, a Answer) error {
	r.mu.Lock()
	err := r.check(executor)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if !r.give(id, a) {
		return &countersign.Error{Code: countersign.CodeConflict, Detail: "nobody waits for this answer any more", Hint: "what is on record stands; countersign resolve records what really happened"}
	}
	return nil
}

// check refuses a process that is not the attached one. The caller holds mu.
func (r *Remote) check(executor string) error {
	if r.attached == nil || r.attached.id != executor {
		return &countersign.Error{Code: countersign.CodeNotFound, Detail: "this process is not attached, or not any more", Hint: "attach again"}
	}
	return nil
}

// hello is what the process said that is attached, or attaches soon.
func (r *Remote) hello(ctx context.Context) (Hello, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Patience)
	defer cancel()
	for {
		r.mu.Lock()
		p, changed := r.attached, r.changed
		r.mu.Unlock()
		if p != nil {
			return p.hello, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Hello{}, fmt.Errorf("%s: %w", r.cfg.Name, errNobody)
		}
	}
}

// Capabilities returns the capabilities of the server that the process wraps.
func (r *Remote) Capabilities(ctx context.Context) (json.RawMessage, error) {
	h, err := r.hello(ctx)
	return h.Capabilities, err
}

// Instructions returns what that server says to its clients, a claim.
func (r *Remote) Instructions(ctx context.Context) (string, error) {
	h, err := r.hello(ctx)
	return h.Instructions, err
}
