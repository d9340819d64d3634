package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/mod/sumdb/tlog"
)

func proofs(t *testing.T, set *Setting, s store.Store) {
	var heads []ledger.Checkpoint
	for _, grow := range []int{1, 1, 2, 251, 1, 1, 254, 1, 257, 300} {
		heads = append(heads, commit(t, s, longLife(grow)).Checkpoint)
	}
	checkLog(t, set, s, heads)
}

// TestBigLog is as the last of TestLog, over the size at which the tree gets a
// third level of tiles. It takes seconds.
func TestBigLog(t *testing.T, open Open) {
	set := NewSetting(t)
	s := open(t, set)
	for range 65 {
		commit(t, s, longLife(1008))
	}
	var heads []ledger.Checkpoint
	for _, grow := range []int{14, 1, 1, 1, 255, 256, 300} {
		heads = append(heads, commit(t, s, longLife(grow)).Checkpoint)
	}
	if at := heads[2].Size; at != 1<<16 {
		t.Fatalf("the third head is of %d leaves, want %d", at, 1<<16)
	}
	checkLog(t, set, s, heads)
}

// longLife is a change of n leaves.
func longLife(n int) store.Change {
	l := NewLife("/srv/a")
	c := l.Requested()
	for len(c.Events) < n {
		c.Events = append(c.Events, l.Joined().Events...)
	}
	return c
}

// checkLog compares leaves, tiles, proofs and checkpoints with each other and
// with a tree made by golang.org/x/mod/sumdb/tlog alone.
func checkLog(t *testing.T, set *Setting, s store.Store, heads []ledger.Checkpoint) {
	t.Helper()
	last := heads[len(heads)-1]
	leaves, err := s.Leaves(t.Context(), 0, last.Size)
	if err != nil {
		t.Fatal(err)
	}
	var stored []ledger.Hash
	for i, l := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), l, reader(stored))
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	for i, head := range heads {
		cp, err := ledger.OpenCheckpoint(head.Note, set.Origin, set.Keys)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := tlog.TreeHash(cp.Size, reader(stored)); err != nil || cp.Root != want {
			t.Errorf("root at size %d: got %v, want %v, %v", cp.Size, cp.Root, want, err)
		}
		for _, index := range []int64{0, cp.Size / 2, cp.Size - 1} {
			inLog(t, s, cp, index, leaves[index])
		}
		for _, old := range heads[:i] {
			p, err := ledger.ProveExtension(t.Context(), s.Tile, old, cp)
			if err == nil {
				err = ledger.CheckExtension(old, cp, p)
			}
			if err != nil {
				t.Errorf("from size %d to %d: %v", old.Size, cp.Size, err)
			}
		}
		for _, tile := range tlog.NewTiles(ledger.TileHeight, 0, cp.Size) {
			want, err := tlog.ReadTileData(tile, reader(stored))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Tile(t.Context(), tile); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s at size %d is not what the leaves hash to: %v", tile.Path(), cp.Size, err)
			}
		}
	}
}

func reader(stored []ledger.Hash) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var list []tlog.Hash
		for _, i := range indexes {
			list = append(list, stored[i])
		}
		return list, nil
	})
}

func releases(t *testing.T, _ *Setting, s store.Store) {
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			releases := i%4 > 0
			c := NewLife(fmt.Sprintf("/srv/%d", i)).Requested()
			if releases {
				c = NewLife(fmt.Sprintf("/srv/%d", i)).Released()
			}
			done, err := s.Commit(t.Context(), c)
			if err == nil && releases {
				released := done.Entries[len(done.Entries)-1]
				err = ledger.CheckProof(done.Checkpoint, released.Index, ledger.LeafHash(released.Leaf), done.Proof)
			} else if err == nil && done.Proof != nil {
				err = fmt.Errorf("what releases nothing came with the proof %v", done.Proof)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// inLog checks the proof that the log of the checkpoint holds the leaf.
func inLog(t *testing.T, s store.Store, cp ledger.Checkpoint, index int64, leaf []byte) {
	t.Helper()
	proof, err := ledger.Prove(t.Context(), s.Tile, cp, index)
	if err == nil {
		err = tlog.CheckRecord(proof, cp.Size, cp.Root, index, ledger.LeafHash(leaf))
	}
	if err != nil {
		t.Fatalf("leaf %d at size %d: %v", index, cp.Size, err)
	}
}
