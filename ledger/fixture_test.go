package ledger_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"golang.org/x/mod/sumdb/note"
)

const testOrigin = "countersign.acme.example/log"

var noon = time.Date(2026, 11, 19, 12, 0, 0, 0, time.UTC)

// fixedKey returns the same key of the name every time.
func fixedKey(t testing.TB, name string) (note.Signer, note.Verifier, string) {
	t.Helper()
	seed := sha256.Sum256([]byte("test key of " + name))
	private := ed25519.NewKeyFromSeed(seed[:])
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(vkey, "+")[1]
	s, err := ledger.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return s, v, vkey
}

func testTrust(t testing.TB) ledger.Trust {
	_, v, _ := fixedKey(t, testOrigin)
	return ledger.Trust{Origin: testOrigin, Keys: note.VerifierList(v)}
}

// record writes the events of one request as a store does, each behind gap other
// leaves, with salts that are the same every time.
type record struct {
	grove
	entries []ledger.Entry
	gap     int
	prev    ledger.Hash
	command ledger.Commitment

	enrolments []ledger.Entry
	keys       map[countersign.RequestID]ledger.Hash // last leaf of each credential
}

func (r *record) add(t testing.TB, events ...countersign.Event) {
	t.Helper()
	for _, e := range events {
		sealed, err := ledger.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		sealed.At = e.At
		r.put(t, sealed)
	}
}

func (r *record) put(t testing.TB, e ledger.Event) {
	t.Helper()
	entry := r.seal(t, e)
	r.grow(t, r.gap)
	entry.Index = r.edge.Size()
	r.entries = append(r.entries, entry)
	r.hash(t, ledger.LeafHash(entry.Leaf))
}

// seal makes the next leaf of the request.
func (r *record) seal(t testing.TB, e ledger.Event) ledger.Entry {
	t.Helper()
	d, err := ledger.Salted(e.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	for slot, o := range map[ledger.Slot]*ledger.Opening{ledger.SlotCommand: d.Command, ledger.SlotWho: d.Who, ledger.SlotContext: d.Context} {
		if o != nil {
			o.Salt = sha256.Sum256(fmt.Append(nil, "test salt ", e.Request, e.Version, slot))
		}
	}
	if d.Command != nil {
		r.command = ledger.Commit(ledger.SlotCommand, *d.Command)
	}
	leaf, err := ledger.Leaf(e, r.prev, r.command, ledger.Commit(ledger.SlotWho, *d.Who), ledger.Commit(ledger.SlotContext, *d.Context))
	if err != nil {
		t.Fatal(err)
	}
	r.prev = ledger.LeafHash(leaf)
	return ledger.Entry{Leaf: leaf, Open: d}
}

// sign returns the checkpoint of the log, and the proofs of the entries in it.
func (r *record) sign(t testing.TB) (ledger.Checkpoint, [][]ledger.Hash) {
	t.Helper()
	s, _, _ := fixedKey(t, testOrigin)
	cp, err := ledger.SignCheckpoint(testOrigin, r.edge, s)
	if err != nil {
		t.Fatal(err)
	}
	return cp, r.prove(t, cp, r.entries).Proofs
}

func (r *record) prove(t testing.TB, cp ledger.Checkpoint, entries []ledger.Entry) receipt.Leaves {
	t.Helper()
	l := receipt.Leaves{Entries: entries}
	for _, e := range entries {
		p, err := ledger.Prove(t.Context(), r.tile, cp, e.Index)
		if err != nil {
			t.Fatal(err)
		}
		l.Proofs = append(l.Proofs, p)
	}
	return l
}

// receipt is made without the checks of receipt.Build.
func (r *record) receipt(t testing.TB) receipt.Receipt {
	t.Helper()
	r.grow(t, r.gap)
	cp, proofs := r.sign(t)
	return receipt.Receipt{Request: "req_b7n0e3vyk2sm", Origin: testOrigin, Entries: r.entries, Proofs: proofs,
		Enrolments: r.prove(t, cp, r.enrolments), Checkpoint: cp.Note}
}

func (r *record) file(t testing.TB) []byte {
	t.Helper()
	b, err := r.receipt(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A story is the events of one request in the making.
type story struct {
	t      testing.TB
	events []countersign.Event
	digest countersign.Digest
	// before are the enrolments on record before the request is made, and after
	// those that follow an event of it.
	before []countersign.Event
	after  map[int][]countersign.Event
	// signed makes the assertion of an event, once its held leaf is there.
	signed map[int]func(held ledger.Entry) *countersign.Assertion
}

var (
	refundBot = countersign.Principal{Kind: countersign.KindAgent, ID: "agt_0p4n7w2k9x1c", Name: "refund-bot",
		Owner: "per_a1ice00000000", Issuer: "local", Subject: "refund-bot"}
	alice = person("per_a1ice00000000", "Alice Moreau")
	bob   = person("per_b0b0000000000", "Bob Okafor")
	priya = person("per_pr1ya00000000", "Priya Raman")

	pending  = countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone}
	approved = countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionNone}
	allowed  = countersign.State{Decision: countersign.DecisionAllowed, Execution: countersign.ExecutionNone}

	payments = countersign.Resource{
		Name: "mcp/payments", Environment: "prod", Regions: []string{"eu-west-1"}, DataClasses: []string{"financial"},
		Owners: []string{"payments"}, Target: digestOf("target"),
		Tools: map[string]countersign.Tool{"create_refund": {Verbs: []string{"mcp.write"}}, "get_charge": {Verbs: []string{"mcp.read"}}},
		Pins:  map[string]countersign.Digest{"create_refund": digestOf("tool"), "get_charge": digestOf("tool 2")},
	}
	refund = countersign.MCPRequest{
		Resource: "mcp/payments", Target: payments.Target, Method: "tools/call", Tool: digestOf("tool"),
		Params: []byte(`{"name":"create_refund","arguments":{"charge":"ch_3QkV8tB2eZ","amount":"184.50","currency":"EUR","reason":"duplicate <a&b>"}}`),
	}
)

func person(id, name string) countersign.Principal {
	return countersign.Principal{Kind: countersign.KindPerson, ID: id, Name: name, Issuer: "local", Subject: strings.ToLower(name)}
}

func digestOf(s string) countersign.Digest { return countersign.DigestOfCanonical([]byte(s)) }

// tell starts a story: refund-bot asks.
func tell(t testing.TB) *story {
	t.Helper()
	command, err := countersign.Canonical(refund)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, digest: countersign.DigestOfCanonical(command)}
	s.add(pending, countersign.Requested{
		Resource: payments, Reason: "order 20931 was paid twice, SUP-7714", Barred: []string{alice.ID},
		Facts: countersign.Facts{Tool: "create_refund", Verbs: []string{"mcp.write"}, Classes: []string{"financial"},
			Certainty: countersign.Known, Understanding: "mcp/1",
			Indicators: []countersign.Indicator{{ID: "amount.above-limit", Severity: countersign.Medium, Evidence: "184.50",
				Where: "arguments.amount", Source: "catalogue", Certainty: countersign.Known}}},
	}, countersign.Who{Actor: refundBot, Method: "token", Origin: countersign.Origin{Door: "mcp", Peer: "127.0.0.1:51234", Client: "claude-code/2.1"}})
	s.events[0].Command = command
	return s
}

func (s *story) add(state countersign.State, b countersign.Body, who countersign.Who) *story {
	n := len(s.events)
	s.events = append(s.events, countersign.Event{
		Request: "req_b7n0e3vyk2sm", Version: uint64(n + 1), At: noon.Add(time.Duration(n) * 1500 * time.Millisecond),
		State: state, Who: who, Body: b,
	})
	return s
}

func (s *story) gateway(state countersign.State, b countersign.Body) *story {
	return s.add(state, b, countersign.Who{Actor: countersign.Gateway(), Origin: countersign.Origin{Door: "mcp"}})
}

func verdict(effect countersign.Effect, rule string) countersign.Verdict {
	return countersign.Verdict{Effect: effect, Policy: digestOf("policy"), Catalogue: digestOf("catalogue"), Understanding: "mcp/1",
		Rules: []countersign.RuleTrace{
			{ID: "refund-over-1000", Value: countersign.RuleFalse, Effect: countersign.Hold},
			{ID: rule, Value: countersign.RuleTrue, Effect: effect, Counts: true, Why: "Refunds above 100 wait.", Source: "policy/payments.yaml:7"},
			{ID: "prod-write", Value: countersign.RuleTrue, Effect: effect},
		}}
}

func held(stages ...countersign.Stage) countersign.Held {
	v := verdict(countersign.Hold, "refund-over-100")
	v.Requirement = &countersign.Requirement{Stages: stages, ExpiresAt: noon.Add(30 * time.Minute), RunWithinSeconds: 600,
		Bounds: map[string]string{"bytes": "1000"}}
	return countersign.Held{Verdict: v}
}

func stage(quorum int, at countersign.Assurance, groups ...string) countersign.Stage {
	return countersign.Stage{Reviewers: groups, Quorum: quorum, Assurance: at}
}

func (s *story) held(stages ...countersign.Stage) *story { return s.gateway(pending, held(stages...)) }

func (s *story) decided(state countersign.State, by countersign.Principal, choice countersign.Choice, with countersign.Assurance) *story {
	d := countersign.Decided{Decision: countersign.Decision{Choice: choice, Digest: s.digest, View: digestOf("view"), Assurance: with, Channel: "console"}}
	if state == approved {
		d.RunBy = noon.Add(10*time.Minute + 123456*time.Nanosecond)
	}
	return s.add(state, d, signedIn(by))
}

func signedIn(by countersign.Principal) countersign.Who {
	return countersign.Who{Actor: by, Method: "link", AuthTime: noon.Add(-time.Hour), Origin: countersign.Origin{Door: "console", Peer: "10.4.9.80:40012"}}
}

func (s *story) released(approvals ...int) *story {
	from := s.events[len(s.events)-1].State
	b := countersign.Released{
		Executor: "mcp/payments", Target: payments.Target, Approvals: approvals, Bounds: map[string]string{"bytes": "1000"}, Policy: digestOf("policy"),
	}
	if from.Decision != countersign.DecisionAllowed {
		b.Verdict = new(verdict(countersign.Hold, "refund-over-100"))
		for _, e := range s.events {
			if h, ok := e.Body.(countersign.Held); ok {
				b.Verdict = &h.Verdict
			}
		}
	}
	return s.gateway(countersign.State{Decision: from.Decision, Execution: countersign.ExecutionRunning}, b)
}

func (s *story) completed(x countersign.ExecutionState) *story {
	from := s.events[len(s.events)-1].State
	at := noon.Add(time.Duration(len(s.events)-1) * 1500 * time.Millisecond)
	return s.gateway(countersign.State{Decision: from.Decision, Execution: x}, countersign.Completed{Outcome: countersign.Outcome{
		Execution: x, Bytes: "412", ResultDigest: digestOf("result"), StartedAt: at, FinishedAt: at.Add(212 * time.Millisecond)}})
}

// ran is the usual story: one person approves, it runs.
func ran(t testing.TB) *story {
	t.Helper()
	return tell(t).held(stage(1, countersign.Session, "payments")).
		decided(approved, bob, countersign.Approve, countersign.Session).released(3).completed(countersign.ExecutionSucceeded)
}

// ranForTwo is the story of two approvals.
func ranForTwo(t testing.TB) *story {
	t.Helper()
	return tell(t).held(stage(2, countersign.Session, "payments", "dba")).
		decided(pending, priya, countersign.Approve, countersign.Session).
		decided(approved, bob, countersign.Approve, countersign.Session).
		released(3, 4).completed(countersign.ExecutionSucceeded)
}

func (s *story) recorded() *record {
	s.t.Helper()
	r := &record{gap: 40}
	r.enrol(s.t, s.before...)
	var held ledger.Entry
	for i, e := range s.events {
		if sign := s.signed[i]; sign != nil {
			e.Who.Assertion = sign(held)
		}
		r.add(s.t, e)
		if e.Kind() == countersign.KindHeld {
			held = r.entries[i]
		}
		r.enrol(s.t, s.after[i]...)
	}
	return r
}

func printed(r receipt.Report) string {
	s := fmt.Sprintf("%s %s size %d, %d events, %d bytes, %s\n", r.Request, r.Origin, r.Size, r.Events, r.Bytes, r.At)
	for _, step := range r.Steps {
		s += fmt.Sprintf("%2d %-45s %-30s %s\n", step.N, step.Name, step.Detail, step.Result)
		for _, l := range step.Lines {
			s += "      " + l + "\n"
		}
	}
	for _, d := range r.Who {
		s += fmt.Sprintf("who %s %s %s %s\n", d.By.Name, d.Choice, d.Assurance, d.At)
	}
	return s + fmt.Sprintf("what %s\nwhy %s\noutcome %s\n%s holds %v\n", r.What, r.Why, r.Outcome, r.Digest, r.Holds)
}
