package interop

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/ledger"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// oracles are who says whether a folder holds a sound log.
var oracles = map[string]func(context.Context, *diskLog) error{
	"tessera fsck":   askFsck,
	"TileHashReader": askTileHashReader,
}

// askFsck derives every tile and the root from the entries. A worker of fsck ends
// at the first file that is wrong; with few of them it can wait for ever.
func askFsck(ctx context.Context, l *diskLog) error {
	hash := func(b []byte) ([][]byte, error) {
		var entries api.EntryBundle
		if err := entries.UnmarshalText(b); err != nil {
			return nil, err
		}
		var hashes [][]byte
		for _, e := range entries.Entries {
			hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
		}
		return hashes, nil
	}
	return fsck.New(origin, l.verifier, client.FileFetcher{Root: l.dir}, hash, fsck.Opts{N: 16}).Check(ctx)
}

// askTileHashReader checks each tile against the signed root, and each entry
// against the lowest tiles. It uses nothing of package ledger.
func askTileHashReader(_ context.Context, l *diskLog) error {
	tree, err := readHead(l)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, onDisk{l.dir})
	for from := int64(0); from < tree.N; from += 256 {
		width := min(256, tree.N-from)
		b, err := os.ReadFile(filepath.Join(l.dir, tilePath(tlog.Tile{H: 8, L: -1, N: from >> 8, W: int(width)})))
		if err != nil {
			return err
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, from+int64(i))
		}
		want, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i := range want {
			if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
				return fmt.Errorf("entry %d is cut off", from+int64(i))
			}
			n := 2 + int(binary.BigEndian.Uint16(b))
			if tlog.RecordHash(b[2:n]) != want[i] {
				return fmt.Errorf("entry %d is not what the tree says", from+int64(i))
			}
			b = b[n:]
		}
		if len(b) > 0 {
			return fmt.Errorf("%d bytes behind the entries", len(b))
		}
	}
	return nil
}

func readHead(l *diskLog) (tlog.Tree, error) {
	b, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
	if err != nil {
		return tlog.Tree{}, err
	}
	n, err := note.Open(b, note.VerifierList(l.verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != origin {
		return tlog.Tree{}, fmt.Errorf("checkpoint %q", n.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("root %q: %v", lines[2], err)
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

type onDisk struct{ dir string }

func (d onDisk) Height() int { return 8 }

func (d onDisk) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		b, err := os.ReadFile(filepath.Join(d.dir, tilePath(t)))
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

func (d onDisk) SaveTiles([]tlog.Tile, [][]byte) {}

func TestOthersReadTheLogAsWeWroteIt(t *testing.T) {
	for _, c := range []struct{ size, batch int }{{1, 1}, {256, 1}, {257, 100}, {3000, 7}} {
		l := writeLog(t, c.size, c.batch)
		for name, ask := range oracles {
			if err := ask(t.Context(), l); err != nil {
				t.Errorf("%s on %d leaves: %v", name, c.size, err)
			}
		}
	}
}

func TestOthersFindWhatWasChanged(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			b = bytes.Clone(b)
			b[(at+len(b))%len(b)] ^= 1
			return b
		}
	}
	lose := func(path string) func(*testing.T, *diskLog) {
		return func(t *testing.T, l *diskLog) {
			if err := os.Remove(filepath.Join(l.dir, path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	edit := func(path string, change func([]byte) []byte) func(*testing.T, *diskLog) {
		return func(t *testing.T, l *diskLog) { l.change(t, path, change) }
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *diskLog)
		ours   bool // EdgeAt or OpenCheckpoint find it too: it is at the right edge
	}{
		"a byte of a leaf":                {edit("tile/entries/003", flip(100)), false},
		"a byte of the last leaf":         {edit("tile/entries/011.p/184", flip(-1)), false},
		"a byte of a full tile":           {edit("tile/0/003", flip(31)), false},
		"a byte of the last tile":         {edit("tile/0/011.p/184", flip(0)), true},
		"a byte of a tile a level higher": {edit("tile/1/000.p/11", flip(5*32)), true},
		"a lost tile":                     {lose("tile/0/007"), false},
		"a lost tile a level higher":      {lose("tile/1/000.p/11"), true},
		"a lost bundle":                   {lose("tile/entries/004"), false},
		"a cut bundle":                    {edit("tile/entries/011.p/184", func(b []byte) []byte { return b[:len(b)-10] }), false},
		"an edited size":                  {edit("checkpoint", func(b []byte) []byte { return bytes.Replace(b, []byte("\n3000\n"), []byte("\n2999\n"), 1) }), true},
		"an edited root":                  {edit("checkpoint", flip(len(origin)+10)), true},
		"an edited origin":                {edit("checkpoint", flip(3)), true},
	} {
		t.Run(name, func(t *testing.T) {
			l := writeLog(t, 3000, 500)
			c.change(t, l)
			for oracle, ask := range oracles {
				if err := ask(t.Context(), l); err == nil {
					t.Errorf("%s found nothing", oracle)
				}
			}
			if err := reopen(t.Context(), l); c.ours && err == nil {
				t.Error("package ledger found nothing")
			}
		})
	}
}

// reopen is what a store does when it starts: the head, and the right edge.
func reopen(ctx context.Context, l *diskLog) error {
	b, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
	if err != nil {
		return err
	}
	cp, err := ledger.OpenCheckpoint(b, origin, note.VerifierList(l.verifier))
	if err != nil {
		return err
	}
	e, err := ledger.EdgeAt(ctx, cp.Size, func(_ context.Context, t tlog.Tile) ([]byte, error) {
		return os.ReadFile(filepath.Join(l.dir, tilePath(t)))
	})
	if err != nil {
		return err
	}
	if e.Root() != cp.Root {
		return fmt.Errorf("the edge has root %v, want %v", e.Root(), cp.Root)
	}
	return nil
}
