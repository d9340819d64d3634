package interop

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/gowebpki/jcs"
)

// A writer writes random JSON: keys that differ by more than case, integers that
// every reader agrees on, all sorts of text, spaces anywhere.
type writer struct {
	rnd *rand.Rand
	b   strings.Builder
}

func (w *writer) space() { w.b.WriteString([]string{"", "", " ", "\n\t", "\r"}[w.rnd.IntN(5)]) }

func (w *writer) text() {
	w.b.WriteByte('"')
	pieces := []string{"a", "Z", "0", "é", "e\u0301", "\u2028", "\u2029", "\U0001f600", "<&>", "\x7f", `\"`, `\\`, `\/`, `\b\f\n\r\t`,
		`\u0000`, `\u001f`, `\u00e9`, `\ud83d\ude00`, `\u20AC`, "\ufffd", "\uffff"}
	for range w.rnd.IntN(6) {
		w.b.WriteString(pieces[w.rnd.IntN(len(pieces))])
	}
	w.b.WriteByte('"')
}

func (w *writer) value(depth int) {
	w.space()
	defer w.space()
	kind := w.rnd.IntN(7)
	if depth == 0 {
		kind = w.rnd.IntN(5)
	}
	switch kind {
	case 0:
		w.b.WriteString([]string{"true", "false", "null"}[w.rnd.IntN(3)])
	case 1:
		fmt.Fprint(&w.b, w.rnd.Int64N(2*canon.MaxInteger+1)-canon.MaxInteger)
	case 2:
		fmt.Fprint(&w.b, w.rnd.IntN(20)-10)
	case 3, 4:
		w.text()
	case 5:
		w.b.WriteByte('[')
		for i := range w.rnd.IntN(4) {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.value(depth - 1)
		}
		w.b.WriteByte(']')
	case 6:
		w.object(depth)
	}
}

func (w *writer) object(depth int) {
	// In the order of UTF-16 the emoji comes before U+FFFD, in that of UTF-8 after.
	keys := []string{`""`, `"a"`, `"aa"`, `"b"`, `"\ufffd"`, `"😀"`, `"é"`, `"\u0000"`, `"~"`, `"1"`, `"10"`, `"2"`, `"\""`, `"_"`}
	w.rnd.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	w.b.WriteByte('{')
	for i, key := range keys[:w.rnd.IntN(6)] {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.space()
		w.b.WriteString(key)
		w.space()
		w.b.WriteByte(':')
		w.value(depth - 1)
	}
	w.b.WriteByte('}')
}

func TestCanonAgreesWithAnotherImplementationOfRFC8785(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 5000 {
		w := writer{rnd: rnd}
		w.object(5)
		doc := []byte(w.b.String())
		got, err := canon.Canonical(doc)
		if err != nil {
			t.Fatalf("%q: %v", doc, err)
		}
		want, err := jcs.Transform(doc)
		if err != nil {
			t.Fatalf("jcs on %q: %v", doc, err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%q:\ngot  %q\nwant %q", doc, got, want)
		}
	}
}

func TestLeavesAndReceiptsAreCanonicalJSONToOthers(t *testing.T) {
	docs := makeLeaves(t, 9)
	for _, name := range []string{"approved", "escalated", "nothing-disclosed", "denied"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "ledger", "testdata", "receipts", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, b)
	}
	for _, doc := range docs {
		if got, err := jcs.Transform(doc); err != nil || !bytes.Equal(got, doc) {
			t.Errorf("got  %s, %v\nwant %s", got, err, doc)
		}
	}
}

// The other implementation turns 9007199254740993 into ...992; ours refuses what
// readers disagree on.
func TestCanonRefusesWhereTheOtherChangesTheNumber(t *testing.T) {
	for _, doc := range []string{`{"n":9007199254740993}`, `{"n":1.0}`, `{"n":1e3}`, `{"n":-0}`} {
		if got, err := canon.Canonical([]byte(doc)); err == nil {
			t.Errorf("%s: got %s, want an error", doc, got)
		}
		if got, err := jcs.Transform([]byte(doc)); err != nil || string(got) == doc {
			t.Errorf("jcs on %s: got %s, %v; it no longer changes the number", doc, got, err)
		}
	}
}
