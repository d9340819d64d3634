package confine

import (
	"path/filepath"
	"strconv"
	"strings"
)

// A mount is one line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	device string // major:minor
	root   string // of the mount, within its file system
	at     string // where it is mounted
}

func parseMounts(mountinfo string) []mount {
	var all []mount
	for line := range strings.Lines(mountinfo) {
		if f := strings.Fields(line); len(f) > 4 {
			all = append(all, mount{f[2], unescape(f[3]), unescape(f[4])})
		}
	}
	return all
}

// alsoAt returns the other places at which the path, or a part of what is in it,
// can be reached because its file system is mounted more than once.
func alsoAt(mountinfo, path string) []string {
	mounts := parseMounts(mountinfo)
	home, found := mount{}, false
	for _, m := range mounts { // of two in one place the later covers the earlier
		if (m.at == path || beneath(path, m.at)) && len(m.at) >= len(home.at) {
			home, found = m, true
		}
	}
	if !found {
		return nil
	}
	within := filepath.Join(home.root, strings.TrimPrefix(path, home.at))
	var places []string
	for _, m := range mounts {
		switch {
		case m.device != home.device || m == home:
		case m.root == within || beneath(m.root, within):
			places = append(places, m.at)
		case beneath(within, m.root):
			places = append(places, filepath.Join(m.at, strings.TrimPrefix(within, m.root)))
		}
	}
	return places
}

// unescape reads the octal escapes of mountinfo (\040 is a space).
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
