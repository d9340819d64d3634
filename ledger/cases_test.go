package ledger_test

import (
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
)

// A receiptCase is a receipt and the step that it must fail, 0 if it holds.
type receiptCase struct {
	name string
	step int
	says string // in the lines of the failed step, or in the detail of the one named by at
	at   int
	file []byte
}

// honest are the receipts of stories that went as they should, however they end.
func honest(t testing.TB) []receiptCase {
	t.Helper()
	one := stage(1, countersign.Session, "payments")
	rejected := countersign.State{Decision: countersign.DecisionRejected, Execution: countersign.ExecutionNone}
	expired := countersign.State{Decision: countersign.DecisionExpired, Execution: countersign.ExecutionNone}
	denied := countersign.State{Decision: countersign.DecisionDenied, Execution: countersign.ExecutionNone}
	unknown := countersign.ExecutionUnknown
	yes := func(s *story) *story {
		return s.gateway(allowed, countersign.Allowed{Verdict: verdict(countersign.Allow, "read-bounded")}).released().completed(countersign.ExecutionSucceeded)
	}
	resolved := ran(t)
	resolved.events = resolved.events[:4]
	resolved.completed(unknown).add(countersign.State{Decision: countersign.DecisionApproved, Execution: countersign.ExecutionSucceeded},
		countersign.Resolved{Outcome: countersign.Outcome{Execution: countersign.ExecutionSucceeded}, Reason: "the provider lists the refund"}, signedIn(priya))
	refusedFirst := tell(t).held(one).add(pending, countersign.Refused{Code: countersign.CodeSelfApproval,
		Decision: countersign.Decision{Choice: countersign.Approve, Digest: digestOf("x"), Assurance: countersign.Passkey}}, signedIn(alice)).
		gateway(pending, countersign.Joined{}).
		decided(approved, bob, countersign.Approve, countersign.Session).released(5).completed(countersign.ExecutionSucceeded)
	again := climbed(t).again(needing(one, stage(1, countersign.Session, "leads"))).
		decided(pending, bob, countersign.Approve, countersign.Session).decided(approved, priya, countersign.Approve, countersign.Session).
		released(5, 6).completed(countersign.ExecutionSucceeded).recorded()
	return []receiptCase{
		{name: "approved", says: "1 of 1 of payments", at: 11, file: ran(t).recorded().file(t)},
		{name: "approved-by-two", says: "2 of 2 of payments or dba", at: 11, file: ranForTwo(t).recorded().file(t)},
		{name: "allowed", says: "none needed", at: 11, file: yes(tell(t)).recorded().file(t)},
		{name: "requested", says: "one event", at: 7, file: tell(t).recorded().file(t)},
		{name: "pending", says: "not released", at: 11, file: tell(t).held(one).recorded().file(t)},
		{name: "denied", says: "not released", at: 12, file: tell(t).gateway(denied, countersign.Denied{Verdict: verdict(countersign.Deny, "pii-leaves-region")}).recorded().file(t)},
		{name: "rejected", says: "not released", at: 12, file: tell(t).held(one).decided(rejected, bob, countersign.Reject, countersign.Chat).recorded().file(t)},
		{name: "expired", says: "not released", at: 12, file: tell(t).held(one).gateway(expired, countersign.Expired{}).recorded().file(t)},
		{name: "running", says: "no outcome on record yet", at: 12, file: tell(t).held(one).decided(approved, bob, countersign.Approve, countersign.Session).released(3).recorded().file(t)},
		{name: "failed", says: "once; failed", at: 12, file: tell(t).held(one).decided(approved, bob, countersign.Approve, countersign.Session).released(3).completed(countersign.ExecutionFailed).recorded().file(t)},
		{name: "unknown", says: "outcome is unknown", at: 12, file: tell(t).held(one).decided(approved, bob, countersign.Approve, countersign.Session).released(3).completed(unknown).recorded().file(t)},
		{name: "resolved", says: "once; succeeded", at: 12, file: resolved.recorded().file(t)},
		{name: "refused-and-joined", says: "1 of 1", at: 11, file: refusedFirst.recorded().file(t)},
		{name: "escalated", says: "2 of 2 of payments, dba", at: 11, file: escalated(t).
			decided(pending, bob, countersign.Approve, countersign.Session).
			decided(approved, priya, countersign.Approve, countersign.Session).released(4, 5).completed(countersign.ExecutionSucceeded).recorded().file(t)},
		{name: "two-stages-of-unequal-assurance", says: "2 of 2 of payments, dba", at: 11, file: tell(t).
			held(stage(1, countersign.Chat, "payments"), stage(1, countersign.Session, "dba")).
			decided(pending, bob, countersign.Approve, countersign.Chat).
			decided(approved, priya, countersign.Approve, countersign.Session).released(3, 4).completed(countersign.ExecutionSucceeded).recorded().file(t)},
		{name: "voided-and-approved-anew", says: "1 of 1", at: 11, file: tell(t).held(one).
			decided(approved, bob, countersign.Approve, countersign.Session).voided(one, bob.ID).
			decided(approved, priya, countersign.Approve, countersign.Session).released(5).completed(countersign.ExecutionSucceeded).recorded().file(t)},
		{name: "escalated-and-held-again", says: "2 of 2", at: 11, file: escalated(t).
			decided(pending, bob, countersign.Approve, countersign.Session).again(needing(one, stage(1, countersign.Session, "dba")), bob.ID).
			decided(pending, bob, countersign.Approve, countersign.Session).decided(approved, priya, countersign.Approve, countersign.Session).
			released(6, 7).completed(countersign.ExecutionSucceeded).recorded().file(t)},
		{name: "held-again-for-more", says: "2 of 2", at: 11, file: tell(t).held(one).
			decided(approved, bob, countersign.Approve, countersign.Session).voided(stage(2, countersign.Session, "dba"), "*").
			decided(pending, bob, countersign.Approve, countersign.Session).decided(approved, priya, countersign.Approve, countersign.Session).
			released(5, 6).completed(countersign.ExecutionSucceeded).recorded().file(t)},
		{name: "opened-early", says: "1 of 1", at: 11, file: frozen(t).again(needing(one)).
			decided(approved, bob, countersign.Approve, countersign.Session).released(4).completed(countersign.ExecutionSucceeded).recorded().file(t)},
		{name: "climbed-and-held-again", says: "2 of 2", at: 11, file: again.file(t)},
		{name: "climbed-and-held-again-by-whom-not-disclosed", says: "not disclosed", at: 11, file: hidden(t, again, func(d *ledger.Disclosure) { d.Who = nil })},
		{name: "nothing-disclosed", says: "0 of 0, 11 not disclosed", at: 8, file: hiding(t, func(d *ledger.Disclosure) { *d = ledger.Disclosure{} })},
		{name: "who-not-disclosed", says: "not disclosed", at: 11, file: hiding(t, func(d *ledger.Disclosure) { d.Who = nil })},
		{name: "context-not-disclosed", says: "not disclosed", at: 11, file: hiding(t, func(d *ledger.Disclosure) { d.Context = nil })},
		{name: "command-not-disclosed", says: "not disclosed", at: 9, file: hiding(t, func(d *ledger.Disclosure) { d.Command = nil })},
	}
}

// hiding is the usual receipt for a holder who may not see all of it.
func hiding(t testing.TB, hide func(d *ledger.Disclosure)) []byte {
	t.Helper()
	return hidden(t, ran(t).recorded(), hide)
}

func hidden(t testing.TB, r *record, hide func(d *ledger.Disclosure)) []byte {
	t.Helper()
	for i := range r.entries {
		hide(&r.entries[i].Open)
	}
	return r.file(t)
}

func escalated(t testing.TB) *story {
	t.Helper()
	return escalatedBy(t, priya)
}

func escalatedBy(t testing.TB, by countersign.Principal) *story {
	t.Helper()
	s := tell(t).held(stage(1, countersign.Session, "payments"))
	return s.add(pending, countersign.Escalated{Stage: stage(1, countersign.Session, "dba"), Decision: countersign.Decision{
		Choice: countersign.Escalate, To: "dba", Digest: s.digest, Reason: "ask the owners of the table", Assurance: countersign.Session}}, signedIn(by))
}

func (s *story) voided(st countersign.Stage, ids ...string) *story {
	h := held(st)
	h.Because, h.Void = "an approval no longer counts", ids
	return s.gateway(pending, h)
}

// again has the request held once more, for one person and with the change.
func (s *story) again(change func(*countersign.Verdict), void ...string) *story {
	h := held(stage(1, countersign.Session, "payments"))
	change(&h.Verdict)
	h.Because, h.Void = "an approval no longer counts", void
	return s.gateway(pending, h)
}

func needing(stages ...countersign.Stage) func(*countersign.Verdict) {
	return func(v *countersign.Verdict) { v.Requirement.Stages = stages }
}

// frozen is a story that waits for the end of a freeze.
func frozen(t testing.TB) *story {
	t.Helper()
	return tell(t).again(func(v *countersign.Verdict) {
		v.Requirement.NotBefore, v.Requirement.Closed, v.Requirement.Frozen = noon.Add(time.Hour), []string{"frozen: the books close"}, true
	})
}

// climbed is a story to which the gateway added the one rung of its ladder.
func climbed(t testing.TB) *story {
	t.Helper()
	s := tell(t).again(func(v *countersign.Verdict) {
		v.Requirement.Ladder = []countersign.Rung{{At: noon.Add(time.Second), To: []string{"leads"}}}
	})
	return s.gateway(pending, countersign.Escalated{Stage: stage(1, countersign.Session, "leads"), Decision: countersign.Decision{
		Choice: countersign.Escalate, To: "leads", Digest: s.digest, Reason: "not decided in time", Channel: "timer"}})
}

// bars says who could not decide when it was asked.
func (s *story) bars(ids ...string) {
	b := s.events[0].Body.(countersign.Requested)
	b.Barred = ids
	s.events[0].Body = b
}

// edit changes the last event.
func (s *story) edit(change func(e *countersign.Event)) *story {
	change(&s.events[len(s.events)-1])
	return s
}

// tampered are receipts that must fail: files that were changed (steps 1 to 6, 8),
// and records that were signed and are not honest (the rest).
func tampered(t testing.TB) []receiptCase {
	t.Helper()
	var cases []receiptCase
	add := func(step int, name, says string, file []byte) {
		cases = append(cases, receiptCase{name: name, step: step, says: says, file: file})
	}
	for _, c := range changedFiles(t) {
		add(c.step, c.name, c.says, c.file)
	}
	for _, c := range changedSignatures(t) {
		add(c.step, c.name, c.says, c.file)
	}
	for _, c := range dishonestRecords(t) {
		add(c.step, c.name, c.says, c.file)
	}
	for _, c := range dishonestStories(t) {
		add(c.step, c.name, c.says, c.story.recorded().file(t))
	}
	return cases
}

type storyCase struct {
	name, says string
	step       int
	story      *story
}

// dishonestStories went in a way that they should not.
func dishonestStories(t testing.TB) []storyCase {
	t.Helper()
	two, one := stage(2, countersign.Session, "payments"), stage(1, countersign.Session, "payments")
	session, succeeded := countersign.Session, countersign.ExecutionSucceeded
	yes := func(by countersign.Principal, held ...countersign.Stage) *story {
		return tell(t).held(held...).decided(approved, by, countersign.Approve, session)
	}
	end := func(s *story, approvals ...int) *story { return s.released(approvals...).completed(succeeded) }
	expired := tell(t).held(one)
	expired.events[1].Body.(countersign.Held).Verdict.Requirement.ExpiresAt = noon.Add(time.Second)
	late := ran(t)
	late.edit(func(e *countersign.Event) { e.At = noon.Add(20 * time.Minute) }).events[3].At = noon.Add(20 * time.Minute)
	noTime := ran(t)
	noTime.events[2].Body = countersign.Decided{Decision: noTime.events[2].Body.(countersign.Decided).Decision}
	released := func(change func(b *countersign.Released)) *story {
		s := ran(t)
		b := s.events[3].Body.(countersign.Released)
		change(&b)
		s.events[3].Body = b
		return s
	}
	outcome := func(change func(o *countersign.Outcome)) *story {
		s := ran(t)
		b := s.events[4].Body.(countersign.Completed)
		change(&b.Outcome)
		s.events[4].Body = b
		return s
	}
	another := tell(t).held(one)
	another.digest = digestOf("another")
	another.decided(approved, bob, countersign.Approve, session)
	onBehalf := yes(priya, one)
	onBehalf.events[0].Who.OnBehalfOf = []countersign.Principal{priya}
	longLived := ran(t)
	longLived.events[2].Body = countersign.Decided{Decision: longLived.events[2].Body.(countersign.Decided).Decision, RunBy: noon.Add(24 * time.Hour)}
	owners := yes(alice, one)
	owners.bars()
	barred := yes(priya, one)
	barred.bars(alice.ID, priya.ID)
	twice := yes(bob, one).released(3)
	twice.gateway(twice.events[3].State, countersign.Released{Executor: "mcp/payments", Target: payments.Target, Approvals: []int{3}, Bounds: map[string]string{"bytes": "1000"}})
	slow := outcome(func(o *countersign.Outcome) { o.FinishedAt = o.StartedAt.Add(61 * time.Second) })
	for _, i := range []int{1, 3} {
		switch b := slow.events[i].Body.(type) {
		case countersign.Held:
			b.Verdict.Requirement.Bounds = map[string]string{"seconds": "60"}
		case countersign.Released:
			b.Bounds = map[string]string{"seconds": "60"}
			slow.events[i].Body = b
		}
	}
	return []storyCase{
		{"released-while-pending", "no move", 7, end(tell(t).held(one).decided(pending, bob, countersign.Approve, session), 3)},
		{"released-twice", "no move", 7, twice},
		{"released-after-a-rejection", "no move", 7, end(tell(t).held(one).decided(countersign.State{Decision: countersign.DecisionRejected, Execution: countersign.ExecutionNone}, bob, countersign.Reject, session))},
		{"decided-another-command", "decided", 9, end(another, 3)},
		{"passkey-without-assertion", "claims a passkey", 10, end(tell(t).held(one).decided(approved, bob, countersign.Approve, countersign.Passkey), 3)},
		{"one-of-two", "1 of 2", 11, end(yes(bob, two), 3)},
		{"one-person-twice", "counts once", 11, end(tell(t).held(two).decided(pending, bob, countersign.Approve, session).decided(approved, bob, countersign.Approve, session), 3, 4)},
		{"one-approval-named-twice", "counts once", 11, end(yes(bob, two), 3, 3)},
		{"no-approval-named", "0 of 1", 11, end(yes(bob, one))},
		{"a-rejection-named", "choice is reject", 11, end(tell(t).held(one).decided(approved, bob, countersign.Reject, session), 3)},
		{"another-event-named", "which is none", 11, end(yes(bob, one), 2)},
		{"owner-approved", "stands behind", 11, end(owners, 3)},
		{"asker-approved", "stands behind", 11, end(onBehalf, 3)},
		{"barred-approved", "stands behind", 11, end(barred, 3)},
		{"agent-approved", "no person", 11, end(yes(countersign.Principal{Kind: countersign.KindAgent, ID: "agt_x", Name: "x"}, one), 3)},
		{"chat-where-a-session-is-needed", "0 of 1", 11, end(tell(t).held(one).decided(approved, bob, countersign.Approve, countersign.Chat), 3)},
		{"one-session-where-two-are-needed", "1 of 2", 11, end(tell(t).held(two).decided(pending, bob, countersign.Approve, countersign.Chat).decided(approved, priya, countersign.Approve, session), 3, 4)},
		{"void-approval-named", "became void", 11, end(yes(bob, one).voided(one, bob.ID).decided(approved, priya, countersign.Approve, session), 3, 5)},
		{"all-void", "became void", 11, end(yes(bob, two).voided(one, "*").decided(approved, priya, countersign.Approve, session), 3)},
		{"escalation-not-met", "1 of 2", 11, end(escalated(t).decided(approved, bob, countersign.Approve, session), 4)},
		{"escalated-by-an-agent", "no person", 11, escalatedBy(t, refundBot)},
		{"escalated-by-the-operator", "no person", 11, escalatedBy(t, countersign.Operator())},
		{"held-again-without-an-escalation", "that an escalation added", 11, end(escalated(t).voided(one, "*").decided(approved, bob, countersign.Approve, session), 5)},
		{"held-again-with-a-weaker-escalation", "that an escalation added", 11, escalated(t).again(needing(one, stage(1, countersign.Chat, "dba")), "*")},
		{"held-again-for-fewer", "another verdict", 11, end(tell(t).held(two).again(needing(one)).decided(approved, bob, countersign.Approve, session), 4)},
		{"held-again-for-less-after-a-void", "another verdict", 11, end(yes(bob, two).voided(one, bob.ID).decided(approved, priya, countersign.Approve, session), 5)},
		{"held-again-with-more-time", "another verdict", 11, tell(t).held(one).again(func(v *countersign.Verdict) { v.Requirement.ExpiresAt = noon.Add(24 * time.Hour) })},
		{"held-again-with-other-bounds", "another verdict", 11, tell(t).held(one).again(func(v *countersign.Verdict) { v.Requirement.Bounds = nil })},
		{"held-again-under-another-policy", "another verdict", 11, tell(t).held(one).again(func(v *countersign.Verdict) { v.Policy = digestOf("another") })},
		{"held-again-for-later", "not before", 11, tell(t).held(one).again(func(v *countersign.Verdict) { v.Requirement.NotBefore = noon.Add(time.Hour) })},
		{"held-again-with-a-rung-left", "another verdict", 11, climbed(t).again(func(v *countersign.Verdict) {
			needing(one, stage(1, session, "leads"))(v)
			v.Requirement.Ladder = []countersign.Rung{{At: noon.Add(time.Second), To: []string{"leads"}}}
		})},
		{"approved-after-expiry", "after the request expired", 11, end(expired.decided(approved, bob, countersign.Approve, session), 3)},
		{"nothing-required", "0 of 0", 11, end(yes(bob), 3)},
		{"stage-of-nobody", "needs 0 people", 11, end(yes(bob, stage(0, session, "payments")), 3)},
		{"allowed-and-names-approvals", "names approvals", 11, tell(t).gateway(allowed, countersign.Allowed{Verdict: verdict(countersign.Allow, "a")}).released(1).completed(succeeded)},
		{"held-with-no-requirement", "requires nothing", 11, tell(t).gateway(pending, countersign.Held{Verdict: verdict(countersign.Hold, "h")})},
		{"released-without-a-verdict", "still let it", 11, released(func(b *countersign.Released) { b.Verdict = nil })},
		{"released-after-a-deny", "still let it", 11, released(func(b *countersign.Released) { b.Verdict = new(verdict(countersign.Deny, "frozen")) })},
		{"released-under-another-policy", "still let it", 11, released(func(b *countersign.Released) { b.Policy = digestOf("another") })},
		{"released-with-less-than-then-asked", "as the policy was at release: 1 of 2", 11, released(func(b *countersign.Released) { b.Verdict = new(held(two).Verdict) })},
		{"released-in-a-freeze", "in a freeze: frozen: the books close", 11, end(frozen(t).decided(approved, bob, countersign.Approve, session), 3)},
		{"approval-that-lives-too-long", "may only until", 11, longLived},
		{"released-late", "lapsed", 12, late},
		{"released-with-no-time", "until when", 12, noTime},
		{"released-for-another-executor", "mcp/files", 12, released(func(b *countersign.Released) { b.Executor = "mcp/files" })},
		{"released-for-another-target", "target", 12, released(func(b *countersign.Released) { b.Target = digestOf("elsewhere") })},
		{"released-with-more-bounds", "approved with 1000", 12, released(func(b *countersign.Released) { b.Bounds = map[string]string{"bytes": "1001"} })},
		{"released-with-no-bounds", "approved with 1000", 12, released(func(b *countersign.Released) { b.Bounds = nil })},
		{"used-more-than-approved", "1001 bytes", 12, outcome(func(o *countersign.Outcome) { o.Bytes = "1001" })},
		{"took-longer-than-approved", "61 seconds", 12, slow},
	}
}
