package sqlite

import (
	"context"
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// bucketBits says how many leaves a bucket of the index of digests has, as the
// migration has it. Digests come in no order: an index of all of them would have
// another page written for almost each request, one of buckets has the same few.
const bucketBits = "9"

// ofDigest selects the requests of a blinded digest, looking through every
// bucket. The parameter and a parenthesis follow.
const ofDigest = `first IN (
	WITH RECURSIVE buckets (n) AS (
		SELECT max(first) >> ` + bucketBits + ` FROM subjects UNION ALL SELECT n - 1 FROM buckets WHERE n > 0
	) SELECT d.first FROM buckets CROSS JOIN subjects d WHERE d.first >> ` + bucketBits + ` = n AND d.digest IS NOT NULL AND d.digest =`

// asked is a Bloom filter of the digests that were ever asked for. It spares a
// new command the look through every bucket.
type asked struct {
	bits []atomic.Uint64 // a power of two of them
	full atomic.Bool     // it has what was on record before this process
	stop context.CancelFunc
	done chan struct{}
}

const (
	minAsked = 1 << 23 // bits: a mebibyte
	maxAsked = 1 << 28
)

// newAsked makes a filter with room for twice the leaves on record, and reads
// these beside whatever else is done.
func newAsked(q queryer, leaves int64) *asked {
	size := max(minAsked, min(maxAsked, 1<<bits.Len64(uint64(leaves)*16)))
	ctx, stop := context.WithCancel(context.Background())
	a := &asked{bits: make([]atomic.Uint64, size/64), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.full.Store(a.read(ctx, q, leaves) == nil)
	}()
	return a
}

func (a *asked) read(ctx context.Context, q queryer, leaves int64) error {
	const step = 1 << 14
	for from := int64(0); from < leaves; from += step {
		digests, err := column[[]byte](ctx, q, "SELECT digest FROM subjects WHERE first >= $1 AND first < $2 AND digest IS NOT NULL", from, from+step)
		if err != nil {
			return err
		}
		for _, d := range digests {
			a.add(d)
		}
	}
	return nil
}

// add takes in a blinded digest, whose bits are as good as random ones.
func (a *asked) add(digest []byte) {
	for i := 0; i < 16; i += 4 {
		word, bit := a.place(digest[i:])
		word.Or(bit)
	}
}

// never reports that the digest is surely not on record. Of nil, nothing is sure.
func (a *asked) never(digest []byte) bool {
	if a == nil || !a.full.Load() {
		return false
	}
	for i := 0; i < 16; i += 4 {
		if word, bit := a.place(digest[i:]); word.Load()&bit == 0 {
			return true
		}
	}
	return false
}

func (a *asked) place(part []byte) (word *atomic.Uint64, bit uint64) {
	n := binary.BigEndian.Uint32(part)
	return &a.bits[int(n>>6)&(len(a.bits)-1)], 1 << (n & 63)
}

func (a *asked) close() {
	a.stop()
	<-a.done
}
