package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// The files of a data folder.
const (
	databaseFile = "countersign.db"
	socketFile   = "admin.sock"
	vkeyFile     = "log.vkey"
)

// makeFolder makes the data folder, 0700, or refuses one that others may look
// into: the database, the keys and the admin socket lie in it.
func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return folderError(path, err)
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return folderError(path, err)
	}
	if err := checkFolder(path); err != nil {
		return err
	}
	probe, err := os.CreateTemp(path, ".probe-*")
	if err != nil {
		return folderError(path, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// checkFolder refuses a data folder that is not 0700 and the server's own.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return folderError(path, err)
	}
	if !info.IsDir() {
		return failed("data: names a folder", "%s is a file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return failed("chmod 700 "+path, "the data folder %s is open to other users (%s)", path, mode)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return failed(fmt.Sprintf("chown it to uid %d, or run as that user", os.Geteuid()), "the data folder %s belongs to uid %d", path, st.Uid)
	}
	return nil
}

func folderError(path string, err error) error {
	cause := err
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		cause = pe.Err
	}
	hint := "check the folder it lies in"
	switch {
	case errors.Is(err, fs.ErrPermission):
		hint = "check who owns it, or set data: in " + "the configuration"
	case errors.Is(err, syscall.ENOSPC):
		hint = "free some space"
	case errors.Is(err, fs.ErrNotExist):
		hint = "countersign up makes it"
	}
	return failed(hint, "the data folder %s cannot be used: %v", path, cause)
}

// free is how many bytes the file system of the folder has left.
func free(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

// The disk that is left: below leastDisk the store stops releases.
const (
	leastDisk = 64 << 20
	lowDisk   = 1 << 30
)

func freeSays(bytes uint64) string {
	return fmt.Sprintf("%.1f GiB free; below 64 MiB nothing is released", float64(bytes)/(1<<30))
}
