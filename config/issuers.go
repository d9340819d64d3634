package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Issuer is whose tokens let agents in besides their own: an authorization
// server that gives them access tokens for the resources here (RFC 9068 and 8707),
// or a platform that gives what runs on it tokens of its own. docs/authorization.md
// tells how each is set up.
type Issuer struct {
	// URL is exactly what stands in the tokens' iss. Key "issuer".
	URL string
	// Keys is the address of the issuer's keys, https. Defaults to what its metadata
	// names. Key "jwks_url".
	Keys string
	// Type is the typ of its access tokens: "at+jwt" where it follows RFC 9068.
	// Without it at+jwt, JWT and none are taken. Key "type".
	Type string
	// Algorithms are those it signs with. Defaults to RS256, PS256, ES256, ES384 and
	// EdDSA. Key "algorithms".
	Algorithms []string
	// Scopes are those that a token must have, all of them; clients are told to ask
	// for them. Key "scopes".
	Scopes []string
	// ClientsAsk is false for a platform that no client can ask for a token: it is not
	// named to clients. Defaults to true. Key "clients_ask".
	ClientsAsk bool
	// Agents say which tokens are of which agent. Each is put on record, and let in
	// as a token of the agent would be. Key "agents".
	Agents []Identity
	// Line is where it stands in the file.
	Line int
}

// An Identity says of which agent tokens are.
type Identity struct {
	// Agent is the agent's name. Key "agent".
	Agent string
	// Claims are those that a token must have, each with its value or one of them,
	// to the letter: sub, client_id, repository. act.sub is who acts for the subject.
	// An address or a name of a person is no such claim. Key "claims".
	Claims map[string][]string
}

// notIdentity are claims that their bearer, or somebody's administrator, chooses.
var notIdentity = [...]string{"email", "emails", "email_verified", "verified_primary_email", "preferred_username", "username", "upn", "unique_name", "name", "nickname", "given_name", "family_name", "act.email", "act.name"}

func (r *reader) issuers(to *[]Issuer) func(*yaml.Node) {
	first := map[string]int{}
	return r.list("issuers", func(n *yaml.Node) {
		i := Issuer{Line: n.Line, ClientsAsk: true}
		r.mapping(n, "an issuer", keyed{
			"issuer": r.issuerURL("issuer", &i.URL), "jwks_url": r.issuerURL("jwks_url", &i.Keys),
			"type": r.text("type", &i.Type), "algorithms": r.texts("algorithms", &i.Algorithms),
			"scopes": r.texts("scopes", &i.Scopes), "clients_ask": r.yes("clients_ask", &i.ClientsAsk),
			"agents": r.identities(&i.Agents),
		})
		if n.Kind != yaml.MappingNode {
			return
		}
		if line, twice := first[i.URL]; twice && i.URL != "" {
			r.wrong(n, "put its agents together", "issuer %s stands in line %d already", i.URL, line)
		}
		if first[i.URL] = n.Line; i.URL == "" {
			r.wrong(n, "issuer: https://idp.example.com, as in the tokens' iss", "an issuer has no issuer:")
		}
		*to = append(*to, i)
	})
}

// issuerURL reads an address whose answers are believed: without TLS only this
// machine's.
func (r *reader) issuerURL(what string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		if r.text(what, &s)(n); s == "" {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			r.wrong(n, "write it as https://idp.example.com", "%s: want https, or http on this machine", what)
			return
		}
		*to = s
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func (r *reader) identities(to *[]Identity) func(*yaml.Node) {
	return r.list("agents", func(n *yaml.Node) {
		var i Identity
		r.mapping(n, "an agent of an issuer", keyed{"agent": r.text("agent", &i.Agent), "claims": func(v *yaml.Node) { i.Claims = r.claims(v) }})
		if n.Kind != yaml.MappingNode {
			return
		}
		if i.Agent == "" || len(i.Claims) == 0 {
			r.wrong(n, "{agent: deploy-bot, claims: {sub: …}}", "an agent of an issuer has an agent and claims")
			return
		}
		*to = append(*to, i)
	})
}

// claims reads each claim's value, or values, as a sorted list.
func (r *reader) claims(n *yaml.Node) map[string][]string {
	found := map[string][]string{}
	r.entries(n, "claims", func(key, value *yaml.Node) {
		if slices.Contains(notIdentity[:], strings.ToLower(key.Value)) {
			r.wrong(key, "use sub, or another claim that the issuer alone gives and never again to anybody else", "claims: nobody is known by %s", key.Value)
			return
		}
		var values []string
		if value.Kind == yaml.SequenceNode {
			r.texts(key.Value, &values)(value)
		} else {
			var s string
			if r.text(key.Value, &s)(value); s != "" {
				values = []string{s}
			}
		}
		slices.Sort(values)
		if values = slices.Compact(values); len(values) > 0 {
			found[key.Value] = values
		} else {
			r.wrong(key, "write its value, or a list of values", "claims: %s has no value", key.Value)
		}
	})
	return found
}

// doorsURL refuses issuers where nobody could say what a token must be for.
func (r *reader) doorsURL(n *yaml.Node, c *Config) {
	if len(c.Issuers) == 0 || c.DoorsURL != "" || c.Doors == "" {
		return
	}
	if u, err := url.Parse("http://" + c.Doors); err != nil || !loopback(u.Hostname()) {
		r.wrong(n, "doors_url: https://agents.example.com, as agents reach the doors", "issuers are named and doors_url is not: tokens are for an address under it")
	}
}
