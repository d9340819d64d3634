package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
)

// maxBatch is how many operations share one transaction at most.
const maxBatch = 256

// A writer has the one connection that writes. There is no goroutine of its own:
// of those who want something written one leads, and writes for all who wait.
type writer struct {
	s  *Store
	db *sql.DB
	statements
	// commit ends the transaction. Tests replace it.
	commit func(context.Context) error
	// tip is as of the last commit, which the disk may not have yet.
	tip batch.Tip
	// dead is why nothing can be committed any more: nobody knows what is in
	// the database, so nothing may be signed on top of it.
	dead error

	journal *journal

	// Of the rest, what stands above belongs to the leader, what follows to who
	// holds mu.
	mu     sync.Mutex
	queue  []*op
	led    bool // somebody leads
	open   int  // groups that are not yet answered
	closed bool
	idle   *sync.Cond // nobody leads, and all are answered
}

// An op is one thing to write: a change of the record, or something beside it.
type op struct {
	change *change
	// beside writes what is off the record. Its error is one of the database and
	// fails the whole transaction, which SQLite may already have rolled back.
	beside func(context.Context, *writer) error

	committed store.Committed
	err       error
	turn      chan turn // to who waits
}

// A turn says what has become of an op that waited.
type turn int

const (
	written turn = iota // it is done, one way or the other
	leading             // it is the first of those that wait, and leads them
)

func newWriter(ctx context.Context, s *Store, own *sql.DB) (*writer, error) {
	conn, err := own.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tip := *s.tip.Load()
	j, err := openJournal(s.path, tip, s.publish)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w := &writer{
		s: s, db: own, statements: newStatements(conn), tip: tip, journal: j,
	}
	s.read.settle = j.settle
	w.idle = sync.NewCond(&w.mu)
	w.commit = func(ctx context.Context) error { return w.exec(ctx, "COMMIT") }
	return w, nil
}

// do has the operation written. Who comes while somebody leads waits for the
// next transaction, and ctx no longer matters.
func (w *writer) do(ctx context.Context, o *op) (store.Committed, error) {
	if err := ctx.Err(); err != nil {
		return store.Committed{}, err
	}
	if w == nil {
		return store.Committed{}, ErrReadOnly
	}
	o.turn = make(chan turn, 1)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return store.Committed{}, ErrClosed
	}
	w.queue = append(w.queue, o)
	first := !w.led
	w.led = true
	w.mu.Unlock()
	if first {
		runtime.Gosched() // who is about to come shares this transaction
	}
	if first || <-o.turn == leading {
		w.lead()
	}
	return o.committed, o.err
}

// lead writes for the first in the queue, who leads, and those behind, hands
// over to whoever has come meanwhile, and answers once the disk has it.
func (w *writer) lead() {
	w.mu.Lock()
	n := min(len(w.queue), maxBatch)
	g := &group{ops: w.queue[:n:n], began: time.Now()}
	w.queue = w.queue[n:]
	w.open++
	w.mu.Unlock()

	err := w.write(g)

	w.mu.Lock()
	if len(w.queue) > 0 {
		w.queue[0].turn <- leading
	} else {
		w.queue, w.led = nil, false
	}
	w.mu.Unlock()

	w.answer(g, err)

	w.mu.Lock()
	w.open--
	w.idle.Broadcast()
	w.mu.Unlock()
}

// stop lets nothing more in and waits until all is answered that is.
func (w *writer) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for w.led || w.open > 0 {
		w.idle.Wait()
	}
}

func (w *writer) close() error {
	return errors.Join(w.statements.close(), w.db.Close(), w.journal.close())
}

// write puts the group into one transaction, and appends that to the journal.
func (w *writer) write(g *group) error {
	if err := cmp.Or(w.dead, w.journal.failure()); err != nil {
		return err
	}
	return w.transact(context.Background(), g)
}

// answer waits for the disk and answers each of the group. It begins when the next
// group is being written.
func (w *writer) answer(g *group, err error) {
	if err == nil {
		began := time.Now()
		if err = w.journal.wait(g.commit); err != nil {
			err = fmt.Errorf("%w: %w", store.ErrUnknown, err)
		}
		g.sync = time.Since(began)
	}
	w.measure(g, err)
	for _, o := range g.ops {
		switch {
		case err != nil: // also of who was refused: what that rests on may not be on record
			o.committed, o.err = store.Committed{}, err
		case o.err == nil && o.change != nil:
			g.batch.Finish(&o.committed, o.change.draft, g.tip.Checkpoint)
		}
		o.turn <- written
	}
	if err == nil && len(g.taken) > 0 {
		w.s.cfg.Wake(g.batch.Touched())
	}
}

// measure tells what a transaction took that was to record something.
func (w *writer) measure(g *group, err error) {
	cost := store.Cost{Changes: len(g.taken), Took: time.Since(g.began), Sync: g.sync, Err: err}
	if err == nil && cost.Changes == 0 || !slices.ContainsFunc(g.ops, func(o *op) bool { return o.change != nil }) {
		return
	}
	if g.batch != nil {
		cost.Leaves = len(g.batch.Records)
	}
	w.s.cfg.Measure(cost)
}

// A group is what shares one transaction.
type group struct {
	ops   []*op
	batch *batch.Batch
	taken map[*batch.Draft]*change // those that go on record
	tiles []ledger.Tile
	tip   batch.Tip // afterwards

	commit uint64 // which of the journal's
	began  time.Time
	sync   time.Duration
	// careful is set for a second try, after a unique index refused the first.
	careful bool
}

// transact commits the group. An error is that of all which were not refused by
// themselves.
func (w *writer) transact(ctx context.Context, g *group) error {
	if err := w.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", explain(err))
	}
	if err := w.fill(ctx, g); err != nil {
		w.rollback(ctx)
		if notUnique(err) && !g.careful {
			g.careful = true
			return w.transact(ctx, g)
		}
		return explain(err)
	}
	var err error
	if g.commit, err = w.journal.append(g.tip, func() error { return w.commit(ctx) }); err != nil {
		if err := w.find(ctx, g.tip, explain(err)); err != nil {
			return err
		}
		g.commit, _ = w.journal.append(g.tip, func() error { return nil }) // it is in the log
	}
	if len(g.taken) > 0 {
		w.remember(g)
	}
	return nil
}

// fill writes everything of the transaction. What a change alone is to blame for
// becomes its own answer; an error here is everybody's.
func (w *writer) fill(ctx context.Context, g *group) error {
	was := w.tip
	g.tip = was
	var err error
	if g.batch, err = w.decide(ctx, g, was); err != nil || len(g.taken) == 0 {
		return err
	}
	var next batch.Tip
	next, g.tiles = g.batch.Grow()
	if g.tip, err = next.Signed(w.s.cfg.Origin, w.s.cfg.Signer); err != nil {
		return err
	}
	return w.insert(ctx, g)
}

// decide takes the changes in or refuses them, in the order in which their
// leaves were drafted so that most of these stand, and writes what is beside.
func (w *writer) decide(ctx context.Context, g *group, was batch.Tip) (*batch.Batch, error) {
	var changes []*op
	for _, o := range g.ops {
		if o.change != nil {
			changes = append(changes, o)
		} else if err := o.beside(ctx, w); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(changes, func(a, b *op) int { return a.change.draft.At().Compare(b.change.draft.At()) })
	before, err := w.look(ctx, g, changes)
	if err != nil {
		return nil, err
	}
	b, err := batch.Begin(was, before, w.s.cfg.Now(), func() (int64, error) { return freeBytes(w.s.path) })
	if err != nil {
		w.dead = err
		return nil, err
	}
	g.taken = map[*batch.Draft]*change{}
	for _, o := range changes {
		o.committed, o.err = b.Add(o.change.draft)
		if o.err == nil {
			g.taken[o.change.draft] = o.change
		}
	}
	return b, nil
}

// find is told that the commit failed, which does not say that nothing was
// committed, and looks. It returns nil if the new head is in after all. If
// nobody can tell, the writer is dead: to sign the same size again with other
// leaves would fork the log.
func (w *writer) find(ctx context.Context, tip batch.Tip, cause error) error {
	w.rollback(ctx)
	note, err := headNote(ctx, w.s.read)
	if err != nil {
		w.dead = fmt.Errorf("the record could not be read after a commit that failed (%w); restart: %w", cause, err)
		return fmt.Errorf("%w: %w", store.ErrUnknown, w.dead)
	}
	was := w.tip.Checkpoint
	switch {
	case note == nil && was.Size == 0, note != nil && bytes.Equal(note, was.Note):
		return fmt.Errorf("commit: %w", cause)
	case bytes.Equal(note, tip.Checkpoint.Note):
		return nil
	}
	w.dead = fmt.Errorf("after a commit that failed (%w) the signed head is one that this process did not write; stop and check the record", cause)
	return fmt.Errorf("%w: %w", store.ErrUnknown, w.dead)
}

// rollback fails if SQLite has rolled back by itself, or if the commit went
// through after all. A transaction that stays open shows at the next BEGIN.
func (w *writer) rollback(ctx context.Context) { _ = w.exec(ctx, "ROLLBACK") }

// remember keeps what the next group stands on.
func (w *writer) remember(g *group) {
	var held []*ringKey
	for _, c := range g.taken {
		held = append(held, c.held...)
		if c.fresh != nil {
			w.s.asked.add(c.digest)
		}
	}
	w.s.keys.stored(held)
	w.s.heads.put(g.batch)
	w.tip = g.tip
}
