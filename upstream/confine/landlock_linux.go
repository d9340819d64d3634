package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// systemFolders hold what other processes run or are configured by. Only root
// could write there anyway, and a root gateway's child must not.
var systemFolders = []string{
	"/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr",
	"/var/spool/cron",
}

// devices are what is left of /dev: nothing through which a disk or the memory
// can be read.
var devices = []string{"full", "mqueue", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero"}

// restrict puts this process into a Landlock domain in which the private paths
// are out of reach.
func restrict(private []string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read the list of mounts: %w", err)
	}
	a := allowance{readOnly: systemFolders}
	for _, path := range private {
		a.private = append(a.private, path)
		a.private = append(a.private, alsoAt(string(mounts), path)...)
	}
	if self, err := os.Executable(); err == nil {
		a.readOnly = append(slices.Clone(systemFolders), self)
	}
	if err := a.visit("/", writable); err != nil {
		return err
	}
	c := landlock.Config{HandledAccessFS: landlock.V3.HandledAccessFS}
	if abi, err := ll.LandlockGetABIVersion(); err == nil && abi >= 6 {
		c.Scoped = landlock.V6.Scoped
	}
	err = c.Restrict(
		landlock.RWDirs(a.dirs[writable]...).WithRefer().IgnoreIfMissing(),
		landlock.RODirs(a.dirs[readable]...).IgnoreIfMissing(),
		landlock.RWFiles(a.files[writable]...).IgnoreIfMissing(),
		landlock.ROFiles(a.files[readable]...).IgnoreIfMissing(),
	)
	if err != nil {
		return fmt.Errorf("enter a Landlock domain: %w", err)
	}
	return nil
}

type access int

const (
	readable access = iota
	writable
)

// An allowance is everything but the private paths, in as few rules as there can
// be: Landlock allows what is beneath a folder and takes nothing out again, so
// that a folder on the way to an exception is allowed by its entries.
type allowance struct {
	private  []string
	readOnly []string

	dirs  [2][]string // by access
	files [2][]string
}

func (a *allowance) visit(path string, may access) error {
	if slices.Contains(a.private, path) {
		return nil
	}
	if slices.Contains(a.readOnly, path) {
		may = readable
	}
	if path == "/dev" {
		return a.visitAll(path, devices, may)
	}
	if !a.leadsToException(path, may) {
		return a.allow(path, may)
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil // nobody else's business either
	}
	if err != nil {
		return fmt.Errorf("list %s, which leads to a private path: %w", path, err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return a.visitAll(path, names, may)
}

func (a *allowance) visitAll(dir string, names []string, may access) error {
	for _, name := range names {
		if err := a.visit(filepath.Join(dir, name), may); err != nil {
			return err
		}
	}
	return nil
}

func (a *allowance) leadsToException(path string, may access) bool {
	leads := func(to string) bool { return beneath(to, path) }
	return slices.ContainsFunc(a.private, leads) || may == writable && slices.ContainsFunc(a.readOnly, leads)
}

// allow skips symbolic links: a rule would be about what they point to, which
// has, or must not have, a rule of its own.
func (a *allowance) allow(path string, may access) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
	case err != nil:
		return fmt.Errorf("look at %s: %w", path, err)
	case info.Mode().Type() == fs.ModeSymlink:
	case info.IsDir():
		a.dirs[may] = append(a.dirs[may], path)
	default:
		a.files[may] = append(a.files[may], path)
	}
	return nil
}

// beneath says whether path lies inside the folder.
func beneath(path, folder string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(folder, "/")+"/")
	return ok && rest != ""
}
