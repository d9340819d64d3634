package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"go.yaml.in/yaml/v3"
)

func (r *reader) address(what string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		r.text(what, &s)(n)
		if s == "" {
			return
		}
		host, port, err := net.SplitHostPort(s)
		if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" {
			r.wrong(n, "write it as 127.0.0.1:8480", "%s: want an address and a port, got %q", what, s)
		} else if *to = s; number == 0 && host == "localhost" {
			r.wrong(n, "write 127.0.0.1:0", "%s: localhost can be two addresses, and a free port of both is not one port", what)
		}
	}
}

func (r *reader) publicURL(what string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		r.text(what, &s)(n)
		if s == "" {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			r.wrong(n, "write it as https://countersign.example.com", "%s: want http or https and a host, got %q", what, s)
			return
		}
		*to = u.Scheme + "://" + u.Host
	}
}

func (r *reader) keys(to *Keys) func(*yaml.Node) {
	file := func(what string, to *string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			var s string
			r.maybe(what, &s)(n)
			path, ok := strings.CutPrefix(s, "file:")
			switch {
			case s == "":
			case !ok || path == "":
				r.wrong(n, "write it as file:/etc/countersign/NAME", "%s: want file:PATH", what)
			default:
				*to = under(r.dir, path)
			}
		}
	}
	return func(n *yaml.Node) {
		r.mapping(n, "keys", keyed{
			"log": file("keys.log", &to.Log), "vault": file("keys.vault", &to.Vault), "pin": file("keys.pin", &to.Pin),
		})
	}
}

func (r *reader) store(n *yaml.Node) {
	var s string
	r.maybe("store", &s)(n)
	if s != "" { // it may hold a password: it is not echoed
		r.wrong(n, "leave store away: everything is kept in SQLite in the data folder", "store: another store than the data folder is not in this version")
	}
}

func (r *reader) groups(to *map[string][]Member) func(*yaml.Node) {
	return func(n *yaml.Node) {
		*to = map[string][]Member{}
		r.entries(n, "groups", func(key, value *yaml.Node) {
			what := "group " + key.Value
			r.word(key, "group")
			if countersign.LooksLikeID(key.Value) {
				r.wrong(key, "choose another name", "group: %q looks like the id of a person or an agent", key.Value)
			}
			members := []Member{}
			r.list(what, func(n *yaml.Node) {
				var s string
				r.text(what, &s)(n)
				issuer, subject, ok := strings.Cut(s, "|")
				if s == "" {
					return
				}
				if !ok || issuer == "" || subject == "" {
					r.wrong(n, `write it as "local|bob"`, "%s: want issuer|subject, got %q", what, s)
					return
				}
				members = append(members, Member{issuer, subject})
			})(value)
			(*to)[key.Value] = members
		})
	}
}

func (r *reader) sinks(to *[]countersign.Sink) func(*yaml.Node) {
	return r.list("sinks", func(n *yaml.Node) {
		var s countersign.Sink
		r.mapping(n, "a sink", keyed{"match": r.text("match", &s.Match), "region": r.text("region", &s.Region)})
		if n.Kind == yaml.MappingNode && (s.Match == "" || s.Region == "") {
			r.wrong(n, "", "a sink has a match and a region")
		}
		*to = append(*to, s)
	})
}

// word refuses a name that could not stand in a rule, an address or a command.
func (r *reader) word(n *yaml.Node, what string) bool {
	if n.Value == "" || strings.Trim(n.Value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
		r.wrong(n, "letters, digits, dots, dashes and underscores", "%s: %q is no name", what, n.Value)
		return false
	}
	return true
}

func (r *reader) limits(to *Limits) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r.mapping(n, "limits", keyed{
			"requests_per_minute": r.number("limits.requests_per_minute", &to.RequestsPerMinute),
			"pending":             r.number("limits.pending", &to.Pending),
		})
	}
}

// number reads a whole number from 0 to a million.
func (r *reader) number(what string, to *int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || v < 0 || v > 1_000_000 {
			r.wrong(n, "0 is no limit", "%s: want a whole number from 0 to 1000000, got %s", what, kindOf(n))
			return
		}
		*to = v
	}
}
