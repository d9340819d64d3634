package peer

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const tables = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2121 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2001 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:2121 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 0
   2: 0100007F:9C40 0100007F:2121 01 00000000:00000000 00:00000000 00000000  1000        0 3001 1 0 20 4 30 10 -1
   3: 0000000000000000FFFF00000100007F:9C41 0000000000000000FFFF00000100007F:2121 01 00000000:00000000 00:00000000 00000000  1001 0 3002 1
   4: 00000000000000000000000001000000:9C42 00000000000000000000000001000000:2121 01 00000000:00000000 00:00000000 00000000  1002 0 3003 1
   5: nonsense
`

func TestTheOwnerIsReadFromTheTableOfSockets(t *testing.T) {
	for _, c := range []struct {
		remote, local string
		uid           int
		ok            bool
	}{
		{"127.0.0.1:40000", "127.0.0.1:8481", 1000, true}, // the one without an inode is passed over
		{"127.0.0.1:40001", "127.0.0.1:8481", 1001, true},
		{"[::1]:40002", "[::1]:8481", 1002, true},
		{"127.0.0.1:8481", "127.0.0.1:40000", 0, false}, // our own end is not the peer's
		{"127.0.0.1:40009", "127.0.0.1:8481", 0, false},
	} {
		uid, ok := owner(strings.NewReader(tables), netip.MustParseAddrPort(c.remote), netip.MustParseAddrPort(c.local))
		if uid != c.uid || ok != c.ok {
			t.Errorf("owner of %s = %d, %v, want %d, %v", c.remote, uid, ok, c.uid, c.ok)
		}
	}
}

func TestAConnectionOfAnotherAccountIsNotOurs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only the superuser can start a process of another account")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	cmd := exec.Command("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/"+port+"; read -r line <&3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := cmd.Start(); err != nil {
		t.Skipf("no process of another account here: %v", err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if SameAccount(server.RemoteAddr(), server.LocalAddr()) {
		t.Errorf("SameAccount of a socket of user 65534 = true, want false")
	}
	server.Write([]byte("bye\n"))
	server.Close()
	cmd.Wait()
}
