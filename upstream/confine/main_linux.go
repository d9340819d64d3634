package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const reportFD = 3

// Main becomes the program that Start was asked for, if args, the whole of
// os.Args, are those of such a child; it does not return then. Otherwise it
// returns at once.
func Main(args []string) {
	if len(args) != 3 || args[1] != Verb {
		return
	}
	// Landlock, seccomp and capabilities are of the thread, and exec keeps those
	// of the thread that calls it.
	runtime.LockOSThread()
	report := os.NewFile(reportFD, "report")
	var s setup
	err := json.Unmarshal([]byte(args[2]), &s)
	if err == nil {
		err = s.confine()
	}
	if err == nil {
		if _, err = report.WriteString(ready); err == nil {
			err = syscall.Exec(s.Path, s.Argv, os.Environ())
			err = &fs.PathError{Op: "exec", Path: s.Path, Err: err}
		}
	}
	report.WriteString(err.Error())
	os.Exit(125)
}

func (s setup) confine() error {
	if s.Way == byUser {
		if err := s.becomeUser(); err != nil {
			return err
		}
	}
	if err := os.Chdir(s.Dir); err != nil {
		return err
	}
	if err := s.dieWithParent(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if s.Way == byLandlock {
		if err := restrict(s.Private); err != nil {
			return err
		}
		if err := dropCapabilities(); err != nil {
			return err
		}
		if err := denyUnixSockets(); err != nil {
			return err
		}
	}
	if s.Way != unsafely {
		if err := s.checkPrivate(); err != nil {
			return err
		}
	}
	// Whatever the gateway inherited without close-on-exec ends here.
	if err := unix.CloseRange(reportFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close inherited descriptors: %w", err)
	}
	return nil
}

func (s setup) becomeUser() error {
	if err := syscall.Setgroups(s.Groups); err != nil {
		return fmt.Errorf("set the groups of user %d: %w", s.UID, err)
	}
	if err := syscall.Setresgid(s.GID, s.GID, s.GID); err != nil {
		return fmt.Errorf("switch to group %d: %w", s.GID, err)
	}
	if err := syscall.Setresuid(s.UID, s.UID, s.UID); err != nil {
		return fmt.Errorf("switch to user %d: %w", s.UID, err)
	}
	return nil
}

// dieWithParent comes after the switch of user, which clears the setting.
func (s setup) dieWithParent() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("end with the gateway: %w", err)
	}
	if os.Getppid() != s.Parent {
		return errors.New("the gateway has ended")
	}
	return nil
}

// dropCapabilities matters where the gateway is root: without them root is the
// owner of its files and no more. No new privileges means that exec gives none
// back.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return nil
}

// checkPrivate is the proof of the pudding: it tries.
func (s setup) checkPrivate() error {
	for _, path := range s.Private {
		f, err := os.Open(path)
		if err == nil {
			f.Close()
			return fmt.Errorf("the program could open %s; make it readable for its owner only (chmod -R go= %[1]s)", path)
		}
		if !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("cannot tell whether the program could open %s: %w", path, err)
		}
	}
	return nil
}
