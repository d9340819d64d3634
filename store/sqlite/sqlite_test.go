package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/storetest"
)

func open(t *testing.T, set *storetest.Setting) store.Store {
	return openAt(t, set, filepath.Join(t.TempDir(), "record.db"))
}

func openAt(t testing.TB, set *storetest.Setting, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, config(set))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func config(set *storetest.Setting) Config {
	return Config{
		Origin: set.Origin, Signer: set.Signer, Keys: set.Keys, VaultKey: [32]byte{1, 2, 3},
		Now: set.Clock.Now, Wake: set.Wake,
	}
}

func TestLog(t *testing.T)       { storetest.TestLog(t, open) }
func TestRequests(t *testing.T)  { storetest.TestRequests(t, open) }
func TestJobs(t *testing.T)      { storetest.TestJobs(t, open) }
func TestVault(t *testing.T)     { storetest.TestVault(t, open) }
func TestDirectory(t *testing.T) { storetest.TestDirectory(t, open) }
func TestEphemeral(t *testing.T) { storetest.TestEphemeral(t, open) }
func TestCounter(t *testing.T)   { storetest.TestCounter(t, open) }

func TestReopen(t *testing.T) {
	storetest.TestReopen(t, open, func(t *testing.T, set *storetest.Setting, s store.Store) store.Store {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return openAt(t, set, s.(*Store).path)
	})
}
