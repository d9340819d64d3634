package confine

import (
	"fmt"
	"unsafe"

	"github.com/countersignhq/countersign/internal/seccomp"
	"golang.org/x/sys/unix"
)

// denyUnixSockets lets this thread, and what it becomes, create no Unix socket,
// neither by socket(2) nor through io_uring. Other system call tables (32-bit,
// x32), where the numbers mean something else, end the program.
func denyUnixSockets() error {
	filter := append(seccomp.Begin(), seccomp.Refuse(unix.SYS_IO_URING_SETUP, unix.ENOSYS)...)
	filter = append(filter,
		unix.SockFilter{Code: seccomp.IfEqual, K: unix.SYS_SOCKET, Jt: 1},
		unix.SockFilter{Code: seccomp.Answer, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: seccomp.Load, K: seccomp.FirstArg},
		unix.SockFilter{Code: seccomp.IfEqual, K: unix.AF_UNIX, Jf: 1},
		unix.SockFilter{Code: seccomp.Answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)},
		unix.SockFilter{Code: seccomp.Answer, K: unix.SECCOMP_RET_ALLOW},
	)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fmt.Errorf("deny Unix sockets: %w", err)
	}
	return nil
}
