package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/testenv"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/ledger/receipt"
	"github.com/evanw/esbuild/pkg/api"
	"golang.org/x/mod/sumdb/note"
)

const vectors = "../../ledger/testdata"

// mostChanged is how many changed receipts are tried, drawn by chance anew each
// time: a browser's cryptography takes some milliseconds for each.
const mostChanged = 200

// tried is what vectors.test.mjs may use of web/verify.
const tried = `
	export { verify } from "./verify";
	export { parse, write } from "./json";
	export { folded } from "./fold";
	export { parseLeaf } from "./leaf";
	export { leafHash, fold } from "./tree";
	export { checkAssertion } from "./passkey";
	export { parseBody, parseWho } from "./event";
	export { parseCommand } from "./command";
	export { fromBase64, hex, utf8 } from "./bytes";
`

// mutants are what package receipt and package canon have judged, for web/verify to
// judge the same way.
type mutants struct {
	Receipts   []mutant   `json:"receipts"`
	Documents  []document `json:"documents"`
	Orbits     [][]string `json:"orbits"`
	Assertions []signed   `json:"assertions"`
	Blobs      []blob     `json:"blobs"`
}

type mutant struct {
	Name   string  `json:"name"` // of the receipt it is made of
	File   []byte  `json:"file"`
	Report verdict `json:"report"`
}

type verdict struct {
	Holds   bool             `json:"holds"`
	Results []receipt.Result `json:"results"`
}

type document struct {
	Text      string  `json:"text"`
	Canonical *string `json:"canonical"` // nil: refused
}

func TestTheBrowserJudgesAsPackageLedgerDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("needs npm")
	}
	testenv.Node(t)
	dir := t.TempDir()
	script, judged := filepath.Join(dir, "verify.mjs"), filepath.Join(dir, "mutants.json")
	b, err := json.Marshal(mutants{changedReceipts(t), documents(), orbits(), assertions(t), blobs(t)})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{script: bundled(t, tried), judged: b} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "../web/verify/vectors.test.mjs")
	cmd.Env = append(os.Environ(), "VERIFY="+script, "VECTORS="+absolute(t, vectors), "MUTANTS="+judged)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.20000s", err, out)
	}
}

// bundled is what the module makes, which lies in web/verify.
func bundled(t *testing.T, module string) []byte {
	t.Helper()
	files, err := build("../web", api.BuildOptions{
		Stdin:    &api.StdinOptions{Contents: module, ResolveDir: absolute(t, "../web/verify"), Loader: api.LoaderTS},
		Platform: api.PlatformNeutral,
	})
	if err != nil {
		t.Fatal(err)
	}
	return files["stdin.js"]
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// changedReceipts are the receipts of the vectors with one byte that is another
// one, and those that hold also with less disclosed and other leaves.
func changedReceipts(t *testing.T) []mutant {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	names, err := filepath.Glob(vectors + "/receipts/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no receipts: %v", err)
	}
	trust := pinned(t)
	var all []mutant
	for _, name := range names {
		original, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(original) > 0 {
			file := bytes.Clone(original)
			file[random.IntN(len(file))] ^= 1 << random.IntN(7)
			all = append(all, judged(name, file, trust))
		}
		if receipt.Verify(original, trust).Holds {
			for _, file := range rearranged(original) {
				all = append(all, judged(name, file, trust))
			}
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(len(all), mostChanged)]
}

func judged(name string, file []byte, trust ledger.Trust) mutant {
	report := receipt.Verify(file, trust)
	m := mutant{Name: filepath.Base(name), File: file, Report: verdict{Holds: report.Holds}}
	for _, s := range report.Steps {
		m.Report.Results = append(m.Report.Results, s.Result)
	}
	return m
}

// rearranged are the receipts that the one can be made into without its key: each
// blob hidden, each enrolment gone, twice or behind the next one, the last event
// gone.
func rearranged(file []byte) [][]byte {
	var all [][]byte
	try := func(change func(r *receipt.Receipt)) {
		r, err := receipt.Parse(file)
		if err != nil {
			return
		}
		change(&r)
		if b, err := r.Marshal(); err == nil {
			all = append(all, b)
		}
	}
	r, err := receipt.Parse(file)
	if err != nil {
		return nil
	}
	try(func(r *receipt.Receipt) { r.Entries[0].Open.Command = nil })
	for i := range r.Entries {
		try(func(r *receipt.Receipt) { r.Entries[i].Open.Who = nil })
		try(func(r *receipt.Receipt) { r.Entries[i].Open.Context = nil })
		try(func(r *receipt.Receipt) { r.Entries, r.Proofs = r.Entries[:i], r.Proofs[:i] })
	}
	for i := range r.Enrolments.Entries {
		try(func(r *receipt.Receipt) { r.Enrolments.Entries[i].Open.Context = nil })
		try(func(r *receipt.Receipt) { place(&r.Enrolments, i, i+1) })
		try(func(r *receipt.Receipt) { place(&r.Enrolments, i, i+1, i, i) })
		try(func(r *receipt.Receipt) { place(&r.Enrolments, i, i+2, i+1, i) })
	}
	return all
}

// place puts the leaves of the indexes in place of those from i to j.
func place(l *receipt.Leaves, i, j int, indexes ...int) {
	if j > len(l.Entries) {
		return
	}
	var put receipt.Leaves
	for _, n := range indexes {
		if n < len(l.Entries) {
			put.Entries, put.Proofs = append(put.Entries, l.Entries[n]), append(put.Proofs, l.Proofs[n])
		}
	}
	l.Entries, l.Proofs = slices.Replace(l.Entries, i, j, put.Entries...), slices.Replace(l.Proofs, i, j, put.Proofs...)
}

func pinned(t *testing.T) ledger.Trust {
	t.Helper()
	b, err := os.ReadFile(vectors + "/log.vkey")
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.NewVerifier(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Trust{Origin: v.Name(), Keys: note.VerifierList(v)}
}

// documents are where readers and writers of JSON differ.
func documents() []document {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	var all []document
	for _, text := range []string{
		`{}`, `[]`, `""`, `0`, `null`, `true`, ` [ 1 , 2 ] `, `{"b":1,"a":2}`, `{"a":{"d":1,"c":[]}}`,
		"{\"\ufb33\":1,\"\U0001f600\":2,\"\u20ac\":3,\"\r\":4,\"1\":5,\"\u0080\":6,\"\u00f6\":7}", // RFC 8785, section 3.2.3
		`{"__proto__":1,"constructor":2}`, `{"10":1,"9":2}`, `"\u2028\u2029\u007f"`, `"\ud83d\ude00"`, `"\/\b\f\n\r\t\u0001\u001f"`,
		`9007199254740991`, `-9007199254740991`, `9007199254740992`, `-0`, `1.0`, `1e2`, `01`, `+1`, `.5`, `1.`, `--1`, `0x1`, `NaN`, `Infinity`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":1,"A":2}`, "{\"k\":1,\"\u212a\":2}", "{\"ß\":1,\"ẞ\":2}", "{\"ı\":1,\"I\":2}", "{\"s\":1,\"ſ\":2}", "{\"ß\":1,\"ss\":2}",
		`"\ud800"`, `"\udc00\ud800"`, `"\ud800x"`, `"\x"`, `"\u12g4"`, "\"\x01\"", `"`, `"a`, `'a'`, `{a:1}`, `[1,]`, `[,]`, `{"a":1,}`, `{"a"}`, `[1 2]`,
		`1 2`, `nul`, `truex`, ``, ` `, "\ufeff{}", "{}\ufeff", "\u00a0{}", "\x0b{}", `// x`, deep(64), deep(65), `[[[[`, `]`, `{"a":1}}`,
	} {
		d := document{Text: text}
		if b, err := canon.Canonical([]byte(text)); err == nil {
			d.Canonical = new(string(b))
		}
		all = append(all, d)
	}
	return all
}

// orbits are the characters that Unicode folds together, all of them.
func orbits() [][]string {
	var all [][]string
	for r := rune(0); r <= unicode.MaxRune; r++ {
		orbit := []string{string(r)}
		for next := unicode.SimpleFold(r); next != r && next > r; next = unicode.SimpleFold(next) {
			orbit = append(orbit, string(next))
		}
		if first := unicode.SimpleFold(r); first != r && len(orbit) > 1 && smallest(r) {
			all = append(all, orbit)
		}
	}
	return all
}

// smallest reports whether no character that folds with r comes before it.
func smallest(r rune) bool {
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		if next < r {
			return false
		}
	}
	return true
}
