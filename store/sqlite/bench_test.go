package sqlite

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"
)

// BenchmarkRecord compares, round by round in one run, the changes that are
// recorded in a second with "the limit": the same batching loop that appends the
// leaf to a file, hashes it and signs a checkpoint, with one fdatasync a batch.
// A serial loop of fdatasync tells how the disk does. Only ratios of one run
// mean anything.
func BenchmarkRecord(b *testing.B) {
	for _, c := range []struct{ writers, changes int }{{1, 400}, {8, 2000}, {64, 6000}, {128, 8000}} {
		b.Run(fmt.Sprintf("writers=%d", c.writers), func(b *testing.B) { benchmarkRecord(b, c.writers, c.changes) })
	}
}

func benchmarkRecord(b *testing.B, writers, changes int) {
	set := storetest.NewSetting(b)
	signer := &countingSigner{Signer: set.Signer}
	cfg := config(set)
	cfg.Signer, cfg.Now, cfg.Wake = signer, time.Now, nil
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "record.db"), cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l := newLimit(b, set)
	defer l.close()
	leaf := make([]byte, leafSize(b, s))

	var ratio, rate, bound, serial []float64
	signer.n.Store(0)
	recorded := 0
	for b.Loop() {
		for range 7 {
			list := make([]store.Change, changes)
			for i := range list {
				list[i] = storetest.NewLife(fmt.Sprintf("/srv/%d", i)).Requested()
			}
			ours := perSecond(writers, changes, func(i int) {
				if _, err := s.Commit(b.Context(), list[i]); err != nil {
					b.Error(err)
				}
			})
			recorded += changes
			limit := perSecond(writers, changes, func(int) { l.append(leaf) })
			rate, bound, ratio = append(rate, ours), append(bound, limit), append(ratio, ours/limit)
			serial = append(serial, perSecond(1, 200, func(int) { l.sync(leaf) }))
		}
	}
	b.ReportMetric(median(ratio), "of-limit")
	b.ReportMetric(median(rate), "changes/s")
	b.ReportMetric(median(bound), "limit/s")
	b.ReportMetric(median(serial), "fdatasyncs/s")
	b.ReportMetric(float64(recorded)/float64(signer.n.Load()), "changes/commit")
	b.ReportMetric(0, "ns/op")
}

// leafSize is the size of the leaves that the benchmark records.
func leafSize(b *testing.B, s *Store) int {
	done, err := s.Commit(b.Context(), storetest.NewLife("/srv/a").Requested())
	if err != nil {
		b.Fatal(err)
	}
	return len(done.Entries[0].Leaf)
}

func perSecond(writers, n int, do func(i int)) float64 {
	var wg sync.WaitGroup
	var next atomic.Int64
	start := time.Now()
	for range writers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(start).Seconds()
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

type countingSigner struct {
	note.Signer
	n atomic.Int64
}

func (s *countingSigner) Sign(msg []byte) ([]byte, error) {
	s.n.Add(1)
	return s.Signer.Sign(msg)
}

// A limit is the least that a log with signed checkpoints must do.
type limit struct {
	b     *testing.B
	set   *storetest.Setting
	f     *os.File
	at    int64
	queue chan limitOp
	ended chan struct{}
}

type limitOp struct {
	leaf []byte
	done chan ledger.Hash
}

func newLimit(b *testing.B, set *storetest.Setting) *limit {
	f, err := os.Create(filepath.Join(b.TempDir(), "limit"))
	if err != nil {
		b.Fatal(err)
	}
	if err := unix.Fallocate(int(f.Fd()), 0, 0, limitSize); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	l := &limit{b: b, set: set, f: f, queue: make(chan limitOp, maxBatch), ended: make(chan struct{})}
	go l.run()
	return l
}

// limitSize is where the file begins anew.
const limitSize = 256 << 20

func (l *limit) append(leaf []byte) {
	op := limitOp{leaf, make(chan ledger.Hash, 1)}
	l.queue <- op
	<-op.done
}

func (l *limit) run() {
	defer close(l.ended)
	for first := range l.queue {
		ops := []limitOp{first}
		for more := true; more && len(ops) < maxBatch; {
			select {
			case op := <-l.queue:
				ops = append(ops, op)
			default:
				more = false
			}
		}
		var block []byte
		var root ledger.Hash
		for _, op := range ops {
			block = append(block, op.leaf...)
			root = sha256.Sum256(op.leaf)
		}
		signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", l.set.Origin, l.at, root)}, l.set.Signer)
		if err != nil {
			l.b.Error(err)
		}
		l.sync(append(block, signed...))
		for _, op := range ops {
			op.done <- root
		}
	}
}

// sync appends the block and waits for the disk.
func (l *limit) sync(block []byte) {
	if l.at+int64(len(block)) > limitSize {
		l.at = 0
	}
	if _, err := l.f.WriteAt(block, l.at); err != nil {
		l.b.Error(err)
	}
	l.at += int64(len(block))
	if err := unix.Fdatasync(int(l.f.Fd())); err != nil {
		l.b.Error(err)
	}
}

func (l *limit) close() {
	close(l.queue)
	<-l.ended
	if err := l.f.Close(); err != nil {
		l.b.Error(err)
	}
}
