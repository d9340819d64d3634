// Package dial opens connections to upstreams. Dialer checks each address as it
// is dialled, after names were looked up, so that no name leads to where only
// this machine, or its cloud, should be asked.
package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// ErrRefused is the answer for an address that a name leads to and that nobody
// named: a link-local or multicast one, or one where clouds hand out credentials.
var ErrRefused = errors.New("not an address that a name may lead to; if it is meant, write the address itself in the upstream's url")

// metadata are the addresses of cloud metadata services that are not link-local.
var metadata = [...]netip.Addr{
	netip.AddrFrom4([4]byte{100, 100, 100, 200}),                        // Alibaba Cloud
	netip.AddrFrom4([4]byte{168, 63, 129, 16}),                          // Azure
	netip.AddrFrom4([4]byte{192, 0, 0, 192}),                            // Oracle Cloud
	netip.AddrFrom16([16]byte{0xfd, 0, 0x0e, 0xc2, 14: 0x02, 15: 0x54}), // AWS, fd00:ec2::254
}

// nat64 is the prefix under which an IPv4 address hides in an IPv6 one (RFC 6052).
var nat64 = netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0, 1: 0x64, 2: 0xff, 3: 0x9b}), 96)

// Dialer returns a dialer for the upstream at the host, a name or an address as
// the configuration writes it, without a port. An address that it writes itself
// is dialled whatever it is.
func Dialer(host string) *net.Dialer {
	named, _ := netip.ParseAddr(strings.Trim(host, "[]"))
	named = named.WithZone("")
	return &net.Dialer{
		Timeout: 10 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%s: %w", address, ErrRefused)
			}
			ip := at.Addr().WithZone("")
			if ip.Unmap() != named.Unmap() && forbidden(ip) {
				return fmt.Errorf("%s: %w", ip, ErrRefused)
			}
			return nil
		},
	}
}

func forbidden(ip netip.Addr) bool {
	ip = ip.Unmap()
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, m := range metadata {
		if ip == m {
			return true
		}
	}
	return ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified()
}
