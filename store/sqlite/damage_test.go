package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"
)

// grown makes a record of some 600 leaves in a few commits, and closes it.
func grown(t *testing.T, set *storetest.Setting) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, set, path)
	grow(t, s, 600)
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatalf("scrub of a whole record: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func grow(t *testing.T, s store.Store, n int) {
	t.Helper()
	for done := 0; done < n; {
		life := storetest.NewLife("/srv/a")
		c := life.Requested()
		for range 98 {
			c.Events = append(c.Events, life.Joined().Events...)
		}
		for _, c := range []store.Change{c, life.Rejected()} {
			if _, err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			done += len(c.Events)
		}
	}
	if _, err := s.Commit(t.Context(), storetest.PersonChange("per_ada", "ada", 1)); err != nil {
		t.Fatal(err)
	}
}

func tamper(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, st := range statements {
		res, err := db.Exec(st)
		if err != nil {
			t.Fatalf("%s: %v", st, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: changed %d rows, %v", st, n, err)
		}
	}
}

// flip changes one byte in the middle of a blob.
func flip(table, column, where string) string {
	other := "CASE hex(substr(" + column + ", 41, 1)) WHEN '78' THEN 'y' ELSE 'x' END" // 78 is x
	return "UPDATE " + table + " SET " + column + " = cast(substr(" + column + ", 1, 40) || " + other + " || substr(" + column + ", 42) AS BLOB) WHERE " + where
}

func TestAChangedRecordIsNotOpened(t *testing.T) {
	set := storetest.NewSetting(t)
	whole := grown(t, set)
	for name, c := range map[string]struct{ change, says string }{
		"the last leaf":             {flip("leaves", "leaf", "idx = 600"), "restore a backup"},
		"a leaf of the right edge":  {flip("leaves", "leaf", "idx = 520"), "restore a backup"},
		"the last leaf is gone":     {"DELETE FROM leaves WHERE idx = 600", "restore a backup"},
		"the last leaves are gone":  {"DELETE FROM leaves WHERE idx > 560", "restore a backup"},
		"the last commits are gone": {"DELETE FROM subjects WHERE id = 'per_ada'; DELETE FROM leaves WHERE idx >= 500", "knows of leaf 500"},
		"a leaf of the edge gone":   {"DELETE FROM leaves WHERE idx = 550", "restore a backup"},
		"a leaf more":               {"INSERT INTO leaves SELECT 601, before, leaf, actor, who, context, command, note FROM leaves WHERE idx = 600", "restore a backup"},
		"a full tile":               {flip("tiles", "hashes", "level = 0 AND n = 1"), "restore a backup"},
		"a full tile is gone":       {"DELETE FROM tiles WHERE n = 0", "tile 0 of level 0"},
		"the signed head":           {flip("leaves", "note", "idx = 600"), "signed head"},
		"an older signed head":      {"UPDATE leaves SET note = (SELECT note FROM leaves WHERE idx = 98) WHERE idx = 600", "signed head"},
		"a person's sealed context": {flip("leaves", "context", "idx = 600"), "does not open"},
	} {
		path := copyOf(t, whole)
		tamper(t, path, c.change)
		s, err := Open(t.Context(), path, config(set))
		if err == nil {
			s.Close()
			t.Errorf("%s: opened, want an error", name)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %q, want one line that says %q", name, err, c.says)
		}
	}
}

func TestScrubFindsWhatWasChangedFurtherBack(t *testing.T) {
	set := storetest.NewSetting(t)
	whole := grown(t, set)
	for name, c := range map[string]struct{ change, says string }{
		"an old leaf":            {flip("leaves", "leaf", "idx = 5"), "leaf 5"},
		"an old leaf swapped":    {"UPDATE leaves SET leaf = (SELECT leaf FROM leaves WHERE idx = 7) WHERE idx = 6", "leaf 6"},
		"an old leaf gone":       {"DELETE FROM leaves WHERE idx = 5", "of the leaves"},
		"a sealed blob":          {flip("leaves", "who", "idx = 5"), "leaf 5"},
		"a sealed blob moved":    {"UPDATE leaves SET context = (SELECT context FROM leaves WHERE idx = 6) WHERE idx = 5", "leaf 5"},
		"a link":                 {"UPDATE leaves SET before = 3 WHERE idx = 5", "leaf 5"},
		"a chain cut":            {"UPDATE leaves SET before = NULL WHERE idx = 5", "leaf 5"},
		"a state":                {"UPDATE subjects SET decision = 'approved' WHERE first = 0", "rejected"},
		"a request cut short":    {"UPDATE subjects SET last = 50 WHERE first = 0", "pending"},
		"a person cut short":     {"DELETE FROM subjects WHERE id = 'per_ada'", "600 of them"},
		"a request under a name": {"UPDATE subjects SET id = 'req_000000000000' WHERE first = 0", "req_000000000000"},
	} {
		path := copyOf(t, whole)
		tamper(t, path, c.change)
		s := openAt(t, set, path)
		err := s.Scrub(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error that says %q", name, err, c.says)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestScrubFindsABlobThatWasSealedAnew(t *testing.T) {
	set := storetest.NewSetting(t)
	s := openAt(t, set, grown(t, set))
	rows, err := readSealed(t.Context(), s.read, "SELECT idx, leaf, actor, who, context, command FROM leaves WHERE idx = 5")
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.keys.find(t.Context(), s.read, rows[0].actor)
	if err != nil {
		t.Fatal(err)
	}
	said, err := ledger.ParseLeaf(rows[0].leaf)
	if err != nil {
		t.Fatal(err)
	}
	place := store.Place{Request: said.Event.Request, Version: said.Event.Version, Slot: ledger.SlotWho}
	blob := key.Seal(place, ledger.Opening{Value: []byte(`{"actor":{"id":"per_eve","kind":"person","name":"eve"},"origin":{"door":"console"}}`)})
	onWriter(t, s, func(ctx context.Context, w *writer) error {
		return w.exec(ctx, "UPDATE leaves SET who = $1 WHERE idx = 5", blob)
	})
	if err := s.Scrub(t.Context()); err == nil || !strings.Contains(err.Error(), "commitment") {
		t.Errorf("got %v, want to be told of the commitment", err)
	}
	if _, err := s.Get(t.Context(), said.Event.Request); err == nil {
		t.Error("a request with a forged actor was read")
	}
}

func TestOpenSaysWhatIsWrongInOneLine(t *testing.T) {
	set := storetest.NewSetting(t)
	other := storetest.NewSetting(t)
	whole := grown(t, set)
	for name, c := range map[string]struct {
		spoil func(path string, cfg *Config)
		says  string
	}{
		"another vault key": {func(_ string, cfg *Config) { cfg.VaultKey[0]++ }, "vault key"},
		"another log key":   {func(_ string, cfg *Config) { cfg.Signer, cfg.Keys = other.Signer, other.Keys }, "log key"},
		"another origin":    {func(_ string, cfg *Config) { cfg.Origin = "other.example/log" }, "origin"},
		"no key at all":     {func(_ string, cfg *Config) { cfg.Keys = note.VerifierList() }, "log key"},
		"no database": {func(path string, _ *Config) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "restore a backup"},
		"a newer schema": {func(path string, _ *Config) {
			tamper(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		}, "newer program"},
		"a folder": {func(path string, _ *Config) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "check"},
	} {
		path, cfg := copyOf(t, whole), config(set)
		c.spoil(path, &cfg)
		s, err := Open(t.Context(), path, cfg)
		if err == nil {
			s.Close()
			t.Errorf("%s: opened, want an error", name)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %q, want one line that says %q", name, err, c.says)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "no", "record.db"), config(set)); err == nil || !strings.Contains(err.Error(), "make it first") {
		t.Errorf("no folder: got %v", err)
	}
}

func TestASecondProcessIsRefusedWithThePidOfTheFirst(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	first := openAt(t, set, path)
	_, err := Open(t.Context(), path, config(set))
	if err == nil || !strings.Contains(err.Error(), holderName(pidText(t, path))) || strings.Contains(err.Error(), "unknown") {
		t.Fatalf("got %v, want the pid of this process", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, set, path)
}

func pidText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNetworkFileSystemsAreKnown(t *testing.T) {
	for magic, want := range map[int64]string{0x6969: "NFS", 0xff534d42: "SMB", int64(int32(-11317950)): "SMB", 0xef53: "", 0x01021994: ""} {
		if got := networkFS(&unix.Statfs_t{Type: magic}); got != want {
			t.Errorf("%x is %q, want %q", magic, got, want)
		}
	}
}

func TestNothingSealedLiesInTheOpen(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, set, path)
	life := storetest.NewLife("/srv/payroll-2026")
	life.Row.OpenKey = "open key of the payroll"
	c := life.Requested()
	c.Jobs = []store.Job{{Kind: "expire", Key: string(life.ID), Body: []byte("body of a job")}}
	c.Keep = []store.Entry{{Key: "result-key", Subject: "subject-of-it", Value: []byte("secret result"), Expires: set.Clock.Now().Add(time.Hour)}}
	for _, c := range []store.Change{c, life.Rejected(), storetest.PersonChange("per_ada", "Augusta King", 1)} {
		if _, err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Ephemeral().Put(t.Context(), store.Entry{Key: "session-key", Value: []byte("session of Augusta"), Expires: set.Clock.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, file := range []string{path + "-wal", path} {
		if file == path {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	for _, secret := range []string{
		"payroll", "rotate the keys", "Lovelace", "Augusta", "127.0.0.1:51234", "body of a job", "result-key", "subject-of-it",
		"secret result", "session-key", string(life.Row.Digest[:]), life.Row.Digest.String(),
	} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("%q lies in the open", secret)
		}
	}
	for _, open := range []string{string(life.ID), "per_ada", "agt_bot", "mcp/files", "mcp.write"} {
		if found := bytes.Contains(all, []byte(open)); found != (open != "mcp.write") {
			t.Errorf("%q is found: %t; the search above proves nothing", open, found)
		}
	}
}

// copyOf copies the closed database to a folder of its own.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "record.db")
	copyTo(t, path, to)
	return to
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestThePinRefusesAnOlderCopyAndAFork(t *testing.T) {
	set := storetest.NewSetting(t)
	path := grown(t, set)
	old := copyOf(t, path)
	cfg := config(set)
	cfg.Pin = filepath.Join(t.TempDir(), "pin")
	reopen := func(cfg Config) error {
		s, err := Open(t.Context(), path, cfg)
		if err != nil {
			return err
		}
		for range 3 {
			if _, err := s.Commit(t.Context(), storetest.NewLife("/srv/b").Requested()); err != nil {
				t.Fatal(err)
			}
		}
		return s.Close()
	}
	for range 2 {
		if err := reopen(cfg); err != nil {
			t.Fatal(err)
		}
	}
	pinned, err := os.ReadFile(cfg.Pin)
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ledger.OpenCheckpoint(pinned, set.Origin, set.Keys)
	if err != nil || cp.Size != 607 {
		t.Fatalf("the pin is of %d leaves, %v; want 607", cp.Size, err)
	}

	copyTo(t, old, path)
	if err := reopen(cfg); err == nil || !strings.Contains(err.Error(), "older copy") {
		t.Errorf("an older copy: got %v, want it refused", err)
	}
	if s, err := OpenReadOnly(t.Context(), path, cfg); err == nil || !strings.Contains(err.Error(), "older copy") {
		t.Errorf("an older copy, to read: got %v, %v; want it refused", s, err)
	}
	for range 4 {
		if err := reopen(config(set)); err != nil {
			t.Fatal(err)
		}
	}
	if err := reopen(cfg); err == nil || !strings.Contains(err.Error(), "does not begin with") {
		t.Errorf("an older copy that has grown past the pin: got %v, want it refused", err)
	}
	for _, f := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := reopen(cfg); err == nil || !strings.Contains(err.Error(), "older copy") {
		t.Errorf("a new database: got %v, want it refused", err)
	}
}
