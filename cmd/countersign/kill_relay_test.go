package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// asRelay is set to the name of a file in the environment of a relay.
const asRelay = "COUNTERSIGN_TEST_RELAY"

// relayUser is the account of the agents of the crash test: neither the server's,
// whose own asks nobody approves, nor root, who counts as the server.
const relayUser = 61235

// relay connects whoever calls to the URL that the file holds just then. It prints
// its own address, and ends with its input.
func relay(file string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	for {
		in, err := l.Accept()
		if err != nil {
			return nil
		}
		go pass(in, file)
	}
}

func pass(in net.Conn, file string) {
	defer in.Close()
	target, err := os.ReadFile(file)
	if err != nil {
		return
	}
	u, err := url.Parse(string(target))
	if err != nil {
		return
	}
	out, err := net.Dial("tcp", u.Host)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			io.Copy(way[1], way[0])
			way[0].Close()
			way[1].Close()
		})
	}
	both.Wait()
}

// throughRelay has the agents call as relayUser.
func (c *crash) throughRelay() {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(c.dir, "self"))
	cmd.Env = []string{asRelay + "=" + filepath.Join(c.dir, "console")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: relayUser, Gid: relayUser, NoSetGroups: true}}
	in, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	c.relay = "http://" + strings.TrimSpace(line)
}

// lendToOther has the server run as another user than the agents, so that what
// they ask for can be approved from a browser.
func (c *crash) lendToOther() {
	if os.Geteuid() != 0 {
		c.t.Log("not root: the server runs as the agents' own user, so nothing is approved")
		return
	}
	c.uid = 61234
	for dir := c.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := os.Chown(c.dir, c.uid, c.uid); err != nil {
		c.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	copied := filepath.Join(c.dir, "self")
	b, err := os.ReadFile(self)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(copied, string(b), 0o755)
	c.write(filepath.Join(c.dir, "upstream"), "#!/bin/sh\nexec '"+copied+"'\n", 0o755)
	c.throughRelay()
}
