package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store/storetest"
	"golang.org/x/mod/sumdb/note"
)

// childEnv makes a process of this test binary one that writes until it is
// killed: folder, private key and verifier key, each on a line.
const childEnv = "COUNTERSIGN_TEST_WRITER"

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		fmt.Fprintln(os.Stderr, writeForever(strings.Split(args, "\n")))
		os.Exit(1)
	}
	if args := os.Getenv(claimerEnv); args != "" {
		if err := claimForever(strings.Split(args, "\n"), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeForever says on its output what was acknowledged, a line each.
func writeForever(args []string) error {
	cfg, err := childConfig(args[0], args[1], args[2])
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), filepath.Join(args[0], "record.db"), cfg)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				life := storetest.NewLife("/srv/a")
				c := life.Released()
				for _, c := range []func() error{
					func() error { _, err := s.Commit(context.Background(), c); return err },
					func() error { _, err := s.Commit(context.Background(), life.Completed()); return err },
				} {
					if err := c(); err != nil {
						fmt.Fprintln(os.Stderr, err)
						os.Exit(1)
					}
					fmt.Printf("%s %d\n", life.ID, life.Version)
				}
			}
		})
	}
	wg.Wait()
	return nil
}

func childConfig(folder, private, public string) (Config, error) {
	signer, err := ledger.NewSigner(private)
	if err != nil {
		return Config{}, err
	}
	verifier, err := ledger.NewVerifier(public)
	if err != nil {
		return Config{}, err
	}
	return Config{
		Origin: signer.Name(), Signer: signer, Keys: note.VerifierList(verifier),
		VaultKey: [32]byte{9}, Pin: filepath.Join(folder, "pin"),
	}, nil
}

func TestKilledWritersLoseNothingAcknowledged(t *testing.T) {
	const kills = 12
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	folder := t.TempDir()
	private, public, err := ledger.NewKey("kill.example/log")
	if err != nil {
		t.Fatal(err)
	}
	told := map[countersign.RequestID]uint64{}
	for range kills {
		killed(t, strings.Join([]string{folder, private, public}, "\n"), 1+rng.IntN(120), told)
	}
	cfg, err := childConfig(folder, private, public)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), filepath.Join(folder, "record.db"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
	for id, version := range told {
		if r, err := s.Get(t.Context(), id); err != nil || r.Version < version {
			t.Errorf("%s was acknowledged at version %d and has %d, %v", id, version, r.Version, err)
		}
	}
	t.Logf("%d requests were acknowledged", len(told))
}

// killed starts a writer, kills it once it has acknowledged some changes, and
// notes all that it did.
func killed(t *testing.T, args string, after int, told map[countersign.RequestID]uint64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var complaint strings.Builder
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), childEnv+"="+args), &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 1; lines.Scan(); n++ {
		var id countersign.RequestID
		var version uint64
		if _, err := fmt.Sscan(lines.Text(), &id, &version); err != nil {
			break // cut off by the kill
		}
		told[id] = max(told[id], version)
		if n == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || complaint.Len() > 0 {
		t.Fatalf("the writer ended by itself: %v %s", err, complaint.String())
	}
}
