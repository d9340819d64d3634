package worker

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/countersignhq/countersign/internal/seccomp"
	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

func command(handler string) (*exec.Cmd, error) {
	cmd := exec.Command("/proc/self/exe", Verb, handler)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}

// processorTime is how much of the processor a process has used (proc(5), stat).
func processorTime(p *os.Process) time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every architecture that Go has
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid))
	_, after, ok := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if err != nil || !ok || len(fields) < 13 {
		return untold
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err != nil || err2 != nil {
		return untold
	}
	return time.Duration(user+system) * tick
}

func killGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }

// isolate takes everything from this process that a parser does not need. It is
// called before the first byte of anybody's input is read.
func isolate() error {
	// To give up new privileges is of the thread, and the filter below, which is
	// of all threads, needs it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for resource, most := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_NOFILE: 32, unix.RLIMIT_MEMLOCK: 0, unix.RLIMIT_MSGQUEUE: 0,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit resource %d: %w", resource, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("make the process unreadable: %w", err)
	}
	// Whatever was inherited without close-on-exec ends here. The runtime's own
	// descriptors have it.
	if err := closeInherited(); err != nil {
		return err
	}
	// Where the kernel has no Landlock the filter below stands alone.
	if err := landlock.V6.BestEffort().Restrict(); err != nil {
		return fmt.Errorf("enter a Landlock domain: %w", err)
	}
	return deny()
}

func closeInherited() error {
	for fd := 3; fd < 32; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			if err := unix.Close(fd); err != nil {
				return fmt.Errorf("close inherited descriptor %d: %w", fd, err)
			}
		}
	}
	err := unix.CloseRange(32, math.MaxUint32, 0)
	if err != nil && err != unix.ENOSYS {
		return fmt.Errorf("close inherited descriptors: %w", err)
	}
	return nil
}

// denied are the system calls through which a process reaches files, networks,
// programs and other processes. It is never written to.
var denied = [...]uint32{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN,
	unix.SYS_IO_URING_SETUP, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT,
	unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT, unix.SYS_TRUNCATE, unix.SYS_MOUNT, unix.SYS_BPF, unix.SYS_SHMGET, unix.SYS_MQ_OPEN, unix.SYS_MEMFD_CREATE,
}

// deny has all threads of this process refused the denied calls, for good. Other
// system call tables, where the numbers mean something else, end it.
func deny() error {
	if !seccomp.Known() {
		return nil
	}
	filter := seccomp.Begin()
	for _, call := range append(denied[:], legacy()...) {
		filter = append(filter, seccomp.Refuse(call, unix.EPERM)...)
	}
	filter = append(filter, unix.SockFilter{Code: seccomp.Answer, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("filter system calls: %w", errno)
	}
	return nil
}
