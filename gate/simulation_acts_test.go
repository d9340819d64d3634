package gate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/gate"
)

// behave is what the upstream does once a permit has opened.
func (h *history) behave(id countersign.RequestID) (countersign.Outcome, error) {
	switch h.rng.IntN(12) {
	case 0:
		return countersign.Outcome{Execution: countersign.ExecutionFailed, Detail: "no such file"}, nil
	case 1:
		return countersign.Outcome{Execution: countersign.ExecutionUnknown}, errors.New("the connection was lost")
	case 2:
		h.crash("during %s", id)
	}
	return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, nil
}

func (h *history) crash(format string, args ...any) {
	h.note("crash "+format, args...)
	h.store.Faults().Crash(errCrashed)
	h.crashed = true
}

var errCrashed = errors.New("the process is gone")

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, h.clock.Now().Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// play does n things, and starts again after each crash.
func (h *history) play(n int) {
	for range n {
		h.fault()
		h.act()
		if h.crashed || h.store.Faults().Crashed() {
			h.restart()
		}
	}
	h.store.Faults().Clear()
	h.clock.Advance(2 * time.Hour)
	if err := h.gate.Tick(context.Background()); err != nil {
		h.t.Fatalf("the last tick: %v\n%s", err, strings.Join(h.log, "\n"))
	}
}

func (h *history) restart() {
	h.note("restart")
	h.did["restart"]++
	h.crashed = false
	h.store = h.store.Restart()
	h.witness.Store = h.store
	h.start()
}

// fault now and then arms a fault for the next commit: it fails, it succeeds and
// nobody hears of it, the process dies before or after it, or somebody else acts
// just before it.
func (h *history) fault() {
	f := h.store.Faults()
	switch h.rng.IntN(40) {
	case 0:
		f.FailCommit(errors.New("disk I/O error"))
		h.fired("fail commit")
	case 1:
		f.LoseAnswer()
		h.fired("lose answer")
	case 2:
		f.CrashBefore(errCrashed)
		h.fired("crash before commit")
	case 3:
		f.CrashAfter(errCrashed)
		h.fired("crash after commit")
	case 4, 5, 6, 7:
		f.BeforeCommit(pick(h, h.act, h.controlChanges))
		h.fired("race")
	}
}

func (h *history) fired(what string) {
	h.did[what]++
	h.note("armed: %s", what)
}

// act does one thing, right or wrong.
func (h *history) act() {
	switch n := h.rng.IntN(100); {
	case n < 28:
		h.submits()
	case n < 48:
		h.decides()
	case n < 66:
		h.comesBack()
	case n < 70:
		h.withdraws()
	case n < 73:
		h.resolves()
	case n < 78:
		h.tick()
	case n < 88:
		h.clockMoves()
	default:
		h.controlChanges()
	}
}

func pick[T any](h *history, from ...T) T { return from[h.rng.IntN(len(from))] }

func (h *history) submits() {
	agent := pick(h, h.agents...)
	tool := pick(h, "read_file", "write_file", "write_file", "grant", "wipe", "unlisted")
	ask := h.ask(tool, fmt.Sprintf(`{"n":%d}`, h.rng.IntN(3)))
	ask.By = agent.Principal()
	if h.rng.IntN(6) == 0 {
		ask.OnBehalfOf = []countersign.Principal{{Kind: countersign.KindPerson, ID: "x", Issuer: "local", Subject: pick(h, "bob", "erin")}}
	}
	if h.rng.IntN(10) == 0 {
		ask.Key = fmt.Sprint("key ", h.rng.IntN(8))
	}
	result, err := h.gate.Submit(ended(), ask, io.Discard)
	var r countersign.Request
	switch result := result.(type) {
	case gate.Done:
		r = result.Request
	case gate.Pending:
		r = result.Request
	case gate.Refused:
		r = result.Request
	case gate.Unknown:
		r = result.Request
	}
	h.said("submit %s %s", err, agent.Name, tool)
	h.did[fmt.Sprintf("submit %T", result)]++
	if r.ID != "" {
		h.requests = append(h.requests, r.ID)
		if h.rng.IntN(3) == 0 {
			h.gate.Delivered(context.Background(), r.ID)
		}
	}
}

// said notes what was done and how it ended.
func (h *history) said(format string, err error, args ...any) {
	end := "ok"
	if err != nil {
		end = err.Error()
	}
	h.note(format+": %s", append(args, end)...)
}

// some is a request that was asked for, often a recent one.
func (h *history) some() (countersign.RequestID, bool) {
	if len(h.requests) == 0 {
		return "", false
	}
	if h.rng.IntN(3) > 0 {
		return h.requests[max(0, len(h.requests)-1-h.rng.IntN(4))], true
	}
	return pick(h, h.requests...), true
}

func (h *history) decides() {
	id, ok := h.some()
	if !ok {
		return
	}
	person := pick(h, "alice", "bob", "bob", "carol", "carol", "dave", "erin", "nobody")
	if h.rng.IntN(3) == 0 {
		person = h.standIn(person)
	}
	h.chooses(person, id)
}

func (h *history) chooses(person string, id countersign.RequestID) {
	choice := pick(h, countersign.Approve, countersign.Approve, countersign.Approve, countersign.Approve, countersign.Reject, countersign.Escalate)
	d, seen := h.stale[id]
	if !seen || h.rng.IntN(4) > 0 {
		r, err := h.gate.Get(context.Background(), id)
		if err != nil {
			return
		}
		d = h.shown(r)
		h.stale[id] = d
	}
	d.By = countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + person}
	d.Choice, d.To = choice, pick(h, "dba", "platform", "nowhere")
	d.Assurance = pick(h, countersign.Session, countersign.Session, countersign.Passkey, countersign.Chat)
	if d.Assurance == countersign.Passkey || person == "bob" && h.rng.IntN(2) == 0 {
		d = h.signs(d)
	}
	if h.rng.IntN(20) == 0 {
		d.Digest[0] ^= 1
	}
	_, err := h.gate.Decide(context.Background(), d)
	h.said("%s %s %s", err, person, choice, id)
	h.did[fmt.Sprintf("decide %s", codeOrOK(err))]++
	if err == nil {
		h.seated(person, id)
	}
	if d.Assertion != nil {
		h.did[fmt.Sprintf("sign %s", codeOrOK(err))]++
	}
}

func codeOrOK(err error) countersign.Code {
	if err == nil {
		return "ok"
	}
	return countersign.CodeOf(err)
}

func (h *history) comesBack() {
	id, ok := h.some()
	if !ok {
		return
	}
	agent := pick(h, h.agents...)
	result, err := h.gate.Wait(ended(), agent.Principal(), id, io.Discard)
	h.said("%s comes back for %s: %T", err, agent.Name, id, result)
	h.did[fmt.Sprintf("wait %T", result)]++
	if _, ok := result.(gate.Done); ok && h.rng.IntN(2) == 0 {
		h.gate.Delivered(context.Background(), id)
	}
}

func (h *history) withdraws() {
	if id, ok := h.some(); ok {
		by := countersign.Who{Actor: pick(h, h.agents...).Principal()}
		if h.rng.IntN(4) == 0 {
			by = operator()
		}
		_, err := h.gate.Withdraw(context.Background(), id, by, "changed my mind")
		h.said("%s withdraws %s", err, by.Actor.Name, id)
	}
}

func (h *history) resolves() {
	if id, ok := h.some(); ok {
		_, err := h.gate.Resolve(context.Background(), id, operator(), pick(h, countersign.ExecutionSucceeded, countersign.ExecutionFailed), "looked")
		h.said("resolve %s", err, id)
	}
}

func (h *history) tick() { h.said("tick", h.gate.Tick(context.Background())) }

func (h *history) clockMoves() {
	d := pick(h, time.Second, time.Second, time.Minute, 5*time.Minute, 11*time.Minute, 31*time.Minute, -5*time.Second, -30*time.Second, -2*time.Minute)
	h.clock.Advance(d)
	h.note("the clock moves by %s", d)
}

func (h *history) controlChanges() {
	ctx := context.Background()
	switch h.rng.IntN(10) {
	case 6:
		h.keysChange()
	case 7, 8, 9:
		h.dutyChanges()
	case 0:
		name := pick(h, "bob", "carol", "erin")
		p := countersign.Person{ID: "per_" + name, Name: name, Issuer: "local", Subject: name, Inactive: h.rng.IntN(2) == 0}
		_, err := h.gate.SetPerson(ctx, operator(), p)
		h.said("%s inactive=%t", err, name, p.Inactive)
	case 1:
		members := pick(h, []string{"per_alice", "per_bob", "per_carol"}, []string{"per_carol", "per_dave"}, []string{"per_bob", "per_erin", "per_dave"})
		name := pick(h, "platform", "dba")
		h.said("group %s is %v", h.gate.SetGroup(ctx, operator(), name, members), name, members)
	case 2:
		i := h.rng.IntN(len(h.agents))
		h.agents[i].Owner = pick(h, "per_alice", "per_bob", "per_dave", "dba")
		h.said("%s is owned by %s", h.gate.SetAgent(ctx, operator(), h.agents[i]), h.agents[i].Name, h.agents[i].Owner)
	case 3:
		r := files()
		r.Target = pick(h, countersign.Digest{9}, countersign.Digest{10})
		h.said("the upstream moves to %s", h.gate.SetResource(ctx, operator(), r), r.Target)
	default:
		text := pick(h, append(dutyPolicies(), simPolicies...)...)
		h.said("the policy changes", h.gate.SetPolicy(ctx, operator(), map[string]string{"policy/test.yaml": text}))
	}
}

// simPolicies are the policies that take turns.
var simPolicies = []string{
	testPolicy,
	strings.Replace(testPolicy, "quorum: 1", "quorum: 2", 1),
	strings.Replace(testPolicy, "verbs: [sql.ddl]", "verbs: [sql.ddl, mcp.write]", 1),
	strings.Replace(testPolicy, "quorum: 2, assurance: session", "quorum: 1, assurance: passkey", 1),
	strings.Replace(testPolicy, "run_within: 10m", "run_within: 2m", 1),
}
