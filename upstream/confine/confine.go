// Package confine starts an upstream program that may be hostile: an MCP server,
// a shell command. It gets the declared environment and nothing else: no
// inherited descriptors, its own process group, no way to gain privileges, and
// either another user or (Linux) a Landlock domain that the gateway's private
// folders are not in. [Start] starts it; [Main] must be the first call of main,
// and of each TestMain whose tests start programs, because the last steps are
// taken by the same binary just before it becomes the program.
//
// # Another user
//
// The kernel keeps users apart; Start checks, as that user, that the private
// paths cannot be opened. The gateway must run as root to switch.
//
// # Landlock
//
// Without a user the program runs as the gateway's. Landlock can only allow, so
// everything is allowed but the private paths: along the way to one, each folder
// is allowed by its entries as they are at the start, and what is created in
// those folders later is out of reach. So that the program cannot go round:
//   - what other processes trust is read-only (system folders, /proc, /sys, the
//     gateway's own binary), and of /dev only harmless devices are there;
//   - it has no capabilities, even as root, and none can be gained;
//   - it cannot read, trace or (Linux 6.12) signal processes outside;
//   - it cannot create Unix sockets, because Landlock before its version 9 lets
//     a program connect to a socket in a folder that it may not open, such as
//     the gateway's admin.sock. Socket pairs, TCP and UDP work.
//
// Landlock does not cover chmod, chown, utime and stat, so the program may see
// sizes in a private folder and change the folder's mode, never its contents.
// A user of its own is the stronger choice.
package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Verb is the hidden verb of the binary that Start runs and Main answers to.
const Verb = "__confine"

// A Program is what to start.
type Program struct {
	// Command is the program and its arguments. A name without a slash is looked
	// up in the gateway's PATH; a relative path starts at Dir.
	Command []string
	// Dir is the working directory. Defaults to "/".
	Dir string
	// Env is the whole environment.
	Env map[string]string
	// User runs the program as another user of this machine, by name or number.
	User string
	// Private are the folders and files that the program must not reach: the
	// data folder, and keys and secrets that lie elsewhere. They must exist.
	Private []string
	// UnsafeSameUser lets the program run as the gateway's own user without
	// isolation. It has no effect where User is set.
	UnsafeSameUser bool
}

// ErrNoIsolation is the answer when a program cannot be kept from the gateway's
// private folders on this machine.
var ErrNoIsolation = errors.New("cannot be isolated from the gateway")

// minLandlock is the least version of Landlock that keeps a file from being
// truncated by a program that may not open it.
const minLandlock = 3

type way string

const (
	byUser     way = "user"
	byLandlock way = "landlock"
	unsafely   way = "unsafe"
)

// choose says how p is isolated on a machine that offers the version of
// Landlock, 0 for none.
func (p Program) choose(landlock int) (way, error) {
	switch {
	case p.User != "":
		return byUser, nil
	case p.UnsafeSameUser:
		return unsafely, nil
	case landlock >= minLandlock:
		return byLandlock, nil
	default:
		return "", fmt.Errorf("%w: no user is given and this machine offers Landlock version %d, %d is needed (Linux 6.2); give the program a user, or set unsafe_same_user: true",
			ErrNoIsolation, landlock, minLandlock)
	}
}

// resolve returns the program with absolute paths, so that nothing depends on
// the gateway's working directory once it is started.
func (p Program) resolve() (Program, error) {
	if len(p.Command) == 0 || p.Command[0] == "" {
		return p, errors.New("no command is given")
	}
	if p.Dir == "" {
		p.Dir = "/"
	}
	var err error
	if p.Dir, err = filepath.Abs(p.Dir); err != nil {
		return p, err
	}
	p.Private = slices.Clone(p.Private)
	for i, path := range p.Private {
		if p.Private[i], err = real(path); err != nil {
			return p, fmt.Errorf("private path %s: %w", path, err)
		}
	}
	return p, nil
}

func real(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// lookUp returns the absolute path of the program's file.
func (p Program) lookUp() (string, error) {
	name := p.Command[0]
	if filepath.Base(name) == name {
		found, err := exec.LookPath(name)
		if err != nil {
			return "", err
		}
		return filepath.Abs(found)
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(p.Dir, name)
	}
	if _, err := os.Stat(name); err != nil {
		return "", err
	}
	return name, nil
}

// environ returns the environment in a fixed order, never nil: to os/exec nil
// means the gateway's own.
func (p Program) environ() []string {
	env := make([]string, 0, len(p.Env))
	for name, value := range p.Env {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}
