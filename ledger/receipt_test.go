package ledger_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
)

// large is a five-event receipt of a log of 70,000 leaves.
func large(t testing.TB) receipt.Receipt {
	t.Helper()
	r := &record{gap: 11_665}
	r.add(t, ran(t).events...)
	return r.receipt(t)
}

func TestAReceiptOfFiveEventsFitsIn16KiB(t *testing.T) {
	r := large(t)
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 16<<10 || len(r.Entries) != 5 || len(r.Proofs[0]) < 16 {
		t.Errorf("%d events with paths of %d take %d bytes, want 5, 17 and at most %d", len(r.Entries), len(r.Proofs[0]), len(b), 16<<10)
	}
	got, err := receipt.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, want %+v", got, r)
	}
	if report := receipt.Verify(b, testTrust(t)); !report.Holds {
		t.Errorf("it does not hold: %s", printed(report))
	}
}

// A byte that is free to change could carry something that looks signed and is
// not.
func TestNoByteOfAReceiptIsFreeToChange(t *testing.T) {
	rnd := seeded(t)
	trust := testTrust(t)
	good := ran(t).recorded().file(t)
	if r := receipt.Verify(good, trust); !r.Holds {
		t.Fatalf("it does not hold unchanged: %s", printed(r))
	}
	bits := make([]byte, len(good))
	for i := range bits {
		bits[i] = 1 << rnd.IntN(8)
	}
	var halves sync.WaitGroup
	for half := range 2 {
		halves.Go(func() {
			file := bytes.Clone(good)
			for i := half; i < len(file); i += 2 {
				file[i] ^= bits[i]
				if receipt.Verify(file, trust).Holds {
					t.Errorf("byte %d of %d is free: %q", i, len(file), around(file, i))
				}
				file[i] ^= bits[i]
			}
		})
	}
	halves.Wait()
}

func TestNoByteOfAReceiptIsFreeToComeOrGo(t *testing.T) {
	rnd := seeded(t)
	trust := testTrust(t)
	file := tell(t).recorded().file(t)
	for i := rnd.IntN(4); i < len(file); i += 4 {
		cut := append(bytes.Clone(file[:i]), file[i+1:]...)
		more := append(append(bytes.Clone(file[:i]), " \n\t\x00aA0=/+\",:{}"[rnd.IntN(15)]), file[i:]...)
		twice := append(append(bytes.Clone(file[:i]), file[i]), file[i:]...)
		for _, changed := range [][]byte{cut, more, twice, file[:i]} {
			if !bytes.Equal(changed, file) && receipt.Verify(changed, trust).Holds {
				t.Fatalf("byte %d of %d is free: %q", i, len(file), around(changed, i))
			}
		}
	}
}

func around(b []byte, i int) []byte { return b[max(0, i-30):min(len(b), i+30)] }

func TestBuildGivesOutOnlyWhatHolds(t *testing.T) {
	r := ran(t).recorded()
	r.grow(t, 10)
	cp, proofs := r.sign(t)
	built, err := receipt.Build(receipt.Leaves{Entries: r.entries, Proofs: proofs}, receipt.Leaves{}, cp)
	if err != nil {
		t.Fatal(err)
	}
	b, err := built.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if report := receipt.Verify(b, testTrust(t)); !report.Holds {
		t.Fatalf("it does not hold: %s", printed(report))
	}
	entity := &record{}
	entity.add(t, countersign.Event{Request: countersign.PolicyID, Version: 1, At: noon, Who: signedIn(bob), Body: countersign.PolicyChanged{}})
	entityHead, entityProofs := entity.sign(t)
	other := ran(t)
	other.events[0].Request = "req_000000000000"
	mixed := other.recorded()
	mixedHead, mixedProofs := mixed.sign(t)
	with := func(change func(e []ledger.Entry)) []ledger.Entry {
		entries := append([]ledger.Entry(nil), r.entries...)
		change(entries)
		return entries
	}
	for name, c := range map[string]struct {
		entries []ledger.Entry
		proofs  [][]ledger.Hash
		cp      ledger.Checkpoint
	}{
		"no event":                  {nil, nil, cp},
		"a proof too few":           {r.entries, proofs[1:], cp},
		"a missing event":           {append(r.entries[:1:1], r.entries[2:]...), append(proofs[:1:1], proofs[2:]...), cp},
		"another checkpoint":        {r.entries, proofs, ledger.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: ledger.Hash{1}, Note: cp.Note}},
		"an entity":                 {entity.entries, entityProofs, entityHead},
		"two requests":              {mixed.entries, mixedProofs, mixedHead},
		"a leaf that is none":       {with(func(e []ledger.Entry) { e[2].Leaf = []byte("{}") }), proofs, cp},
		"a wrong disclosure":        {with(func(e []ledger.Entry) { e[2].Open.Who = e[1].Open.Who }), proofs, cp},
		"a command disclosed twice": {with(func(e []ledger.Entry) { e[2].Open.Command = e[0].Open.Command }), proofs, cp},
	} {
		if _, err := receipt.Build(receipt.Leaves{Entries: c.entries, Proofs: c.proofs}, receipt.Leaves{}, c.cp); err == nil {
			t.Errorf("%s: a receipt was built", name)
		}
	}
	if _, err := (receipt.Receipt{}).Marshal(); err == nil {
		t.Error("an empty receipt was written")
	}
	built.Entries[0].Index = -1
	if _, err := built.Marshal(); err == nil {
		t.Error("a receipt of leaf -1 was written")
	}
}

func TestVerifyTakesAnyBytes(t *testing.T) {
	for _, b := range []string{"", "{}", "[]", "null", `{"events":[{}]}`, strings.Repeat("[", 100), "\xff"} {
		if r := receipt.Verify([]byte(b), testTrust(t)); r.Holds || len(r.Steps) != 12 || r.Steps[0].Result != receipt.Failed {
			t.Errorf("%q: %s", b, printed(r))
		}
	}
	good := ran(t).recorded().file(t)
	if r := receipt.Verify(good, ledger.Trust{}); r.Holds || r.Steps[1].Result != receipt.Failed {
		t.Errorf("without trust: %s", printed(r))
	}
	if r := receipt.Verify(good, ledger.Trust{Origin: testOrigin}); r.Holds || r.Steps[2].Result != receipt.Failed {
		t.Errorf("without a key: %s", printed(r))
	}
}

func FuzzVerify(f *testing.F) {
	for _, c := range slices.Concat(honest(f), tampered(f), honestPasskeys(f), forgedPasskeys(f)) {
		f.Add(c.file)
	}
	trust := testTrust(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := receipt.Verify(b, trust)
		if len(r.Steps) != 12 {
			t.Errorf("%d steps, want 12", len(r.Steps))
		}
		if parsed, err := receipt.Parse(b); err == nil {
			if again, err := parsed.Marshal(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("a receipt has two spellings: %s, %v and %s", again, err, b)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	file, err := large(b).Marshal()
	if err != nil {
		b.Fatal(err)
	}
	trust := testTrust(b)
	for b.Loop() {
		if !receipt.Verify(file, trust).Holds {
			b.Fatal("it does not hold")
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	r := large(b)
	cp, err := ledger.OpenCheckpoint(r.Checkpoint, testOrigin, testTrust(b).Keys)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		built, err := receipt.Build(receipt.Leaves{Entries: r.Entries, Proofs: r.Proofs}, receipt.Leaves{}, cp)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := built.Marshal(); err != nil {
			b.Fatal(err)
		}
	}
}
