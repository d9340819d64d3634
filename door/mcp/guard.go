package mcp

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/peer"
)

// Sizes of what is read.
const (
	maxBody   = 4 << 20  // bytes of one message
	maxHeader = 32 << 10 // bytes of all header fields
)

// seal sets what every answer carries: a document from here runs nothing in a
// browser, is kept by nobody, and sets no cookie.
func seal(h http.Header) {
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// A turning is an answer to a request that is not let in.
type turning struct {
	status int
	err    *countersign.Error
}

// admit checks what the request says of itself before anybody is asked who
// sent it. A page that was rebound to this address by DNS fails on its Host, a
// page elsewhere on its Origin.
func (d *door) admit(r *http.Request) *turning {
	no := func(status int, hint, format string, args ...any) *turning {
		return &turning{status, &countersign.Error{Code: countersign.CodeForbidden, Detail: fmt.Sprintf(format, args...), Hint: hint}}
	}
	size := 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + 4
		}
	}
	if size > maxHeader {
		return &turning{http.StatusRequestHeaderFieldsTooLarge, &countersign.Error{Code: countersign.CodeTooLarge,
			Detail: fmt.Sprintf("the header has %d bytes and the limit is %d", size, maxHeader), Hint: "send fewer header fields"}}
	}
	if !d.knownHost(r.Host) {
		return no(http.StatusForbidden, "use an address that the configuration names", "%q is no address of this server", short(r.Host))
	}
	if origins := r.Header.Values("Origin"); len(origins) > 1 || (len(origins) == 1 && !d.knownOrigin(origins[0], r.Host)) {
		return no(http.StatusForbidden, "agents send no Origin; a web page needs one that the configuration names", "requests of the web page %q are not taken", short(origins[0]))
	}
	return nil
}

// knownHost reports whether the Host names this machine itself or is configured.
func (d *door) knownHost(host string) bool {
	if slices.ContainsFunc(d.cfg.Hosts, func(own string) bool { return strings.EqualFold(own, host) }) {
		return true
	}
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = h
	}
	if slices.ContainsFunc(d.cfg.Hosts, func(own string) bool { return strings.EqualFold(own, name) }) {
		return true
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// knownOrigin reports whether a page of the origin may send requests: one that
// is configured, or this door's own, from which no page runs anything.
func (d *door) knownOrigin(origin, host string) bool {
	if slices.Contains(d.cfg.Origins, origin) {
		return true
	}
	scheme, own, ok := strings.Cut(origin, "://")
	return ok && (scheme == "http" || scheme == "https") && strings.EqualFold(own, host)
}

// accepts reports whether the client takes the media type. One that says
// nothing takes everything (RFC 9110, section 12.5.1).
func accepts(r *http.Request, kind string) bool {
	values := r.Header.Values("Accept")
	if len(values) == 0 {
		return true
	}
	family, _, _ := strings.Cut(kind, "/")
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			taken, params, err := mime.ParseMediaType(item)
			if err == nil && params["q"] != "0" && (taken == kind || taken == family+"/*" || taken == "*/*") {
				return true
			}
		}
	}
	return false
}

// traceparent is the form of the header field of W3C Trace Context, level 1.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$`)

// origin says where a call came from, as far as it is known.
func (d *door) origin(r *http.Request, x *session) countersign.Origin {
	o := countersign.Origin{Door: "mcp", Peer: r.RemoteAddr, Client: x.client}
	if m := traceparent.FindStringSubmatch(r.Header.Get("Traceparent")); m != nil {
		o.Trace = m[1]
	}
	o.ServerAccount = d.sessions.account(x, r.RemoteAddr, func() bool {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		return peer.SameAccount(remote(r.RemoteAddr), local)
	})
	return o
}

// remote is the address that net/http gives as text.
func remote(s string) net.Addr {
	p, err := netip.ParseAddrPort(s)
	if err != nil {
		return nil // it may be anybody
	}
	return net.TCPAddrFromAddrPort(p)
}

// claimed is what a client says it is, in the characters that a log, a page and
// a terminal all show alike.
func claimed(name, version string) string {
	clean := func(s string, most int) string {
		var b strings.Builder
		for _, c := range s {
			if b.Len() == most {
				break
			}
			if c < ' ' || c > '~' {
				c = '?'
			}
			b.WriteRune(c)
		}
		return b.String()
	}
	who := clean(name, 48)
	if who == "" {
		return ""
	}
	if v := clean(version, 16); v != "" {
		who += "/" + v
	}
	return who
}
