package peer

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// account looks for the peer's own socket among the sockets of this machine.
func account(remote, local netip.AddrPort) (same, found bool) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		uid, ok := owner(f, remote, local)
		f.Close()
		if ok {
			return uid == os.Geteuid() || uid == 0, true
		}
	}
	return false, false
}

// owner finds the socket whose own end is remote and whose other end is local
// in a table as proc_pid_net(5) lays it out, and returns its user. A socket
// without an inode has lost its owner, and its user says nothing.
func owner(table io.Reader, remote, local netip.AddrPort) (uid int, ok bool) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 {
			continue
		}
		own, ok1 := socketEnd(f[1])
		other, ok2 := socketEnd(f[2])
		if !ok1 || !ok2 || own != remote || other != local || f[9] == "0" {
			continue
		}
		uid, err := strconv.Atoi(f[7])
		return uid, err == nil
	}
	return 0, false
}

// socketEnd reads "0100007F:1F90": the address as 32-bit words in the byte
// order of this machine, the port in hexadecimal.
func socketEnd(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	words, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || err2 != nil || (len(words) != 4 && len(words) != 16) {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(words); i += 4 {
		binary.NativeEndian.PutUint32(words[i:], binary.BigEndian.Uint32(words[i:]))
	}
	a, _ := netip.AddrFromSlice(words)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}
