// Package remote is the other side of a resource whose commands run elsewhere: in
// a process of one agent's, which attaches, takes work and says what became of it
// (countersign mcp -- CMD). New makes a Remote for the gate; package
// server/executors carries what it says to the process and back.
//
// The process believes the gateway in nothing: it opens the Permit itself, with a
// key of the log that it pinned. The gateway believes the process in what it says
// of the outcome, as it believes any upstream. Work is handed over once. What was
// handed over and never heard of again has an unknown outcome.
package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
)

// Config says for which resource, and who may attach. Name, Agent and Trust are
// needed.
type Config struct {
	// Name is the name of the resource: "mcp/files".
	Name string
	// Agent is the name of the agent whose process runs the commands.
	Agent string
	// Trust is the pinned key of the log that releases must be proven in.
	Trust ledger.Trust
	// OnAttached is called, in a goroutine of its own, when a process has attached.
	// Defaults to nothing.
	OnAttached func()
	// Lease is how long a process that has gone silent keeps its place. Defaults to
	// 10 seconds.
	Lease time.Duration
	// Patience is how long a list, or a greeting, waits for a process to attach and
	// take it. Defaults to 10 seconds. A command waits as long as its permit lives.
	Patience time.Duration
	// Now is the clock of permits and outcomes. Defaults to time.Now.
	Now func() time.Time
}

// A Remote is one resource's executor elsewhere. It is safe for concurrent use.
type Remote struct {
	cfg    Config
	target countersign.Digest

	mu       sync.Mutex
	attached *process        // nil: nobody is
	queue    []*job          // not taken yet, oldest first
	taken    map[string]*job // by ID, not answered yet
	changed  chan struct{}   // closed and made anew at each change
}

// New returns a Remote to which nobody has attached.
func New(cfg Config) (*Remote, error) {
	if cfg.Name == "" || cfg.Agent == "" || cfg.Trust.Keys == nil {
		return nil, fmt.Errorf("remote executor of %q: name, agent and trust are needed", cfg.Name)
	}
	if cfg.OnAttached == nil {
		cfg.OnAttached = func() {}
	}
	if cfg.Lease <= 0 {
		cfg.Lease = 10 * time.Second
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 10 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	target, err := Target(cfg.Agent)
	if err != nil {
		return nil, err
	}
	return &Remote{cfg: cfg, target: target, taken: map[string]*job{}, changed: make(chan struct{})}, nil
}

// Target is the digest that commands carry which run in a process of the agent's.
// What that process starts is its own affair and is not in it.
func Target(agent string) (countersign.Digest, error) {
	b, err := canon.Marshal(struct {
		Kind  string `json:"kind"`
		Agent string `json:"agent"`
	}{"mcp.wrapped", agent})
	if err != nil {
		return countersign.Digest{}, err
	}
	return sha256.Sum256(append([]byte("countersign/target/v1\n"), b...)), nil
}

// Target is the digest that a command for this executor must carry.
func (r *Remote) Target() countersign.Digest { return r.target }

// Start does nothing: the process comes by itself.
func (r *Remote) Start(context.Context) error { return nil }

// Close lets the process go. What it has taken and not answered is unknown.
func (r *Remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.release()
	return nil
}

// A job is a Work under way. Whoever takes it out of the queue, or out of taken,
// is the only one who answers it.
type job struct {
	work   Work
	answer chan Answer // one place
}

var (
	errNobody = errors.New("no process of the agent's has taken it; start countersign mcp -- and the server's command, as that agent")
	errLost   = errors.New("the process that took it was not heard of again")
)

// Run hands one released command to the process, once, and waits for what became
// of it. An error, and the outcome failed, mean that it was not handed over; what
// was handed over and not answered is unknown.
func (r *Remote) Run(ctx context.Context, rel ledger.Release, out io.Writer) (countersign.Outcome, error) {
	o := countersign.Outcome{StartedAt: r.cfg.Now()}
	a, err := r.run(ctx, rel, o.StartedAt)
	o.FinishedAt = r.cfg.Now()
	switch {
	case errors.Is(err, errLost):
		o.Execution, o.Detail = countersign.ExecutionUnknown, err.Error()
		return o, nil
	case err != nil:
		o.Execution, o.Detail = countersign.ExecutionFailed, "not sent: "+err.Error()
		return o, fmt.Errorf("%s: %w", r.cfg.Name, err)
	}
	o.Execution, o.Detail = a.Execution, a.Detail
	if len(a.Result) > 0 {
		o.ResultDigest, o.Bytes = sha256.Sum256(a.Result), strconv.Itoa(len(a.Result))
		if _, err := out.Write(a.Result); err != nil {
			// What happened there is not undone by a reader who has gone.
			o.Detail = fmt.Sprintf("the answer could not be handed on: %v", err)
		}
	}
	return o, nil
}

func (r *Remote) run(ctx context.Context, rel ledger.Release, now time.Time) (Answer, error) {
	p, err := ledger.OpenPermit(rel, r.cfg.Trust, r.cfg.Name, now)
	if err != nil {
		return Answer{}, err
	}
	id := p.ID()
	return r.do(ctx, Work{ID: hex.EncodeToString(id[:]), Release: &rel}, ledger.PermitLife)
}

// Pass has the process answer one of the methods that are no commands.
func (r *Remote) Pass(ctx context.Context, method string, params []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Patience+time.Minute)
	defer cancel()
	a, err := r.do(ctx, Work{ID: countersign.NewID("pas"), Method: method, Params: params}, r.cfg.Patience)
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", r.cfg.Name, method, err)
	}
	return a.Result, nil
}

// do queues work, for so long, and waits for the answer of whoever takes it.
func (r *Remote) do(ctx context.Context, w Work, life time.Duration) (Answer, error) {
	j := &job{work: w, answer: make(chan Answer, 1)}
	r.mu.Lock()
	r.queue = append(r.queue, j)
	r.wake()
	r.mu.Unlock()
	over := time.NewTimer(life)
	defer over.Stop()
	for {
		select {
		case a := <-j.answer:
			if a.lost {
				return a, errLost
			}
			return a, nil
		case <-over.C:
			if r.takeBack(j) {
				return Answer{}, errNobody
			}
		case <-ctx.Done():
			if r.takeBack(j) {
				return Answer{}, errNobody
			}
			r.give(w.ID, Answer{lost: true})
			ctx = context.WithoutCancel(ctx) // its answer, or ours, is there now
		}
	}
}

// takeBack takes a job out of the queue, false if somebody has taken it.
func (r *Remote) takeBack(j *job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, queued := range r.queue {
		if queued == j {
			r.queue = append(r.queue[:i:i], r.queue[i+1:]...)
			return true
		}
	}
	return false
}

// give answers a job that was taken, false if there is none (any more).
func (r *Remote) give(id string, a Answer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	j, ok := r.taken[id]
	if ok {
		delete(r.taken, id)
		j.answer <- a
	}
	return ok
}

// wake tells everybody who waits to look again. The caller holds mu.
func (r *Remote) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}
