package ledger

import (
	"crypto/rand"
	"fmt"
	"math"
	"slices"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Checkpoint is the signed head of the log (C2SP tlog-checkpoint): the root of
// the tree of its first Size leaves.
type Checkpoint struct {
	// Origin names the log: "countersign.acme.example/log". It is never used
	// again after state was lost.
	Origin string
	Size   int64
	Root   Hash
	// Note is the signed note (C2SP signed-note) that the rest was read from.
	Note []byte
}

// NewKey returns a fresh Ed25519 key of the log in the form of
// golang.org/x/mod/sumdb/note. The key's name is the origin, which is not empty
// and holds no space or plus.
func NewKey(origin string) (private, vkey string, err error) {
	private, vkey, err = note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return "", "", fmt.Errorf("make a log key: %w", err)
	}
	if _, err := NewSigner(private); err != nil {
		return "", "", fmt.Errorf("origin %q cannot name a key: no space and no plus may be in it", origin)
	}
	return private, vkey, nil
}

// NewSigner reads a private key as NewKey made it.
func NewSigner(private string) (note.Signer, error) {
	s, err := note.NewSigner(private)
	if err != nil {
		return nil, fmt.Errorf("log key: %w", err)
	}
	return s, nil
}

// NewVerifier reads a verifier key as NewKey made it.
func NewVerifier(vkey string) (note.Verifier, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("verifier key: %w", err)
	}
	return v, nil
}

// SignCheckpoint signs the head of the log.
func SignCheckpoint(origin string, e Edge, s note.Signer) (Checkpoint, error) {
	if s.Name() != origin {
		return Checkpoint{}, fmt.Errorf("the key is of %q and cannot sign for %q", s.Name(), origin)
	}
	root := e.Root()
	text := log.Checkpoint{Origin: origin, Size: uint64(e.Size()), Hash: root[:]}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, s)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint of size %d: %w", e.Size(), err)
	}
	return Checkpoint{Origin: origin, Size: e.Size(), Root: root, Note: signed}, nil
}

// OpenCheckpoint reads a signed checkpoint. Its origin line must be the origin,
// and one of its signatures must verify by a known key of that name. Lines after
// the root are refused: this version writes none.
func OpenCheckpoint(b []byte, origin string, keys note.Verifiers) (Checkpoint, error) {
	cp, _, err := OpenNote(b, origin, keys)
	return cp, err
}

// OpenNote is OpenCheckpoint for whoever needs the signatures too.
func OpenNote(b []byte, origin string, keys note.Verifiers) (Checkpoint, *note.Note, error) {
	n, err := note.Open(b, keys)
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: %w", err)
	}
	if !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == origin }) {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: no signature by %q that a known key verifies", origin)
	}
	cp, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if cp.Origin != origin {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: origin is %q, want %q", cp.Origin, origin)
	}
	cp.Note = b
	return cp, n, nil
}

func parseCheckpoint(text string) (Checkpoint, error) {
	var c log.Checkpoint
	if _, err := c.Unmarshal([]byte(text)); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	if len(c.Hash) != tlog.HashSize || c.Size > math.MaxInt64 || string(c.Marshal()) != text {
		return Checkpoint{}, fmt.Errorf("checkpoint: want three lines, origin, size and root: %q", text)
	}
	return Checkpoint{Origin: c.Origin, Size: int64(c.Size), Root: Hash(c.Hash)}, nil
}
