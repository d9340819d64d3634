package gate

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/store"
)

// Limits keep one agent from crowding out the others, and people from drowning. A
// zero limit is none.
type Limits struct {
	// PerMinute is how many times a minute an agent may ask; an agent that was
	// quiet may ask that often at once.
	PerMinute int
	// Pending is how many requests of an agent may wait for people at a time.
	Pending int
}

// quotas count what agents ask for. They are kept in memory: a gate that starts
// counts what waits, and begins a new minute.
type quotas struct {
	Limits
	mu     sync.Mutex
	agents map[string]*quota // by id; under mu
}

// A quota is what one agent has left.
type quota struct {
	tokens  float64
	at      time.Time // of tokens
	pending int       // on record
	coming  int       // about to be
	moves   int       // of pending
	counted time.Time // when pending was last counted on record
}

// mostQuotas bounds the memory: agents that have all they may have are forgotten
// beyond it.
const mostQuotas = 10_000

// of returns the agent's quota. The caller holds mu.
func (q *quotas) of(agent string, now time.Time) *quota {
	if q.agents == nil {
		q.agents = map[string]*quota{}
	}
	a, ok := q.agents[agent]
	if !ok {
		q.forget(now)
		a = &quota{tokens: float64(q.PerMinute), at: now}
		q.agents[agent] = a
	}
	a.tokens = min(float64(q.PerMinute), a.tokens+max(0, now.Sub(a.at).Minutes())*float64(q.PerMinute))
	a.at = now
	return a
}

func (q *quotas) forget(now time.Time) {
	if len(q.agents) < mostQuotas {
		return
	}
	for id, a := range q.agents {
		if a.pending+a.coming == 0 && now.Sub(a.at) > time.Minute {
			delete(q.agents, id)
		}
	}
}

// ask takes one ask off what the principal may ask this minute.
func (q *quotas) ask(by countersign.Principal, now time.Time) error {
	if q.PerMinute == 0 || by.Kind != countersign.KindAgent {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.of(by.ID, now)
	if a.tokens >= 1 {
		a.tokens--
		return nil
	}
	wait := math.Ceil((1 - a.tokens) * 60 / float64(q.PerMinute))
	return &countersign.Error{
		Code: countersign.CodeRateLimited, Detail: fmt.Sprintf("%s asks more than %d times a minute", by.Name, q.PerMinute),
		Hint: "nothing was recorded and nothing ran; ask again after the time in retry_after_s", RetryAfterSeconds: int(wait),
	}
}

// crowded is how long an agent with too much pending is told to wait.
const crowded = 30

// room takes a place for what is about to wait for people, and refuses where too
// much of the agent does already. It looks at the record before it refuses, at most
// once a second. The place is given back by moved, or by leave.
func (g *Gate) room(ctx context.Context, by countersign.Principal) error {
	q, now := &g.quotas, g.cfg.Now()
	if !q.counts(by) {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.of(by.ID, now)
	for a.counted.IsZero() || a.pending+a.coming >= q.Pending && now.Sub(a.counted) >= time.Second {
		moves := a.moves
		q.mu.Unlock()
		n, err := g.pending(ctx, by.ID)
		q.mu.Lock()
		if err != nil {
			return err
		}
		if a.moves == moves { // else it is not known which of them were counted
			a.pending, a.counted = n, now
		}
	}
	if a.pending+a.coming < q.Pending {
		a.coming++
		return nil
	}
	return &countersign.Error{
		Code: countersign.CodeRateLimited, Detail: fmt.Sprintf("%d requests of %s wait for people already, and %d is the most", a.pending+a.coming, by.Name, q.Pending),
		Hint: "nothing was recorded and nothing ran; withdraw some, or wait until people have decided", RetryAfterSeconds: crowded,
	}
}

// counts reports whether what the principal has waiting is limited.
func (q *quotas) counts(by countersign.Principal) bool {
	return q.Pending > 0 && by.Kind == countersign.KindAgent
}

// leave gives back a place that was taken for what is not on record after all.
func (q *quotas) leave(by countersign.Principal) {
	if !q.counts(by) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if a, ok := q.agents[by.ID]; ok {
		a.coming--
	}
}

// pending counts what waits of the agent, up to as many as matter.
func (g *Gate) pending(ctx context.Context, agent string) (n int, err error) {
	query := store.Query{Requester: agent, Decision: countersign.DecisionPending, Limit: 500}
	for n < g.quotas.Pending {
		found, next, err := g.store.Search(ctx, query)
		if err != nil {
			return 0, unavailable(err)
		}
		n += len(found)
		if query.Cursor = next; next == "" {
			break
		}
	}
	return n, nil
}

// moved keeps count of what waits: before and after are the request as one commit
// found and left it.
func (q *quotas) moved(before countersign.State, after countersign.Request) {
	was, is := before.Decision == countersign.DecisionPending, after.Decision == countersign.DecisionPending
	if q.Pending == 0 || was == is {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	a, ok := q.agents[after.Requester.ID]
	if !ok {
		return
	}
	a.moves++
	switch {
	case !is:
		a.pending = max(0, a.pending-1)
	case before.Decision == "":
		a.coming-- // its place was taken when it came
		a.pending++
	default:
		a.pending++
	}
}
