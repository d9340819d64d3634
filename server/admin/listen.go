package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// maxSocketPath is what the kernel takes as the address of a unix socket, less
// the zero byte at its end (108 on Linux, 104 elsewhere).
const maxSocketPath = 103

// Listen opens the socket at the path, 0600, and lets nobody through but
// processes of this process's own user and of root, whom nothing keeps out
// anyway. Whoever calls it holds the lock of the data folder, so that a socket
// that is there already is one that nobody serves any more. The remote address of
// its connections names the process: "uid 0, pid 4711".
func Listen(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path of the admin socket is %d bytes long and may be %d; use a shorter data folder: %s", len(path), maxSocketPath, path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &checked{l}, nil
}

// checked lets only own processes through.
type checked struct{ *net.UnixListener }

// Accept implements net.Listener. Whoever may not come in is hung up on, and the
// next one is waited for.
func (l *checked) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		p, err := peerOf(c)
		if err != nil || !p.mayEnter(os.Geteuid()) {
			c.Close()
			continue
		}
		return known{c, p}, nil
	}
}

// A peer is the process at the other end, as the kernel knows it.
type peer struct{ uid, pid int }

func (p peer) mayEnter(own int) bool { return p.uid == own || p.uid == 0 }

// Network implements net.Addr.
func (peer) Network() string { return "unix" }

// String implements net.Addr.
func (p peer) String() string {
	if p.pid == 0 {
		return fmt.Sprintf("uid %d", p.uid)
	}
	return fmt.Sprintf("uid %d, pid %d", p.uid, p.pid)
}

// known is a connection whose other end is known.
type known struct {
	net.Conn
	peer peer
}

// RemoteAddr implements net.Conn.
func (k known) RemoteAddr() net.Addr { return k.peer }
