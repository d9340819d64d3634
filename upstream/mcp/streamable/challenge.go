package streamable

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// fields are those of a challenge that matter (RFC 6750, section 3; RFC 9728,
// section 5.1).
var fields = regexp.MustCompile(`(?i)[\s,](error|resource_metadata)\s*=\s*("[^"]*"|[^\s,"]+)`)

// turnedAway reports whether the server's own door did not take the token, so that
// the call has reached nothing that runs it and may be sent with another token. Only
// a challenge that names the metadata of this very server says that: the 401 of
// something behind it, which a server hands on when half of its work is done, names
// another's or none. A token that any 401 speaks of is not used again.
func (s *Session) turnedAway(w *http.Response) bool {
	if w.StatusCode != http.StatusUnauthorized || s.cfg.OAuth == nil {
		return false
	}
	s.cfg.OAuth.Refused(strings.TrimPrefix(w.Request.Header.Get("Authorization"), "Bearer "))
	for _, challenge := range w.Header.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(challenge, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		said := map[string]string{}
		for _, m := range fields.FindAllStringSubmatch(" "+rest, -1) {
			name := strings.ToLower(m[1])
			if _, twice := said[name]; twice {
				return false
			}
			said[name] = strings.Trim(m[2], `"`)
		}
		if (said["error"] == "" || said["error"] == "invalid_token") && s.own(said["resource_metadata"]) {
			return true
		}
	}
	return false
}

// own reports whether the address is on the origin that calls go to.
func (s *Session) own(address string) bool {
	u, err := url.Parse(address)
	here, err2 := url.Parse(s.cfg.URL)
	return err == nil && err2 == nil && u.Host != "" && u.Scheme == here.Scheme && strings.EqualFold(u.Host, here.Host)
}
