package confine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"github.com/countersignhq/countersign/internal/seccomp"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// ready is what the child says on its report pipe when all is done and only exec
// is left. Whatever else it says is why it could not be confined.
const ready = "ready\n"

// setup is what the gateway tells its own binary, as the argument of Verb.
type setup struct {
	Way     way
	Path    string // of the program's file
	Argv    []string
	Dir     string
	UID     int // for byUser
	GID     int
	Groups  []int
	Private []string
	Parent  int // process id of the gateway
}

// Start starts the program and returns once it is confined and runs. When the
// context ends before that the start is given up; afterwards it has no effect.
func Start(ctx context.Context, p Program) (*Child, error) {
	c, err := startConfined(ctx, p)
	if err != nil {
		name := ""
		if len(p.Command) > 0 {
			name = p.Command[0]
		}
		return nil, fmt.Errorf("start %q: %w", name, err)
	}
	return c, nil
}

func startConfined(ctx context.Context, p Program) (*Child, error) {
	s, p, err := p.setup()
	if err != nil {
		return nil, err
	}
	arg, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	report, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer report.Close()
	defer theirs.Close()
	cmd := exec.Command("/proc/self/exe", Verb, string(arg))
	cmd.Env, cmd.Dir = p.environ(), "/"
	cmd.ExtraFiles = []*os.File{theirs} // descriptor 3, reportFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c, err := start(cmd)
	if err != nil {
		return nil, err
	}
	theirs.Close()
	stop := context.AfterFunc(ctx, c.Kill)
	said, err := io.ReadAll(io.LimitReader(report, 4<<10))
	if !stop() {
		err = context.Cause(ctx)
	}
	if err == nil && string(said) != ready {
		err = refusal(said)
	}
	if err != nil {
		c.Kill()
		c.Wait()
		c.Close()
		return nil, err
	}
	return c, nil
}

func refusal(said []byte) error {
	if len(said) == 0 {
		return errors.New("the program was not confined; main must call confine.Main first")
	}
	why := string(said)
	if len(why) > len(ready) && why[:len(ready)] == ready {
		return errors.New(why[len(ready):])
	}
	return fmt.Errorf("%w: %s", ErrNoIsolation, why)
}

func (p Program) setup() (setup, Program, error) {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil || !seccomp.Known() {
		abi = 0
	}
	w, err := p.choose(abi)
	if err != nil {
		return setup{}, p, err
	}
	if p, err = p.resolve(); err != nil {
		return setup{}, p, err
	}
	path, err := p.lookUp()
	if err != nil {
		return setup{}, p, err
	}
	s := setup{Way: w, Path: path, Argv: p.Command, Dir: p.Dir, Private: p.Private, Parent: os.Getpid()}
	if w == byUser {
		err = s.setUser(p.User)
	}
	return s, p, err
}

// setUser fills in the ids of the user and refuses one who is root or the
// gateway itself. A number that no account has is a user without groups.
func (s *setup) setUser(name string) error {
	ids, err := idsOf(name)
	if err != nil {
		return fmt.Errorf("user %q: %w", name, err)
	}
	s.UID, s.GID, s.Groups = ids[0], ids[1], ids[2:]
	if s.UID == 0 || s.UID == os.Getuid() || s.UID == os.Geteuid() {
		return fmt.Errorf("%w: user %q is root or the gateway's own; make one for this program alone", ErrNoIsolation, name)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: only root can switch to user %q; run the gateway as root, or leave user out to use Landlock", ErrNoIsolation, name)
	}
	return nil
}

// idsOf returns the ids of the user, of its group and of its other groups.
func idsOf(name string) ([]int, error) {
	u, err := user.Lookup(name)
	if err != nil {
		id, notANumber := strconv.ParseUint(name, 10, 31)
		if notANumber != nil {
			return nil, err
		}
		if u, err = user.LookupId(name); err != nil {
			return []int{int(id), int(id)}, nil
		}
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, text := range append([]string{u.Uid, u.Gid}, groups...) {
		id, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// holdThread keeps the goroutine on its thread, because the kernel sends the
// parent-death signal when the thread that started the child ends.
func holdThread() (release func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// reap waits for the end of the program. It kills the process group while the
// program is still a zombie and the id of the group cannot be another's.
func (c *Child) reap() {
	for {
		err := unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	killGroup(c.cmd.Process)
	c.err = c.cmd.Wait()
	c.reaped = true
}

func killGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }

// HideMemory makes the memory, environment and descriptors of this process
// unreadable for other processes of its user that are not confined, and keeps
// them out of core dumps. It is for main of the gateway.
func HideMemory() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make the process unreadable: %w", err)
	}
	return nil
}
