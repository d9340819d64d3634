package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// listen opens the address that the key of the configuration names. Whoever
// holds a port that is taken is named, if that can be found out.
func listen(key, address, file string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		_, port, _ := net.SplitHostPort(address)
		return nil, failed(fmt.Sprintf("stop it, or set %s: to another port in %s", key, file), "port %s is taken%s", port, takenBy(port))
	case errors.Is(err, syscall.EACCES):
		return nil, failed("ports below 1024 are root's: set "+key+": to a higher one in "+file, "%s %s: this user may not listen there", key, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, failed("set "+key+": to one that it has, such as 127.0.0.1:8480, in "+file, "%s %s: this machine has no such address", key, address)
	}
	return nil, fmt.Errorf("%s %s: %w", key, address, err)
}

// takenBy names the process that listens on the port: " by nginx (process 812)".
// It is empty where nobody can tell, such as for another user's process.
func takenBy(port string) string {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ""
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if inode, ok := listensOn(line, number); ok {
				return processWith("socket:[" + inode + "]")
			}
		}
	}
	return ""
}

// listensOn reads one line of /proc/net/tcp (proc_pid_net(5)): the second field is
// the local address in hex, the fourth the state, 0A for listening, the tenth the
// inode.
func listensOn(line string, port uint64) (inode string, ok bool) {
	f := strings.Fields(line)
	if len(f) < 10 || f[3] != "0A" {
		return "", false
	}
	_, hex, _ := strings.Cut(f[1], ":")
	got, err := strconv.ParseUint(hex, 16, 16)
	return f[9], err == nil && got == port
}

// processWith finds the process that has the socket open.
func processWith(socket string) string {
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == socket {
			pid := strings.Split(fd, "/")[2]
			return fmt.Sprintf(" by %s (process %s)", programName(pid), pid)
		}
	}
	return ""
}

func programName(pid string) string {
	b, err := os.ReadFile("/proc/" + pid + "/comm")
	if err != nil {
		return "a program"
	}
	return oneLine(string(b))
}
