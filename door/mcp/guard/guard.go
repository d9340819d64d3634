// Package guard is what a door checks of a request before anybody is asked who sent
// it, and what every answer carries. Admit is first.
package guard

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
)

// maxHeader is how many bytes all header fields may have.
const maxHeader = 32 << 10

// Seal sets what every answer carries: a document from here runs nothing in a
// browser, is kept by nobody, and sets no cookie.
func Seal(h http.Header) {
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// A Refusal is the answer to a request that is not let in.
type Refusal struct {
	Status int
	Err    *countersign.Error
}

// A Guard knows by which names a door is reached, and from which pages.
type Guard struct {
	// Hosts are the names, with a port or for any. The names of this machine's loopback
	// always are.
	Hosts []string
	// Origins are those of web pages elsewhere that may send requests.
	Origins []string
}

// Admit checks what the request says of itself before anybody is asked who
// sent it. A page that was rebound to this address by DNS fails on its Host, a
// page elsewhere on its Origin.
func (g *Guard) Admit(r *http.Request) *Refusal {
	no := func(status int, hint, format string, args ...any) *Refusal {
		return &Refusal{status, &countersign.Error{Code: countersign.CodeForbidden, Detail: fmt.Sprintf(format, args...), Hint: hint}}
	}
	size := 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + 4
		}
	}
	if size > maxHeader {
		return &Refusal{http.StatusRequestHeaderFieldsTooLarge, &countersign.Error{Code: countersign.CodeTooLarge,
			Detail: fmt.Sprintf("the header has %d bytes and the limit is %d", size, maxHeader), Hint: "send fewer header fields"}}
	}
	if !g.knownHost(r.Host) {
		return no(http.StatusForbidden, "use an address that the configuration names", "%.64q is no address of this server", r.Host)
	}
	if origins := r.Header.Values("Origin"); len(origins) > 1 || (len(origins) == 1 && !g.knownOrigin(origins[0], r.Host)) {
		return no(http.StatusForbidden, "agents send no Origin; a web page needs one that the configuration names", "requests of the web page %.64q are not taken", origins[0])
	}
	return nil
}

// knownHost reports whether the Host names this machine itself or is configured.
func (g *Guard) knownHost(host string) bool {
	if slices.ContainsFunc(g.Hosts, func(own string) bool { return strings.EqualFold(own, host) }) {
		return true
	}
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = h
	}
	if slices.ContainsFunc(g.Hosts, func(own string) bool { return strings.EqualFold(own, name) }) {
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
func (g *Guard) knownOrigin(origin, host string) bool {
	if slices.Contains(g.Origins, origin) {
		return true
	}
	scheme, own, ok := strings.Cut(origin, "://")
	return ok && (scheme == "http" || scheme == "https") && strings.EqualFold(own, host)
}

// Accepts reports whether the client takes the media type. One that says
// nothing takes everything (RFC 9110, section 12.5.1).
func Accepts(r *http.Request, kind string) bool {
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
