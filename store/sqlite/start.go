package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/batch"
	"github.com/pressly/goose/v3"
	"golang.org/x/mod/sumdb/tlog"
)

//go:embed migrations/*.sql
var migrations embed.FS

// vaultCheck names what is sealed in the database for checkVault.
const vaultCheck = "countersign/vault-check/v1"

// checkpointPages is how many pages the write-ahead log has when they are copied into
// the database.
const checkpointPages = 4000

// connect opens the readers' pool and returns the writer's own connection, with
// the schema up to date.
func (s *Store) connect(ctx context.Context) (*sql.DB, error) {
	abs, err := filepath.Abs(s.path)
	if err != nil {
		return nil, err
	}
	// SQLite would make it readable to all, and its other files like it.
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w; check who owns the folder and its mode", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	own, err := sql.Open("sqlite", dsn(abs,
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "secure_delete(FAST)",
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages), "cache_size(-4096)", "temp_store(MEMORY)", "trusted_schema(OFF)"))
	if err != nil {
		return nil, err
	}
	own.SetMaxOpenConns(1)
	if err := migrate(ctx, own); err != nil {
		own.Close()
		return nil, err
	}
	if err := emptyJournal(ctx, own); err != nil {
		own.Close()
		return nil, err
	}
	pool, err := sql.Open("sqlite", dsn(abs, "busy_timeout(5000)", "query_only(ON)", "cache_size(-8192)", "trusted_schema(OFF)"))
	if err != nil {
		own.Close()
		return nil, err
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	pool.SetMaxOpenConns(readers)
	pool.SetMaxIdleConns(readers)
	s.read = newReader(pool)
	return own, nil
}

// emptyJournal makes durable what an earlier process left in the write-ahead log,
// by having it in the database: of what that process did not sync, or could not,
// the disk may have nothing, though it can be read.
func emptyJournal(ctx context.Context, own *sql.DB) error {
	var busy, frames, moved int
	if err := own.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("another program reads or writes the database; close it")
	}
	return nil
}

func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

func migrate(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("SQLite keeps its journal as %q here and cannot do otherwise; use a local disk", mode)
	}
	p, err := migrator(db)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if known := newest(p); has > known {
		return newerSchema(has, known)
	}
	return nil
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true))
}

// newest is the version of the schema that this program works with.
func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

func newerSchema(has, known int64) error {
	return fmt.Errorf("the database has schema %d and this program knows %d; use the newer program", has, known)
}

// start checks that the record is whole at its right edge and is what was
// signed, and returns the state that the next commit starts from.
func (s *Store) start(ctx context.Context) (batch.Tip, error) {
	head, err := s.head(ctx)
	if err != nil {
		return batch.Tip{}, err
	}
	edge, err := ledger.EdgeAt(ctx, head.Size, s.rederived)
	if err != nil {
		return batch.Tip{}, err
	}
	if edge.Root() != head.Root {
		return batch.Tip{}, fmt.Errorf("the leaves hash to root %v and the signed head says %v; the record was changed: restore a backup", edge.Root(), head.Root)
	}
	tip := batch.Tip{Edge: edge, Checkpoint: head}
	if tip.Last, err = s.lastEvent(ctx, head.Size); err != nil {
		return batch.Tip{}, err
	}
	tip.Directory, err = s.rebuild(ctx)
	return tip, err
}

// checkVault checks the vault key. A new database takes the one it is given.
func (s *Store) checkVault(ctx context.Context, own *sql.DB) error {
	err := s.vaultFits(ctx, own)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = own.ExecContext(ctx, "INSERT INTO vault (one, sealed) VALUES (1, $1)", s.seal.SealLoose(vaultCheck, []byte(s.cfg.Origin)))
	}
	return err
}

// vaultFits finds out whether the vault key is the one that the keys in the
// database are wrapped with; sql.ErrNoRows if the database has none yet.
func (s *Store) vaultFits(ctx context.Context, q queryer) error {
	var sealed []byte
	if err := row(ctx, q, "SELECT sealed FROM vault", nil, &sealed); err != nil {
		return err
	}
	if _, err := s.seal.OpenLoose(vaultCheck, sealed); err != nil {
		return errors.New("the vault key is not the one that this database was made with; give that one")
	}
	return nil
}

// head reads the signed head, or signs that of an empty log.
func (s *Store) head(ctx context.Context) (ledger.Checkpoint, error) {
	var leaves, subjects int64
	err := row(ctx, s.read, `SELECT (SELECT coalesce(max(idx), -1) + 1 FROM leaves),
		(SELECT coalesce(max(first), -1) + 1 FROM subjects)`, nil, &leaves, &subjects)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	if subjects > leaves {
		return ledger.Checkpoint{}, fmt.Errorf("the database ends after %d leaves and knows of leaf %d; it was changed: restore a backup", leaves, subjects-1)
	}
	if leaves == 0 {
		empty, err := batch.Tip{}.Signed(s.cfg.Origin, s.cfg.Signer)
		return empty.Checkpoint, err
	}
	note, err := headNote(ctx, s.read)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	cp, err := ledger.OpenCheckpoint(note, s.cfg.Origin, s.cfg.Keys)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("the signed head: %w; check the origin and the log key", err)
	}
	if cp.Size != leaves {
		return ledger.Checkpoint{}, fmt.Errorf("the signed head is of %d leaves and the database ends after %d; it was changed: restore a backup", cp.Size, leaves)
	}
	return cp, nil
}

// headNote is the signed checkpoint on the last leaf; nil if there is no leaf.
func headNote(ctx context.Context, q queryer) ([]byte, error) {
	notes, err := column[[]byte](ctx, q, "SELECT note FROM leaves ORDER BY idx DESC LIMIT 1")
	if err != nil || len(notes) == 0 {
		return nil, err
	}
	if notes[0] == nil {
		return nil, errors.New("the last leaf carries no signed checkpoint, so leaves are missing after it; the database was changed: restore a backup")
	}
	return notes[0], nil
}

// rederived is a ledger.TileFunc that hashes what the tile rests on again: the
// leaves of a partial tile of level 0, the tiles below of a higher one.
func (s *Store) rederived(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if t.L == 0 {
		leaves, err := s.leaves(ctx, s.read, t.N<<ledger.TileHeight, t.N<<ledger.TileHeight+int64(t.W))
		if err != nil {
			return nil, err
		}
		var hashes []byte
		for _, l := range leaves {
			h := ledger.LeafHash(l)
			hashes = append(hashes, h[:]...)
		}
		return hashes, nil
	}
	var hashes []byte
	for n := t.N << ledger.TileHeight; n < t.N<<ledger.TileHeight+int64(t.W); n++ {
		below, err := s.fullTile(ctx, t.L-1, n)
		if err != nil {
			return nil, err
		}
		h := subtree(below)
		hashes = append(hashes, h[:]...)
	}
	return hashes, nil
}

// subtree is the root of the perfect tree over the hashes.
func subtree(hashes []byte) ledger.Hash {
	if len(hashes) == tlog.HashSize {
		return ledger.Hash(hashes)
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

func (s *Store) lastEvent(ctx context.Context, size int64) (time.Time, error) {
	if size == 0 {
		return time.Time{}, nil
	}
	leaves, err := s.leaves(ctx, s.read, size-1, size)
	if err != nil {
		return time.Time{}, err
	}
	last, err := ledger.ParseLeaf(leaves[0])
	if err != nil {
		return time.Time{}, fmt.Errorf("leaf %d: %w", size-1, err)
	}
	return last.Event.At, nil
}

// rebuild folds the events of all entities into the directory, in the order in
// which they were recorded.
func (s *Store) rebuild(ctx context.Context) (*countersign.Directory, error) {
	ids, err := column[countersign.RequestID](ctx, s.read, "SELECT id FROM subjects WHERE decision IS NULL ORDER BY first")
	if err != nil {
		return nil, err
	}
	var all []ledger.Entry
	for _, id := range ids {
		entries, err := s.entries(ctx, s.read, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("the leaves of %s are gone; the database was changed: restore a backup", id)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return batch.FoldDirectory(all)
}

// freeLeases ends the leases of jobs that an earlier process held: it is gone, or
// this one would not have the lock. What it had taken is done at once and not only
// when its lease is over.
func freeLeases(ctx context.Context, own *sql.DB) error {
	_, err := own.ExecContext(ctx, "UPDATE jobs SET lease = '', until = 0 WHERE until <> 0 OR lease <> ''")
	return err
}
