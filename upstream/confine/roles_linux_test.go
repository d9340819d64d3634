package confine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/countersignhq/countersign/upstream/confine"
	"golang.org/x/sys/unix"
)

// The test binary plays all parts: with the name of a role as its first argument
// it is a gateway, or a program that a gateway starts.
func TestMain(m *testing.M) {
	confine.Main(os.Args)
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "play-gateway":
			playGateway(os.Args[2])
		case "play-hostile":
			playHostile(os.Args[2])
		case "play-idle":
			playIdle(os.Args[2])
		case "play-parent":
			playParent(os.Args[2])
		case "play-who":
			fmt.Print(os.Geteuid())
			os.Exit(0)
		case "play-keeper":
			playKeeper(os.Args[2])
		}
	}
	os.Exit(m.Run())
}

// A scene is what a gateway has and a hostile program is after.
type scene struct {
	Data   string // the data folder, with log.key, countersign.db and admin.sock
	Key    string // another key, outside the data folder
	Room   string // a folder in which the program may write
	User   string
	Unsafe bool
	Hide   bool
	Mount  bool // the data folder is also mounted in the room
}

func (s scene) mounted() string { return filepath.Join(s.Room, "mounted") }

const (
	secretEnv = "GATEWAY_SECRET=from the environment"
	secretKey = "PRIVATE+KEY+of+the+log"
	secretRow = "SQLite format 3: a row of the record"
)

func (s scene) encode() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func decodeScene(arg string) scene {
	var s scene
	if err := json.Unmarshal([]byte(arg), &s); err != nil {
		panic(err)
	}
	return s
}

func fatal(a ...any) {
	fmt.Fprintln(os.Stderr, a...)
	os.Exit(1)
}

// playGateway holds secrets in every way a gateway may and starts the hostile
// program, whose findings it passes on.
func playGateway(arg string) {
	s := decodeScene(arg)
	if s.Hide {
		if err := confine.HideMemory(); err != nil {
			fatal(err)
		}
	}
	if s.Mount {
		if err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), os.Mkdir(s.mounted(), 0o755), unix.Mount(s.Data, s.mounted(), "", unix.MS_BIND, "")); err != nil {
			fatal(err)
		}
	}
	if _, err := syscall.Open(filepath.Join(s.Data, "log.key"), syscall.O_RDONLY, 0); err != nil { // no O_CLOEXEC
		fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(s.Data, "admin.sock"))
	if err != nil {
		fatal(err)
	}
	defer socket.Close()
	child, err := confine.Start(context.Background(), confine.Program{
		Command: []string{os.Args[0], "play-hostile", arg},
		Dir:     s.Room, Env: map[string]string{"DECLARED": "yes"}, User: s.User,
		Private: []string{s.Data, s.Key}, UnsafeSameUser: s.Unsafe,
	})
	if err != nil {
		fatal(err)
	}
	go io.Copy(os.Stderr, child.Stderr)
	io.Copy(os.Stdout, child.Stdout)
	if err := child.Wait(); err != nil {
		fatal("hostile program:", err)
	}
	os.Exit(0)
}

// playHostile tries everything it can think of and prints what it got.
func playHostile(arg string) {
	s := decodeScene(arg)
	gateway := fmt.Sprintf("/proc/%d", os.Getppid())
	got := map[string]string{}
	note := func(what string, b []byte, err error) {
		if err == nil {
			got[what] = string(b)
		}
	}
	read := func(what, path string) {
		b, err := os.ReadFile(path)
		note(what, b, err)
	}
	key := filepath.Join(s.Data, "log.key")
	read("environment", gateway+"/environ")
	read("key", key)
	read("key elsewhere", s.Key)
	read("key by another mount", filepath.Join(s.mounted(), "log.key"))
	read("database", filepath.Join(s.Data, "countersign.db"))
	read("key by the gateway's root", gateway+"/root"+key)
	read("key by the gateway's working directory", gateway+"/cwd/log.key")
	for fd := range 64 {
		theirs := fmt.Sprintf("%s/fd/%d", gateway, fd)
		if info, err := os.Stat(theirs); err == nil && info.Mode().IsRegular() {
			read(fmt.Sprintf("gateway's descriptor %d", fd), theirs)
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if fd > 2 && err == nil && flags&unix.FD_CLOEXEC == 0 { // not opened by the Go runtime
			what, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
			note(fmt.Sprintf("inherited descriptor %d", fd), []byte(what), nil)
		}
	}
	_, err := os.ReadDir(s.Data)
	note("list of the data folder", nil, err)
	link := filepath.Join(s.Room, "link")
	os.Symlink(key, link)
	read("key by a symbolic link", link)
	os.Remove(link)
	if os.Link(key, link) == nil {
		read("key by a hard link", link)
		os.Remove(link)
	}
	hostileWrites(s, note)
	hostileProcess(note)
	json.NewEncoder(os.Stdout).Encode(struct {
		Got     map[string]string
		Environ []string
		Works   map[string]string
	}{got, os.Environ(), worksStill(s)})
	os.Exit(0)
}

func hostileWrites(s scene, note func(string, []byte, error)) {
	open := func(what, path string, flags int) {
		f, err := os.OpenFile(path, flags, 0o600)
		if err == nil {
			f.Close()
		}
		note(what, nil, err)
	}
	key := filepath.Join(s.Data, "log.key")
	open("write to the key", key, os.O_WRONLY)
	open("create in the data folder", filepath.Join(s.Data, "new"), os.O_WRONLY|os.O_CREATE)
	note("cut the key", nil, os.Truncate(key, int64(len(secretKey))))
	aside := filepath.Join(s.Room, "data")
	err := os.Rename(s.Data, aside)
	note("move the data folder", nil, err)
	if err == nil {
		os.Rename(aside, s.Data)
	}
	conn, err := net.Dial("unix", filepath.Join(s.Data, "admin.sock"))
	if err == nil {
		conn.Close()
	}
	note("admin socket", nil, err)
	open("write to /etc/passwd", "/etc/passwd", os.O_WRONLY)
	open("write to /proc/sys", "/proc/sys/kernel/core_pattern", os.O_WRONLY)
	beside := filepath.Join(filepath.Dir(os.Args[0]), "beside")
	open("create beside the gateway's binary", beside, os.O_WRONLY|os.O_CREATE)
	os.Remove(beside)
	names, _ := filepath.Glob("/dev/*")
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && info.Mode().Type() == os.ModeDevice { // a block device
			open("disk", name, os.O_RDONLY)
		}
	}
}

func hostileProcess(note func(string, []byte, error)) {
	pid := os.Getppid()
	note("trace the gateway", nil, unix.PtraceSeize(pid)) // ends with this process
	if pidfd, err := unix.PidfdOpen(pid, 0); err == nil {
		for fd := 3; fd < 16; fd++ {
			_, err := unix.PidfdGetfd(pidfd, fd, 0)
			note(fmt.Sprintf("copy of the gateway's descriptor %d", fd), nil, err)
		}
	}
	note("signal the gateway", nil, unix.Kill(pid, 0))
	note("become root again", nil, func() error {
		if os.Geteuid() == 0 {
			return syscall.EPERM // the capabilities tell
		}
		return syscall.Setuid(0)
	}())
	if groups, _ := os.Getgroups(); os.Getuid() != 0 && slices.Contains(append(groups, os.Getgid()), 0) {
		note("group of root", nil, nil)
	}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); strings.HasPrefix(name, "Cap") && name != "CapBnd" {
			if strings.Trim(value, "0 \t") != "" {
				note("capabilities "+name, []byte(value), nil)
			}
		}
	}
}

// worksStill tells what an honest program needs and does not get.
func worksStill(s scene) map[string]string {
	broken := map[string]string{}
	need := func(what string, err error) {
		if err != nil {
			broken[what] = err.Error()
		}
	}
	file := filepath.Join(s.Room, "made")
	need("write a file", os.WriteFile(file, []byte("x"), 0o600))
	need("rename a file", os.Rename(file, file+"2"))
	_, err := os.ReadFile(file + "2")
	need("read a file", err)
	need("remove a file", os.Remove(file+"2"))
	here, err := os.Getwd()
	need("know where it is", err)
	if here != s.Room {
		broken["start in its folder"] = here
	}
	need("run a program", exec.Command("/bin/sh", "-c", "echo hello >/dev/null").Run())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	need("listen", err)
	if err == nil {
		_, err = net.Dial("tcp", l.Addr().String())
		need("dial", err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	need("make a socket pair", err)
	_ = pair
	_, err = os.ReadFile("/proc/self/status")
	need("read about itself", err)
	return broken
}

// playIdle shows that it lives by an open connection.
func playIdle(addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		fatal(err)
	}
	fmt.Println("up")
	io.Copy(io.Discard, conn)
	os.Exit(0)
}

// playParent starts an idle process, in its own group or (setsid) outside, and
// waits with it, or leaves it behind.
func playParent(arg string) {
	words := strings.Fields(arg)
	cmd := exec.Command(os.Args[0], "play-idle", words[0])
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: slices.Contains(words, "escape")}
	if err := cmd.Start(); err != nil {
		fatal(err)
	}
	if slices.Contains(words, "leave") {
		io.ReadFull(os.Stdin, make([]byte, 1))
		os.Exit(7)
	}
	cmd.Wait()
	os.Exit(0)
}

// playKeeper is a gateway that keeps one idle program until it is killed.
func playKeeper(addr string) {
	child, err := confine.Start(context.Background(), confine.Program{
		Command: []string{os.Args[0], "play-idle", addr}, UnsafeSameUser: true,
	})
	if err != nil {
		fatal(err)
	}
	child.Wait()
	os.Exit(0)
}
