package ledger_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/ledger"
)

func heldEvent(t testing.TB) ledger.Event {
	t.Helper()
	e, err := ledger.Encode(tell(t).held(stage(2, countersign.Session, "dba")).events[1])
	if err != nil {
		t.Fatal(err)
	}
	e.At = noon
	return e
}

func TestALeafIsAnInTotoStatementInCanonicalJSON(t *testing.T) {
	e := heldEvent(t)
	leaf, err := ledger.Leaf(e, ledger.Hash{1}, ledger.Commitment{2}, ledger.Commitment{3}, ledger.Commitment{4})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"_type":"https://in-toto.io/Statement/v1","predicate":{"actor":"gateway","at":"2026-11-19T12:00:00.000Z",` +
		`"context":"04` + zeros + `","decision":"pending","effect":"hold","execution":"none","expires_at":"2026-11-19T12:30:00.000Z",` +
		`"kind":"held","policy":"` + digestOf("policy").String() + `","prev":"01` + zeros + `",` +
		`"rules":[{"id":"refund-over-100","value":"true"},{"id":"prod-write","value":"true"}],` +
		`"stages":[{"assurance":"session","quorum":2,"reviewers":["dba"]}],"understanding":"mcp/1","version":"2","who":"03` + zeros + `"},` +
		`"predicateType":"https://github.com/countersignhq/countersign/event/v1",` +
		`"subject":[{"digest":{"countersign-commitment-v1":"02` + zeros + `"},"name":"req_b7n0e3vyk2sm"}]}`
	if string(leaf) != want {
		t.Errorf("got  %s\nwant %s", leaf, want)
	}
	if again, err := canon.Canonical(leaf); err != nil || !bytes.Equal(again, leaf) {
		t.Errorf("canonical form: got %s, %v", again, err)
	}
}

const zeros = "00000000000000000000000000000000000000000000000000000000000000"

// everyBody is one body of each kind.
func everyBody(t testing.TB) []countersign.Event {
	t.Helper()
	s := ranForTwo(t)
	d := countersign.Decision{Choice: countersign.Escalate, Digest: s.digest, Assurance: countersign.Session, To: "dba", Reason: `a "b" <c>`, Solo: true}
	for _, b := range []countersign.Body{
		countersign.Joined{}, countersign.Denied{Verdict: verdict(countersign.Deny, "no")}, countersign.Allowed{Verdict: verdict(countersign.Allow, "yes")},
		countersign.Escalated{Decision: d, Stage: stage(1, countersign.Passkey, "dba")},
		countersign.Refused{Decision: d, Code: countersign.CodeSelfApproval},
		countersign.Expired{}, countersign.Withdrawn{Reason: "r"}, countersign.Lapsed{},
		countersign.Resolved{Outcome: countersign.Outcome{Execution: countersign.ExecutionFailed, Bytes: "7"}, Reason: "looked"},
	} {
		s.add(pending, b, signedIn(bob))
	}
	n := len(s.events)
	for id, b := range map[countersign.RequestID]countersign.Body{
		countersign.PolicyID:                           countersign.PolicyChanged{Bundle: digestOf("p"), Files: map[string]string{"a.yaml": "x"}, Solo: true},
		countersign.ResourceID("mcp/payments"):         countersign.ResourceChanged{Resource: payments, Because: "added"},
		countersign.RequestID(alice.ID):                countersign.PersonChanged{Person: countersign.Person{ID: alice.ID, Name: alice.Name, Since: noon}},
		countersign.GroupID("naïve \"quoted\" \u2028"): countersign.GroupChanged{Group: countersign.Group{Name: "g", Members: []countersign.Member{{Person: bob.ID, Since: noon}}}},
		countersign.RequestID(refundBot.ID):            countersign.AgentChanged{Agent: countersign.Agent{ID: refundBot.ID, CreatedBy: bob}, Solo: true},
	} {
		s.add(countersign.State{}, b, signedIn(bob))
		s.events[n].Request, s.events[n].Version = id, 1
		n++
	}
	return s.events
}

func TestEveryKindOfEventIsReadBack(t *testing.T) {
	for _, e := range everyBody(t) {
		sealed, err := ledger.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		sealed.At = e.At
		open, err := ledger.Salted(sealed.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		var prev ledger.Hash
		if e.Version > 1 {
			prev = ledger.Hash{9}
		}
		var command ledger.Commitment
		if !e.Request.IsEntity() {
			command = ledger.Commitment{8}
		}
		if open.Command != nil {
			command = ledger.Commit(ledger.SlotCommand, *open.Command)
		}
		leaf, err := ledger.Leaf(sealed, prev, command, ledger.Commit(ledger.SlotWho, *open.Who), ledger.Commit(ledger.SlotContext, *open.Context))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := canon.Canonical(leaf); err != nil || !bytes.Equal(again, leaf) {
			t.Errorf("%s: canonical form: got %s, %v, want %s", e.Kind(), again, err, leaf)
		}
		got, err := ledger.Entry{Index: 7, Leaf: leaf, Open: open}.Event()
		if err != nil {
			t.Errorf("%s: %v", e.Kind(), err)
			continue
		}
		if !reflect.DeepEqual(got, e) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", e.Kind(), got, e)
		}
		if st, err := ledger.ParseLeaf(leaf); err != nil || st.Prev != prev || st.Command != command {
			t.Errorf("%s: got prev %v and command %v, %v", e.Kind(), st.Prev, st.Command, err)
		}
	}
}

func TestLeafRefusesWhatCouldNotBeReadBack(t *testing.T) {
	c := ledger.Commitment{1}
	entity := func(e *ledger.Event) { e.Request = "per_x" }
	for name, x := range map[string]struct {
		change                func(e *ledger.Event)
		prev                  ledger.Hash
		command, who, context ledger.Commitment
	}{
		"version 0":                    {func(e *ledger.Event) { e.Version = 0 }, ledger.Hash{1}, c, c, c},
		"no time":                      {func(e *ledger.Event) { e.At = time.Time{} }, ledger.Hash{1}, c, c, c},
		"no kind":                      {func(e *ledger.Event) { e.Kind = "" }, ledger.Hash{1}, c, c, c},
		"no request":                   {func(e *ledger.Event) { e.Request = "" }, ledger.Hash{1}, ledger.Commitment{}, c, c},
		"a first event with one prior": {func(e *ledger.Event) { e.Version = 1 }, ledger.Hash{1}, c, c, c},
		"a later event with no prior":  {func(e *ledger.Event) {}, ledger.Hash{}, c, c, c},
		"a request with no command":    {func(e *ledger.Event) {}, ledger.Hash{1}, ledger.Commitment{}, c, c},
		"an entity with a command":     {entity, ledger.Hash{1}, c, c, c},
		"an entity with no context":    {entity, ledger.Hash{1}, ledger.Commitment{}, c, ledger.Commitment{}},
		"a time in microseconds":       {func(e *ledger.Event) { e.At = noon.Add(time.Microsecond) }, ledger.Hash{1}, c, c, c},
		"an expiry in microseconds":    {func(e *ledger.Event) { e.Public.ExpiresAt = noon.Add(time.Microsecond) }, ledger.Hash{1}, c, c, c},
		"an effect that is none":       {func(e *ledger.Event) { e.Public.Effect = "shrug" }, ledger.Hash{1}, c, c, c},
		"text that is not UTF-8":       {func(e *ledger.Event) { e.Public.Executor = "\xff" }, ledger.Hash{1}, c, c, c},
		"more than 8 KiB":              {func(e *ledger.Event) { e.Public.Executor = strings.Repeat("x", ledger.MaxLeaf) }, ledger.Hash{1}, c, c, c},
		"a year of five digits":        {func(e *ledger.Event) { e.At = noon.AddDate(9000, 0, 0) }, ledger.Hash{1}, c, c, c},
	} {
		e := heldEvent(t)
		x.change(&e)
		if leaf, err := ledger.Leaf(e, x.prev, x.command, x.who, x.context); err == nil {
			t.Errorf("%s: got %s, want an error", name, leaf)
		}
	}
	e := heldEvent(t)
	if _, err := ledger.Leaf(e, ledger.Hash{1}, c, c, c); err != nil {
		t.Errorf("the event that the others were made from: %v", err)
	}
}

func TestParseLeafRefusesEveryOtherSpelling(t *testing.T) {
	leaf, err := ledger.Leaf(heldEvent(t), ledger.Hash{1}, ledger.Commitment{2}, ledger.Commitment{3}, ledger.Commitment{0xab})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.ParseLeaf(leaf); err != nil {
		t.Fatal(err)
	}
	for old, replacement := range map[string]string{
		`{"_type"`:                     ` {"_type"`,
		`"name":"req_b7n0e3vyk2sm"}]}`: `"name":"req_b7n0e3vyk2sm"}]}` + "\n",
		`"kind":"held"`:                `"kind":"\u0068eld"`,
		`"actor":"gateway"`:            `"actor":"gateway","actor":"gateway"`,
		`"at":`:                        `"approved":true,"at":`,
		`"quorum":2`:                   `"quorum":2.0`,
		`"version":"2"`:                `"version":"02"`,
		`"version":"2","who"`:          `"version":2,"who"`,
		`.000Z","context"`:             `.000+00:00","context"`,
		`.000Z","kind"`:                `Z","kind"`,
		`"ab00`:                        `"AB00`,
		`Statement/v1`:                 `Statement/v2`,
		`event/v1`:                     `event/v2`,
		`"subject":[{`:                 `"subject":[{"digest":{"countersign-commitment-v1":"02` + zeros + `"},"name":"req_0"},{`,
		`"effect":"hold"`:              `"effect":"shrug"`,
		`"prev":"01` + zeros + `",`:    ``,
		`"who":"03`:                    `"who":"3`,
		`"rules":[`:                    `"rules":[],"Rules":[`,
		`"at":"2026-11-19T12`:          `"at":"2026-11-19T25`,
	} {
		changed := strings.Replace(string(leaf), old, replacement, 1)
		if changed == string(leaf) {
			t.Errorf("%s is not in the leaf: %s", old, leaf)
			continue
		}
		if _, err := ledger.ParseLeaf([]byte(changed)); err == nil {
			t.Errorf("%s for %s was taken", replacement, old)
		}
	}
	if _, err := ledger.ParseLeaf(append(bytes.Repeat([]byte(" "), ledger.MaxLeaf), leaf...)); err == nil {
		t.Error("a leaf above the limit was taken")
	}
}

func TestABlobOpensInItsOwnPlaceOnly(t *testing.T) {
	r := ran(t).recorded()
	first := r.entries[0]
	if _, err := first.Event(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(d *ledger.Disclosure){
		"another value":        func(d *ledger.Disclosure) { d.Who = &ledger.Opening{d.Who.Salt, []byte(`{}`)} },
		"another salt":         func(d *ledger.Disclosure) { d.Context = &ledger.Opening{[32]byte{1}, d.Context.Value} },
		"another command":      func(d *ledger.Disclosure) { d.Command = &ledger.Opening{d.Command.Salt, []byte(`{}`)} },
		"another event's":      func(d *ledger.Disclosure) { d.Who = r.entries[2].Open.Who },
		"another slot's":       func(d *ledger.Disclosure) { d.Who = d.Context },
		"no context":           func(d *ledger.Disclosure) { d.Context = nil },
		"who for the command":  func(d *ledger.Disclosure) { d.Command = d.Who },
		"command for the rest": func(d *ledger.Disclosure) { d.Context = d.Command },
	} {
		e := first
		change(&e.Open)
		if _, err := e.Event(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("leaf %d", e.Index)) {
			t.Errorf("%s: got %v, want an error that names leaf %d", name, err, e.Index)
		}
	}
	first.Open.Who, first.Open.Command = nil, nil
	e, err := first.Event()
	if err != nil || e.Who.Actor.ID != "" || e.Command != nil || e.Body == nil {
		t.Errorf("with who and command not disclosed: got %+v, %v", e, err)
	}
	if _, err := (ledger.Entry{Leaf: []byte("{}")}).Event(); err == nil {
		t.Error("an empty leaf was opened")
	}
}

func TestEqualBlobsHaveUnequalCommitments(t *testing.T) {
	s := ledger.Sealed{Who: []byte("w"), Context: []byte("w")}
	a, err := ledger.Salted(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ledger.Salted(s)
	if err != nil {
		t.Fatal(err)
	}
	if a.Command != nil {
		t.Error("a command that is not there got a salt")
	}
	seen := map[ledger.Commitment]bool{
		ledger.Commit(ledger.SlotWho, *a.Who): true, ledger.Commit(ledger.SlotContext, *a.Context): true, ledger.Commit(ledger.SlotWho, *b.Who): true, ledger.Commit(ledger.SlotContext, *b.Context): true,
		ledger.Commit(ledger.SlotCommand, *a.Who): true, ledger.Commit(ledger.SlotContext, *a.Who): true,
	}
	if len(seen) != 6 || a.Who.Salt == a.Context.Salt || a.Who.Salt == b.Who.Salt {
		t.Errorf("got %d commitments, want 6: a salt or a slot is not in them", len(seen))
	}
}

func TestAnOpeningTravelsAsJSON(t *testing.T) {
	o := ledger.Opening{Salt: [32]byte{1, 2, 255}, Value: []byte(`{"a":"<&>"}`)}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var got ledger.Opening
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("got %+v, %v from %s", got, err, b)
	}
	for _, bad := range []string{`{"salt":"AAAA","value":""}`, `{"salt":"!"}`, `{"Salt":""}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func BenchmarkLeaf(b *testing.B) {
	e := heldEvent(b)
	d, err := ledger.Salted(e.Sealed)
	if err != nil {
		b.Fatal(err)
	}
	command := ledger.Opening{Value: make([]byte, 400)}
	for b.Loop() {
		_, err := ledger.Leaf(e, ledger.Hash{1}, ledger.Commit(ledger.SlotCommand, command), ledger.Commit(ledger.SlotWho, *d.Who), ledger.Commit(ledger.SlotContext, *d.Context))
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLeaf(b *testing.B) {
	leaf, err := ledger.Leaf(heldEvent(b), ledger.Hash{1}, ledger.Commitment{1}, ledger.Commitment{2}, ledger.Commitment{3})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ledger.ParseLeaf(leaf); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseLeaf(f *testing.F) {
	for _, e := range ranForTwo(f).recorded().entries {
		f.Add(e.Leaf)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		st, err := ledger.ParseLeaf(b)
		if err != nil {
			return
		}
		if again, err := ledger.Leaf(st.Event, st.Prev, st.Command, st.Who, st.Context); err != nil || !bytes.Equal(again, b) {
			t.Errorf("a leaf has two spellings: %s, %v and %s", again, err, b)
		}
	})
}
