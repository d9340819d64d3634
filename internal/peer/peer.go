// Package peer says what the operating system knows of the other end of a TCP
// connection. [SameAccount] is the question that doors ask.
package peer

import (
	"net"
	"net/netip"
)

// SameAccount reports whether whoever opened the connection runs under the
// operating system account of this process, or may: then they could read what
// this process, or a person's browser beside it, keeps. remote and local are
// the two ends as this process sees them.
//
// On Linux the account is that of the peer's socket in /proc/net/tcp and tcp6;
// the superuser's counts as ours, since nothing is hidden from it. A peer on
// this machine whose account cannot be found counts as ours, and so does one
// whose address cannot be read. A peer elsewhere does not.
func SameAccount(remote, local net.Addr) bool {
	r, ok := endpoint(remote)
	if !ok {
		return true
	}
	if l, ok := endpoint(local); ok {
		if same, found := account(r, l); found {
			return same
		}
	}
	return onThisMachine(r.Addr())
}

// endpoint reads an address and port. An IPv4 address that travels as IPv6 is
// the IPv4 address.
func endpoint(a net.Addr) (netip.AddrPort, bool) {
	if a == nil {
		return netip.AddrPort{}, false
	}
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port()), true
}

// onThisMachine reports whether the address is one of this machine's own. If
// its addresses cannot be listed it may be.
func onThisMachine(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, n := range own {
		p, err := netip.ParsePrefix(n.String())
		if err == nil && p.Addr().Unmap() == a {
			return true
		}
	}
	return false
}
