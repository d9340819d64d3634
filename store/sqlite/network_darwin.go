package sqlite

import "golang.org/x/sys/unix"

// networkFS names the file system if it is not of this machine.
func networkFS(fs *unix.Statfs_t) string {
	if fs.Flags&unix.MNT_LOCAL != 0 {
		return ""
	}
	return unix.ByteSliceToString(fs.Fstypename[:])
}
