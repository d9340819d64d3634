//go:build !linux

package peer

import "net/netip"

// account finds nothing: there is no table to look in.
func account(_, _ netip.AddrPort) (same, found bool) { return false, false }
