package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
)

// files are the files of a folder with what is in them.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range list {
		b, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = string(b)
	}
	return all
}

func TestAReaderOfAStoppedRecordLeavesNoTrace(t *testing.T) {
	set := storetest.NewSetting(t)
	path := grown(t, set)
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	before := files(t, filepath.Dir(path))
	s, err := OpenReadOnly(t.Context(), path, config(set))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	if head, err := s.Head(t.Context()); err != nil || head.Size < 600 {
		t.Errorf("got %d leaves, %v; want all of them", head.Size, err)
	}
	if _, err := s.Commit(t.Context(), storetest.PersonChange("per_ada", "eve", 2)); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a commit gets %v, want ErrReadOnly", err)
	}
	if err := s.Ephemeral().Put(t.Context(), store.Entry{Key: "k", Value: []byte("v"), Expires: set.Clock.Now()}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("an entry gets %v, want ErrReadOnly", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	after := files(t, filepath.Dir(path))
	for name, text := range after {
		if before[name] != text {
			t.Errorf("%s was made or changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there are %d files, want %d", len(after), len(before))
	}
}

func TestAReaderSeesWhatAKilledServerLeftInTheLog(t *testing.T) {
	set := storetest.NewSetting(t)
	path := filepath.Join(t.TempDir(), "record.db")
	alive := openAt(t, set, path)
	grow(t, alive, 10)
	left := filepath.Join(t.TempDir(), "record.db")
	for name, text := range files(t, filepath.Dir(path)) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(left), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := alive.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenReadOnly(t.Context(), left, config(set))
	if err != nil {
		t.Fatal(err)
	}
	head, err := s.Head(t.Context())
	if err != nil || head.Root != want.Root {
		t.Errorf("got %d leaves, %v; want the %d of the log", head.Size, err, want.Size)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatWasWrittenToWhileItWasReadIsNoEvidence(t *testing.T) {
	set := storetest.NewSetting(t)
	path := grown(t, set)
	s, err := OpenReadOnly(t.Context(), path, config(set))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openAt(t, set, path).Commit(t.Context(), storetest.NewLife("/srv/b").Requested()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("got %v, want to be told to try again", err)
	}
}

func TestAReaderRefusesAnotherSchema(t *testing.T) {
	for statement, says := range map[string]string{
		"UPDATE goose_db_version SET version_id = 99 WHERE version_id > 0": "use the newer program",
		"DELETE FROM goose_db_version WHERE version_id > 0":                "start countersign up once",
	} {
		set := storetest.NewSetting(t)
		path := grown(t, set)
		tamper(t, path, statement)
		if s, err := OpenReadOnly(t.Context(), path, config(set)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, %v; want %q", statement, s, err, says)
		}
	}
	path := filepath.Join(t.TempDir(), "record.db")
	if _, err := OpenReadOnly(t.Context(), path, config(storetest.NewSetting(t))); err == nil {
		t.Error("a database that is not there was opened")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a database was made")
	}
}
