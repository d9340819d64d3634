package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// queryer is a *reader or a *sql.Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A reader is a pool of connections that shows what is durable. It prepares each
// statement once: to compile one takes longer than to run it.
type reader struct {
	*sql.DB
	settle func() error // as journal.settle
	mu     sync.Mutex
	stmts  map[string]*sql.Stmt
}

func newReader(pool *sql.DB) *reader {
	return &reader{DB: pool, settle: func() error { return nil }, stmts: map[string]*sql.Stmt{}}
}

func (r *reader) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	st := r.stmts[query]
	r.mu.Unlock()
	if st != nil {
		return st, nil
	}
	st, err := r.PrepareContext(ctx, query) // not under the lock: it waits for a connection
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.stmts[query]; other != nil {
		return other, st.Close()
	}
	r.stmts[query] = st
	return st, nil
}

// QueryContext implements queryer.
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := r.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	if err := r.settle(); err != nil {
		rows.Close()
		return nil, err
	}
	return rows, nil
}

// snapshot begins to read what is durable now. End it by Rollback.
func (r *reader) snapshot(ctx context.Context) (*sql.Tx, error) {
	tx, err := r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, explain(err)
	}
	_, err = column[int](ctx, tx, "SELECT one FROM vault") // SQLite begins with the first read
	if err == nil {
		err = r.settle()
	}
	if err != nil {
		tx.Rollback()
		return nil, err
	}
	return tx, nil
}

// Close closes the statements too, or their connections stay open.
func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, st := range r.stmts {
		st.Close()
	}
	return r.DB.Close()
}

// column reads a query of one column.
func column[T any](ctx context.Context, q queryer, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain(err)
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, explain(rows.Err())
}

// row reads the first row of a query; sql.ErrNoRows if there is none.
func row(ctx context.Context, q queryer, query string, args []any, into ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	return rows.Close()
}
