package interop

import (
	"math/rand/v2"
	"testing"

	"github.com/countersignhq/countersign/ledger"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

func TestOthersAcceptOurProofs(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	l := writeLog(t, 2000, 300)
	var e ledger.Edge
	roots := map[int64]ledger.Checkpoint{}
	for i, h := range l.hashes {
		e, _ = e.Append([]ledger.Hash{h})
		roots[int64(i+1)] = ledger.Checkpoint{Size: int64(i + 1), Root: e.Root()}
	}
	for range 300 {
		size := 1 + rnd.Int64N(2000)
		index := rnd.Int64N(size)
		cp := roots[size]
		path, err := ledger.Prove(t.Context(), l.tile, cp, index)
		if err != nil {
			t.Fatal(err)
		}
		hash := l.hashes[index]
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), uint64(size), hash[:], raw(path), cp.Root[:]); err != nil {
			t.Errorf("leaf %d of %d: %v", index, size, err)
		}
		old := roots[1+rnd.Int64N(size)]
		path, err = ledger.ProveExtension(t.Context(), l.tile, old, cp)
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(old.Size), uint64(size), raw(path), old.Root[:], cp.Root[:]); err != nil {
			t.Errorf("from %d to %d: %v", old.Size, size, err)
		}
	}
}

func raw(path []ledger.Hash) [][]byte {
	var all [][]byte
	for _, h := range path {
		all = append(all, h[:])
	}
	return all
}
