package receipt

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/countersignhq/countersign/ledger"
	"golang.org/x/mod/sumdb/tlog"
)

func TestFoldAgreesWithPackageTlog(t *testing.T) {
	var stored []ledger.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]ledger.Hash, error) {
		var hashes []ledger.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	leaf := func(i int64) ledger.Hash { return ledger.LeafHash(binary.BigEndian.AppendUint64(nil, uint64(i))) }
	large := []int64{255, 256, 257, 700, 66_000}
	for size := int64(1); size <= large[len(large)-1]; size++ {
		hashes, err := tlog.StoredHashesForRecordHash(size-1, leaf(size-1), read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		if size > 70 && !slices.Contains(large, size) {
			continue
		}
		root, err := tlog.TreeHash(size, read)
		if err != nil {
			t.Fatal(err)
		}
		for index := int64(0); index < size; index += max(1, size/70) {
			p, err := tlog.ProveRecord(size, index, read)
			if err != nil {
				t.Fatal(err)
			}
			if got := fold(size, index, leaf(index), p); got != root {
				t.Fatalf("leaf %d of %d: got %v, want %v", index, size, got, root)
			}
		}
	}
}
