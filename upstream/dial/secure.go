package dial

import (
	"errors"
	"net/netip"
	"net/url"
)

// ErrInsecure is an address whose answers anybody on the way could have written.
var ErrInsecure = errors.New("not https, or http on this machine, and a host")

// Secure reads an address whose answers are believed, or that a credential goes to:
// without TLS that can only be this machine.
func Secure(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, ErrInsecure
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return nil, ErrInsecure
	}
	return u, nil
}
