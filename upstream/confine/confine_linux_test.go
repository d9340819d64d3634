package confine_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"github.com/countersignhq/countersign/upstream/confine"
)

const nobody = 65534

// stage lays out a gateway's files, owned by the user, where every user can find
// the way to them.
func stage(t *testing.T, uid int) (s scene, binary string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "confine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s = scene{Data: filepath.Join(dir, "home", "data"), Key: filepath.Join(dir, "keys", "vault.key"), Room: filepath.Join(dir, "home", "room")}
	bin := filepath.Join(dir, "bin")
	for path, mode := range map[string]os.FileMode{dir: 0o755, dir + "/home": 0o755, dir + "/keys": 0o755, s.Data: 0o700, s.Room: 0o777, bin: 0o755} {
		if err := errors.Join(os.MkdirAll(path, mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{
		filepath.Join(s.Data, "log.key"): secretKey, s.Key: secretKey, filepath.Join(s.Data, "countersign.db"): secretRow,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary = filepath.Join(bin, "gateway")
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, uid, uid))
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, binary
}

type findings struct {
	Got     map[string]string
	Environ []string
	Works   map[string]string
}

// perform runs a gateway as the user in the scene and returns what the hostile
// program under it found, or the gateway's error.
func perform(t *testing.T, s scene, binary string, uid int) (findings, string) {
	t.Helper()
	cmd := exec.Command(binary, "play-gateway", s.encode())
	cmd.Env, cmd.Dir = []string{secretEnv}, s.Data
	if s.Mount {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	if uid != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return findings{}, problem.String()
	}
	var f findings
	if err := json.Unmarshal(out.Bytes(), &f); err != nil {
		t.Fatalf("the hostile program said %q: %v; %s", out.String(), err, problem.String())
	}
	return f, ""
}

func (f findings) check(t *testing.T) {
	t.Helper()
	for what, text := range f.Got {
		t.Errorf("the hostile program got this: %s: %.200q", what, text)
	}
	if len(f.Environ) != 1 || f.Environ[0] != "DECLARED=yes" {
		t.Errorf("the hostile program's environment: got %q, want what is declared", f.Environ)
	}
	for what, problem := range f.Works {
		t.Errorf("an honest program could not %s: %s", what, problem)
	}
}

// users are whom a test can play a gateway as on this machine.
func users() []int {
	if os.Getuid() == 0 {
		return []int{0, nobody}
	}
	return []int{os.Getuid()}
}

func landlocked() bool {
	abi, err := ll.LandlockGetABIVersion()
	return err == nil && abi >= 3
}

// Without this the tests below prove nothing: a program that is not isolated
// does get what it is after.
func TestAHostileProgramWithoutIsolationGetsEverythingButDescriptors(t *testing.T) {
	for _, uid := range users() {
		s, binary := stage(t, uid)
		s.Unsafe = true
		f, problem := perform(t, s, binary, uid)
		if problem != "" {
			t.Fatal(problem)
		}
		for what, want := range map[string]string{
			"environment": secretEnv, "key": secretKey, "key elsewhere": secretKey, "database": secretRow,
			"key by the gateway's root": secretKey, "key by the gateway's working directory": secretKey,
			"key by a symbolic link": secretKey, "key by a hard link": secretKey,
			"list of the data folder": "", "write to the key": "", "create in the data folder": "", "cut the key": "",
			"move the data folder": "", "admin socket": "", "create beside the gateway's binary": "",
			"signal the gateway": "", "trace the gateway": "",
		} {
			if text, ok := f.Got[what]; !ok || !strings.Contains(text, want) {
				t.Errorf("user %d, %s: got %q, %v; the hostile program does not try hard enough", uid, what, text, ok)
			}
		}
		for what := range f.Got {
			if strings.HasPrefix(what, "inherited") {
				t.Errorf("user %d: even an unsafe program must not get an %s", uid, what)
			}
		}
		if len(f.Environ) != 1 {
			t.Errorf("user %d: the environment was %q, want what is declared", uid, f.Environ)
		}
	}
}

func TestAHostileProgramOfAnotherUserGetsNothing(t *testing.T) {
	uid := os.Getuid()
	s, binary := stage(t, uid)
	s.User = "65534"
	f, problem := perform(t, s, binary, uid)
	if uid != 0 {
		if !strings.Contains(problem, "only root can switch") {
			t.Errorf("got %q, want the start refused", problem)
		}
		return
	}
	if problem != "" {
		t.Fatal(problem)
	}
	f.check(t)
}

func TestAHostileProgramInLandlockGetsNothing(t *testing.T) {
	for _, uid := range users() {
		s, binary := stage(t, uid)
		f, problem := perform(t, s, binary, uid)
		if !landlocked() {
			if !strings.Contains(problem, "unsafe_same_user") {
				t.Errorf("user %d: got %q, want the start refused", uid, problem)
			}
			continue
		}
		if problem != "" {
			t.Fatal(problem)
		}
		if abi, err := ll.LandlockGetABIVersion(); err == nil && abi < 6 {
			delete(f.Got, "signal the gateway") // Landlock has no say in signals before
		}
		t.Logf("user %d", uid)
		f.check(t)
	}
}

func TestAPrivateFolderThatIsMountedTwiceIsPrivateInBothPlaces(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount")
	}
	s, binary := stage(t, 0)
	s.Mount, s.Unsafe = true, true
	f, problem := perform(t, s, binary, 0)
	if problem != "" || f.Got["key by another mount"] != secretKey {
		t.Fatalf("without isolation: got %q, %s; the mount is not there", f.Got["key by another mount"], problem)
	}
	if !landlocked() {
		return
	}
	s, binary = stage(t, 0)
	s.Mount = true
	if f, problem = perform(t, s, binary, 0); problem != "" {
		t.Fatal(problem)
	}
	for what, text := range f.Got {
		t.Errorf("the hostile program got this: %s: %.200q", what, text)
	}
}

func TestHiddenMemoryIsUnreadableForTheGatewaysOwnUser(t *testing.T) {
	uid := users()[len(users())-1]
	s, binary := stage(t, uid)
	s.Unsafe, s.Hide = true, true
	f, problem := perform(t, s, binary, uid)
	if problem != "" {
		t.Fatal(problem)
	}
	for what := range f.Got {
		for _, hidden := range []string{"environment", "key by the gateway's root", "gateway's descriptor", "trace"} {
			if uid != 0 && strings.HasPrefix(what, hidden) {
				t.Errorf("got this: %s", what)
			}
		}
	}
}

func TestADataFolderThatTheUserCanReadIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can switch users")
	}
	s, binary := stage(t, 0)
	s.User = "65534"
	if err := os.Chmod(s.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	_, problem := perform(t, s, binary, 0)
	if !strings.Contains(problem, "could open "+s.Data) {
		t.Errorf("got %q, want the start refused", problem)
	}
}

func TestASetuidProgramGainsNothing(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make one")
	}
	_, binary := stage(t, 0)
	if err := os.Chmod(binary, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	free := exec.Command(binary, "play-who", "")
	free.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := free.Output(); err != nil || string(out) != "0" {
		t.Fatalf("without confinement it is user %s, %v, want 0", out, err)
	}
	child, err := confine.Start(t.Context(), confine.Program{Command: []string{binary, "play-who", ""}, User: "65534"})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if out, err := io.ReadAll(child.Stdout); err != nil || string(out) != "65534" {
		t.Errorf("it is user %s, %v, want 65534", out, err)
	}
}

func TestWhatCannotBeStartedIsSaid(t *testing.T) {
	for _, c := range []struct {
		name string
		p    confine.Program
		want string
	}{
		{"no command", confine.Program{}, "no command"},
		{"unknown program", confine.Program{Command: []string{"no-such-program-here"}}, "not found"},
		{"unknown path", confine.Program{Command: []string{"./no-such-program"}, Dir: "/srv"}, "/srv/no-such-program"},
		{"not a program", confine.Program{Command: []string{"/etc/passwd"}}, "permission denied"},
		{"unknown user", confine.Program{Command: []string{"true"}, User: "no-such-user"}, "no-such-user"},
		{"root", confine.Program{Command: []string{"true"}, User: "root"}, "root or the gateway's own"},
		{"missing private path", confine.Program{Command: []string{"true"}, Private: []string{"/no/such/data"}}, "/no/such/data"},
		{"missing folder", confine.Program{Command: []string{"true"}, Dir: "/no/such/folder"}, "/no/such/folder"},
	} {
		if c.p.User == "" {
			c.p.UnsafeSameUser = true
		}
		child, err := confine.Start(t.Context(), c.p)
		if err == nil {
			child.Kill()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error that says %q", c.name, err, c.want)
		}
	}
}

func TestAGivenUpStartLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := confine.Start(ctx, confine.Program{Command: []string{"cat"}, UnsafeSameUser: true})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context canceled", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func startParent(t *testing.T, how string) (*confine.Child, net.Conn) {
	t.Helper()
	l := listen(t)
	child, err := confine.Start(t.Context(), confine.Program{
		Command: []string{os.Args[0], "play-parent", l.Addr().String() + " " + how}, UnsafeSameUser: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Kill(); child.Wait(); child.Close() })
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return child, conn
}

// awaitEnd waits until the idle process at the other end is gone.
func awaitEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the process lives: %v", err)
	}
}

func TestKillEndsTheWholeGroup(t *testing.T) {
	child, conn := startParent(t, "stay")
	child.Kill()
	if err := child.Wait(); err == nil {
		t.Error("got no error, want how it ended")
	}
	awaitEnd(t, conn)
}

func TestWhatAProgramLeavesBehindEndsWithIt(t *testing.T) {
	child, conn := startParent(t, "leave")
	child.Stdin.Write([]byte{1})
	exit, ok := errors.AsType[*exec.ExitError](child.Wait())
	if !ok || exit.ExitCode() != 7 {
		t.Errorf("got %v, want exit status 7", exit)
	}
	awaitEnd(t, conn)
}

func TestAnEscapeeCannotKeepTheReaderWaiting(t *testing.T) {
	child, _ := startParent(t, "leave escape")
	out := bufio.NewReader(child.Stdout)
	stop := time.AfterFunc(20*time.Second, func() { child.Stdout.Close() })
	defer stop.Stop()
	if line, err := out.ReadString('\n'); line != "up\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	child.Stdin.Write([]byte{1})
	if _, err := out.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the read to end by its deadline", err)
	}
}

func TestAProgramEndsWithItsGateway(t *testing.T) {
	l := listen(t)
	s, binary := stage(t, os.Getuid())
	cmd := exec.Command(binary, "play-keeper", l.Addr().String())
	cmd.Dir = s.Room
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	cmd.Process.Kill()
	cmd.Wait()
	awaitEnd(t, conn)
}
