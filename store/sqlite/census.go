package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/countersignhq/countersign/store"
)

var _ store.Counter = (*Store)(nil)

// Census implements store.Counter. Each number is that of one partial index.
func (s *Store) Census(ctx context.Context) (store.Census, error) {
	var c store.Census
	var oldest sql.NullInt64
	err := row(ctx, s.read, `SELECT
		(SELECT count(*) FROM subjects WHERE decision = 'pending'),
		(SELECT created FROM subjects WHERE decision = 'pending' ORDER BY first LIMIT 1),
		(SELECT count(*) FROM subjects WHERE execution = 'running'),
		(SELECT count(*) FROM subjects WHERE execution = 'unknown')`, nil, &c.Pending, &oldest, &c.Running, &c.Unknown)
	if err != nil {
		return store.Census{}, explain(err)
	}
	if oldest.Valid {
		c.Oldest = time.UnixMilli(oldest.Int64).UTC()
	}
	c.Jobs, err = s.backlogs(ctx)
	return c, explain(err)
}

func (s *Store) backlogs(ctx context.Context) ([]store.Backlog, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT kind, count(*), count(CASE WHEN due <= $1 THEN 1 END), min(due)
		FROM jobs GROUP BY kind ORDER BY kind`, s.cfg.Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []store.Backlog
	for rows.Next() {
		var b store.Backlog
		var first int64
		if err := rows.Scan(&b.Kind, &b.Jobs, &b.Due, &first); err != nil {
			return nil, err
		}
		if b.Due > 0 {
			b.Since = time.UnixMicro(first).UTC()
		}
		list = append(list, b)
	}
	return list, rows.Err()
}
