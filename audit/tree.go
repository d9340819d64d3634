package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

// Tree checks all that can be checked of a log without its entries: that the
// checkpoint is signed by the pinned key, and that every hash of every tile folds
// to the root that it signs.
func Tree(ctx context.Context, trust ledger.Trust, checkpoint []byte, read ledger.TileFunc) (ledger.Checkpoint, error) {
	cp, err := ledger.OpenCheckpoint(checkpoint, trust.Origin, trust.Keys)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	const width = 1 << ledger.TileHeight
	var edge ledger.Edge
	for edge.Size() < cp.Size {
		tile := tlog.Tile{H: ledger.TileHeight, N: edge.Size() / width, W: int(min(width, cp.Size-edge.Size()))}
		b, err := readTile(ctx, read, tile)
		if err != nil {
			return cp, err
		}
		hashes := make([]ledger.Hash, tile.W)
		for i := range hashes {
			hashes[i] = ledger.Hash(b[i*tlog.HashSize:])
		}
		var full []ledger.Tile
		edge, full = edge.Append(hashes)
		for _, above := range full {
			if above.Level == 0 {
				continue
			}
			if err := same(ctx, read, above.Level, above.N, above.Hashes); err != nil {
				return cp, err
			}
		}
	}
	for level := 1; cp.Size>>(level*ledger.TileHeight) > 0; level++ {
		have := cp.Size >> (level * ledger.TileHeight)
		n, w := have/width, int(have%width)
		if hashes, ok := edge.Tile(level, n, w); ok {
			if err := same(ctx, read, level, n, hashes); err != nil {
				return cp, err
			}
		}
	}
	if edge.Root() != cp.Root {
		return cp, fmt.Errorf("the tiles of %d leaves fold to %s, and the checkpoint signs %s: the log was changed", cp.Size, edge.Root(), cp.Root)
	}
	return cp, nil
}

// same checks a tile that rests on others.
func same(ctx context.Context, read ledger.TileFunc, level int, n int64, want []byte) error {
	b, err := readTile(ctx, read, tlog.Tile{H: ledger.TileHeight, L: level, N: n, W: len(want) / tlog.HashSize})
	if err == nil && !bytes.Equal(b, want) {
		err = fmt.Errorf("tile %d of level %d is not what the tiles below it hash to: the log was changed", n, level)
	}
	return err
}

func readTile(ctx context.Context, read ledger.TileFunc, t tlog.Tile) ([]byte, error) {
	b, err := read(ctx, t)
	if err == nil && len(b) != t.W*tlog.HashSize {
		err = fmt.Errorf("tile %d of level %d has %d bytes and not %d: the log was changed", t.N, t.L, len(b), t.W*tlog.HashSize)
	}
	return b, err
}
