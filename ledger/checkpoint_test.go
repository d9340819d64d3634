package ledger_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
)

func TestACheckpointIsSignedAndOpened(t *testing.T) {
	private, vkey, err := ledger.NewKey("log.example/1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ledger.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	var g grove
	for _, size := range []int{0, 1, 300} {
		g.grow(t, size-int(g.edge.Size()))
		cp, err := ledger.SignCheckpoint("log.example/1", g.edge, s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ledger.OpenCheckpoint(cp.Note, "log.example/1", note.VerifierList(v))
		if err != nil {
			t.Fatal(err)
		}
		if got.Size != int64(size) || got.Root != g.edge.Root() || got.Origin != "log.example/1" || !bytes.Equal(got.Note, cp.Note) {
			t.Errorf("size %d: got %+v", size, got)
		}
	}
	if _, err := ledger.SignCheckpoint("log.example/2", g.edge, s); err == nil {
		t.Error("the key of one log signed for another")
	}
}

func TestOnlyTheLogsOwnCheckpointOpens(t *testing.T) {
	log, known, _ := fixedKey(t, testOrigin)
	witness, knownWitness, _ := fixedKey(t, "witness.example")
	stranger, _, _ := fixedKey(t, "stranger.example")
	keys := note.VerifierList(known, knownWitness)
	root := "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	text := testOrigin + "\n0\n" + root + "\n"
	sign := func(text string, by ...note.Signer) []byte {
		b, err := note.Sign(&note.Note{Text: text}, by...)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, b := range map[string][]byte{
		"a witness alone":        sign(text, witness),
		"a stranger alone":       sign(text, stranger),
		"another origin line":    sign("other.example/log\n0\n"+root+"\n", log),
		"a line after the root":  sign(text+"more\n", log),
		"a size with a zero":     sign(testOrigin+"\n00\n"+root+"\n", log),
		"a negative size":        sign(testOrigin+"\n-1\n"+root+"\n", log),
		"a size above int64":     sign(testOrigin+"\n9223372036854775808\n"+root+"\n", log),
		"a short root":           sign(testOrigin+"\n0\nAAAA\n", log),
		"a root spelled anew":    sign(testOrigin+"\n0\n"+strings.Replace(root, "U=", "V=", 1)+"\n", log),
		"two lines":              sign(testOrigin+"\n0\n", log),
		"no signature":           []byte(text),
		"nothing":                nil,
		"a changed size":         bytes.Replace(sign(text, log), []byte("\n0\n"), []byte("\n1\n"), 1),
		"a signature of another": append([]byte(strings.Replace(text, "0", "1", 1)), sign(text, log)[len(text):]...),
	} {
		if cp, err := ledger.OpenCheckpoint(b, testOrigin, keys); err == nil {
			t.Errorf("%s: got %+v, want an error", name, cp)
		}
	}
	for name, b := range map[string][]byte{"the log": sign(text, log), "and a witness": sign(text, witness, log), "and a stranger": sign(text, log, stranger)} {
		if _, err := ledger.OpenCheckpoint(b, testOrigin, keys); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ledger.OpenCheckpoint(sign(text, log), testOrigin, nil); err == nil {
		t.Error("a checkpoint opened with no key")
	}
}

func TestAKeyIsRefusedThatNamesNoLog(t *testing.T) {
	for _, origin := range []string{"", "two words", "a+b", "line\n"} {
		if _, _, err := ledger.NewKey(origin); err == nil {
			t.Errorf("origin %q: a key was made", origin)
		}
	}
	if _, err := ledger.NewSigner("PRIVATE+KEY+x"); err == nil {
		t.Error("a malformed private key was read")
	}
	if _, err := ledger.NewVerifier("x+1+y"); err == nil {
		t.Error("a malformed verifier key was read")
	}
}
