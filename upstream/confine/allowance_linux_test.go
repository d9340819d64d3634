package confine

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTheWayToAPrivateFolderIsAllowedByItsEntries(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"home/data/keys", "home/work", "home/bin", "srv", "etc/own/secret", "etc/other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(
		os.WriteFile(filepath.Join(root, "home/note"), nil, 0o644), os.WriteFile(filepath.Join(root, "home/bin/gateway"), nil, 0o755),
		os.WriteFile(filepath.Join(root, "etc/passwd"), nil, 0o644),
		os.Symlink("data", filepath.Join(root, "home/link")), os.Symlink(root, filepath.Join(root, "home/up")),
	)
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Join(root, path) }
	a := allowance{private: []string{at("home/data"), at("etc/own/secret"), at("none")}, readOnly: []string{at("etc"), at("home/bin/gateway")}}
	if err := a.visit(root, writable); err != nil {
		t.Fatal(err)
	}
	short := func(paths []string) string {
		var names []string
		for _, p := range paths {
			names = append(names, strings.TrimPrefix(p, root+"/"))
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	got := []string{short(a.dirs[writable]), short(a.files[writable]), short(a.dirs[readable]), short(a.files[readable])}
	want := []string{"home/work srv", "home/note", "etc/other", "etc/passwd home/bin/gateway"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestOtherPlacesOfAMountAreFound(t *testing.T) {
	const mountinfo = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:5 / /proc rw - proc proc rw
30 22 8:2 / /srv rw - ext4 /dev/sdb1 rw
31 22 8:2 /gateway /var/lib/gateway rw - ext4 /dev/sdb1 rw
32 22 8:2 /gateway/data/keys /mnt/the\040keys rw - ext4 /dev/sdb1 rw
33 22 8:1 /var /chroot/var rw - ext4 /dev/sda1 rw
34 22 8:2 /elsewhere /mnt/elsewhere rw - ext4 /dev/sdb1 rw
`
	for path, want := range map[string]string{
		"/var/lib/gateway/data": "/srv/gateway/data|/mnt/the keys",
		"/srv/gateway/data":     "/var/lib/gateway/data|/mnt/the keys",
		"/srv/gateway":          "/var/lib/gateway|/mnt/the keys",
		"/var/data":             "/chroot/var/data",
		"/home/data":            "",
		"/srv2/data":            "",
	} {
		if got := strings.Join(alsoAt(mountinfo, path), "|"); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestTheMachineDecidesHowAProgramIsIsolated(t *testing.T) {
	for _, c := range []struct {
		p        Program
		landlock int
		want     way
	}{
		{Program{}, 0, ""}, {Program{}, 2, ""}, {Program{}, 3, byLandlock}, {Program{}, 9, byLandlock},
		{Program{User: "mcp"}, 0, byUser}, {Program{User: "mcp"}, 9, byUser}, {Program{User: "mcp", UnsafeSameUser: true}, 9, byUser},
		{Program{UnsafeSameUser: true}, 0, unsafely}, {Program{UnsafeSameUser: true}, 9, unsafely},
	} {
		got, err := c.p.choose(c.landlock)
		if got != c.want || errors.Is(err, ErrNoIsolation) != (c.want == "") {
			t.Errorf("%+v with Landlock %d: got %q, %v, want %q", c.p, c.landlock, got, err, c.want)
		}
	}
}
