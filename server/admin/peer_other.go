//go:build !linux && !darwin

package admin

import (
	"errors"
	"net"
)

// peerOf lets nobody in where the kernel cannot be asked.
func peerOf(*net.UnixConn) (peer, error) {
	return peer{}, errors.New("this system does not tell who connected")
}
