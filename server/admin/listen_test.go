package admin

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asOther is set in a process of another user that knocks at a socket.
const asOther = "COUNTERSIGN_TEST_SOCKET"

func TestMain(m *testing.M) {
	if path := os.Getenv(asOther); path != "" {
		os.Exit(knock(path))
	}
	os.Exit(m.Run())
}

// knock returns 0 if the server speaks, 3 if it hangs up, 4 if nobody opens.
func knock(path string) int {
	c, err := net.Dial("unix", path)
	if err != nil {
		return 4
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return 3
	}
	return 0
}

func TestOnlyTheOwnUserAndRootGetIn(t *testing.T) {
	tests := []struct {
		peer, own int
		want      bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {65534, 0, false}, {0, 0, true}}
	for _, tt := range tests {
		if got := (peer{uid: tt.peer}).mayEnter(tt.own); got != tt.want {
			t.Errorf("uid %d at a server of uid %d: got %v, want %v", tt.peer, tt.own, got, tt.want)
		}
	}
}

func TestTheSocketIsOfItsUserOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 2 { // the second finds what the first left behind
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the mode is %v, %v; want 0600", info.Mode().Perm(), err)
		}
		l.(*checked).UnixListener.SetUnlinkOnClose(false)
		l.Close()
	}
}

func TestAPathThatTheKernelCannotTakeIsRefusedInWords(t *testing.T) {
	_, err := Listen(filepath.Join(t.TempDir(), strings.Repeat("x", 120)))
	if err == nil || !strings.Contains(err.Error(), "use a shorter data folder") {
		t.Errorf("got %v, want what to do", err)
	}
}

func TestAnotherUserIsHungUpOn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir, err := os.MkdirTemp("", "countersign-socket-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "knock")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// Even with everything open on the way, as after a wrong chmod.
	for name, mode := range map[string]os.FileMode{dir: 0o755, path: 0o666} {
		if err := errors.Join(os.WriteFile(program, b, 0o755), os.Chmod(name, mode)); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("x"))
			c.Close()
		}
	}()
	for uid, want := range map[uint32]int{65534: 3, 0: 0} {
		cmd := exec.Command(program)
		cmd.Env = []string{asOther + "=" + path}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
			t.Errorf("uid %d: got %v, want exit %d", uid, err, want)
		}
	}
}
