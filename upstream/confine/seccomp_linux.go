package confine

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// auditArch names the system call table of this build (seccomp(2)), 0 if the
// filter below is not known to fit it.
func auditArch() uint32 {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64
	}
	return 0
}

func seccompKnown() bool { return auditArch() != 0 }

// denyUnixSockets lets this thread, and what it becomes, create no Unix socket,
// neither by socket(2) nor through io_uring. Other system call tables (32-bit,
// x32), where the numbers mean something else, end the program.
func denyUnixSockets() error {
	const (
		number, arch, firstArg = 0, 4, 16 // offsets in struct seccomp_data
		x32                    = 0x40000000
		load                   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		ifEqual                = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ifAtLeast              = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		answer                 = unix.BPF_RET | unix.BPF_K
	)
	filter := []unix.SockFilter{
		{Code: load, K: arch},
		{Code: ifEqual, K: auditArch(), Jt: 1},
		{Code: answer, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: load, K: number},
		{Code: ifAtLeast, K: x32, Jf: 1},
		{Code: answer, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: ifEqual, K: unix.SYS_IO_URING_SETUP, Jf: 1},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: ifEqual, K: unix.SYS_SOCKET, Jt: 1},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		{Code: load, K: firstArg},
		{Code: ifEqual, K: unix.AF_UNIX, Jf: 1},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fmt.Errorf("deny Unix sockets: %w", err)
	}
	return nil
}
