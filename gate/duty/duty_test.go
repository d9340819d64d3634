package duty_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/audit"
	"github.com/countersignhq/countersign/brief"
	"github.com/countersignhq/countersign/gate"
	"github.com/countersignhq/countersign/gate/duty"
	"github.com/countersignhq/countersign/gate/duty/stint"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/server/admin"
	"github.com/countersignhq/countersign/store/memory"
	"golang.org/x/mod/sumdb/note"
)

const onCall = countersign.OnCallPrefix + "payments"

const dutyPolicy = `apiVersion: countersign/v1
kind: PolicySet
defaults: {effect: hold, reviewers: ["oncall:payments"], expires: 12h}
`

// A house is a gate in a bubble of time, with a pool of three.
type house struct {
	t     *testing.T
	gate  *gate.Gate
	store *memory.Store
	trust ledger.Trust
	bot   countersign.Agent
	// begun is when alice's stint begins; each is an hour: alice, bob, carol.
	begun time.Time
	fails atomic.Bool
	reads atomic.Int64
}

func newHouse(t *testing.T) *house {
	t.Helper()
	private, vkey, err := ledger.NewKey("test.example/log")
	must(t, err)
	signer, err := ledger.NewSigner(private)
	must(t, err)
	verifier, err := ledger.NewVerifier(vkey)
	must(t, err)
	h := &house{t: t, trust: ledger.Trust{Origin: "test.example/log", Keys: note.VerifierList(verifier)}}
	h.store, err = memory.New(memory.Config{Origin: h.trust.Origin, Signer: signer})
	must(t, err)
	h.gate = h.replica()
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		_, err := h.gate.SetPerson(t.Context(), operator(), countersign.Person{ID: "per_" + name, Name: name, Issuer: "local", Subject: name})
		must(t, err)
	}
	h.pool("alice", "bob", "carol")
	must(t, h.gate.SetOnCall(t.Context(), operator(), onCall, "payments-team"))
	must(t, h.gate.SetPolicy(t.Context(), operator(), map[string]string{"p.yaml": dutyPolicy}))
	must(t, h.gate.SetResource(t.Context(), operator(), countersign.Resource{Name: "mcp/shop", DataClasses: []string{"internal"}, Target: countersign.Digest{1}}))
	h.bot = countersign.Agent{ID: "agt_bot", Name: "bot", Owner: "per_dave", CreatedBy: countersign.Operator()}
	must(t, h.gate.SetAgent(t.Context(), operator(), h.bot))
	h.begun = time.Now()
	time.Sleep(time.Second)
	return h
}

func operator() countersign.Who {
	return countersign.Who{Actor: countersign.Operator(), Origin: countersign.Origin{Door: "admin"}, Method: "socket"}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// replica is another gate over the store.
func (h *house) replica() *gate.Gate {
	h.t.Helper()
	g, err := gate.New(context.Background(), h.store, h.trust, gate.Config{Log: quiet(), Executors: map[string]gate.Executor{"mcp/shop": closed{}}})
	must(h.t, err)
	return g
}

// closed runs nothing.
type closed struct{}

func (closed) Run(context.Context, ledger.Release, io.Writer) (countersign.Outcome, error) {
	return countersign.Outcome{Execution: countersign.ExecutionFailed}, nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (h *house) pool(names ...string) {
	h.t.Helper()
	var ids []string
	for _, n := range names {
		ids = append(ids, "per_"+n)
	}
	must(h.t, h.gate.SetGroup(h.t.Context(), operator(), "payments-team", ids))
}

// read is the schedule: an hour each for the people, and dave, who is of no pool,
// with carol.
func (h *house) read(_ context.Context, from, to time.Time) ([]stint.Stint, error) {
	h.reads.Add(1)
	if h.fails.Load() {
		return nil, errors.New("the calendar answers 503")
	}
	at := func(n int) time.Time { return h.begun.Add(time.Duration(n) * time.Hour) }
	return []stint.Stint{
		{Person: "local|alice", From: at(0), To: at(1)}, {Person: "local|bob", From: at(1), To: at(2)},
		{Person: "local|carol", From: at(2), To: at(3)}, {Person: "local|dave", From: at(2), To: at(3)}, {Person: "local|zoe", From: at(2), To: at(3)},
	}, nil
}

func (h *house) worker(g *gate.Gate, log *slog.Logger) *duty.Worker {
	return duty.New(g, h.store, []duty.Group{{Name: onCall, Read: h.read, Every: 5 * time.Minute}}, nil, log)
}

func (h *house) onDuty() string {
	h.t.Helper()
	d, err := h.gate.Directory(h.t.Context())
	must(h.t, err)
	var names []string
	for _, m := range d.Groups[onCall].Members {
		names = append(names, d.People[m.Person].Name)
	}
	return strings.Join(names, ", ")
}

func (h *house) is(want string) {
	h.t.Helper()
	if got := h.onDuty(); got != want {
		h.t.Errorf("after %s on duty is %q, want %q", time.Since(h.begun), got, want)
	}
}

// stints are how many changes of stint there are on record.
func (h *house) stints() (n int) {
	h.t.Helper()
	entries, err := h.store.Events(h.t.Context(), countersign.GroupID(onCall))
	must(h.t, err)
	for _, e := range entries {
		event, err := e.Event()
		must(h.t, err)
		if event.Who.Actor.Kind == countersign.KindGateway {
			n++
		}
	}
	return n
}

func (h *house) asks(args string) countersign.Request {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	cancel()
	result, err := h.gate.Submit(ctx, gate.Ask{
		By: h.bot.Principal(), Reason: "because", Origin: countersign.Origin{Door: "mcp"},
		Command: countersign.MCPRequest{Resource: "mcp/shop", Method: "tools/call", Params: []byte(`{"name":"refund","arguments":` + args + `}`)},
	}, io.Discard)
	must(h.t, err)
	p, ok := result.(gate.Pending)
	if !ok {
		h.t.Fatalf("it is %+v, want it held", result)
	}
	return p.Request
}

func (h *house) decide(person string, id countersign.RequestID) error {
	h.t.Helper()
	r, err := h.gate.Get(h.t.Context(), id)
	must(h.t, err)
	d, err := h.gate.Directory(h.t.Context())
	must(h.t, err)
	_, err = h.gate.Decide(h.t.Context(), gate.Decision{Request: id, Origin: countersign.Origin{Door: "console"}, Decision: countersign.Decision{
		By: countersign.Principal{Kind: countersign.KindPerson, ID: "per_" + person}, Choice: countersign.Approve, Digest: r.Digest,
		View: brief.Build(r, d).Digest(), Reason: "seen", Assurance: countersign.Session, Method: "link", Channel: "console",
	}})
	return err
}

func (h *house) refused(err error, want countersign.Code) {
	h.t.Helper()
	if got := countersign.CodeOf(err); err == nil || got != want {
		h.t.Errorf("got %v (%s), want it refused as %s", err, got, want)
	}
}

// holds has the auditor read the whole record.
func (h *house) holds() {
	h.t.Helper()
	head, err := h.store.Head(h.t.Context())
	must(h.t, err)
	report, err := audit.Run(h.t.Context(), audit.Source{Trust: h.trust, Checkpoint: head.Note, Entries: h.entries(head.Size)})
	must(h.t, err)
	for _, v := range report.Violations {
		h.t.Error(v)
	}
}

func TestEachStintIsOneChangeOnRecordHoweverManyReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		for range 3 {
			w := h.worker(h.replica(), quiet())
			must(t, w.Start(t.Context()))
			go w.Keep(t.Context())
		}
		h.is("alice")
		time.Sleep(time.Hour - time.Second - time.Millisecond)
		h.is("alice")
		time.Sleep(2 * time.Second)
		h.is("bob")
		time.Sleep(time.Hour)
		h.is("carol")
		time.Sleep(time.Hour)
		h.is("")
		if n := h.stints(); n != 4 {
			t.Errorf("%d changes of stint are on record, want 4", n)
		}
		h.holds()
	})
}

func TestWhoComesOnDutyDecidesWhatWasAskedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w := h.worker(h.gate, quiet())
		must(t, w.Start(t.Context()))
		go w.Keep(t.Context())
		first, second := h.asks(`{"n":1}`), h.asks(`{"n":2}`)
		h.refused(h.decide("bob", first.ID), countersign.CodeNotAReviewer)
		must(t, h.decide("alice", first.ID))
		time.Sleep(time.Hour)
		h.refused(h.decide("alice", second.ID), countersign.CodeNotAReviewer)
		h.refused(h.decide("dave", second.ID), countersign.CodeSelfApproval)
		must(t, h.decide("bob", second.ID))
		h.holds()
	})
}

func TestWhoLeavesThePoolDecidesNothingAtOnceAndIsSoonOffDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w := h.worker(h.gate, quiet())
		must(t, w.Start(t.Context()))
		go w.Keep(t.Context())
		r := h.asks(`{}`)
		h.pool("bob", "carol")
		h.refused(h.decide("alice", r.ID), countersign.CodeNotAReviewer)
		time.Sleep(time.Minute + time.Second)
		h.is("")
		h.pool("alice", "bob", "carol")
		time.Sleep(time.Minute + time.Second)
		h.is("alice")
		h.refused(h.decide("alice", r.ID), countersign.CodeNotAReviewer) // she is in the pool since after it was asked
		h.holds()
	})
}

func TestWhatAScheduleSaidLastStandsInForOneThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var said strings.Builder
		w := h.worker(h.gate, slog.New(slog.NewTextHandler(&said, nil)))
		must(t, w.Start(t.Context()))
		must(t, w.Tick(t.Context()))
		h.fails.Store(true)

		// The process ends, and the next one cannot read it either.
		w = h.worker(h.replica(), slog.New(slog.NewTextHandler(&said, nil)))
		must(t, w.Start(t.Context()))
		h.is("alice")
		ctx, stop := context.WithCancel(t.Context())
		go w.Keep(ctx)
		time.Sleep(time.Hour)
		h.is("bob")
		time.Sleep(2 * time.Hour)
		h.is("")
		r := h.asks(`{}`)
		if got := r.Verdict.Requirement.Blocked; len(got) != 1 || got[0] != "it needs 1 person of oncall:payments, and nobody there can decide it" {
			t.Errorf("with nobody on duty it is blocked by %q", got)
		}
		stop()
		synctest.Wait()
		if !strings.Contains(said.String(), "the calendar answers 503") || !strings.Contains(said.String(), "level=ERROR") {
			t.Errorf("no alarm in %q", said.String())
		}
		h.holds()
	})
}

func TestWhoIsOfNoPoolIsNotOnDutyAndThatIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var said strings.Builder
		w := h.worker(h.gate, slog.New(slog.NewTextHandler(&said, nil)))
		time.Sleep(2 * time.Hour)
		must(t, w.Start(t.Context()))
		h.is("carol")
		if !strings.Contains(said.String(), "local|zoe, dave") {
			t.Errorf("it is not said that zoe and dave are of no pool: %q", said.String())
		}
		h.holds()
	})
}

func TestAGroupWithoutAScheduleHasNobodyOnDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		must(t, h.worker(h.gate, quiet()).Start(t.Context()))
		h.is("alice")
		none := duty.New(h.gate, h.store, nil, nil, quiet())
		must(t, none.Start(t.Context()))
		must(t, none.Tick(t.Context()))
		h.is("")
		if left, err := h.store.Claim(t.Context(), "duty", time.Minute, 10); err != nil || len(left) > 0 {
			t.Errorf("the jobs %v are left (%v), want none", left, err)
		}
		h.holds()
	})
}

func TestAnotherPoolTakesEverybodyOffDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w := h.worker(h.gate, quiet())
		must(t, w.Start(t.Context()))
		must(t, h.gate.SetGroup(t.Context(), operator(), "others", []string{"per_bob"}))
		must(t, h.gate.SetOnCall(t.Context(), operator(), onCall, "others"))
		h.is("")
		go w.Keep(t.Context())
		time.Sleep(time.Hour)
		h.is("bob")
		for _, wrong := range []struct{ name, pool string }{{"payments", "others"}, {onCall, "nowhere"}, {onCall, ""}, {"oncall:other", onCall}} {
			if err := h.gate.SetOnCall(t.Context(), operator(), wrong.name, wrong.pool); err == nil {
				t.Errorf("%s from %q is taken", wrong.name, wrong.pool)
			}
		}
		h.refused(h.gate.SetGroup(t.Context(), operator(), onCall, []string{"per_dave"}), countersign.CodeBadRequest)
		agent := h.bot
		agent.Owner = onCall
		h.refused(h.gate.SetAgent(t.Context(), operator(), agent), countersign.CodeBadRequest)
		h.holds()
	})
}

func TestAScheduleIsNotReadAtEveryLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		w := h.worker(h.gate, quiet())
		must(t, w.Start(t.Context()))
		go w.Keep(t.Context())
		time.Sleep(30*time.Minute + time.Second)
		if n := h.reads.Load(); n < 6 || n > 9 {
			t.Errorf("in half an hour a schedule of every five minutes was read %d times", n)
		}
	})
}

func TestNobodyOfTheGroupIsListedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		_, err := h.gate.SetDuty(t.Context(), onCall, []string{"per_bob", "per_alice", "per_bob"})
		must(t, err)
		d, err := h.gate.Directory(t.Context())
		must(t, err)
		if got := d.GroupsOf("per_bob", time.Now()); !slices.Contains(got, onCall) || len(d.Groups[onCall].Members) != 2 {
			t.Errorf("bob is in %v, and the group has %v", got, d.Groups[onCall].Members)
		}
		before := h.stints()
		_, err = h.gate.SetDuty(t.Context(), onCall, []string{"per_alice", "per_bob"})
		must(t, err)
		if h.stints() != before {
			t.Error("the same people are recorded a second time")
		}
	})
}

func (h *house) entries(size int64) func(context.Context) iter.Seq2[ledger.Entry, error] {
	return func(ctx context.Context) iter.Seq2[ledger.Entry, error] { return admin.Entries(ctx, h.store, size) }
}
