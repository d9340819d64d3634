package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
)

// tasksExtension is the extension in which a held call is a task (MCP extension
// io.modelcontextprotocol/tasks, SEP-2663). A request is its own task: the task's
// id is the request's.
const tasksExtension = "io.modelcontextprotocol/tasks"

// A task is how a request stands, as the extension has it.
type task struct {
	Type    string                `json:"resultType"`
	ID      countersign.RequestID `json:"taskId"`
	Status  string                `json:"status"`
	Message string                `json:"statusMessage,omitempty"`
	Created time.Time             `json:"createdAt"`
	Updated time.Time             `json:"lastUpdatedAt"`
	Life    *int64                `json:"ttlMs"` // nil is not limited
	Poll    int                   `json:"pollIntervalMs"`
}

func taskOf(r countersign.Request, kind, status, message string) task {
	return task{Type: kind, ID: r.ID, Status: status, Message: message, Created: r.CreatedAt, Updated: r.UpdatedAt, Poll: 5000}
}

// created answers a call that is held with the task that it is.
func (d *door) created(c *call, r countersign.Request) []byte {
	return result(c.id, encode(taskOf(r, "task", "working", fmt.Sprintf("%s %s: %s", r.ID, waitsFor(r), d.link(r.ID)))))
}

// task answers the methods of the extension, for the agent's own requests alone.
func (d *door) task(ctx context.Context, c *call, params []byte) {
	if !c.tasks {
		c.reply.status(http.StatusBadRequest, "application/json", failure(c.id, encode(misfit{Code: codeCapability, Message: "missing required client capability",
			Data: json.RawMessage(`{"requiredCapabilities":{"extensions":{"` + tasksExtension + `":{}}}}`)})))
		return
	}
	r, err := d.gate.Get(ctx, countersign.RequestID(textAt(params, "taskId")))
	if err != nil || !r.AskedBy(c.by) || r.Resource.Name != c.session.Of.Resource {
		c.reply.message(failure(c.id, encode(rpcError{Code: codeBadParams, Message: fmt.Sprintf("there is no task %q of yours on %s", short(textAt(params, "taskId")), c.session.Of.Resource)})))
		return
	}
	switch c.method {
	case "tasks/update": // nothing is ever asked of the client
		c.reply.message(result(c.id, []byte("{}")))
	case "tasks/cancel":
		_, err := d.gate.Withdraw(ctx, r.ID, countersign.Who{Actor: c.by.Actor, OnBehalfOf: c.by.OnBehalfOf, Origin: d.origin(c.http, c.session), Method: c.by.Method}, "the agent cancelled it")
		if err != nil && countersign.CodeOf(err) != countersign.CodeAlreadySettled {
			c.reply.message(tell(c.id, c.method, false, d.fault(c, err)))
			return
		}
		c.reply.message(result(c.id, []byte("{}")))
	default:
		d.poll(ctx, c, r)
	}
}

// poll asks, as a live ask of the requester, how the task stands. It runs what
// is approved: nobody else waits for it.
func (d *door) poll(ctx context.Context, c *call, r countersign.Request) {
	working := func() { c.reply.message(d.working(c, d.again(c, r))) }
	switch {
	case r.Decision == countersign.DecisionPending:
		working()
		return
	case r.Decision == countersign.DecisionWithdrawn:
		c.reply.message(result(c.id, encode(taskOf(r, "complete", "cancelled", ""))))
		return
	}
	wait, cancel := context.WithTimeout(ctx, d.cfg.Soon)
	defer cancel()
	leave, done, ok := d.sessions.Enter(c.session, c.id, cancel)
	if !ok {
		c.reply.message(tell(c.id, c.method, false, d.tooMany()))
		return
	}
	defer leave()
	answered := make(chan became, 1)
	go func() {
		defer done() // what runs on counts, whether or not somebody still waits
		out := &heard{}
		res, err := d.gate.Wait(wait, c.by.Actor, r.ID, out)
		answered <- became{res, err, out}
	}()
	select {
	case b := <-answered:
		if _, waits := b.result.(gate.Pending); waits {
			working()
			return
		}
		if b.result == nil { // the task goes on: what failed is this look at it
			c.reply.message(tell(c.id, c.method, false, d.fault(c, b.err)))
			return
		}
		called := *c
		called.method = "tools/call" // what became of it is the answer to that
		c.reply.message(d.ended(c, d.again(c, r), d.answerOf(&called, b.result, b.err, b.out.Bytes())))
		d.delivered(ctx, c, b)
	case <-wait.Done():
		working()
	}
}

func (d *door) working(c *call, r countersign.Request) []byte {
	return result(c.id, encode(taskOf(r, "complete", "working", string(r.ID)+" "+waitsFor(r))))
}

// ended is a task with the answer to its call, whose bytes stay as they are.
func (d *door) ended(c *call, r countersign.Request, answer []byte) []byte {
	status, member := "completed", "result"
	raw, ok := canon.Member(answer, member)
	if !ok {
		status, member = "failed", "error"
		raw, _ = canon.Member(answer, member)
	}
	t := encode(taskOf(r, "complete", status, ""))
	return result(c.id, slices.Concat(t[:len(t)-1], []byte(`,"`+member+`":`), raw, []byte("}")))
}
