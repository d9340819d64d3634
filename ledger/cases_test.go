package ledger

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"golang.org/x/mod/sumdb/note"
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
		{name: "nothing-disclosed", says: "0 of 0, 11 not disclosed", at: 8, file: hiding(t, func(d *Disclosure) { *d = Disclosure{} })},
		{name: "who-not-disclosed", says: "not disclosed", at: 11, file: hiding(t, func(d *Disclosure) { d.Who = nil })},
		{name: "context-not-disclosed", says: "not disclosed", at: 11, file: hiding(t, func(d *Disclosure) { d.Context = nil })},
		{name: "command-not-disclosed", says: "not disclosed", at: 9, file: hiding(t, func(d *Disclosure) { d.Command = nil })},
	}
}

// hiding is the usual receipt for a holder who may not see all of it.
func hiding(t testing.TB, hide func(d *Disclosure)) []byte {
	t.Helper()
	r := ran(t).recorded()
	for i := range r.entries {
		hide(&r.entries[i].Open)
	}
	return r.file(t)
}

func escalated(t testing.TB) *story {
	t.Helper()
	s := tell(t).held(stage(1, countersign.Session, "payments"))
	return s.add(pending, countersign.Escalated{Stage: stage(1, countersign.Session, "dba"), Decision: countersign.Decision{
		Choice: countersign.Escalate, To: "dba", Digest: s.digest, Reason: "ask the owners of the table", Assurance: countersign.Session}}, signedIn(priya))
}

func (s *story) voided(st countersign.Stage, ids ...string) *story {
	h := held(st)
	h.Because, h.Void = "an approval no longer counts", ids
	return s.gateway(pending, h)
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

func changedFiles(t testing.TB) []receiptCase {
	t.Helper()
	good := ran(t).recorded().file(t)
	swap := func(old, replacement string) []byte {
		changed := bytes.Replace(good, []byte(old), []byte(replacement), 1)
		if bytes.Equal(changed, good) {
			t.Fatalf("%s is not in the receipt: %s", old, good)
		}
		return changed
	}
	remarshal := func(change func(r *Receipt)) []byte {
		r := ran(t).recorded().receipt(t)
		change(&r)
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	leaf := func(i int, old, replacement string) []byte {
		return remarshal(func(r *Receipt) {
			changed := strings.Replace(string(r.Entries[i].Leaf), old, replacement, 1)
			if changed == string(r.Entries[i].Leaf) {
				t.Fatalf("%s is not in the leaf: %s", old, r.Entries[i].Leaf)
			}
			r.Entries[i].Leaf = []byte(changed)
		})
	}
	return []receiptCase{
		{name: "empty-file", step: 1},
		{name: "line-end", step: 1, says: "spelling", file: append(bytes.Clone(good), '\n')},
		{name: "space", step: 1, says: "spelling", file: swap(`{"events"`, `{ "events"`)},
		{name: "unknown-member", step: 1, says: "approved", file: swap(`"origin"`, `"approved":true,"origin"`)},
		{name: "member-twice", step: 1, says: "twice", file: swap(`"origin"`, `"origin":"x","origin"`)},
		{name: "member-in-other-case", step: 1, says: "case", file: swap(`"origin"`, `"Origin"`)},
		{name: "another-type", step: 1, says: "unknown to this version", file: swap(`receipt/v1`, `receipt/v2`)},
		{name: "escaped-letter", step: 1, says: "spelling", file: swap(`"request":"req`, `"request":"\u0072eq`)},
		{name: "extra-data", step: 1, says: "extra data", file: swap(`tlog-proof@v1\n`, `tlog-proof@v1\nextra AAAA\n`)},
		{name: "index-says-otherwise", step: 1, says: "the proof says", file: swap(`"index":"40"`, `"index":"41"`)},
		{name: "no-event", step: 1, says: "no event", file: []byte(`{"events":[],"origin":"` + testOrigin + `","request":"req_b7n0e3vyk2sm","type":"` + receiptType + `"}`)},
		{name: "command-disclosed-twice", step: 1, says: "first event only", file: remarshal(func(r *Receipt) { r.Entries[2].Open.Command = r.Entries[0].Open.Command })},
		{name: "two-checkpoints", step: 1, says: "another checkpoint", file: swap(`\n`+testOrigin+`\n`, `\nx`+testOrigin+`\n`)},
		{name: "another-origin", step: 2, says: "another.example", file: remarshal(func(r *Receipt) { r.Origin = "another.example/log" })},
		{name: "statement-changed", step: 6, says: "completed, leaf 204", file: leaf(4, `"bytes":"412"`, `"bytes":"413"`)},
		{name: "statement-of-another-version", step: 6, says: "held", file: leaf(1, `"quorum":1`, `"quorum":2`)},
		{name: "statement-about-another-request", step: 5, says: "req_b7n0e3vyk2s0", file: leaf(1, `req_b7n0e3vyk2sm`, `req_b7n0e3vyk2s0`)},
		{name: "statement-with-another-member", step: 5, says: "approver", file: leaf(2, `"assurance"`, `"approver":"bob","assurance"`)},
		{name: "request-renamed", step: 5, says: "req_b7n0e3vyk2sm", file: remarshal(func(r *Receipt) { r.Request = "req_b7n0e3vyk2s0" })},
		{name: "path-changed", step: 6, says: "signed", file: remarshal(func(r *Receipt) { r.Proofs[2][3][0] ^= 1 })},
		{name: "path-cut", step: 6, says: "computed", file: remarshal(func(r *Receipt) { r.Proofs[2] = r.Proofs[2][1:] })},
		{name: "leaf-at-another-place", step: 6, says: "decided", file: remarshal(func(r *Receipt) { r.Entries[2].Index++ })},
		{name: "leaf-beyond-the-log", step: 6, says: "completed", file: remarshal(func(r *Receipt) { r.Entries[4].Index = 1 << 62 })},
		{name: "event-left-out", step: 7, says: "an event is missing", file: remarshal(func(r *Receipt) {
			r.Entries, r.Proofs = append(r.Entries[:1:1], r.Entries[2:]...), append(r.Proofs[:1:1], r.Proofs[2:]...)
		})},
		{name: "first-event-left-out", step: 7, says: "an event is missing", file: remarshal(func(r *Receipt) { r.Entries, r.Proofs = r.Entries[1:], r.Proofs[1:] })},
		{name: "events-swapped", step: 7, says: "version 3", file: remarshal(func(r *Receipt) {
			r.Entries[1], r.Entries[2], r.Proofs[1], r.Proofs[2] = r.Entries[2], r.Entries[1], r.Proofs[2], r.Proofs[1]
		})},
		{name: "name-changed", step: 8, says: "does not open", file: bytes.ReplaceAll(good, []byte("Bob Okafor"), []byte("Rob Okafor"))},
		{name: "command-changed", step: 8, says: "does not open", file: swap(`184.50`, `984.50`)},
		{name: "salt-changed", step: 8, says: "does not open", file: remarshal(func(r *Receipt) { r.Entries[1].Open.Who.Salt[3] ^= 1 })},
		{name: "blobs-swapped", step: 8, says: "does not open", file: remarshal(func(r *Receipt) { r.Entries[1].Open.Who = r.Entries[2].Open.Who })},
	}
}

func changedSignatures(t testing.TB) []receiptCase {
	t.Helper()
	log, _, _ := fixedKey(t, testOrigin)
	witness, _, _ := fixedKey(t, "witness.example")
	signed := func(change func(n *note.Note) []byte) []byte {
		r := ran(t).recorded().receipt(t)
		n, err := note.Open(r.Checkpoint, testTrust(t).Keys)
		if err != nil {
			t.Fatal(err)
		}
		r.Checkpoint = change(n)
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sign := func(text string, by ...note.Signer) []byte {
		b, err := note.Sign(&note.Note{Text: text}, by...)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// The last sign of base64 before the padding carries four bits that nobody reads.
	respelled := func(b []byte) []byte {
		i := bytes.LastIndexByte(b, '=') - 1
		b[i]++
		return b
	}
	return []receiptCase{
		{name: "checkpoint-of-another-origin", step: 2, says: "another.example", file: signed(func(n *note.Note) []byte {
			return sign(strings.Replace(n.Text, testOrigin, "another.example/log", 1), log)
		})},
		{name: "signed-by-another-key", step: 3, says: "no verifiable signatures", file: signed(func(n *note.Note) []byte { return sign(n.Text, witness) })},
		{name: "root-changed", step: 3, says: "invalid signature", file: signed(func(n *note.Note) []byte {
			b := sign(n.Text, log)
			b[len(testOrigin)+10] ^= 1
			return b
		})},
		{name: "size-changed", step: 3, says: "invalid signature", file: signed(func(n *note.Note) []byte {
			return bytes.Replace(sign(n.Text, log), []byte("\n245\n"), []byte("\n246\n"), 1)
		})},
		{name: "line-after-the-root", step: 3, says: "three lines", file: signed(func(n *note.Note) []byte { return sign(n.Text+"more\n", log) })},
		{name: "signature-spelled-anew", step: 3, says: "base64", file: signed(func(n *note.Note) []byte { return respelled(sign(n.Text, log)) })},
		{name: "signature-repeated", step: 3, says: "repeated", file: signed(func(n *note.Note) []byte {
			b := sign(n.Text, log)
			return append(b, b[len(n.Text)+1:]...)
		})},
		{name: "signature-of-nobody-known", step: 4, says: "witness.example", file: signed(func(n *note.Note) []byte { return sign(n.Text, log, witness) })},
	}
}

// dishonestRecords are written with the log's own key, by hand.
func dishonestRecords(t testing.TB) []receiptCase {
	t.Helper()
	build := func(s *story, change func(i int, r *record, e *Event)) []byte {
		r := &record{gap: 40}
		for i, ev := range s.events {
			e, err := Encode(ev)
			if err != nil {
				t.Fatal(err)
			}
			e.At = ev.At
			change(i, r, &e)
			r.put(t, e)
		}
		return r.file(t)
	}
	at := func(n int, change func(r *record, e *Event)) func(int, *record, *Event) {
		return func(i int, r *record, e *Event) {
			if i == n {
				change(r, e)
			}
		}
	}
	backwards := ran(t)
	reversed := &record{gap: 40}
	reversed.add(t, backwards.events[:3]...)
	var last []Entry
	for _, ev := range backwards.events[3:] {
		e, err := Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		e.At = noon.Add(time.Minute)
		last = append(last, reversed.seal(t, e))
	}
	for i := range last {
		last[1-i].Index = reversed.edge.Size()
		reversed.hash(t, LeafHash(last[1-i].Leaf))
	}
	reversed.entries = append(reversed.entries, last...)
	return []receiptCase{
		{name: "another-event-before-it", step: 7, says: "the one before it", file: build(ran(t), at(3, func(r *record, _ *Event) { r.prev = Hash{1} }))},
		{name: "another-command", step: 7, says: "another command", file: build(ran(t), at(3, func(r *record, _ *Event) { r.command = Commitment{1} }))},
		{name: "before-its-time", step: 7, says: "recorded before", file: build(ran(t), at(3, func(_ *record, e *Event) { e.At = noon }))},
		{name: "recorded-the-wrong-way-round", step: 7, says: "recorded before", file: reversed.file(t)},
		{name: "open-part-disagrees", step: 8, says: "agree", file: build(ran(t), at(2, func(_ *record, e *Event) { e.Public.Solo = true }))},
		{name: "open-effect-disagrees", step: 8, says: "agree", file: build(ran(t), at(1, func(_ *record, e *Event) { e.Public.Effect = countersign.Allow }))},
		{name: "context-of-another-kind", step: 8, says: "verdict", file: build(ran(t), at(1, func(_ *record, e *Event) {
			e.Kind = countersign.KindJoined
			e.Public = Public{Actor: countersign.KindGateway}
		}))},
		{name: "who-with-another-member", step: 8, says: "role", file: build(ran(t), at(2, func(_ *record, e *Event) { e.Sealed.Who = []byte(`{"role":"boss"}`) }))},
		{name: "command-spelled-anew", step: 9, says: "canonical", file: build(ran(t), at(0, func(_ *record, e *Event) { e.Sealed.Command = append([]byte(" "), e.Sealed.Command...) }))},
	}
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
		{"approved-after-expiry", "after the request expired", 11, end(expired.decided(approved, bob, countersign.Approve, session), 3)},
		{"nothing-required", "0 of 0", 11, end(yes(bob), 3)},
		{"stage-of-nobody", "needs 0 people", 11, end(yes(bob, stage(0, session, "payments")), 3)},
		{"allowed-and-names-approvals", "names approvals", 11, tell(t).gateway(allowed, countersign.Allowed{Verdict: verdict(countersign.Allow, "a")}).released(1).completed(succeeded)},
		{"held-with-no-requirement", "requires nothing", 11, tell(t).gateway(pending, countersign.Held{Verdict: verdict(countersign.Hold, "h")})},
		{"released-without-a-verdict", "still let it", 11, released(func(b *countersign.Released) { b.Verdict = nil })},
		{"released-after-a-deny", "still let it", 11, released(func(b *countersign.Released) { b.Verdict = new(verdict(countersign.Deny, "frozen")) })},
		{"released-under-another-policy", "still let it", 11, released(func(b *countersign.Released) { b.Policy = digestOf("another") })},
		{"released-with-less-than-then-asked", "as the policy was at release: 1 of 2", 11, released(func(b *countersign.Released) { b.Verdict = new(held(two).Verdict) })},
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
