package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData waits until the disk has what was written to the file, and its size.
// Unlike os.File.Sync it does not also wait for the time of the last change, which
// the file system would have to note in a journal of its own.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// networkFS names the file system if it is one on which locks and syncs do not do
// what SQLite needs of them, by the magic numbers of statfs(2).
func networkFS(fs *unix.Statfs_t) string {
	switch uint32(fs.Type) {
	case unix.NFS_SUPER_MAGIC:
		return "NFS"
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "SMB"
	case unix.V9FS_MAGIC:
		return "9P"
	case unix.CEPH_SUPER_MAGIC:
		return "Ceph"
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "AFS"
	}
	return ""
}
