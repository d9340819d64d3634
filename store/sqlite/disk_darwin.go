package sqlite

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData waits until the disk has what was written to the file.
func syncData(f *os.File) error { return f.Sync() }

// networkFS names the file system if it is not of this machine.
func networkFS(fs *unix.Statfs_t) string {
	if fs.Flags&unix.MNT_LOCAL != 0 {
		return ""
	}
	return unix.ByteSliceToString(fs.Fstypename[:])
}
