package ledger_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"golang.org/x/mod/sumdb/note"
)

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
	remarshal := func(change func(r *receipt.Receipt)) []byte {
		r := ran(t).recorded().receipt(t)
		change(&r)
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	leaf := func(i int, old, replacement string) []byte {
		return remarshal(func(r *receipt.Receipt) {
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
		{name: "no-event", step: 1, says: "no event", file: []byte(`{"events":[],"origin":"` + testOrigin + `","request":"req_b7n0e3vyk2sm","type":"https://github.com/countersignhq/countersign/receipt/v1"}`)},
		{name: "command-disclosed-twice", step: 1, says: "first event only", file: remarshal(func(r *receipt.Receipt) { r.Entries[2].Open.Command = r.Entries[0].Open.Command })},
		{name: "two-checkpoints", step: 1, says: "another checkpoint", file: swap(`\n`+testOrigin+`\n`, `\nx`+testOrigin+`\n`)},
		{name: "another-origin", step: 2, says: "another.example", file: remarshal(func(r *receipt.Receipt) { r.Origin = "another.example/log" })},
		{name: "statement-changed", step: 6, says: "completed, leaf 204", file: leaf(4, `"bytes":"412"`, `"bytes":"413"`)},
		{name: "statement-of-another-version", step: 6, says: "held", file: leaf(1, `"quorum":1`, `"quorum":2`)},
		{name: "statement-about-another-request", step: 5, says: "req_b7n0e3vyk2s0", file: leaf(1, `req_b7n0e3vyk2sm`, `req_b7n0e3vyk2s0`)},
		{name: "statement-with-another-member", step: 5, says: "approver", file: leaf(2, `"assurance"`, `"approver":"bob","assurance"`)},
		{name: "request-renamed", step: 5, says: "req_b7n0e3vyk2sm", file: remarshal(func(r *receipt.Receipt) { r.Request = "req_b7n0e3vyk2s0" })},
		{name: "path-changed", step: 6, says: "signed", file: remarshal(func(r *receipt.Receipt) { r.Proofs[2][3][0] ^= 1 })},
		{name: "path-cut", step: 6, says: "computed", file: remarshal(func(r *receipt.Receipt) { r.Proofs[2] = r.Proofs[2][1:] })},
		{name: "leaf-at-another-place", step: 6, says: "decided", file: remarshal(func(r *receipt.Receipt) { r.Entries[2].Index++ })},
		{name: "leaf-beyond-the-log", step: 6, says: "completed", file: remarshal(func(r *receipt.Receipt) { r.Entries[4].Index = 1 << 62 })},
		{name: "event-left-out", step: 7, says: "an event is missing", file: remarshal(func(r *receipt.Receipt) {
			r.Entries, r.Proofs = append(r.Entries[:1:1], r.Entries[2:]...), append(r.Proofs[:1:1], r.Proofs[2:]...)
		})},
		{name: "first-event-left-out", step: 7, says: "an event is missing", file: remarshal(func(r *receipt.Receipt) { r.Entries, r.Proofs = r.Entries[1:], r.Proofs[1:] })},
		{name: "events-swapped", step: 7, says: "version 3", file: remarshal(func(r *receipt.Receipt) {
			r.Entries[1], r.Entries[2], r.Proofs[1], r.Proofs[2] = r.Entries[2], r.Entries[1], r.Proofs[2], r.Proofs[1]
		})},
		{name: "name-changed", step: 8, says: "does not open", file: bytes.ReplaceAll(good, []byte("Bob Okafor"), []byte("Rob Okafor"))},
		{name: "command-changed", step: 8, says: "does not open", file: swap(`184.50`, `984.50`)},
		{name: "salt-changed", step: 8, says: "does not open", file: remarshal(func(r *receipt.Receipt) { r.Entries[1].Open.Who.Salt[3] ^= 1 })},
		{name: "blobs-swapped", step: 8, says: "does not open", file: remarshal(func(r *receipt.Receipt) { r.Entries[1].Open.Who = r.Entries[2].Open.Who })},
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
	build := func(s *story, change func(i int, r *record, e *ledger.Event)) []byte {
		r := &record{gap: 40}
		for i, ev := range s.events {
			e, err := ledger.Encode(ev)
			if err != nil {
				t.Fatal(err)
			}
			e.At = ev.At
			change(i, r, &e)
			r.put(t, e)
		}
		return r.file(t)
	}
	at := func(n int, change func(r *record, e *ledger.Event)) func(int, *record, *ledger.Event) {
		return func(i int, r *record, e *ledger.Event) {
			if i == n {
				change(r, e)
			}
		}
	}
	backwards := ran(t)
	reversed := &record{gap: 40}
	reversed.add(t, backwards.events[:3]...)
	var last []ledger.Entry
	for _, ev := range backwards.events[3:] {
		e, err := ledger.Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		e.At = noon.Add(time.Minute)
		last = append(last, reversed.seal(t, e))
	}
	for i := range last {
		last[1-i].Index = reversed.edge.Size()
		reversed.hash(t, ledger.LeafHash(last[1-i].Leaf))
	}
	reversed.entries = append(reversed.entries, last...)
	return []receiptCase{
		{name: "another-event-before-it", step: 7, says: "the one before it", file: build(ran(t), at(3, func(r *record, _ *ledger.Event) { r.prev = ledger.Hash{1} }))},
		{name: "another-command", step: 7, says: "another command", file: build(ran(t), at(3, func(r *record, _ *ledger.Event) { r.command = ledger.Commitment{1} }))},
		{name: "before-its-time", step: 7, says: "recorded before", file: build(ran(t), at(3, func(_ *record, e *ledger.Event) { e.At = noon }))},
		{name: "recorded-the-wrong-way-round", step: 7, says: "recorded before", file: reversed.file(t)},
		{name: "open-part-disagrees", step: 8, says: "agree", file: build(ran(t), at(2, func(_ *record, e *ledger.Event) { e.Public.Solo = true }))},
		{name: "open-effect-disagrees", step: 8, says: "agree", file: build(ran(t), at(1, func(_ *record, e *ledger.Event) { e.Public.Effect = countersign.Allow }))},
		{name: "context-of-another-kind", step: 8, says: "verdict", file: build(ran(t), at(1, func(_ *record, e *ledger.Event) {
			e.Kind = countersign.KindJoined
			e.Public = ledger.Public{Actor: countersign.KindGateway}
		}))},
		{name: "who-with-another-member", step: 8, says: "role", file: build(ran(t), at(2, func(_ *record, e *ledger.Event) { e.Sealed.Who = []byte(`{"role":"boss"}`) }))},
		{name: "command-spelled-anew", step: 9, says: "canonical", file: build(ran(t), at(0, func(_ *record, e *ledger.Event) { e.Sealed.Command = append([]byte(" "), e.Sealed.Command...) }))},
	}
}
