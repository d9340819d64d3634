package memory_test

import (
	"testing"

	"github.com/countersignhq/countersign/store"
	"github.com/countersignhq/countersign/store/memory"
	"github.com/countersignhq/countersign/store/storetest"
)

func open(t *testing.T, set *storetest.Setting) store.Store {
	t.Helper()
	s, err := memory.New(memory.Config{Origin: set.Origin, Signer: set.Signer, Now: set.Clock.Now, Wake: set.Wake})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLog(t *testing.T)       { storetest.TestLog(t, open) }
func TestRequests(t *testing.T)  { storetest.TestRequests(t, open) }
func TestJobs(t *testing.T)      { storetest.TestJobs(t, open) }
func TestVault(t *testing.T)     { storetest.TestVault(t, open) }
func TestDirectory(t *testing.T) { storetest.TestDirectory(t, open) }
func TestEphemeral(t *testing.T) { storetest.TestEphemeral(t, open) }
func TestCounter(t *testing.T)   { storetest.TestCounter(t, open) }

func TestReopen(t *testing.T) {
	storetest.TestReopen(t, open, func(_ *testing.T, _ *storetest.Setting, s store.Store) store.Store {
		return s.(*memory.Store).Restart()
	})
}

func TestTheLogGrowsOverThreeLevelsOfTiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	storetest.TestBigLog(t, open)
}
