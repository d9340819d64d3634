package interop

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const origin = "interop.example/log"

// A diskLog is a log of real leaves in a folder, laid out as C2SP tlog-tiles.
type diskLog struct {
	dir      string
	verifier note.Verifier
	head     ledger.Checkpoint
	hashes   []ledger.Hash // of the leaves
	edge     ledger.Edge
	full     map[string][]byte
}

// writeLog writes a log of the size, batch leaves at a time.
func writeLog(t testing.TB, size, batch int) *diskLog {
	t.Helper()
	private, vkey, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	l := &diskLog{dir: t.TempDir(), full: map[string][]byte{}}
	if l.verifier, err = ledger.NewVerifier(vkey); err != nil {
		t.Fatal(err)
	}
	leaves := makeLeaves(t, size)
	for from := 0; from < size; from += batch {
		var hashes []ledger.Hash
		for _, leaf := range leaves[from:min(size, from+batch)] {
			hashes = append(hashes, ledger.LeafHash(leaf))
		}
		l.hashes = append(l.hashes, hashes...)
		var full []ledger.Tile
		l.edge, full = l.edge.Append(hashes)
		for _, f := range full {
			tile := tlog.Tile{H: ledger.TileHeight, L: f.Level, N: f.N, W: 1 << ledger.TileHeight}
			l.full[tilePath(tile)] = f.Hashes
			l.write(t, tilePath(tile), f.Hashes)
		}
	}
	if l.head, err = ledger.SignCheckpoint(origin, l.edge, signer); err != nil {
		t.Fatal(err)
	}
	l.write(t, "checkpoint", l.head.Note)
	for _, tile := range tlog.NewTiles(ledger.TileHeight, 0, int64(size)) {
		hashes, err := l.tile(t.Context(), tile)
		if err != nil {
			t.Fatal(err)
		}
		l.write(t, tilePath(tile), hashes)
		if tile.L == 0 {
			from := tile.N << ledger.TileHeight
			tile.L = -1
			l.write(t, tilePath(tile), bundle(leaves[from:from+int64(tile.W)]))
		}
	}
	return l
}

// makeLeaves makes the leaves of requests that were asked, held and expired.
func makeLeaves(t testing.TB, n int) [][]byte {
	t.Helper()
	var leaves [][]byte
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	pending := countersign.State{Decision: countersign.DecisionPending, Execution: countersign.ExecutionNone}
	for i := 0; len(leaves) < n; i++ {
		id := countersign.RequestID(fmt.Sprintf("req_%012d", i))
		var prev ledger.Hash
		for v, body := range []countersign.Body{countersign.Requested{Reason: "naïve \u2028 <&>"}, countersign.Held{Verdict: countersign.Verdict{
			Effect: countersign.Hold, Rules: []countersign.RuleTrace{{ID: "prod-write", Value: countersign.RuleTrue, Effect: countersign.Hold, Counts: true}},
			Requirement: &countersign.Requirement{Stages: []countersign.Stage{{Reviewers: []string{"dba"}, Quorum: 2, Assurance: countersign.Session}}, ExpiresAt: at},
		}}, countersign.Expired{}} {
			e, err := ledger.Encode(countersign.Event{Request: id, Version: uint64(v + 1), State: pending, Who: countersign.Who{Actor: countersign.Gateway()}, Body: body})
			if err != nil {
				t.Fatal(err)
			}
			e.At = at.Add(time.Duration(len(leaves)) * time.Second)
			open, err := ledger.Salted(e.Sealed)
			if err != nil {
				t.Fatal(err)
			}
			command := ledger.Commit(ledger.SlotCommand, ledger.Opening{Value: []byte(id)})
			leaf, err := ledger.Leaf(e, prev, command, ledger.Commit(ledger.SlotWho, *open.Who), ledger.Commit(ledger.SlotContext, *open.Context))
			if err != nil {
				t.Fatal(err)
			}
			prev = ledger.LeafHash(leaf)
			leaves = append(leaves, leaf)
		}
	}
	return leaves[:n]
}

func (l *diskLog) tile(_ context.Context, t tlog.Tile) ([]byte, error) {
	if b, ok := l.edge.Tile(t.L, t.N, t.W); ok {
		return b, nil
	}
	full := t
	full.W = 1 << ledger.TileHeight
	b, ok := l.full[tilePath(full)]
	if !ok {
		return nil, fmt.Errorf("no %s", tilePath(t))
	}
	return b[:t.W*tlog.HashSize], nil
}

// bundle is an entry bundle: each leaf behind its length in two bytes.
func bundle(leaves [][]byte) []byte {
	var b []byte
	for _, leaf := range leaves {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(leaf))), leaf...)
	}
	return b
}

// tilePath is the C2SP path of a tile, or of an entry bundle, which package tlog
// has at level -1.
func tilePath(t tlog.Tile) string {
	p := strings.Replace(t.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(p, "tile/data/", "tile/entries/", 1)
}

func (l *diskLog) write(t testing.TB, path string, b []byte) {
	t.Helper()
	path = filepath.Join(l.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// change edits one file of the log.
func (l *diskLog) change(t testing.TB, path string, edit func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(l.dir, path))
	if err != nil {
		t.Fatal(err)
	}
	l.write(t, path, edit(b))
}
