package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/countersignhq/countersign/store"
	"github.com/pressly/goose/v3"
)

// ErrReadOnly is returned for what would write to a store of OpenReadOnly.
var ErrReadOnly = errors.New("the store is open for reading only")

// OpenReadOnly opens the database of a server that does not run, to read it and
// nothing else: it takes no lock, changes no schema and writes to no file of it,
// so that it can be of another user, a copy, or on a medium that takes no
// writes. It makes the same checks as Open, with a pin that it does not move, and
// refuses another schema than this program's. Close returns an error if the database was written
// to meanwhile; what was read is then no evidence of anything.
func OpenReadOnly(ctx context.Context, path string, cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg: cfg, path: path}
	if err := s.openReadOnly(ctx); err != nil {
		s.shut()
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
	return s, nil
}

func (s *Store) openReadOnly(ctx context.Context) (err error) {
	if s.seal, err = store.NewSealer(s.cfg.VaultKey); err != nil {
		return err
	}
	abs, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	mode := "mode=ro"
	if still, err := stateOf(abs); err != nil {
		return err
	} else if still.log == 0 {
		// Everything is in the one file. SQLite would make the two others of a
		// write-ahead log even for a reader, and leave them there.
		mode, s.still = "immutable=1", &still
	}
	db, err := sql.Open("sqlite", dsn(abs, "busy_timeout(5000)", "query_only(ON)", "trusted_schema(OFF)")+"&"+mode)
	if err != nil {
		return err
	}
	s.read = newReader(db)
	if err := s.checkSchema(ctx); err != nil {
		return err
	}
	if err := s.vaultFits(ctx, s.read); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	s.keys, s.heads = newKeyring(s.seal, s.read), newHeads()
	tip, err := s.start(ctx)
	if err != nil {
		return err
	}
	s.tip.Store(&tip)
	if s.cfg.Pin == "" {
		return nil
	}
	return checkPin(ctx, s.cfg, tip.Checkpoint, s.Tile)
}

// checkSchema refuses a schema that Open would bring up to date, or is newer.
func (s *Store) checkSchema(ctx context.Context) error {
	p, err := migrator(s.read.DB)
	if err != nil {
		return err
	}
	has, err := column[int64](ctx, s.read, "SELECT version_id FROM "+goose.DefaultTablename+" WHERE is_applied ORDER BY version_id DESC LIMIT 1")
	if err != nil {
		return fmt.Errorf("find the schema: %w; check that this is a database of countersign up", err)
	}
	wants := newest(p)
	switch {
	case len(has) == 0 || has[0] < wants:
		return fmt.Errorf("the database has an older schema (%d, and this program wants %d); start countersign up once, which brings it up to date, or read it with the program that made it",
			append(has, 0)[0], wants)
	case has[0] > wants:
		return newerSchema(has[0], wants)
	}
	return nil
}

// A state of the files shows whether somebody wrote.
type state struct {
	size, log int64 // bytes of the database and of its write-ahead log
	at        time.Time
}

func stateOf(path string) (state, error) {
	info, err := os.Stat(path)
	if err != nil {
		return state{}, err
	}
	now := state{size: info.Size(), at: info.ModTime()}
	wal, err := os.Stat(path + "-wal")
	switch {
	case err == nil:
		now.log = wal.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return state{}, err
	}
	return now, nil
}

// checkStill finds out whether the database is as it was when it was opened.
func (s *Store) checkStill() error {
	if s.still == nil {
		return nil
	}
	now, err := stateOf(s.path)
	if err == nil && now != *s.still {
		err = fmt.Errorf("%s was written to while it was read; a server may have started: try again", s.path)
	}
	return err
}
