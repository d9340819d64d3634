package ledger

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// TileHeight is the height of all tiles (C2SP tlog-tiles).
	TileHeight = 8
	tileWidth  = 1 << TileHeight
)

// An Edge is the right edge of the tree: of each level of tiles the last one,
// and the roots of the perfect subtrees. It is all that appending and signing
// need. An Edge is never written to; Append returns the next one. The zero Edge
// is that of the empty log.
type Edge struct {
	size  int64
	peaks []Hash   // largest subtree first; one for each bit of size
	last  [][]byte // by level of tiles; 1 to 256 hashes each
}

// A Tile is a full tile: 256 hashes in 8,192 bytes. Level 0 holds leaf hashes.
type Tile struct {
	Level  int
	N      int64
	Hashes []byte
}

// TileFunc returns the hashes of a tile of height 8, full or partial: 32 bytes
// each, W of them.
type TileFunc func(ctx context.Context, t tlog.Tile) ([]byte, error)

// Size is the number of leaves.
func (e Edge) Size() int64 { return e.size }

// Root is the root hash of the tree.
func (e Edge) Root() Hash {
	if e.size == 0 {
		return sha256.Sum256(nil)
	}
	root := e.peaks[len(e.peaks)-1]
	for _, peak := range slices.Backward(e.peaks[:len(e.peaks)-1]) {
		root = tlog.NodeHash(peak, root)
	}
	return root
}

// Append returns the edge after the leaves, and the tiles that became full, each
// after those it rests on. The old edge stays valid and may be read meanwhile,
// and appended to again.
func (e Edge) Append(leaves []Hash) (Edge, []Tile) {
	next := grown{Edge: Edge{size: e.size, peaks: slices.Clone(e.peaks), last: slices.Clone(e.last)}}
	for _, h := range leaves {
		next.add(h)
	}
	return next.Edge, next.full
}

// ProveAppended returns the proof that the log after Append(leaves) holds leaves[i]
// (RFC 6962, section 2.1.1). It needs no tile, as Prove does, for what is older.
func (e Edge) ProveAppended(leaves []Hash, i int) []Hash {
	return appended{e, leaves}.path(0, e.size+int64(len(leaves)), e.size+int64(i))
}

// appended is an Edge and the leaves that come after it.
type appended struct {
	Edge
	leaves []Hash
}

// path is the proof of a new leaf in the subtree of the leaves from lo to before hi.
func (a appended) path(lo, hi, index int64) []Hash {
	if hi-lo == 1 {
		return nil
	}
	mid := middle(lo, hi)
	if index < mid {
		return append(a.path(lo, mid, index), a.root(mid, hi))
	}
	return append(a.path(mid, hi, index), a.root(lo, mid))
}

// root is that of a subtree beside a path. One that is old as a whole is a peak: it
// is perfect, and the one which it is half of has a new leaf.
func (a appended) root(lo, hi int64) Hash {
	switch {
	case hi <= a.size:
		return a.peaks[bits.OnesCount64(uint64(lo))]
	case hi-lo == 1:
		return a.leaves[lo-a.size]
	}
	mid := middle(lo, hi)
	return tlog.NodeHash(a.root(lo, mid), a.root(mid, hi))
}

// middle is where RFC 6962 parts a subtree: at the largest power of two below its size.
func middle(lo, hi int64) int64 { return lo + 1<<(bits.Len64(uint64(hi-lo-1))-1) }

// grown is an Edge while leaves are added: the tiles below owned are its own.
type grown struct {
	Edge
	owned int
	full  []Tile
}

func (g *grown) add(h Hash) {
	g.size++
	g.put(0, h)
	for level := 1; level <= bits.TrailingZeros64(uint64(g.size)); level++ {
		h = tlog.NodeHash(g.peaks[len(g.peaks)-1], h)
		g.peaks = g.peaks[:len(g.peaks)-1]
		if level%TileHeight == 0 {
			g.put(level/TileHeight, h)
		}
	}
	g.peaks = append(g.peaks, h)
}

// put adds a hash to the last tile of a level. The levels are written from the
// lowest up, so that owned is one number.
func (g *grown) put(level int, h Hash) {
	if level == len(g.last) {
		g.last = append(g.last, nil)
	}
	tile := g.last[level]
	switch {
	case len(tile) == tileWidth*tlog.HashSize:
		tile = nil
	case level >= g.owned:
		tile = slices.Clone(tile)
	}
	g.owned = max(g.owned, level+1)
	tile = append(tile, h[:]...)
	g.last[level] = tile
	if len(tile) == tileWidth*tlog.HashSize {
		g.full = append(g.full, Tile{Level: level, N: g.lastTile(level), Hashes: tile})
	}
}

// Tile returns the first width hashes of a tile, if it is the last of its level,
// partial or just full. Nobody may write to them.
func (e Edge) Tile(level int, n int64, width int) ([]byte, bool) {
	if level < 0 || level >= len(e.last) || width < 1 {
		return nil, false
	}
	tile := e.last[level]
	if n != e.lastTile(level) || width*tlog.HashSize > len(tile) {
		return nil, false
	}
	return tile[: width*tlog.HashSize : width*tlog.HashSize], true
}

// lastTile is the number of the last tile of a level.
func (e Edge) lastTile(level int) int64 {
	return (e.size>>(TileHeight*level) - 1) / tileWidth
}

// EdgeAt rebuilds the edge of a log of the size from its tiles. It re-derives
// what the tiles say twice, which is the hash of each full one; compare Root with
// the signed checkpoint for the rest.
func EdgeAt(ctx context.Context, size int64, read TileFunc) (Edge, error) {
	if size < 0 {
		return Edge{}, fmt.Errorf("edge of a log of size %d", size)
	}
	e := Edge{size: size}
	for level := 0; size>>(TileHeight*level) > 0; level++ {
		n := e.lastTile(level)
		width := int(size>>(TileHeight*level) - n*tileWidth)
		hashes, err := readTile(ctx, read, tlog.Tile{H: TileHeight, L: level, N: n, W: width})
		if err != nil {
			return Edge{}, err
		}
		if err := e.checkBelow(level, hashes); err != nil {
			return Edge{}, err
		}
		e.last = append(e.last, slices.Clone(hashes))
		e.peaks = append(peaksOf(hashes), e.peaks...)
	}
	return e, nil
}

func readTile(ctx context.Context, read TileFunc, t tlog.Tile) ([]byte, error) {
	hashes, err := read(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Path(), err)
	}
	if len(hashes) != t.W*tlog.HashSize {
		return nil, fmt.Errorf("read %s: %d bytes, want %d", t.Path(), len(hashes), t.W*tlog.HashSize)
	}
	return hashes, nil
}

// checkBelow compares the last hash of a tile with the full tile below, if that
// is what the level below ends with.
func (e Edge) checkBelow(level int, hashes []byte) error {
	if level == 0 || len(e.last[level-1]) != tileWidth*tlog.HashSize {
		return nil
	}
	got, want := subtree(e.last[level-1]), Hash(hashes[len(hashes)-tlog.HashSize:])
	if got != want {
		return fmt.Errorf("tile %d of level %d hashes to %v, and level %d says %v; the log was changed: restore it",
			e.lastTile(level-1), level-1, got, level, want)
	}
	return nil
}

// peaksOf returns the roots of the perfect subtrees of a partial tile, largest
// first; a full tile has its root a level higher.
func peaksOf(hashes []byte) []Hash {
	width := len(hashes) / tlog.HashSize
	if width == tileWidth {
		return nil
	}
	var peaks []Hash
	for bit := tileWidth / 2; bit > 0; bit /= 2 {
		if width&bit != 0 {
			peaks = append(peaks, subtree(hashes[:bit*tlog.HashSize]))
			hashes = hashes[bit*tlog.HashSize:]
		}
	}
	return peaks
}

// subtree returns the root of a perfect subtree.
func subtree(hashes []byte) Hash {
	if len(hashes) == tlog.HashSize {
		return Hash(hashes)
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}
