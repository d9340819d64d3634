package ledger_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"golang.org/x/mod/sumdb/note"
)

// The files in testdata are what every verifier of the format must agree with;
// docs/log-format.md says what is in them.
var update = flag.Bool("update", false, "write the test vectors in testdata anew")

type treeVectors struct {
	Leaf       string            `json:"leaf"`
	Roots      []rootVector      `json:"roots"`
	Inclusion  []inclusionVector `json:"inclusion"`
	Extensions []extensionVector `json:"extensions"`
}

type rootVector struct {
	Size int64       `json:"size"`
	Root ledger.Hash `json:"root"`
}

type inclusionVector struct {
	Size  int64         `json:"size"`
	Index int64         `json:"index"`
	Proof []ledger.Hash `json:"proof"`
	Holds bool          `json:"holds"`
}

type extensionVector struct {
	Old   int64         `json:"old"`
	New   int64         `json:"new"`
	Proof []ledger.Hash `json:"proof"`
	Holds bool          `json:"holds"`
}

func decimalLeaves(t testing.TB, n int) *grove {
	t.Helper()
	var g grove
	for i := range n {
		g.hash(t, ledger.LeafHash(strconv.AppendInt(nil, int64(i), 10)))
	}
	return &g
}

func TestTheTreeVectorsHold(t *testing.T) {
	g := decimalLeaves(t, 1000)
	roots := map[int64]ledger.Checkpoint{}
	var e ledger.Edge
	for i := range int64(1001) {
		roots[i] = ledger.Checkpoint{Size: i, Root: e.Root()}
		e, _ = e.Append([]ledger.Hash{ledger.LeafHash(strconv.AppendInt(nil, i, 10))})
	}
	if *update {
		writeVectors(t, "tree.json", makeTreeVectors(t, g, roots))
	}
	v := readVectors[treeVectors](t, "tree.json")
	for _, r := range v.Roots {
		if got := roots[r.Size].Root; got != r.Root {
			t.Errorf("root of %d: got %v, want %v", r.Size, got, r.Root)
		}
	}
	for _, p := range v.Inclusion {
		err := ledger.CheckProof(roots[p.Size], p.Index, ledger.LeafHash(strconv.AppendInt(nil, p.Index, 10)), p.Proof)
		if (err == nil) != p.Holds {
			t.Errorf("leaf %d of %d: got %v, want holds %v", p.Index, p.Size, err, p.Holds)
		}
	}
	for _, x := range v.Extensions {
		if err := ledger.CheckExtension(roots[x.Old], roots[x.New], x.Proof); (err == nil) != x.Holds {
			t.Errorf("from %d to %d: got %v, want holds %v", x.Old, x.New, err, x.Holds)
		}
	}
	if len(v.Roots) == 0 || len(v.Inclusion) == 0 || len(v.Extensions) == 0 {
		t.Error("there are no vectors")
	}
}

func makeTreeVectors(t testing.TB, g *grove, roots map[int64]ledger.Checkpoint) treeVectors {
	t.Helper()
	v := treeVectors{Leaf: "leaf i of the log is the number i in decimal digits"}
	sizes := []int64{0, 1, 2, 3, 7, 8, 255, 256, 257, 1000}
	for _, size := range sizes {
		v.Roots = append(v.Roots, rootVector{size, roots[size].Root})
		for _, index := range sizes {
			if index >= size {
				continue
			}
			p, err := ledger.Prove(t.Context(), g.tile, roots[size], index)
			if err != nil {
				t.Fatal(err)
			}
			v.Inclusion = append(v.Inclusion, inclusionVector{size, index, p, true})
		}
		for _, newer := range sizes {
			if newer < size {
				continue
			}
			p, err := ledger.ProveExtension(t.Context(), g.tile, roots[size], roots[newer])
			if err != nil {
				t.Fatal(err)
			}
			v.Extensions = append(v.Extensions, extensionVector{size, newer, p, true})
		}
	}
	good := v.Inclusion[len(v.Inclusion)-2]
	changed := append([]ledger.Hash{{1}}, good.Proof[1:]...)
	v.Inclusion = append(v.Inclusion,
		inclusionVector{good.Size, good.Index, changed, false},
		inclusionVector{good.Size, good.Index, good.Proof[1:], false},
		inclusionVector{good.Size, good.Index, append(good.Proof, ledger.Hash{}), false},
		inclusionVector{good.Size, good.Index + 1, good.Proof, false},
		inclusionVector{good.Size, -1, good.Proof, false},
		inclusionVector{good.Size, good.Size, good.Proof, false})
	longest, err := ledger.ProveExtension(t.Context(), g.tile, roots[257], roots[1000])
	if err != nil {
		t.Fatal(err)
	}
	v.Extensions = append(v.Extensions,
		extensionVector{257, 1000, longest[1:], false}, extensionVector{256, 1000, longest, false},
		extensionVector{0, 1000, longest, false}, extensionVector{1000, 257, longest, false})
	return v
}

type leafVectors struct {
	Good []leafVector `json:"good"`
	Bad  []badLeaf    `json:"bad"`
}

type leafVector struct {
	Leaf    string          `json:"leaf"`
	Hash    string          `json:"hash"` // hex
	Command *ledger.Opening `json:"command,omitempty"`
	Who     *ledger.Opening `json:"who"`
	Context *ledger.Opening `json:"context"`
}

type badLeaf struct {
	Leaf string `json:"leaf"`
	Why  string `json:"why"`
}

func TestTheLeafVectorsHold(t *testing.T) {
	if *update {
		var v leafVectors
		for _, s := range []*story{ranForTwo(t), escalated(t)} {
			for _, e := range s.recorded().entries {
				v.Good = append(v.Good, leafVector{string(e.Leaf), ledger.Commitment(ledger.LeafHash(e.Leaf)).String(), e.Open.Command, e.Open.Who, e.Open.Context})
			}
		}
		leaf := v.Good[1].Leaf
		subject := strings.Index(leaf, `,"subject"`)
		v.Bad = []badLeaf{
			{leaf[:1] + " " + leaf[1:], "a space"},
			{leaf + "\n", "a line end"},
			{leaf[:1] + `"_type":"https://in-toto.io/Statement/v1",` + leaf[1:], "a member twice"},
			{leaf[:1] + `"_note":"x",` + leaf[1:], "a member nobody knows"},
			{"{" + leaf[subject+1:len(leaf)-1] + "," + leaf[1:subject] + "}", "members in another order"},
			{"{}", "nothing in it"},
		}
		writeVectors(t, "leaves.json", v)
	}
	v := readVectors[leafVectors](t, "leaves.json")
	for _, l := range v.Good {
		if got := ledger.Commitment(ledger.LeafHash([]byte(l.Leaf))).String(); got != l.Hash {
			t.Errorf("leaf hash: got %s, want %s", got, l.Hash)
		}
		if _, err := (ledger.Entry{Leaf: []byte(l.Leaf), Open: ledger.Disclosure{l.Command, l.Who, l.Context}}).Event(); err != nil {
			t.Error(err)
		}
	}
	for _, l := range v.Bad {
		if _, err := ledger.ParseLeaf([]byte(l.Leaf)); err == nil {
			t.Errorf("a leaf with %s was taken: %s", l.Why, l.Leaf)
		}
	}
	if len(v.Good) == 0 || len(v.Bad) == 0 {
		t.Error("there are no vectors")
	}
}

type permitVectors struct {
	Origin   string                `json:"origin"`
	Key      string                `json:"key"`
	Executor string                `json:"executor"`
	Release  ledger.Release        `json:"release"`
	Request  countersign.RequestID `json:"request"`
	Digest   countersign.Digest    `json:"digest"`
	Times    []timeVector          `json:"times"`
}

type timeVector struct {
	Now   time.Time `json:"now"`
	Holds bool      `json:"holds"`
}

func TestThePermitVectorHolds(t *testing.T) {
	if *update {
		s := ran(t)
		_, _, vkey := fixedKey(t, testOrigin)
		at := s.events[3].At
		writeVectors(t, "permit.json", permitVectors{testOrigin, vkey, "mcp/payments", s.recorded().releaseOf(t, 4), s.events[0].Request, s.digest, []timeVector{
			{at, true}, {at.Add(ledger.PermitLife), true}, {at.Add(-ledger.ClockSkew), true},
			{at.Add(ledger.PermitLife + time.Millisecond), false}, {at.Add(-ledger.ClockSkew - time.Millisecond), false}}})
	}
	v := readVectors[permitVectors](t, "permit.json")
	for _, c := range v.Times {
		p, err := ledger.OpenPermit(v.Release, trustIn(t, v.Origin, v.Key), v.Executor, c.Now)
		if (err == nil) != c.Holds {
			t.Errorf("at %s: got %v, want holds %v", c.Now, err, c.Holds)
		}
		if err == nil && (p.Request() != v.Request || countersign.DigestOfCanonical(p.Canonical()) != v.Digest) {
			t.Errorf("got a permit of %s for %s", p.Request(), p.Canonical())
		}
	}
}

func trustIn(t testing.TB, origin, vkey string) ledger.Trust {
	t.Helper()
	v, err := ledger.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Trust{origin, note.VerifierList(v)}
}

type receiptVectors struct {
	Origin   string          `json:"origin"`
	Key      string          `json:"key"`
	Receipts []receiptVector `json:"receipts"`
}

// A receiptVector is what Verify reports of receipts/NAME.json.
type receiptVector struct {
	Name    string       `json:"name"`
	Holds   bool         `json:"holds"`
	Steps   []stepVector `json:"steps"`
	What    string       `json:"what,omitempty"`
	Why     string       `json:"why,omitempty"`
	Outcome string       `json:"outcome,omitempty"`
}

type stepVector struct {
	Detail string         `json:"detail,omitempty"`
	Result receipt.Result `json:"result"`
}

func vectorOf(name string, r receipt.Report) receiptVector {
	v := receiptVector{Name: name, Holds: r.Holds, What: r.What, Why: r.Why, Outcome: r.Outcome}
	for _, s := range r.Steps {
		v.Steps = append(v.Steps, stepVector{s.Detail, s.Result})
	}
	return v
}

func TestTheReceiptVectorsHold(t *testing.T) {
	if *update {
		_, _, vkey := fixedKey(t, testOrigin)
		v := receiptVectors{Origin: testOrigin, Key: vkey}
		if err := os.RemoveAll(filepath.Join("testdata", "receipts")); err != nil {
			t.Fatal(err)
		}
		for _, c := range slices.Concat(honest(t), tampered(t), honestPasskeys(t), forgedPasskeys(t)) {
			v.Receipts = append(v.Receipts, vectorOf(c.name, receipt.Verify(c.file, testTrust(t))))
			writeFile(t, filepath.Join("receipts", c.name+".json"), c.file)
		}
		writeVectors(t, "receipts.json", v)
		writeFile(t, "log.vkey", []byte(vkey+"\n"))
	}
	v := readVectors[receiptVectors](t, "receipts.json")
	for _, want := range v.Receipts {
		file, err := os.ReadFile(filepath.Join("testdata", "receipts", want.Name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		report := receipt.Verify(file, trustIn(t, v.Origin, v.Key))
		if got := vectorOf(want.Name, report); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %s\nwant %+v", want.Name, printed(report), want)
		}
	}
	if len(v.Receipts) == 0 {
		t.Error("there are no vectors")
	}
}

func readVectors[T any](t testing.TB, name string) T {
	t.Helper()
	var v T
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func writeVectors[T any](t testing.TB, name string, v T) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, name, append(b, '\n'))
}

func writeFile(t testing.TB, name string, b []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
