package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
)

// maxBatch is how many operations share one transaction at most.
const maxBatch = 256

// A writer owns the one connection that writes. Its fields belong to the
// goroutine of run, apart from the channels.
type writer struct {
	s       *Store
	db      *sql.DB
	conn    *sql.Conn // the only one of db
	queue   chan *op
	quit    chan struct{}
	stopped chan struct{}

	stmts map[string]*sql.Stmt
	texts map[manyRows]string
	// commit ends the transaction. Tests replace it.
	commit func(context.Context) error
	// dead is why nothing can be committed any more: nobody knows what is in
	// the database, so nothing may be signed on top of it.
	dead error
}

// An op is one thing to write: a change of the record, or something beside it.
type op struct {
	change *change
	// beside writes what is off the record. Its error is one of the database and
	// fails the whole transaction, which SQLite may already have rolled back.
	beside  func(context.Context, *writer) error
	done    chan answer
	outcome answer
}

type answer struct {
	committed store.Committed
	err       error
}

func newWriter(ctx context.Context, s *Store, own *sql.DB) (*writer, error) {
	conn, err := own.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		s: s, db: own, conn: conn, queue: make(chan *op, maxBatch), quit: make(chan struct{}), stopped: make(chan struct{}),
		stmts: map[string]*sql.Stmt{}, texts: map[manyRows]string{},
	}
	w.commit = func(ctx context.Context) error { return w.exec(ctx, "COMMIT") }
	return w, nil
}

// do queues the operation and waits for its answer. Once it is queued, ctx no
// longer matters.
func (w *writer) do(ctx context.Context, o *op) (store.Committed, error) {
	o.done = make(chan answer, 1)
	select {
	case <-w.quit:
		return store.Committed{}, ErrClosed
	default:
	}
	select {
	case w.queue <- o:
	case <-w.quit:
		return store.Committed{}, ErrClosed
	case <-ctx.Done():
		return store.Committed{}, ctx.Err()
	}
	select {
	case a := <-o.done:
		return a.committed, a.err
	case <-w.stopped:
	}
	select {
	case a := <-o.done:
		return a.committed, a.err
	default:
		return store.Committed{}, ErrClosed
	}
}

// run writes until close. It ends with what is still queued.
func (w *writer) run() {
	defer close(w.stopped)
	for {
		select {
		case o := <-w.queue:
			w.write(w.drain(o))
		case <-w.quit:
			for len(w.queue) > 0 {
				w.write(w.drain(<-w.queue))
			}
			return
		}
	}
}

// stop waits until the queue is empty, and lets nothing more in.
func (w *writer) stop() {
	close(w.quit)
	<-w.stopped
}

func (w *writer) close() error {
	for _, st := range w.stmts {
		st.Close() // or the connection stays open
	}
	return errors.Join(w.conn.Close(), w.db.Close())
}

// drain takes whatever waits besides the first.
func (w *writer) drain(first *op) []*op {
	ops := []*op{first}
	for len(ops) < maxBatch {
		select {
		case o := <-w.queue:
			ops = append(ops, o)
		default:
			return ops
		}
	}
	return ops
}

// write puts the operations into one transaction and answers each.
func (w *writer) write(ops []*op) {
	ctx := context.Background()
	g := group{ops: ops}
	err := w.dead
	if err == nil {
		err = w.transact(ctx, &g)
	}
	for _, o := range ops {
		switch {
		case o.outcome.err != nil:
		case err != nil:
			o.outcome = answer{err: err}
		default:
			o.outcome.committed.Checkpoint = g.tip.Checkpoint
		}
		o.done <- o.outcome
	}
	if err == nil && len(g.taken) > 0 {
		w.s.cfg.Wake(g.batch.Touched())
	}
}

// A group is what shares one transaction.
type group struct {
	ops   []*op
	batch *batch.Batch
	taken map[*batch.Draft]*change // those that go on record
	tiles []ledger.Tile
	tip   batch.Tip // afterwards
	// careful is set for a second try, after a unique index refused the first.
	careful bool
}

// transact commits the group and publishes the new tip. An error is that of all
// which were not refused by themselves.
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
	if err := w.commit(ctx); err != nil {
		if err := w.find(ctx, g.tip, explain(err)); err != nil {
			return err
		}
	}
	if len(g.taken) > 0 {
		w.publish(g)
	}
	return nil
}

// fill writes everything of the transaction. What a change alone is to blame for
// becomes its own answer; an error here is everybody's.
func (w *writer) fill(ctx context.Context, g *group) error {
	was := *w.s.tip.Load()
	g.tip = was
	var err error
	if g.batch, err = w.decide(ctx, g, was); err != nil || len(g.taken) == 0 {
		return err
	}
	var next batch.Tip
	next, g.tiles = g.batch.Grow()
	signed := w.sign(next)
	err = w.insert(ctx, g)
	s := <-signed
	if err = errors.Join(err, s.err); err != nil {
		return err
	}
	g.tip = s.tip
	return w.insertLeaves(ctx, g)
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
		o.outcome.committed, o.outcome.err = b.Add(o.change.draft)
		if o.outcome.err == nil {
			g.taken[o.change.draft] = o.change
		}
	}
	return b, nil
}

type signing struct {
	tip batch.Tip
	err error
}

// sign signs beside the inserts, which take about as long.
func (w *writer) sign(next batch.Tip) <-chan signing {
	done := make(chan signing, 1)
	go func() {
		tip, err := next.Signed(w.s.cfg.Origin, w.s.cfg.Signer)
		done <- signing{tip, err}
	}()
	return done
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
	was := w.s.tip.Load().Checkpoint
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

// publish makes what is durable visible.
func (w *writer) publish(g *group) {
	var held []*ringKey
	var fresh []*store.SubjectKey
	for _, c := range g.taken {
		held = append(held, c.held...)
		if c.fresh != nil {
			fresh = append(fresh, c.fresh)
		}
	}
	w.s.keys.stored(held, fresh)
	w.s.heads.put(g.batch.Heads)
	w.s.tip.Store(&g.tip)
	w.s.pin.see(g.tip.Checkpoint)
}

// exec runs a statement, prepared once.
func (w *writer) exec(ctx context.Context, query string, args ...any) error {
	_, err := w.result(ctx, query, args...)
	return err
}

func (w *writer) result(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := w.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

func (w *writer) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := w.stmts[query]; st != nil {
		return st, nil
	}
	st, err := w.conn.PrepareContext(ctx, query)
	if err == nil {
		w.stmts[query] = st
	}
	return st, err
}
