package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/bits"
	"strings"
)

// statements are those of the connection that writes, each prepared once.
type statements struct {
	conn    *sql.Conn // the only one of its pool
	queries map[string]*sql.Stmt
	execs   map[string]driver.StmtExecContext
	texts   map[manyRows]string
	values  []driver.NamedValue // of the statement that runs
}

func newStatements(conn *sql.Conn) statements {
	return statements{
		conn: conn, queries: map[string]*sql.Stmt{}, execs: map[string]driver.StmtExecContext{}, texts: map[manyRows]string{},
	}
}

// close closes the statements too: with one of them the connection would stay open.
func (s *statements) close() error {
	var errs []error
	for _, st := range s.queries {
		errs = append(errs, st.Close())
	}
	errs = append(errs, s.conn.Raw(func(any) error {
		for _, st := range s.execs {
			errs = append(errs, st.(driver.Stmt).Close())
		}
		return nil
	}))
	return errors.Join(append(errs, s.conn.Close())...)
}

// prepared is for what returns rows.
func (s *statements) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := s.queries[query]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, query)
	if err == nil {
		s.queries[query] = st
	}
	return st, err
}

func (s *statements) exec(ctx context.Context, query string, args ...any) error {
	_, err := s.result(ctx, query, args...)
	return err
}

// result asks the driver itself: database/sql would copy every value of a group of
// changes once more. The args are of the types of driver.Value.
func (s *statements) result(ctx context.Context, query string, args ...any) (driver.Result, error) {
	s.values = s.values[:0]
	for i, a := range args {
		s.values = append(s.values, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	defer clear(s.values) // a group's blobs are not kept until the next
	var res driver.Result
	err := s.conn.Raw(func(conn any) error {
		st, err := s.execOf(ctx, conn.(driver.ConnPrepareContext), query)
		if err == nil {
			res, err = st.ExecContext(ctx, s.values)
		}
		return err
	})
	return res, err
}

func (s *statements) execOf(ctx context.Context, conn driver.ConnPrepareContext, query string) (driver.StmtExecContext, error) {
	if st := s.execs[query]; st != nil {
		return st, nil
	}
	prepared, err := conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.execs[query] = prepared.(driver.StmtExecContext)
	return s.execs[query], nil
}

// many is an INSERT of any number of rows.
type many struct {
	insert  string
	columns int
	tail    string
}

// insertMany inserts the rows whose columns are args, in statements of 64, 32, …
// rows, so that few different ones are prepared.
func (s *statements) insertMany(ctx context.Context, m many, args []any) error {
	for len(args) > 0 {
		rows := min(64, 1<<(bits.Len(uint(len(args)/m.columns))-1))
		n := rows * m.columns
		if err := s.exec(ctx, s.text(m, rows), args[:n]...); err != nil {
			return err
		}
		args = args[n:]
	}
	return nil
}

func (s *statements) text(m many, rows int) string {
	key := manyRows{m, rows}
	if t, ok := s.texts[key]; ok {
		return t
	}
	var b strings.Builder
	b.WriteString(m.insert)
	for i := range rows * m.columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%m.columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("?")
	}
	b.WriteString(")" + m.tail)
	s.texts[key] = b.String()
	return s.texts[key]
}

type manyRows struct {
	many
	rows int
}
