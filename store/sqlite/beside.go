package sqlite

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersignhq/countersign/store"
)

func jobName(kind, key string) string { return "job\n" + kind + "\n" + key }

// jobRow are the columns of a job: kind, key, due, body.
func (s *Store) jobRow(j store.Job) []any {
	var body any
	if len(j.Body) > 0 {
		body = s.seal.SealLoose(jobName(j.Kind, j.Key), j.Body)
	}
	return []any{j.Kind, j.Key, j.Due.UnixMicro(), body}
}

// Claim implements store.Jobs.
func (s *Store) Claim(ctx context.Context, kind string, lease time.Duration, max int) ([]store.Job, error) {
	now := s.cfg.Now()
	due, err := column[int](ctx, s.read, "SELECT 1 FROM jobs WHERE kind = $1 AND due <= $2 AND until <= $2 LIMIT 1", kind, now.UnixMicro())
	if err != nil || len(due) == 0 {
		return nil, err
	}
	var claimed []store.Job
	_, err = s.write.do(ctx, &op{beside: func(ctx context.Context, w *writer) (err error) {
		claimed, err = w.claim(ctx, kind, now, now.Add(lease), max)
		return err
	}})
	if err != nil {
		return nil, err
	}
	for i, j := range claimed {
		if j.Body == nil {
			continue
		}
		if claimed[i].Body, err = s.seal.OpenLoose(jobName(j.Kind, j.Key), j.Body); err != nil {
			return nil, fmt.Errorf("job %s of %s: %w", j.Kind, j.Key, err)
		}
	}
	return claimed, nil
}

func (w *writer) claim(ctx context.Context, kind string, now, until time.Time, max int) ([]store.Job, error) {
	st, err := w.prepared(ctx, `
		UPDATE jobs SET lease = $1, until = $2 WHERE kind = $3 AND key IN (
			SELECT key FROM jobs WHERE kind = $3 AND due <= $4 AND until <= $4 ORDER BY due LIMIT $5
		) RETURNING key, due, body`)
	if err != nil {
		return nil, err
	}
	lease := rand.Text()
	rows, err := st.QueryContext(ctx, lease, until.UnixMicro(), kind, now.UnixMicro(), max)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []store.Job
	for rows.Next() {
		j := store.Job{Kind: kind, Lease: lease}
		var due int64
		if err := rows.Scan(&j.Key, &due, &j.Body); err != nil {
			return nil, err
		}
		j.Due = time.UnixMicro(due).UTC()
		list = append(list, j)
	}
	slices.SortFunc(list, func(a, b store.Job) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Key, b.Key)) })
	return list, rows.Err()
}

// replaced ends the lease of a job that another has replaced while it was
// claimed: until whoever claimed it is done, the new one is nobody else's.
const replaced = "+"

// Finish implements store.Jobs.
func (s *Store) Finish(ctx context.Context, j store.Job) error {
	return s.giveUp(ctx, j, "DELETE FROM jobs WHERE kind = $1 AND key = $2 AND lease = $3 AND lease <> ''", j.Kind, j.Key, j.Lease)
}

// Postpone implements store.Jobs.
func (s *Store) Postpone(ctx context.Context, j store.Job) error {
	row := s.jobRow(j)
	return s.giveUp(ctx, j, "UPDATE jobs SET due = $1, body = $2, lease = '', until = 0 WHERE kind = $3 AND key = $4 AND lease = $5 AND lease <> ''",
		row[2], row[3], j.Kind, j.Key, j.Lease)
}

// giveUp ends the lease of the job by the statement; one that has replaced it
// can be claimed from then on.
func (s *Store) giveUp(ctx context.Context, j store.Job, query string, args ...any) error {
	var held int64
	_, err := s.write.do(ctx, &op{beside: func(ctx context.Context, w *writer) (err error) {
		if held, err = w.affected(ctx, query, args...); err != nil || held > 0 {
			return err
		}
		return w.exec(ctx, "UPDATE jobs SET lease = '', until = 0 WHERE kind = $1 AND key = $2 AND lease = $3", j.Kind, j.Key, j.Lease+replaced)
	}})
	if err == nil && held == 0 {
		err = fmt.Errorf("job %s of %s was claimed by another, or replaced: %w", j.Kind, j.Key, store.ErrConflict)
	}
	return err
}

// Add implements store.Jobs.
func (s *Store) Add(ctx context.Context, j store.Job) error {
	row := s.jobRow(j)
	var added int64
	_, err := s.write.do(ctx, &op{beside: func(ctx context.Context, w *writer) (err error) {
		added, err = w.affected(ctx, "INSERT INTO jobs (kind, key, due, body) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, key) DO NOTHING", row...)
		return err
	}})
	if err == nil && added == 0 {
		err = fmt.Errorf("job %s of %s: %w", j.Kind, j.Key, store.ErrExists)
	}
	return err
}

func (w *writer) affected(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := w.result(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// ephemeral implements store.Ephemeral.
type ephemeral struct{ s *Store }

// putKept writes rows of keptRow; one with the key of another replaces it.
func (w *writer) putKept(ctx context.Context, rows []any) error {
	return w.insertMany(ctx, many{
		"INSERT INTO ephemeral (key, subject, expires, value) VALUES ", 4,
		" ON CONFLICT (key) DO UPDATE SET subject = excluded.subject, expires = excluded.expires, value = excluded.value",
	}, rows)
}

func (s *Store) blindKey(key string) []byte { return s.seal.Blind("ephemeral key", key) }

// keptRow are the columns of an ephemeral value: key, subject, expires, value.
// The subject stands before the value, under the seal.
func (s *Store) keptRow(e store.Entry) []any {
	plain := binary.AppendUvarint(nil, uint64(len(e.Subject)))
	plain = append(append(plain, e.Subject...), e.Value...)
	return []any{
		s.blindKey(e.Key), s.seal.Blind("ephemeral subject", e.Subject), e.Expires.UnixMicro(),
		s.seal.SealLoose("ephemeral\n"+e.Key, plain),
	}
}

func (s *Store) openKept(key string, expires int64, sealed []byte) (store.Entry, error) {
	plain, err := s.seal.OpenLoose("ephemeral\n"+key, sealed)
	if err != nil {
		return store.Entry{}, err
	}
	n, skip := binary.Uvarint(plain)
	if skip <= 0 || n > uint64(len(plain)-skip) {
		return store.Entry{}, fmt.Errorf("entry %q is not one that this version wrote", key)
	}
	rest := plain[skip:]
	return store.Entry{Key: key, Subject: string(rest[:n]), Value: rest[n:], Expires: time.UnixMicro(expires).UTC()}, nil
}

// Put implements store.Ephemeral. It also removes what has ended.
func (e ephemeral) Put(ctx context.Context, entry store.Entry) error {
	if entry.Expires.IsZero() {
		return fmt.Errorf("entry %q never ends; set Expires", entry.Key)
	}
	row, now := e.s.keptRow(entry), e.s.cfg.Now().UnixMicro()
	_, err := e.s.write.do(ctx, &op{beside: func(ctx context.Context, w *writer) error {
		if err := w.putKept(ctx, row); err != nil {
			return err
		}
		return w.exec(ctx, "DELETE FROM ephemeral WHERE expires <= $1", now)
	}})
	return err
}

// Get implements store.Ephemeral.
func (e ephemeral) Get(ctx context.Context, key string) (store.Entry, error) {
	var expires int64
	var sealed []byte
	err := row(ctx, e.s.read, "SELECT expires, value FROM ephemeral WHERE key = $1 AND expires > $2",
		[]any{e.s.blindKey(key), e.s.cfg.Now().UnixMicro()}, &expires, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Entry{}, store.ErrNotFound
	}
	if err != nil {
		return store.Entry{}, explain(err)
	}
	return e.s.openKept(key, expires, sealed)
}

// Take implements store.Ephemeral.
func (e ephemeral) Take(ctx context.Context, key string) (store.Entry, error) {
	var expires int64
	var sealed []byte
	_, err := e.s.write.do(ctx, &op{beside: func(ctx context.Context, w *writer) error {
		st, err := w.prepared(ctx, "DELETE FROM ephemeral WHERE key = $1 AND expires > $2 RETURNING expires, value")
		if err != nil {
			return err
		}
		err = st.QueryRowContext(ctx, e.s.blindKey(key), e.s.cfg.Now().UnixMicro()).Scan(&expires, &sealed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	}})
	if err != nil {
		return store.Entry{}, err
	}
	if sealed == nil {
		return store.Entry{}, store.ErrNotFound
	}
	return e.s.openKept(key, expires, sealed)
}

// DropSubject implements store.Ephemeral.
func (e ephemeral) DropSubject(ctx context.Context, subject string) error {
	_, err := e.s.write.do(ctx, &op{beside: func(ctx context.Context, w *writer) error {
		return w.exec(ctx, "DELETE FROM ephemeral WHERE subject = $1", e.s.seal.Blind("ephemeral subject", subject))
	}})
	return err
}
