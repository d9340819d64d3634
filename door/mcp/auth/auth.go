// Package auth is what OAuth clients are told of the MCP door: the metadata of each
// resource (RFC 9728), and in the challenge of a refusal where that is (RFC 6750;
// MCP, "Authorization", in its revisions 2025-06-18, 2025-11-25 and 2026-07-28).
// Server describes one door.
package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/countersignhq/countersign/identity/workload"
)

// WellKnown is what the path of every resource's metadata begins with; the path of
// the resource follows (RFC 9728, section 3.1).
const WellKnown = "/.well-known/oauth-protected-resource/"

// A Server describes one door.
type Server struct {
	// URL is how agents reach the door, without a path.
	URL string
	// Issuers are the authorization servers that give tokens for its resources.
	Issuers []string
	// Scopes are those that clients ask for.
	Scopes []string
}

// Resource is the URI of the resource with the name, "mcp/files": what a token must
// be for, and nothing else (RFC 8707).
func (s *Server) Resource(name string) string { return s.at("/" + name) }

func (s *Server) at(path string) string {
	return strings.TrimSuffix(s.URL, "/") + (&url.URL{Path: path}).EscapedPath()
}

// Metadata is the document of the resource with the name (RFC 9728, section 2).
func (s *Server) Metadata(name string) ([]byte, error) {
	return json.Marshal(struct {
		Resource string   `json:"resource"`
		Name     string   `json:"resource_name"`
		Servers  []string `json:"authorization_servers,omitempty"`
		Scopes   []string `json:"scopes_supported,omitempty"`
		Methods  []string `json:"bearer_methods_supported"`
	}{s.Resource(name), name, s.Issuers, s.Scopes, []string{"header"}})
}

// Challenge is the field WWW-Authenticate of the refusal of a request that was sent
// to the resource with the name. A request without credentials has no error in it
// (RFC 6750, section 3.1).
func (s *Server) Challenge(name string, r *http.Request, refusal error) string {
	fields := []string{`Bearer realm="countersign"`}
	scopes := s.Scopes
	if e, ok := errors.AsType[*workload.ScopeError](refusal); ok {
		fields, scopes = append(fields, `error="insufficient_scope"`), e.Needs
	} else if r.Header.Get("Authorization") != "" {
		fields = append(fields, `error="invalid_token"`)
	}
	fields = append(fields, `resource_metadata="`+s.at(WellKnown+name)+`"`)
	// A scope that could end the text of the field is asked for by nobody.
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return strings.ContainsAny(s, "\"\\ ") })
	if len(scopes) > 0 {
		fields = append(fields, `scope="`+strings.Join(scopes, " ")+`"`)
	}
	return strings.Join(fields, ", ")
}

// Expired reports whether the refusal is only that the time of a token is over, which
// a client mends by itself.
func Expired(refusal error) bool {
	_, ok := errors.AsType[*workload.ExpiredError](refusal)
	return ok
}
