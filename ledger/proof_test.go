package ledger_test

import (
	"context"
	"slices"
	"testing"

	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

func TestEveryLeafIsProvenAtItsPlaceOnly(t *testing.T) {
	rnd := seeded(t)
	var g grove
	for _, size := range []int{1, 2, 3, 255, 256, 257, 700, 66_000} {
		g.grow(t, size-int(g.edge.Size()))
		cp := g.checkpoint()
		for _, index := range []int64{0, int64(size) - 1, rnd.Int64N(int64(size)), rnd.Int64N(int64(size))} {
			p, err := ledger.Prove(t.Context(), g.tile, cp, index)
			if err != nil {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
			if err := ledger.CheckProof(cp, index, leafHash(index), p); err != nil {
				t.Errorf("leaf %d of %d: %v", index, size, err)
			}
			if ledger.CheckProof(cp, index, leafHash(index+1), p) == nil || ledger.CheckProof(cp, index+1, leafHash(index), p) == nil ||
				ledger.CheckProof(cp, index, leafHash(index), append(p, ledger.Hash{})) == nil {
				t.Errorf("leaf %d of %d: the proof proves something else too", index, size)
			}
		}
		for _, index := range []int64{-1, int64(size)} {
			if _, err := ledger.Prove(t.Context(), g.tile, cp, index); err == nil {
				t.Errorf("leaf %d of %d was proven", index, size)
			}
		}
	}
}

func TestAChangedTileProvesNothing(t *testing.T) {
	var g grove
	g.grow(t, 66_000)
	cp := g.checkpoint()
	for level := range 3 {
		changed := func(ctx context.Context, tile tlog.Tile) ([]byte, error) {
			b, err := g.tile(ctx, tile)
			if tile.L == level {
				b = slices.Clone(b)
				b[7] ^= 1
			}
			return b, err
		}
		if p, err := ledger.Prove(t.Context(), changed, cp, 3); err == nil {
			t.Errorf("level %d changed: got %v, want an error", level, p)
		}
	}
	if _, err := ledger.Prove(t.Context(), g.tile, ledger.Checkpoint{Size: cp.Size, Root: ledger.Hash{1}}, 3); err == nil {
		t.Error("a leaf was proven against another root")
	}
}

func TestALongerLogExtendsTheShorterOne(t *testing.T) {
	rnd := seeded(t)
	var g grove
	heads := []ledger.Checkpoint{g.checkpoint()}
	for range 12 {
		g.grow(t, 1+rnd.IntN(400))
		heads = append(heads, g.checkpoint())
	}
	for i, old := range heads {
		for j, newer := range heads {
			p, err := ledger.ProveExtension(t.Context(), g.tile, old, newer)
			if j < i {
				if err == nil || ledger.CheckExtension(old, newer, p) == nil {
					t.Errorf("size %d was taken to extend %d", newer.Size, old.Size)
				}
				continue
			}
			if err != nil {
				t.Fatalf("from %d to %d: %v", old.Size, newer.Size, err)
			}
			if err := ledger.CheckExtension(old, newer, p); err != nil {
				t.Errorf("from %d to %d: %v", old.Size, newer.Size, err)
			}
		}
	}
}

func TestAForkExtendsNothing(t *testing.T) {
	var g, fork grove
	g.grow(t, 300)
	old := g.checkpoint()
	fork.grow(t, 299)
	fork.hash(t, leafHash(1))
	fork.grow(t, 100)
	p, err := ledger.ProveExtension(t.Context(), fork.tile, old, fork.checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	if ledger.CheckExtension(old, fork.checkpoint(), p) == nil {
		t.Error("a fork was taken to extend the log it left")
	}
	g.grow(t, 100)
	another := g.checkpoint()
	if p, err = ledger.ProveExtension(t.Context(), g.tile, old, another); err != nil || ledger.CheckExtension(old, another, p) != nil {
		t.Fatalf("the log itself: %v", err)
	}
	another.Origin = "log.example/2"
	if ledger.CheckExtension(old, another, p) == nil {
		t.Error("a log of another origin was taken to extend this one")
	}
	empty := (&grove{}).checkpoint()
	if err := ledger.CheckExtension(empty, old, nil); err != nil {
		t.Errorf("the empty log: %v", err)
	}
	if ledger.CheckExtension(empty, old, []ledger.Hash{{}}) == nil {
		t.Error("the empty log was extended with a proof that says nothing")
	}
	empty.Root = ledger.Hash{1}
	if ledger.CheckExtension(empty, old, nil) == nil {
		t.Error("an empty log with a root of its own was extended")
	}
}
