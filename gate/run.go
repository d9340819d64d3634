package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
)

// Sizes of results.
const (
	maxResult = 16 << 20 // more than this fails the command's outcome
	maxKept   = 1 << 20  // more than this is kept by digest only
)

// run gives the executor the proof of release and the stored bytes, records
// what happened, and only then gives the result out. The asker's context does
// not reach the executor: what was released runs to its end.
func (g *Gate) run(ctx context.Context, r countersign.Request, done store.Committed, via Executor, out Sink) (Result, error) {
	g.running.Add(1)
	defer g.running.Done()
	result := capped{asker: out}
	outcome := g.execute(ctx, r, done, via, &result)
	settled, err := g.settle(ctx, r, outcome, result.Bytes())
	if err != nil {
		g.cfg.Log.Error("an outcome is not on record yet", "request", r.ID, "execution", outcome.Execution, "err", err)
		g.remember(unrecorded{id: r.ID, outcome: outcome, result: result.Bytes()})
		return Unknown{r, unknownError(r, "it was released, and what happened is not on record yet")}, nil
	}
	return answer(settled, result.Bytes(), out)
}

// execute builds the release from what the commit recorded and runs it. A
// failure before the executor was called is a failure; after that only the
// executor knows.
func (g *Gate) execute(ctx context.Context, r countersign.Request, done store.Committed, via Executor, result *capped) countersign.Outcome {
	outcome := countersign.Outcome{StartedAt: g.cfg.Now().UTC().Truncate(time.Millisecond)}
	release, err := proof(done)
	if err != nil {
		outcome.Execution, outcome.Detail = countersign.ExecutionFailed, "not run: "+err.Error()
	} else {
		ctx, cancel := context.WithTimeout(ctx, g.cfg.RunFor)
		defer cancel()
		told, err := via.Run(ctx, release, result)
		outcome.Execution, outcome.Detail = told.Execution, told.Detail
		if err != nil {
			outcome.Detail = err.Error()
		}
	}
	switch outcome.Execution {
	case countersign.ExecutionSucceeded, countersign.ExecutionFailed, countersign.ExecutionUnknown:
	default:
		outcome.Execution = countersign.ExecutionUnknown
	}
	outcome.Detail = clip(outcome.Detail, 280)
	outcome.FinishedAt = g.cfg.Now().UTC().Truncate(time.Millisecond)
	if b := result.Bytes(); len(b) > 0 {
		outcome.ResultDigest = sha256.Sum256(b)
		outcome.Bytes = strconv.Itoa(len(b))
	}
	return outcome
}

// proof is the release of what was just recorded: the command's bytes, and the
// proof that "released" is in the signed tree.
func proof(done store.Committed) (ledger.Release, error) {
	requested, released := done.Entries[0], done.Entries[len(done.Entries)-1]
	if requested.Open.Command == nil {
		return ledger.Release{}, errors.New("the command's bytes are not on record")
	}
	return ledger.Release{
		Command: *requested.Open.Command, Leaf: released.Leaf, Index: released.Index,
		Proof: done.Proof, Checkpoint: done.Checkpoint.Note,
	}, nil
}

// settle records what happened, and keeps a result that is not too large.
func (g *Gate) settle(ctx context.Context, r countersign.Request, o countersign.Outcome, result []byte) (countersign.Request, error) {
	completed := func(r countersign.Request) (change, error) {
		if r.Execution != countersign.ExecutionRunning {
			return change{}, fmt.Errorf("%s is %s, not running", r.ID, r.Execution)
		}
		c := change{events: []countersign.Event{step(gateway(), r.Decision, o.Execution, countersign.Completed{Outcome: o})}}
		if len(result) > 0 && len(result) <= maxKept {
			c.keep = []store.Entry{{Key: resultKey(r.ID), Subject: string(r.ID), Value: result, Expires: g.cfg.Now().Add(resultLife)}}
		}
		return c, nil
	}
	c, err := completed(r)
	if err != nil {
		return r, err
	}
	settled, _, err := g.record(ctx, r, c)
	if errors.Is(err, store.ErrConflict) { // somebody joined it meanwhile
		return g.retry(ctx, r.ID, completed)
	}
	return settled, err
}

// unrecorded is an outcome that the record did not take, or a change of which
// nobody could tell whether it did.
type unrecorded struct {
	id      countersign.RequestID
	outcome countersign.Outcome
	result  []byte
	lost    *store.Change
}

func (g *Gate) remember(u unrecorded) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unrecorded = append(g.unrecorded, u)
}

// recordLate tries again to record the outcomes that the record did not take.
func (g *Gate) recordLate(ctx context.Context) {
	g.mu.Lock()
	late := g.unrecorded
	g.unrecorded = nil
	g.mu.Unlock()
	for _, u := range late {
		if err := g.recordOne(ctx, u); err != nil {
			g.remember(u)
		}
	}
}

func (g *Gate) recordOne(ctx context.Context, u unrecorded) error {
	if u.lost != nil {
		last := u.lost.Events[len(u.lost.Events)-1]
		_, found, err := g.find(ctx, *u.lost)
		if err != nil || !found || last.Kind != countersign.KindReleased {
			return err
		}
		// It was released, and whoever released it heard nothing and ran nothing.
		u.id, u.outcome = last.Request, countersign.Outcome{
			Execution: countersign.ExecutionFailed, Detail: "not run: the answer to its release was lost", FinishedAt: g.now(),
		}
	}
	r, err := g.store.Get(ctx, u.id)
	if err == nil && r.Execution == countersign.ExecutionRunning {
		_, err = g.settle(ctx, r, u.outcome, u.result)
	}
	return err
}

// answer gives a settled request's result to whoever asks.
func answer(r countersign.Request, result []byte, out Sink) (Result, error) {
	switch r.Execution {
	case countersign.ExecutionSucceeded, countersign.ExecutionFailed:
		if len(result) > 0 && out != nil {
			if _, err := out.Write(result); err != nil {
				return Done{r}, fmt.Errorf("give out the result of %s: %w", r.ID, err)
			}
		}
		return Done{r}, nil
	case countersign.ExecutionUnknown:
		return Unknown{r, unknownError(r, r.Outcome.Detail)}, nil
	}
	return Refused{r, refusal(r)}, nil
}

func unknownError(r countersign.Request, detail string) *countersign.Error {
	return &countersign.Error{
		Code:   countersign.CodeUnknownOutcome,
		Detail: fmt.Sprintf("%s was released once and its outcome is unknown: %s", r.ID, detail),
		Hint:   "it is not run again by itself; look at what happened, and record it with countersign resolve",
	}
}

func resultKey(id countersign.RequestID) string { return "result:" + string(id) }

// A Listener is a Sink that hears what the upstream says while its command runs.
// It must not block, and may be called once nobody waits any more.
type Listener interface {
	// HearsProgress reports whether the upstream is to tell of its progress.
	HearsProgress() bool
	// Hear takes a notification: its method, and its params in the upstream's bytes.
	Hear(method string, params []byte)
}

// capped keeps a result up to its limit, and fails the writer beyond it. What the
// upstream says meanwhile goes to the asker at once.
type capped struct {
	bytes.Buffer
	asker Sink
}

// HearsProgress implements Listener.
func (c *capped) HearsProgress() bool {
	l, ok := c.asker.(Listener)
	return ok && l.HearsProgress()
}

// Hear implements Listener.
func (c *capped) Hear(method string, params []byte) {
	if l, ok := c.asker.(Listener); ok {
		l.Hear(method, params)
	}
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	if c.Len()+len(p) > maxResult {
		return 0, fmt.Errorf("the result is larger than %d bytes", maxResult)
	}
	return c.Buffer.Write(p)
}
