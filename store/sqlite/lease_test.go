package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersignhq/countersign/ledger"
	"github.com/countersignhq/countersign/store"
	"golang.org/x/sys/unix"
)

// claimerEnv makes a process of this test binary one that does jobs: name of the
// database, folder, private key and verifier key, each on a line.
const claimerEnv = "COUNTERSIGN_TEST_CLAIMER"

const (
	raced     = "raced"
	raceLease = time.Minute // longer than the test: nobody loses one by being slow
)

// claimForever opens the database and says so. For each line on its input it then
// does jobs until there are none, or, told to hold, claims some and keeps them.
func claimForever(args []string, in io.Reader, out io.Writer) error {
	cfg, err := childConfig(args[1], args[2], args[3])
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), args[0], cfg)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "open")
	for lines := bufio.NewScanner(in); lines.Scan(); {
		switch lines.Text() {
		case "work":
			err = workOff(context.Background(), s, func(key string) { fmt.Fprintln(out, "did", key) })
		case "hold":
			var held []store.Job
			held, err = s.Claim(context.Background(), raced, raceLease, 5)
			for _, j := range held {
				fmt.Fprintln(out, "holds", j.Key)
			}
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "end")
	}
	return nil
}

// workOff does jobs a few at a time until none is to be had.
func workOff(ctx context.Context, s *Store, did func(key string)) error {
	return workSome(ctx, s, -1, did)
}

// workSome does it so many times at most; -1: as often as it takes.
func workSome(ctx context.Context, s *Store, times int, did func(key string)) error {
	for ; times != 0; times-- {
		jobs, err := s.Claim(ctx, raced, raceLease, 3)
		if err != nil || len(jobs) == 0 {
			return err
		}
		for _, j := range jobs {
			did(j.Key)
			if err := s.Finish(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// A claimer is another process over the same database.
type claimer struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// openBeside starts a claimer. The lock goes by the database's name, so that one
// under a second name is kept away by nothing: what holds then is SQLite alone.
func openBeside(t *testing.T, folder, name, private, public string) *claimer {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.Symlink("record.db", path); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &claimer{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), claimerEnv+"="+strings.Join([]string{path, folder, private, public}, "\n"))
	c.cmd.Stderr = t.Output()
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() })
	if !c.lines.Scan() || c.lines.Text() != "open" {
		t.Fatalf("%s does not open the database: %q", name, c.lines.Text())
	}
	return c
}

// tell has the claimer do something, and returns what it says of it.
func (c *claimer) tell(what string) ([]string, error) {
	if _, err := fmt.Fprintln(c.in, what); err != nil {
		return nil, err
	}
	var said []string
	for c.lines.Scan() {
		if c.lines.Text() == "end" {
			return said, nil
		}
		said = append(said, c.lines.Text())
	}
	return said, errors.Join(errors.New("it ended"), c.lines.Err())
}

// A raceTrack is a database that this process and two others have open.
type raceTrack struct {
	t      *testing.T
	store  *Store
	others []*claimer
	ahead  atomic.Int64 // of this process's clock
}

func newRace(t *testing.T) *raceTrack {
	t.Helper()
	folder := t.TempDir()
	private, public, err := ledger.NewKey("race.example/log")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := childConfig(folder, private, public)
	if err != nil {
		t.Fatal(err)
	}
	r := &raceTrack{t: t}
	cfg.Now = func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
	if r.store, err = Open(t.Context(), filepath.Join(folder, "record.db"), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.store.Close() })
	for _, name := range []string{"second.db", "third.db"} {
		r.others = append(r.others, openBeside(t, folder, name, private, public))
	}
	return r
}

func (r *raceTrack) add(n int) {
	r.t.Helper()
	for i := range n {
		if err := r.store.Add(r.t.Context(), store.Job{Kind: raced, Key: fmt.Sprint("job ", i), Due: time.Now()}); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestProcessesThatRaceForJobsDoEachOnce(t *testing.T) {
	r := newRace(t)
	const jobs = 300
	r.add(jobs)
	var mu sync.Mutex
	did, by := map[string]int{}, make([]int, 1+len(r.others))
	note := func(who int, key string) {
		mu.Lock()
		defer mu.Unlock()
		did[key]++
		by[who]++
	}
	var all sync.WaitGroup
	all.Go(func() {
		// It leaves most to the others, however slow they are.
		if err := workSome(t.Context(), r.store, jobs/10, func(key string) { note(0, key) }); err != nil {
			t.Error(err)
		}
	})
	for i, c := range r.others {
		all.Go(func() {
			said, err := c.tell("work")
			if err != nil {
				t.Error(err)
			}
			for _, line := range said {
				note(1+i, strings.TrimPrefix(line, "did "))
			}
		})
	}
	all.Wait()
	if len(did) != jobs {
		t.Errorf("%d jobs were done, want %d", len(did), jobs)
	}
	for key, n := range did {
		if n != 1 {
			t.Errorf("%s was done %d times under one lease", key, n)
		}
	}
	t.Logf("of %d jobs the three processes did %v", jobs, by)
}

func TestAProcessThatIsKilledWithJobsLosesNone(t *testing.T) {
	r := newRace(t)
	r.add(8)
	held, err := r.others[0].tell("hold")
	if err != nil || len(held) != 5 {
		t.Fatalf("the one that is killed holds %v, %v; want 5", held, err)
	}
	r.others[0].cmd.Process.Kill()
	r.others[0].cmd.Wait()
	left, err := r.others[1].tell("work")
	if err != nil || len(left) != 3 {
		t.Errorf("under the lease of the dead another did %v, %v; want the 3 that it does not hold", left, err)
	}
	r.ahead.Store(int64(raceLease))
	var after []string
	if err := workOff(t.Context(), r.store, func(key string) { after = append(after, "holds "+key) }); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(after) != fmt.Sprint(held) {
		t.Errorf("after the lease of the dead %v were done, want %v", after, held)
	}
}

func TestWhatAProcessHadTakenIsFreeOnceAnotherHasTheLock(t *testing.T) {
	folder := t.TempDir()
	private, public, err := ledger.NewKey("race.example/log")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := childConfig(folder, private, public)
	if err != nil {
		t.Fatal(err)
	}
	open := func() *Store {
		s, err := Open(t.Context(), filepath.Join(folder, "record.db"), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := s.Add(t.Context(), store.Job{Kind: raced, Key: "a", Due: time.Now()}); err != nil {
		t.Fatal(err)
	}
	taken, err := s.Claim(t.Context(), raced, time.Hour, 1)
	if err != nil || len(taken) != 1 {
		t.Fatalf("took %v, %v", taken, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	again, err := s.Claim(t.Context(), raced, time.Hour, 1)
	if err != nil || len(again) != 1 {
		t.Errorf("the next process took %v, %v; want what the last one left", again, err)
	}
	if err := s.Finish(t.Context(), taken[0]); !errors.Is(err, store.ErrConflict) {
		t.Errorf("who had it before finished it: %v, want ErrConflict", err)
	}
}

func TestALockIsGivenBackWhileAChildStillHasItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 2 {
		lock, err := lockFile(path)
		if err != nil {
			t.Fatal(err)
		}
		child, err := unix.Dup(int(lock.f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(child)
		if err := lock.release(); err != nil {
			t.Fatal(err)
		}
	}
}
