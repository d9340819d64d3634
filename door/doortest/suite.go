package doortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/countersignhq/countersign"
)

// A Door is how one door is driven.
type Door struct {
	Resource countersign.Resource
	// Policy allows Allowed, denies Denied by the rule "never", and holds Held
	// for the group "reviewers".
	Policy                string
	Allowed, Held, Denied Call
	// Open starts the door over the house. With Hurried its agents' patience is
	// over as soon as the door finds that a call is held.
	Open func(t *testing.T, h *House, p Patience) Agent
}

// Patience is how long the agents of a door wait.
type Patience int

// The patiences.
const (
	Patient Patience = iota // longer than any test
	Hurried
)

// A Call is one action and its bytes at both ends.
type Call struct {
	// Send is what the agent sends, Command what must reach the upstream of it;
	// its target and definition digest do not count.
	Send    []byte
	Command countersign.Command
	// Upstream is what the executor writes, Receive what the agent must get.
	Upstream, Receive []byte
}

// An Agent asks through the door.
type Agent struct {
	// Ask sends and waits for the answer. A context that ends breaks the
	// connection.
	Ask func(ctx context.Context, send []byte) Answer
	// Quiet returns once the door has noticed that nobody waits any more.
	Quiet func()
}

// An Answer is what the agent reads of what it got.
type Answer struct {
	Reads   Reading
	Body    []byte // the upstream's answer, exactly as it arrived
	Request countersign.RequestID
	Code    countersign.Code
	Text    string // all that a model would read
	Err     error  // the connection broke
}

// Reading is what an answer means to a program.
type Reading string

// The readings. A door that cannot tell two of them apart fails.
const (
	Result  Reading = "result"
	Refused Reading = "refused"
	Pending Reading = "pending"
	Failed  Reading = "failed"
	Unknown Reading = "unknown"
	Broken  Reading = "broken"
)

// Test runs the suite.
func Test(t *testing.T, d Door) {
	t.Run("AnAllowedCallRunsOnceAndItsBytesAreTheSameAtBothEnds", d.allowed)
	t.Run("AnAgentCanTellRefusedPendingFailedAndUnknownApart", d.readings)
	t.Run("AnApprovedCallRunsOnceAndIsDeliveredOnce", d.delivered)
	t.Run("TwoWhoAskTheSameShareOneRun", d.shared)
	t.Run("NothingRunsOnceTheAgentIsGone", d.gone)
	t.Run("AnAnswerThatNobodyHadIsKeptForTheNextAsk", d.kept)
}

func (d Door) house(t *testing.T) *House {
	h := New(t, d.Resource, d.Policy)
	h.Upstream.Answer(d.Held.Upstream)
	return h
}

func (d Door) allowed(t *testing.T) {
	h := d.house(t)
	h.Upstream.Answer(d.Allowed.Upstream)
	a := d.Open(t, h, Patient).Ask(t.Context(), d.Allowed.Send)
	if a.Reads != Result || !bytes.Equal(a.Body, d.Allowed.Receive) {
		t.Errorf("the agent got %s %q, want %s %q", a.Reads, a.Body, Result, d.Allowed.Receive)
	}
	wantRuns(t, h, d.Allowed.Command)
}

func (d Door) readings(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name string
		call Call
		do   func(h *House)
		want Reading
		code countersign.Code
		runs int
	}{
		{"denied", d.Denied, nil, Refused, countersign.CodeDenied, 0},
		{"failed", d.Allowed, func(h *House) {
			h.Upstream.Do(func(countersign.Command, io.Writer) (countersign.Outcome, error) {
				return countersign.Outcome{Execution: countersign.ExecutionFailed}, errors.New("the disk is on fire")
			})
		}, Failed, countersign.CodeFailed, 1},
		{"unknown", d.Allowed, func(h *House) {
			h.Upstream.Do(func(countersign.Command, io.Writer) (countersign.Outcome, error) {
				return countersign.Outcome{Execution: countersign.ExecutionUnknown}, errors.New("the line went dead")
			})
		}, Unknown, countersign.CodeUnknownOutcome, 1},
	} {
		h := d.house(t)
		if c.do != nil {
			c.do(h)
		}
		a := d.Open(t, h, Patient).Ask(ctx, c.call.Send)
		wantAnswer(t, c.name, a, c.want, c.code)
		if n := len(h.Upstream.Ran()); n != c.runs {
			t.Errorf("%s: the upstream ran %d commands, want %d", c.name, n, c.runs)
		}
	}
	h := d.house(t)
	hurried := d.Open(t, h, Hurried)
	a := hurried.Ask(ctx, d.Held.Send)
	wantAnswer(t, "held", a, Pending, "")
	if r := h.Held(t); a.Request != r.ID || !strings.Contains(a.Text, string(r.ID)) {
		t.Errorf("held: the agent reads request %q in %q, want %q", a.Request, a.Text, r.ID)
	}
	h.Reject(t, a.Request, "not on a Friday")
	a = hurried.Ask(ctx, d.Held.Send)
	wantAnswer(t, "rejected", a, Refused, countersign.CodeRejected)
	if !strings.Contains(a.Text, "not on a Friday") {
		t.Errorf("rejected: the agent reads %q, want the reviewer's reason in it", a.Text)
	}
	wantRuns(t, h)
}

func (d Door) delivered(t *testing.T) {
	h := d.house(t)
	agent := d.Open(t, h, Patient)
	answer := ask(t, agent, d.Held.Send)
	first := h.Held(t)
	h.Approve(t, first.ID)
	if a := <-answer; a.Reads != Result || !bytes.Equal(a.Body, d.Held.Receive) {
		t.Errorf("the agent got %s %q, want %s %q", a.Reads, a.Body, Result, d.Held.Receive)
	}
	wantRuns(t, h, d.Held.Command)
	agent.Quiet()
	again := ask(t, agent, d.Held.Send) // the first was answered: this one is another action
	second := h.Held(t, first.ID)
	h.Reject(t, second.ID, "once is enough")
	wantAnswer(t, "asked again", <-again, Refused, countersign.CodeRejected)
	wantRuns(t, h, d.Held.Command)
}

func (d Door) shared(t *testing.T) {
	h := d.house(t)
	agent := d.Open(t, h, Patient)
	first := ask(t, agent, d.Held.Send)
	r := h.Held(t)
	second := ask(t, agent, d.Held.Send)
	h.Until(t, func(now countersign.Request) bool { return now.Version > r.Version }) // it has joined
	h.Approve(t, r.ID)
	for _, answer := range []<-chan Answer{first, second} {
		if a := <-answer; a.Reads != Result || !bytes.Equal(a.Body, d.Held.Receive) {
			t.Errorf("an agent got %s %q, want %s %q", a.Reads, a.Body, Result, d.Held.Receive)
		}
	}
	wantRuns(t, h, d.Held.Command)
	if n := len(h.Requests(t)); n != 1 {
		t.Errorf("%d requests are on record, want 1", n)
	}
}

func (d Door) gone(t *testing.T) {
	h := d.house(t)
	agent := d.Open(t, h, Patient)
	ctx, leave := context.WithCancel(t.Context())
	answer := askIn(ctx, agent, d.Held.Send)
	r := h.Held(t)
	leave()
	if a := <-answer; a.Reads != Broken {
		t.Errorf("the agent that left got %s", a.Reads)
	}
	agent.Quiet()
	h.Approve(t, r.ID)
	wantRuns(t, h)
	if now, err := h.Gate.Get(t.Context(), r.ID); err != nil || now.Execution != countersign.ExecutionNone || now.Decision != countersign.DecisionApproved {
		t.Errorf("the request of an agent that left is %s/%s (%v), want approved/none", now.Decision, now.Execution, err)
	}
	a := agent.Ask(t.Context(), d.Held.Send)
	if a.Reads != Result || !bytes.Equal(a.Body, d.Held.Receive) {
		t.Errorf("the agent that came back got %s %q, want %s %q", a.Reads, a.Body, Result, d.Held.Receive)
	}
	wantRuns(t, h, d.Held.Command)
}

func (d Door) kept(t *testing.T) {
	h := d.house(t)
	running, finish := make(chan struct{}), make(chan struct{})
	h.Upstream.Do(func(_ countersign.Command, out io.Writer) (countersign.Outcome, error) {
		close(running)
		<-finish
		_, err := out.Write(d.Held.Upstream)
		return countersign.Outcome{Execution: countersign.ExecutionSucceeded}, err
	})
	agent := d.Open(t, h, Patient)
	ctx, leave := context.WithCancel(t.Context())
	answer := askIn(ctx, agent, d.Held.Send)
	r := h.Held(t)
	h.Approve(t, r.ID)
	<-running
	leave()
	<-answer
	agent.Quiet()
	close(finish)
	h.Until(t, func(r countersign.Request) bool { return r.Execution == countersign.ExecutionSucceeded })
	if a := agent.Ask(t.Context(), d.Held.Send); a.Reads != Result || !bytes.Equal(a.Body, d.Held.Receive) {
		t.Errorf("the agent that came back got %s %q, want %s %q", a.Reads, a.Body, Result, d.Held.Receive)
	}
	wantRuns(t, h, d.Held.Command)
}

func ask(t *testing.T, a Agent, send []byte) <-chan Answer { return askIn(t.Context(), a, send) }

func askIn(ctx context.Context, a Agent, send []byte) <-chan Answer {
	answer := make(chan Answer, 1)
	go func() { answer <- a.Ask(ctx, send) }()
	return answer
}

func wantAnswer(t *testing.T, name string, a Answer, want Reading, code countersign.Code) {
	t.Helper()
	if a.Reads != want || (code != "" && a.Code != code) {
		t.Errorf("%s: the agent reads %s %q (%s, %v), want %s %q", name, a.Reads, a.Code, a.Text, a.Err, want, code)
	}
}

// wantRuns compares what ran, byte for byte, apart from what the gateway knows
// of the upstream.
func wantRuns(t *testing.T, h *House, want ...countersign.Command) {
	t.Helper()
	got := h.Upstream.Ran()
	if len(got) != len(want) {
		t.Errorf("the upstream ran %d commands, want %d", len(got), len(want))
		return
	}
	for i := range got {
		g, err := countersign.Canonical(bare(got[i]))
		check(t, err)
		w, err := countersign.Canonical(bare(want[i]))
		check(t, err)
		if !bytes.Equal(g, w) {
			t.Errorf("the upstream ran %s, want %s", g, w)
		}
	}
}

func bare(c countersign.Command) countersign.Command {
	if m, ok := c.(countersign.MCPRequest); ok {
		m.Target, m.Tool = countersign.Digest{}, countersign.Digest{}
		return m
	}
	return c
}
