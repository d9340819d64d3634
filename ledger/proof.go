package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Prove returns the proof that the log of the checkpoint holds the leaf (RFC
// 6962, section 2.1.1). The tiles are checked against the checkpoint's root on
// the way: a changed one is an error and makes no wrong proof.
func Prove(ctx context.Context, read TileFunc, cp Checkpoint, index int64) ([]Hash, error) {
	if index < 0 || index >= cp.Size {
		return nil, fmt.Errorf("prove leaf %d: the checkpoint covers %d leaves", index, cp.Size)
	}
	p, err := tlog.ProveRecord(cp.Size, index, hashes(ctx, read, cp))
	if err != nil {
		return nil, fmt.Errorf("prove leaf %d of %d: %w", index, cp.Size, err)
	}
	return p, nil
}

// CheckProof returns an error unless the log of the checkpoint holds the leaf at
// the index.
func CheckProof(cp Checkpoint, index int64, leaf Hash, p []Hash) error {
	if err := tlog.CheckRecord(p, cp.Size, cp.Root, index, leaf); err != nil {
		return fmt.Errorf("leaf %d is not in the log of size %d: %w", index, cp.Size, err)
	}
	return nil
}

// ProveExtension returns the proof that the log of the new checkpoint begins with
// that of the old one (RFC 6962, section 2.1.2).
func ProveExtension(ctx context.Context, read TileFunc, old, newer Checkpoint) ([]Hash, error) {
	if err := sameLog(old, newer); err != nil || old.Size == 0 {
		return nil, err
	}
	p, err := tlog.ProveTree(newer.Size, old.Size, hashes(ctx, read, newer))
	if err != nil {
		return nil, fmt.Errorf("prove that size %d extends %d: %w", newer.Size, old.Size, err)
	}
	return p, nil
}

// CheckExtension returns an error unless the log of the new checkpoint begins
// with that of the old one: of two checkpoints that fail, one is of a fork.
func CheckExtension(old, newer Checkpoint, p []Hash) error {
	if err := sameLog(old, newer); err != nil {
		return err
	}
	if old.Size == 0 {
		if len(p) != 0 || old.Root != (Edge{}).Root() {
			return fmt.Errorf("the log of size 0 needs no proof and has one root")
		}
		return nil
	}
	if err := tlog.CheckTree(p, newer.Size, newer.Root, old.Size, old.Root); err != nil {
		return fmt.Errorf("the log of size %d does not extend that of size %d: %w", newer.Size, old.Size, err)
	}
	return nil
}

func sameLog(old, newer Checkpoint) error {
	if old.Origin != newer.Origin {
		return fmt.Errorf("checkpoints of two logs, %q and %q", old.Origin, newer.Origin)
	}
	if old.Size < 0 || old.Size > newer.Size {
		return fmt.Errorf("the log of size %d cannot extend that of size %d", newer.Size, old.Size)
	}
	return nil
}

func hashes(ctx context.Context, read TileFunc, cp Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: cp.Size, Hash: cp.Root}, tiles{ctx, read})
}

// tiles is a TileFunc as package tlog wants it.
type tiles struct {
	ctx  context.Context
	read TileFunc
}

func (t tiles) Height() int { return TileHeight }

func (t tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(list))
	for i, tile := range list {
		b, err := readTile(t.ctx, t.read, tile)
		if err != nil {
			return nil, err
		}
		data[i] = b
	}
	return data, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
