package ledger_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
)

// releaseOf is the release at the version of a recorded story.
func (r *record) releaseOf(t testing.TB, version int) ledger.Release {
	t.Helper()
	cp, proofs := r.sign(t)
	e := r.entries[version-1]
	return ledger.Release{Command: *r.entries[0].Open.Command, Leaf: e.Leaf, Index: e.Index, Proof: proofs[version-1], Checkpoint: cp.Note}
}

func TestAReleaseOnRecordGivesAPermit(t *testing.T) {
	s := ran(t)
	r := s.recorded().releaseOf(t, 4)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var travelled ledger.Release
	if err := json.Unmarshal(b, &travelled); err != nil || !reflect.DeepEqual(travelled, r) {
		t.Fatalf("got %+v, %v, want %+v", travelled, err, r)
	}
	p, err := ledger.OpenPermit(travelled, testTrust(t), "mcp/payments", s.events[3].At)
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Command()
	if err != nil || !reflect.DeepEqual(c, countersign.Command(refund)) {
		t.Errorf("got %+v, %v, want %+v", c, err, refund)
	}
	if countersign.DigestOfCanonical(p.Canonical()) != s.digest || p.Request() != s.events[0].Request ||
		p.Bounds()["bytes"] != "1000" || p.ID() != ledger.LeafHash(r.Leaf) {
		t.Errorf("got %s, %s, %v, %v", p.Canonical(), p.Request(), p.Bounds(), p.ID())
	}
	p.Canonical()[0], p.Bounds()["bytes"] = 'x', "1001"
	if p.Canonical()[0] == 'x' || p.Bounds()["bytes"] != "1000" {
		t.Error("whoever holds a permit can change it")
	}
}

func TestOpenPermitRefusesWhatIsNotReleasedToIt(t *testing.T) {
	usual := ran(t)
	at := usual.events[3].At
	recorded := usual.recorded()
	good := recorded.releaseOf(t, 4)
	other := ran(t)
	other.events[4].Body = countersign.Completed{Outcome: countersign.Outcome{Execution: countersign.ExecutionSucceeded, Bytes: "9"}}
	stranger, _, _ := fixedKey(t, "stranger.example")
	_, strangersKey, _ := fixedKey(t, "stranger.example")

	changed := func(change func(r *ledger.Release)) ledger.Release {
		r := good
		change(&r)
		return r
	}
	elsewhere := tell(t)
	command, err := countersign.Canonical(countersign.MCPRequest{Resource: "mcp/files", Method: "tools/call", Params: []byte(`{"name":"x"}`)})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.events[0].Command = command
	spaced := tell(t)
	spaced.events[0].Command = append([]byte(" "), spaced.events[0].Command...)
	rest := func(s *story) *story {
		return s.gateway(allowed, countersign.Allowed{Verdict: verdict(countersign.Allow, "a")}).released()
	}
	nobody := rest(tell(t))
	nobody.events[2].Body = countersign.Released{}

	for name, c := range map[string]struct {
		release  ledger.Release
		trust    ledger.Trust
		executor string
		now      time.Time
		says     string
	}{
		"signed by a key that is not pinned": {good, ledger.Trust{testOrigin, note.VerifierList(strangersKey)}, "mcp/payments", at, "checkpoint"},
		"of another log":                     {good, ledger.Trust{"other.example/log", testTrust(t).Keys}, "mcp/payments", at, "checkpoint"},
		"with a checkpoint of a stranger": {changed(func(r *ledger.Release) {
			n, err := note.Sign(&note.Note{Text: testOrigin + "\n1\n" + ledger.LeafHash(good.Leaf).String() + "\n"}, stranger)
			if err != nil {
				t.Fatal(err)
			}
			r.Checkpoint, r.Index, r.Proof = n, 0, nil
		}), testTrust(t), "mcp/payments", at, "checkpoint"},
		"at another index":   {changed(func(r *ledger.Release) { r.Index++ }), testTrust(t), "mcp/payments", at, "not in the log"},
		"with another proof": {changed(func(r *ledger.Release) { r.Proof = append([]ledger.Hash{{}}, r.Proof[1:]...) }), testTrust(t), "mcp/payments", at, "not in the log"},
		"with a changed leaf": {changed(func(r *ledger.Release) {
			r.Leaf = []byte(strings.Replace(string(r.Leaf), `"bytes":"1000"`, `"bytes":"9000"`, 1))
		}), testTrust(t), "mcp/payments", at, "not in the log"},
		"that is a leaf of the log and no statement": {func() ledger.Release {
			r := &record{}
			r.add(t, usual.events...)
			junk := []byte(`{}`)
			r.hash(t, ledger.LeafHash(junk))
			r.entries = append(r.entries, ledger.Entry{Index: r.edge.Size() - 1, Leaf: junk})
			return r.releaseOf(t, 6)
		}(), testTrust(t), "mcp/payments", at, "leaf:"},
		"that is only a decision":   {recorded.releaseOf(t, 3), testTrust(t), "mcp/payments", usual.events[2].At, "decided event"},
		"that has ended":            {recorded.releaseOf(t, 5), testTrust(t), "mcp/payments", usual.events[4].At, "completed event"},
		"for another executor":      {good, testTrust(t), "mcp/files", at, `is for "mcp/payments"`},
		"for nobody, to nobody":     {nobody.recorded().releaseOf(t, 3), testTrust(t), "", nobody.events[2].At, `is for ""`},
		"of a command elsewhere":    {rest(elsewhere).recorded().releaseOf(t, 3), testTrust(t), "mcp/payments", noon, `on "mcp/files"`},
		"of a command spelled anew": {rest(spaced).recorded().releaseOf(t, 3), testTrust(t), "mcp/payments", noon, "canonical"},
		"with another command": {changed(func(r *ledger.Release) {
			r.Command.Value = []byte(strings.Replace(string(r.Command.Value), "184.50", "984.50", 1))
		}), testTrust(t), "mcp/payments", at, "commitment"},
		"with another salt": {changed(func(r *ledger.Release) { r.Command.Salt[0] ^= 1 }), testTrust(t), "mcp/payments", at, "commitment"},
		"a minute later":    {good, testTrust(t), "mcp/payments", at.Add(ledger.PermitLife + 1), "lives"},
		"a minute earlier":  {good, testTrust(t), "mcp/payments", at.Add(-ledger.ClockSkew - 1), "clock"},
	} {
		p, err := ledger.OpenPermit(c.release, c.trust, c.executor, c.now)
		if err == nil || p != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("a release %s: got %v, want an error with %q", name, err, c.says)
		}
	}
	for _, now := range []time.Time{at, at.Add(ledger.PermitLife), at.Add(-ledger.ClockSkew)} {
		if _, err := ledger.OpenPermit(good, testTrust(t), "mcp/payments", now); err != nil {
			t.Errorf("at %s: %v", now, err)
		}
	}
}

func TestThePermitThatNobodyOpenedGivesNothing(t *testing.T) {
	for _, p := range []*ledger.Permit{nil, {}} {
		if c, err := p.Command(); err == nil || c != nil {
			t.Errorf("got command %v, %v", c, err)
		}
		if p.Canonical() != nil || p.Request() != "" || p.Bounds() != nil || p.ID() != (ledger.Hash{}) {
			t.Errorf("got %s, %s, %v, %v", p.Canonical(), p.Request(), p.Bounds(), p.ID())
		}
		if err := ledger.NewSpent(time.Time{}).Spend(p, time.Time{}); !errors.Is(err, ledger.ErrNoPermit) {
			t.Errorf("spent: got %v, want %v", err, ledger.ErrNoPermit)
		}
	}
}

func permitOf(t testing.TB) (*ledger.Permit, time.Time) {
	t.Helper()
	s := ran(t)
	p, err := ledger.OpenPermit(s.recorded().releaseOf(t, 4), testTrust(t), "mcp/payments", s.events[3].At)
	if err != nil {
		t.Fatal(err)
	}
	return p, s.events[3].At
}

func TestAPermitIsSpentOnce(t *testing.T) {
	p, at := permitOf(t)
	spent := ledger.NewSpent(at)
	var ran atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if err := spent.Spend(p, at.Add(time.Second)); err == nil {
				ran.Add(1)
			} else if !errors.Is(err, ledger.ErrSpent) {
				t.Errorf("got %v, want ErrSpent", err)
			}
		})
	}
	all.Wait()
	if ran.Load() != 1 {
		t.Errorf("it was spent %d times, want once", ran.Load())
	}
}

func TestAnOldPermitIsNotSpentAfterARestart(t *testing.T) {
	p, at := permitOf(t)
	if err := ledger.NewSpent(at.Add(time.Millisecond)).Spend(p, at.Add(time.Second)); err == nil {
		t.Error("a permit from before the start was spent")
	}
	if err := ledger.NewSpent(at.Add(time.Millisecond-1)).Spend(p, at.Add(time.Second)); err != nil {
		t.Errorf("a permit of the millisecond of the start: %v", err)
	}
}

func TestASpentPermitStaysSpentWhenTheClockGoesBack(t *testing.T) {
	p, at := permitOf(t)
	spent := ledger.NewSpent(at)
	if err := spent.Spend(p, at); err != nil {
		t.Fatal(err)
	}
	later := at.Add(3 * ledger.PermitLife)
	if err := spent.Spend(ledger.PermitAt(p, later), later); err != nil {
		t.Fatal(err)
	}
	if n := ledger.Remembered(spent); n != 1 {
		t.Errorf("%d permits are remembered, want the last one", n)
	}
	if err := spent.Spend(p, at); err == nil {
		t.Error("a permit was spent twice, after it was forgotten and the clock went back")
	}
	if err := ledger.NewSpent(at).Spend(p, at.Add(ledger.PermitLife+1)); err == nil {
		t.Error("a permit was spent after its life")
	}
}

func BenchmarkOpenPermit(b *testing.B) {
	s := ran(b)
	rec := &record{gap: 8000}
	rec.add(b, s.events...)
	r, trust := rec.releaseOf(b, 4), testTrust(b)
	for b.Loop() {
		if _, err := ledger.OpenPermit(r, trust, "mcp/payments", s.events[3].At); err != nil {
			b.Fatal(err)
		}
	}
}
