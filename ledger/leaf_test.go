package ledger

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
)

func heldEvent(t testing.TB) Event {
	t.Helper()
	e, err := Encode(tell(t).held(stage(2, countersign.Session, "dba")).events[1])
	if err != nil {
		t.Fatal(err)
	}
	e.At = noon
	return e
}

func TestALeafIsAnInTotoStatementInCanonicalJSON(t *testing.T) {
	e := heldEvent(t)
	leaf, err := Leaf(e, Hash{1}, Commitment{2}, Commitment{3}, Commitment{4})
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
		sealed, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		sealed.At = e.At
		open, err := Salted(sealed.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		var prev Hash
		if e.Version > 1 {
			prev = Hash{9}
		}
		var command Commitment
		if !e.Request.IsEntity() {
			command = Commitment{8}
		}
		if open.Command != nil {
			command = Commit(SlotCommand, *open.Command)
		}
		leaf, err := Leaf(sealed, prev, command, Commit(SlotWho, *open.Who), Commit(SlotContext, *open.Context))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := canon.Canonical(leaf); err != nil || !bytes.Equal(again, leaf) {
			t.Errorf("%s: canonical form: got %s, %v, want %s", e.Kind(), again, err, leaf)
		}
		got, err := Entry{Index: 7, Leaf: leaf, Open: open}.Event()
		if err != nil {
			t.Errorf("%s: %v", e.Kind(), err)
			continue
		}
		if !reflect.DeepEqual(got, e) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", e.Kind(), got, e)
		}
		if st, err := ParseLeaf(leaf); err != nil || st.Prev != prev || st.Command != command {
			t.Errorf("%s: got prev %v and command %v, %v", e.Kind(), st.Prev, st.Command, err)
		}
	}
}

func TestLeafRefusesWhatCouldNotBeReadBack(t *testing.T) {
	c := Commitment{1}
	entity := func(e *Event) { e.Request = "per_x" }
	for name, x := range map[string]struct {
		change                func(e *Event)
		prev                  Hash
		command, who, context Commitment
	}{
		"version 0":                    {func(e *Event) { e.Version = 0 }, Hash{1}, c, c, c},
		"no time":                      {func(e *Event) { e.At = time.Time{} }, Hash{1}, c, c, c},
		"no kind":                      {func(e *Event) { e.Kind = "" }, Hash{1}, c, c, c},
		"no request":                   {func(e *Event) { e.Request = "" }, Hash{1}, Commitment{}, c, c},
		"a first event with one prior": {func(e *Event) { e.Version = 1 }, Hash{1}, c, c, c},
		"a later event with no prior":  {func(e *Event) {}, Hash{}, c, c, c},
		"a request with no command":    {func(e *Event) {}, Hash{1}, Commitment{}, c, c},
		"an entity with a command":     {entity, Hash{1}, c, c, c},
		"an entity with no context":    {entity, Hash{1}, Commitment{}, c, Commitment{}},
		"a time in microseconds":       {func(e *Event) { e.At = noon.Add(time.Microsecond) }, Hash{1}, c, c, c},
		"an expiry in microseconds":    {func(e *Event) { e.Public.ExpiresAt = noon.Add(time.Microsecond) }, Hash{1}, c, c, c},
		"an effect that is none":       {func(e *Event) { e.Public.Effect = "shrug" }, Hash{1}, c, c, c},
		"text that is not UTF-8":       {func(e *Event) { e.Public.Executor = "\xff" }, Hash{1}, c, c, c},
		"more than 8 KiB":              {func(e *Event) { e.Public.Executor = strings.Repeat("x", MaxLeaf) }, Hash{1}, c, c, c},
		"a year of five digits":        {func(e *Event) { e.At = noon.AddDate(9000, 0, 0) }, Hash{1}, c, c, c},
	} {
		e := heldEvent(t)
		x.change(&e)
		if leaf, err := Leaf(e, x.prev, x.command, x.who, x.context); err == nil {
			t.Errorf("%s: got %s, want an error", name, leaf)
		}
	}
	e := heldEvent(t)
	if _, err := Leaf(e, Hash{1}, c, c, c); err != nil {
		t.Errorf("the event that the others were made from: %v", err)
	}
}

func TestParseLeafRefusesEveryOtherSpelling(t *testing.T) {
	leaf, err := Leaf(heldEvent(t), Hash{1}, Commitment{2}, Commitment{3}, Commitment{0xab})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseLeaf(leaf); err != nil {
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
		if _, err := ParseLeaf([]byte(changed)); err == nil {
			t.Errorf("%s for %s was taken", replacement, old)
		}
	}
	if _, err := ParseLeaf(append(bytes.Repeat([]byte(" "), MaxLeaf), leaf...)); err == nil {
		t.Error("a leaf above the limit was taken")
	}
}

func TestABlobOpensInItsOwnPlaceOnly(t *testing.T) {
	r := ran(t).recorded()
	first := r.entries[0]
	if _, err := first.Event(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(d *Disclosure){
		"another value":        func(d *Disclosure) { d.Who = &Opening{d.Who.Salt, []byte(`{}`)} },
		"another salt":         func(d *Disclosure) { d.Context = &Opening{[32]byte{1}, d.Context.Value} },
		"another command":      func(d *Disclosure) { d.Command = &Opening{d.Command.Salt, []byte(`{}`)} },
		"another event's":      func(d *Disclosure) { d.Who = r.entries[2].Open.Who },
		"another slot's":       func(d *Disclosure) { d.Who = d.Context },
		"no context":           func(d *Disclosure) { d.Context = nil },
		"who for the command":  func(d *Disclosure) { d.Command = d.Who },
		"command for the rest": func(d *Disclosure) { d.Context = d.Command },
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
	if _, err := (Entry{Leaf: []byte("{}")}).Event(); err == nil {
		t.Error("an empty leaf was opened")
	}
}

func TestEqualBlobsHaveUnequalCommitments(t *testing.T) {
	s := Sealed{Who: []byte("w"), Context: []byte("w")}
	a, err := Salted(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Salted(s)
	if err != nil {
		t.Fatal(err)
	}
	if a.Command != nil {
		t.Error("a command that is not there got a salt")
	}
	seen := map[Commitment]bool{
		Commit(SlotWho, *a.Who): true, Commit(SlotContext, *a.Context): true, Commit(SlotWho, *b.Who): true, Commit(SlotContext, *b.Context): true,
		Commit(SlotCommand, *a.Who): true, Commit(SlotContext, *a.Who): true,
	}
	if len(seen) != 6 || a.Who.Salt == a.Context.Salt || a.Who.Salt == b.Who.Salt {
		t.Errorf("got %d commitments, want 6: a salt or a slot is not in them", len(seen))
	}
}

func TestAnOpeningTravelsAsJSON(t *testing.T) {
	o := Opening{Salt: [32]byte{1, 2, 255}, Value: []byte(`{"a":"<&>"}`)}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var got Opening
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
	d, err := Salted(e.Sealed)
	if err != nil {
		b.Fatal(err)
	}
	command := Opening{Value: make([]byte, 400)}
	for b.Loop() {
		_, err := Leaf(e, Hash{1}, Commit(SlotCommand, command), Commit(SlotWho, *d.Who), Commit(SlotContext, *d.Context))
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLeaf(b *testing.B) {
	leaf, err := Leaf(heldEvent(b), Hash{1}, Commitment{1}, Commitment{2}, Commitment{3})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ParseLeaf(leaf); err != nil {
			b.Fatal(err)
		}
	}
}

func TestALeafIsWrittenAsCanonWouldWriteIt(t *testing.T) {
	rnd := seeded(t)
	words := []string{"", "plain", `quo"te`, `back\slash`, "tab\t", "nul\x00", "del\x7f", "é", "\u2028", "<&>", "\U0001f600"}
	word := func() string { return words[rnd.IntN(len(words))] }
	some := func() int { return rnd.IntN(3) }
	for range 2000 {
		e := Event{
			Request: countersign.RequestID("req_" + word()), Version: 2 + rnd.Uint64N(9), Kind: countersign.EventKind("k" + word()),
			At:    noon.Add(time.Duration(rnd.IntN(1e9)) * time.Millisecond),
			State: countersign.State{Decision: countersign.DecisionState(word()), Execution: countersign.ExecutionState(word())},
			Public: Public{
				Actor: countersign.PrincipalKind("a" + word()), Assurance: countersign.Assurance(word()),
				Effect: []countersign.Effect{"", countersign.Allow, countersign.Deny}[some()], Understanding: word(),
				Choice: countersign.Choice(word()), Code: countersign.Code(word()), Solo: some() == 0, Executor: word(), Bytes: word(), Unsafe: some() == 0,
			},
		}
		if some() == 0 {
			e.Public.ExpiresAt, e.Public.Policy = noon.Add(time.Millisecond), digestOf(word())
			e.Public.Approvals, e.Public.Bounds = []int{1, some()}, map[string]string{word(): word(), "z" + word(): word()}
		}
		for range some() {
			e.Public.RunBy = noon
			e.Public.Rules = append(e.Public.Rules, Rule{word(), countersign.RuleValue(word())})
			e.Public.Stages = append(e.Public.Stages, countersign.Stage{Reviewers: []string{word()}, Quorum: some()}, countersign.Stage{})
		}
		st := Statement{Event: e, Prev: Hash{1}, Command: Commitment{2}, Who: Commitment{byte(some())}, Context: Commitment{byte(some())}}
		got, err := st.encode()
		if err != nil {
			t.Fatal(err)
		}
		w := statementWire{Type: statementType, PredicateType: predicateType, Predicate: predicateWire{
			Public: e.Public, ExpiresAt: instant(e.Public.ExpiresAt), RunBy: instant(e.Public.RunBy),
			Kind: e.Kind, Version: fmt.Sprint(e.Version), At: instant(e.At), Prev: hash32(st.Prev), State: e.State, Who: st.Who, Context: st.Context,
		}}
		w.Subject[0].Name, w.Subject[0].Digest.Commitment = e.Request, st.Command
		want, err := canon.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		if again, err := ParseLeaf(got); err != nil || again.Event.Version != e.Version {
			t.Fatalf("%v: %s", err, got)
		}
	}
}
