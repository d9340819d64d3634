// Package seccomp writes filters of system calls (seccomp(2)), as classic BPF. A
// filter is [Begin] and what it says of single calls, with the number of the call
// loaded; whoever wrote it loads it.
package seccomp

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// The instructions of filters.
const (
	Load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	IfEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	Answer  = unix.BPF_RET | unix.BPF_K

	ifAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
)

// Offsets in struct seccomp_data.
const (
	number   = 0
	arch     = 4
	FirstArg = 16
)

// x32 begins the numbers of a system call table that shares its architecture.
const x32 = 0x40000000

// Known reports whether filters fit the system call table of this build.
func Known() bool { return auditArch() != 0 }

func auditArch() uint32 {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64
	}
	return 0
}

// Begin ends the program at a call of another system call table (32-bit, x32),
// where the numbers mean something else, and loads the number of any other call.
func Begin() []unix.SockFilter {
	return []unix.SockFilter{
		{Code: Load, K: arch},
		{Code: IfEqual, K: auditArch(), Jt: 1},
		{Code: Answer, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: Load, K: number},
		{Code: ifAtLeast, K: x32, Jf: 1},
		{Code: Answer, K: unix.SECCOMP_RET_KILL_PROCESS},
	}
}

// Refuse answers the call with the error.
func Refuse(call uint32, with unix.Errno) []unix.SockFilter {
	return []unix.SockFilter{
		{Code: IfEqual, K: call, Jf: 1},
		{Code: Answer, K: unix.SECCOMP_RET_ERRNO | uint32(with)},
	}
}
