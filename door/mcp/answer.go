package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/internal/canon"
)

// A kind of answer that is ours and not the upstream's. An agent reads it in
// _meta under "countersign/" and the kind, or, where the method is not
// tools/call, in the code of the JSON-RPC error.
type kind string

const (
	refused     kind = "refused"     // it did not run and will not
	pending     kind = "pending"     // it waits, or runs
	unknown     kind = "unknown"     // released, and nobody can tell whether it ran
	failed      kind = "failed"      // it ran and failed, and left no answer
	ran         kind = "ran"         // it ran, and its answer cannot be given
	unavailable kind = "unavailable" // nothing runs at the moment
)

// code is the kind's code as a JSON-RPC error.
func (k kind) code() int {
	switch k {
	case refused:
		return codeRefused
	case pending:
		return codePending
	case unknown:
		return codeUnknown
	case failed:
		return codeFailed
	case ran:
		return codeRan
	case unavailable:
		return codeUnavailable
	}
	return codeInternal
}

// A note is what a program reads of our answers.
type note struct {
	Status     string                     `json:"status,omitempty"` // "pending_approval", "running", …
	Code       countersign.Code           `json:"code,omitempty"`
	Rule       string                     `json:"rule,omitempty"`
	Request    countersign.RequestID      `json:"request_id,omitempty"`
	URL        string                     `json:"url,omitempty"`
	RetryAfter int                        `json:"retry_after_s,omitempty"`
	Expires    time.Time                  `json:"expires_at,omitzero"`
	Decision   countersign.DecisionState  `json:"decision,omitempty"`
	Execution  countersign.ExecutionState `json:"execution,omitempty"`
	Hint       string                     `json:"hint,omitempty"`
}

// retryAfter is when asking again makes sense, in seconds.
const retryAfter = 15

// The statuses of what waits.
const (
	statusPending = "pending_approval"
	statusRunning = "running"
)

// A word is one answer of ours: what a model reads and what a program reads.
type word struct {
	kind kind
	text string
	note note
}

// toolResult is a CallToolResult (MCP 2025-11-25, tools, "Tool Result").
type toolResult struct {
	Content    []textContent   `json:"content"`
	Structured *note           `json:"structuredContent,omitempty"`
	IsError    bool            `json:"isError"`
	Meta       map[string]note `json:"_meta,omitempty"`
}

type textContent struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func saying(texts ...string) []textContent {
	var c []textContent
	for _, t := range texts {
		c = append(c, textContent{"text", t})
	}
	return c
}

// tell makes the response that carries the word. The answer that a call waits,
// or ran, is no error, unless the tool promises structured content of a schema:
// a client that checks it would take our note for a broken promise.
func tell(id []byte, method string, promises promise, w word) []byte {
	if method != "tools/call" {
		return failure(id, encode(rpcError{Code: w.kind.code(), Message: w.text, Data: &w.note}))
	}
	t := toolResult{Content: saying(w.text), Meta: map[string]note{"countersign/" + string(w.kind): w.note}}
	switch {
	case w.kind != pending && w.kind != ran:
		t.IsError = true
	case promises == outputSchema:
		t.IsError = true
		t.Content = saying(w.text, string(encode(w.note)))
	default:
		t.Structured = &w.note
		t.Content = saying(w.text, string(encode(w.note)))
	}
	return result(id, encode(t))
}

// A promise is what a tool's definition says of its result.
type promise bool

const outputSchema promise = true

// answerOf makes the response to a call of what became of it. out is what the
// upstream answered, whose bytes stay as they are.
func (d *door) answerOf(c *call, res gate.Result, err error, out []byte) []byte {
	say := func(w word) []byte { return tell(c.id, c.method, c.promise, w) }
	if err != nil {
		return say(d.fault(c, err))
	}
	switch res := res.(type) {
	case gate.Done:
		if raw, ok := d.forward(c, res.Request, out); ok {
			return raw
		}
		return say(d.unanswered(res.Request))
	case gate.Pending:
		if c.tasks && c.method == "tools/call" {
			return d.created(c, res.Request)
		}
		if raw, ok := d.leg(c, res.Request); ok {
			return raw
		}
		return say(d.waiting(res.Request))
	case gate.Refused:
		return say(d.refusal(refused, res.Request, res.Err))
	case gate.Unknown:
		return say(d.refusal(unknown, res.Request, res.Err))
	}
	return say(d.fault(c, fmt.Errorf("the gate answered %T", res)))
}

// forward passes on the member that the upstream answered with, false if it
// answered nothing that can be.
func (d *door) forward(c *call, r countersign.Request, out []byte) ([]byte, bool) {
	if len(out) == 0 || !json.Valid(out) {
		return nil, false
	}
	if raw, ok := canon.Member(out, "result"); ok {
		if !c.modern && textAt(raw, "resultType") == "input_required" {
			return tell(c.id, c.method, c.promise, word{failed, c.session.Of.Resource + " ran and asks its client for something that only clients of " + modern + " can give.",
				note{Code: countersign.CodeFailed, Request: r.ID, URL: d.link(r.ID), Hint: "ask the operator", Execution: r.Execution}}), true
		}
		asked, _ := r.Command.(countersign.MCPRequest)
		if c.method == "tools/call" && asked.Method != "tools/call" {
			raw = encode(toolResult{Content: saying(string(raw))}) // countersign_wait for another method
		}
		return result(c.id, raw), true
	}
	if raw, ok := canon.Member(out, "error"); ok {
		return failure(c.id, raw), true
	}
	return nil, false
}

// unanswered is the word for a command that ran and whose answer there is none
// of (any more).
func (d *door) unanswered(r countersign.Request) word {
	n := note{Status: string(r.Execution), Request: r.ID, URL: d.link(r.ID), Decision: r.Decision, Execution: r.Execution}
	detail := ""
	if r.Outcome != nil && r.Outcome.Detail != "" {
		detail = ": " + clip(r.Outcome.Detail)
	}
	if r.Execution == countersign.ExecutionSucceeded {
		n.Hint = "do not ask for it again: it ran"
		return word{ran, fmt.Sprintf("%s ran once and succeeded, but its result cannot be given (any more)%s. Do not ask for it again: that would be another action.", r.ID, detail), n}
	}
	n.Code, n.Hint = countersign.CodeFailed, "look at why it failed before asking again"
	return word{failed, fmt.Sprintf("%s was released once and failed%s.", r.ID, detail), n}
}

// waiting is the word for what has no answer yet.
func (d *door) waiting(r countersign.Request) word {
	n := note{Status: statusPending, Code: countersign.CodePending, Request: r.ID, URL: d.link(r.ID), RetryAfter: retryAfter, Expires: r.ExpiresAt()}
	n.Hint = waitTool + " waits for it; the same call again joins it"
	if r.Execution == countersign.ExecutionRunning {
		n.Status = statusRunning
		return word{pending, fmt.Sprintf("%s was approved and runs now; its result is not there yet. Call the tool %s with {\"request_id\":%q} to get it.", r.ID, waitTool, r.ID), n}
	}
	return word{pending, fmt.Sprintf("Held, and nothing has run yet: %s %s. People decide at %s. "+
		"Call the tool %s with {\"request_id\":%q} to wait for the answer, or make the same call again: it joins this request and never runs twice.",
		r.ID, waitsFor(r), n.URL, waitTool, r.ID), n}
}

// waitsFor says who may decide: "waits for approval by 1 of platform and 2 of dba".
func waitsFor(r countersign.Request) string {
	if r.Decision == countersign.DecisionApproved {
		return "is approved and waits to be run"
	}
	if r.Verdict.Requirement == nil || len(r.Verdict.Requirement.Stages) == 0 {
		return "waits for approval"
	}
	var stages []string
	for _, s := range r.Verdict.Requirement.Stages {
		stages = append(stages, fmt.Sprintf("%d of %s", s.Quorum, strings.Join(s.Reviewers, " or ")))
	}
	text := "waits for approval by " + strings.Join(stages, " and ")
	if n := len(r.Approvals()); n > 0 {
		text += fmt.Sprintf(" (%d so far)", n)
	}
	return text
}

// refusal is the word for what will not run, or of which nobody knows.
func (d *door) refusal(k kind, r countersign.Request, e *countersign.Error) word {
	d.cfg.Refused(e.Code)
	var text strings.Builder
	switch k {
	case unknown:
		text.WriteString("Unknown whether it ran: ")
	default:
		text.WriteString("Refused, and it did not run: ")
	}
	text.WriteString(strings.TrimSuffix(e.Detail, "."))
	if e.Rule != "" {
		text.WriteString(" (rule " + e.Rule + ")")
	}
	text.WriteString(".")
	if e.Hint != "" {
		text.WriteString(" What to do next: " + strings.TrimSuffix(e.Hint, ".") + ".")
	}
	if e.RetryAfterSeconds > 0 {
		fmt.Fprintf(&text, " (retry_after_s: %d)", e.RetryAfterSeconds)
	}
	n := note{Code: e.Code, Rule: e.Rule, Request: r.ID, Hint: e.Hint, Decision: r.Decision, Execution: r.Execution, RetryAfter: e.RetryAfterSeconds}
	if r.ID != "" {
		n.URL = d.link(r.ID)
	}
	return word{k, text.String(), n}
}

// fault is the word for an error on the way: it did not run.
func (d *door) fault(c *call, err error) word {
	e, ok := errors.AsType[*countersign.Error](err)
	if syntax, bad := errors.AsType[*canon.SyntaxError](err); !ok && bad {
		e, ok = &countersign.Error{Code: countersign.CodeBadRequest, Detail: syntax.Error(), Hint: "send JSON that can be read one way only"}, true
	}
	if !ok {
		d.cfg.Log.Error("a call failed in the gateway", "resource", c.session.Of.Resource, "method", c.method, "err", err)
		e = &countersign.Error{Code: countersign.CodeInternal, Detail: "something failed in the gateway", Hint: "its log says what; ask the operator before asking again"}
	}
	if e.Code == countersign.CodeUnavailable {
		d.cfg.Refused(e.Code)
		return word{unavailable, e.Error(), note{Code: e.Code, Hint: e.Hint, RetryAfter: retryAfter}}
	}
	return d.refusal(refused, countersign.Request{}, e)
}

func (d *door) tooMany() word {
	d.cfg.Refused(countersign.CodeUnavailable)
	return word{unavailable, "Too many calls or sessions of this agent at once. Nothing was executed.",
		note{Code: countersign.CodeUnavailable, Hint: "wait for some to be answered", RetryAfter: 5}}
}

// link is where people see the request.
func (d *door) link(id countersign.RequestID) string {
	return strings.TrimSuffix(d.cfg.PublicURL, "/") + "/r/" + string(id)
}

// clip cuts what an upstream says of its failure.
func clip(s string) string {
	const most = 400
	if r := []rune(strings.ToValidUTF8(s, "\uFFFD")); len(r) > most {
		return string(r[:most]) + " (cut)"
	}
	return s
}
