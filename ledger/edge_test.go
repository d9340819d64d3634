package ledger_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// A grove keeps a log in memory: its hashes as package tlog stores them, and the
// full tiles as stores keep them.
type grove struct {
	edge   ledger.Edge
	full   map[tileAt][]byte
	stored []ledger.Hash
}

type tileAt struct {
	level int
	n     int64
}

func (g *grove) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	out := make([]ledger.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = g.stored[x]
	}
	return out, nil
}

func leafHash(i int64) ledger.Hash {
	return ledger.LeafHash(binary.BigEndian.AppendUint64(nil, uint64(i)))
}

// grow adds leaves that say nothing.
func (g *grove) grow(t testing.TB, n int) {
	t.Helper()
	var batch []ledger.Hash
	for i := range int64(n) {
		batch = append(batch, leafHash(g.edge.Size()+i))
	}
	g.hash(t, batch...)
}

func (g *grove) hash(t testing.TB, batch ...ledger.Hash) {
	t.Helper()
	if g.full == nil {
		g.full = map[tileAt][]byte{}
	}
	for i, h := range batch {
		stored, err := tlog.StoredHashesForRecordHash(g.edge.Size()+int64(i), h, g)
		if err != nil {
			t.Fatal(err)
		}
		g.stored = append(g.stored, stored...)
	}
	next, full := g.edge.Append(batch)
	for _, f := range full {
		g.full[tileAt{f.Level, f.N}] = f.Hashes
	}
	g.edge = next
}

func (g *grove) tile(_ context.Context, t tlog.Tile) ([]byte, error) {
	if b, ok := g.edge.Tile(t.L, t.N, t.W); ok {
		return b, nil
	}
	b, ok := g.full[tileAt{t.L, t.N}]
	if !ok {
		return nil, fmt.Errorf("no %s", t.Path())
	}
	return b[:t.W*tlog.HashSize], nil
}

func (g *grove) checkpoint() ledger.Checkpoint {
	return ledger.Checkpoint{Origin: "log.example/1", Size: g.edge.Size(), Root: g.edge.Root()}
}

func seeded(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestTheEdgeAgreesWithPackageTlogAtEverySize(t *testing.T) {
	rnd := seeded(t)
	var g grove
	for g.edge.Size() < 70_000 {
		want, err := tlog.TreeHash(g.edge.Size(), &g)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.edge.Root(); got != want {
			t.Fatalf("root at size %d: got %v, want %v", g.edge.Size(), got, want)
		}
		batch := 1
		if g.edge.Size() > 600 {
			batch = 1 + rnd.IntN(1500)
		}
		g.grow(t, batch)
	}
	tiles := 0
	for _, tile := range tlog.NewTiles(ledger.TileHeight, 0, g.edge.Size()) {
		want, err := tlog.ReadTileData(tile, &g)
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.tile(t.Context(), tile)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: got %x, %v, want %x", tile.Path(), got, err, want)
		}
		tiles++
	}
	if full := len(g.full); full+3 < tiles || full == 0 {
		t.Errorf("%d full tiles were returned, of %d", full, tiles)
	}
}

func TestAnEdgeStaysAsItWasWhenItIsAppendedTo(t *testing.T) {
	rnd := seeded(t)
	var g grove
	g.grow(t, 256*3+rnd.IntN(300))
	old, _ := g.edge.Append([]ledger.Hash{leafHash(0)}) // its last tile has room to grow into
	root, tile := old.Root(), lastTile(t, old)

	a, _ := old.Append([]ledger.Hash{leafHash(1), leafHash(2)})
	aRoot, aTile := a.Root(), lastTile(t, a)
	b, _ := old.Append([]ledger.Hash{leafHash(3), leafHash(4)})
	if a.Root() != aRoot || lastTile(t, a) != aTile {
		t.Error("one future of an edge changed when another began")
	}
	again, _ := old.Append([]ledger.Hash{leafHash(1), leafHash(2)})
	if again.Root() != aRoot || lastTile(t, again) != aTile || b.Root() == aRoot {
		t.Errorf("the futures of one edge are mixed up: %v, %v, %v", a.Root(), b.Root(), again.Root())
	}
	if old.Root() != root || old.Size() != g.edge.Size()+1 || lastTile(t, old) != tile {
		t.Error("the old edge changed")
	}
}

// lastTile is a copy of the last tile of leaf hashes.
func lastTile(t testing.TB, e ledger.Edge) string {
	t.Helper()
	b, ok := e.Tile(0, (e.Size()-1)/256, int((e.Size()-1)%256)+1)
	if !ok {
		t.Fatalf("an edge of size %d has no last tile", e.Size())
	}
	return string(b)
}

func TestAnEdgeIsRebuiltFromItsTiles(t *testing.T) {
	rnd := seeded(t)
	sizes := []int{0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_536 + 256}
	for range 8 {
		sizes = append(sizes, rnd.IntN(70_000))
	}
	slices.Sort(sizes)
	var g grove
	for _, size := range sizes {
		g.grow(t, size-int(g.edge.Size()))
		e, err := ledger.EdgeAt(t.Context(), int64(size), g.tile)
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		if e.Root() != g.edge.Root() {
			t.Fatalf("size %d: root %v, want %v", size, e.Root(), g.edge.Root())
		}
		more := []ledger.Hash{leafHash(7), leafHash(8)}
		got, _ := e.Append(more)
		want, _ := g.edge.Append(more)
		if got.Root() != want.Root() {
			t.Fatalf("size %d, and two more: root %v, want %v", size, got.Root(), want.Root())
		}
	}
}

func TestAChangedTileMakesNoEdge(t *testing.T) {
	var g grove
	g.grow(t, 512)
	for level := range 2 {
		_, err := ledger.EdgeAt(t.Context(), 512, func(ctx context.Context, tile tlog.Tile) ([]byte, error) {
			b, err := g.tile(ctx, tile)
			if tile.L == level {
				b = slices.Clone(b)
				b[len(b)-1] ^= 1
			}
			return b, err
		})
		if err == nil {
			t.Errorf("a changed tile of level %d was taken", level)
		}
	}
	for name, read := range map[string]ledger.TileFunc{
		"short": func(context.Context, tlog.Tile) ([]byte, error) { return make([]byte, 31), nil },
		"lost":  func(context.Context, tlog.Tile) ([]byte, error) { return nil, context.Canceled },
	} {
		if _, err := ledger.EdgeAt(t.Context(), 512, read); err == nil {
			t.Errorf("a tile that is %s was taken", name)
		}
	}
	if _, err := ledger.EdgeAt(t.Context(), -1, g.tile); err == nil {
		t.Error("a negative size was taken")
	}
}

func TestTheEdgeGivesOnlyItsOwnTiles(t *testing.T) {
	var g grove
	g.grow(t, 300)
	for _, c := range []struct {
		level int
		n     int64
		width int
		ok    bool
	}{{0, 1, 44, true}, {0, 1, 1, true}, {0, 1, 45, false}, {0, 0, 256, false}, {0, 2, 1, false}, {0, 1, 0, false},
		{1, 0, 1, true}, {1, 0, 2, false}, {2, 0, 1, false}, {-1, 0, 1, false}} {
		b, ok := g.edge.Tile(c.level, c.n, c.width)
		if ok != c.ok || (ok && len(b) != 32*c.width) {
			t.Errorf("tile %d of level %d, width %d: got %d bytes, %v, want %v", c.n, c.level, c.width, len(b), ok, c.ok)
		}
	}
}

func BenchmarkAppendOneLeaf(b *testing.B) {
	var e ledger.Edge
	h := []ledger.Hash{leafHash(1)}
	for b.Loop() {
		e, _ = e.Append(h)
	}
}

func BenchmarkAppend512Leaves(b *testing.B) {
	var e ledger.Edge
	h := make([]ledger.Hash, 512)
	for b.Loop() {
		e, _ = e.Append(h)
	}
}

func BenchmarkProve(b *testing.B) {
	var g grove
	g.grow(b, 70_000)
	cp := g.checkpoint()
	for b.Loop() {
		if _, err := ledger.Prove(b.Context(), g.tile, cp, 31_337); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheProofOfANewLeafNeedsNoTile(t *testing.T) {
	var g grove
	for range 120 {
		was := g.edge
		batch := make([]ledger.Hash, 1+rand.IntN(40))
		for i := range batch {
			batch[i] = leafHash(was.Size() + int64(i))
		}
		g.hash(t, batch...)
		for i, h := range batch {
			if err := ledger.CheckProof(g.checkpoint(), was.Size()+int64(i), h, was.ProveAppended(batch, i)); err != nil {
				t.Fatalf("leaf %d of %d that came after %d: %v", i, len(batch), was.Size(), err)
			}
		}
	}
}
