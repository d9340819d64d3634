package config

import (
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (r *reader) resources(to *[]Resource) func(*yaml.Node) {
	first := map[string]int{}
	return r.list("resources", func(n *yaml.Node) {
		res := Resource{Line: n.Line}
		name, behind := n, false
		r.mapping(n, "a resource", keyed{
			"name":         func(v *yaml.Node) { name = v; r.text("name", &res.Name)(v) },
			"environment":  r.text("environment", &res.Environment),
			"regions":      r.texts("regions", &res.Regions),
			"data_classes": r.texts("data_classes", &res.DataClasses),
			"owners":       r.texts("owners", &res.Owners),
			"upstream":     func(v *yaml.Node) { behind = true; r.upstream(v, &res.Upstream) },
			"tools":        func(v *yaml.Node) { res.Tools = r.tools(v) },
			"listen":       r.later("a resource with an address of its own", "agents reach it at the doors address, /mcp/NAME"),
			"tables":       func(v *yaml.Node) { res.Tables = r.tables(v) },
			"openapi":      r.later("openapi", ""),
		})
		if n.Kind != yaml.MappingNode {
			return
		}
		if r.resourceName(name, res.Name); !behind {
			r.wrong(n, `upstream: {command: ["node", "server.js"]}`, "%s has no upstream", res.Name)
		}
		if line, twice := first[res.Name]; twice && res.Name != "" {
			r.wrong(name, "give one of them another name", "resource %q stands in line %d already", res.Name, line)
		}
		first[res.Name] = name.Line
		*to = append(*to, res)
	})
}

// resourceName refuses a name that is not of the form mcp/files.
func (r *reader) resourceName(n *yaml.Node, s string) {
	kind, name, _ := strings.Cut(s, "/")
	switch kind {
	case "db", "http", "shell", "k8s":
		r.wrong(n, "this version protects MCP servers: mcp/NAME", "%s: a resource of kind %s is not in this version", s, kind)
	case "mcp":
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" || name[0] == '.' {
			r.wrong(n, "small letters, digits, dots, dashes and underscores", "%q cannot be the name of a resource", s)
		}
	default:
		r.wrong(n, "write it as mcp/files", "a resource's name is its kind and a name, got %q", s)
	}
}

func (r *reader) upstream(n *yaml.Node, to *Upstream) {
	before := len(r.problems)
	const address = "this version protects MCP servers: a command, or a url with a header"
	r.mapping(n, "upstream", keyed{
		"command":          r.texts("command", &to.Command),
		"user":             r.text("user", &to.User),
		"dir":              r.text("dir", &to.Dir),
		"env":              func(v *yaml.Node) { to.Env = r.environment(v) },
		"unsafe_same_user": r.yes("unsafe_same_user", &to.UnsafeSameUser),
		"log_stderr":       r.yes("log_stderr", &to.LogStderr),
		"wrapped":          r.text("wrapped", &to.Wrapped),
		"url":              r.upstreamURL(&to.URL),
		"header":           func(v *yaml.Node) { to.Header = r.header(v) },
		"oauth":            func(v *yaml.Node) { to.OAuth = r.oauth(v) },
		"password":         r.later("an upstream with a password", address),
	})
	if to.Dir != "" {
		to.Dir = under(r.dir, to.Dir)
	}
	switch {
	case len(r.problems) > before:
	case to.Wrapped != "":
		if len(to.Command) > 0 || to.URL != "" || to.User != "" || to.Dir != "" || to.Env != nil || to.Header != nil || to.OAuth != nil || to.UnsafeSameUser || to.LogStderr {
			r.wrong(n, "leave the others away", "wrapped stands alone: the agent's own process brings the rest")
		}
	case (len(to.Command) == 0) == (to.URL == ""):
		r.wrong(n, `command: ["node", "server.js"], or url: https://mcp.example.com/mcp`, "an upstream has either a command or a url")
	case to.URL != "" && (to.User != "" || to.Dir != "" || to.Env != nil || to.UnsafeSameUser || to.LogStderr):
		r.wrong(n, "leave them away", "user, dir, env, unsafe_same_user and log_stderr are for a command, and this upstream has a url")
	case to.URL == "" && to.Header != nil:
		r.wrong(n, "programs get theirs by env", "header is for an upstream with a url")
	case to.URL == "" && to.OAuth != nil:
		r.wrong(n, "programs get their credentials by env", "oauth is for an upstream with a url")
	case to.OAuth != nil && fieldNamed(to.Header, "Authorization"):
		r.wrong(n, "leave one of the two away", "oauth writes the field Authorization, and so does header")
	case to.User != "" && to.UnsafeSameUser:
		r.wrong(n, "leave one of the two away", "with a user of its own, unsafe_same_user means nothing")
	}
}

// upstreamURL reads an address. One that holds a password is not echoed.
func (r *reader) upstreamURL(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		r.text("url", &s)(n)
		if s == "" {
			return
		}
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Fragment != "":
			r.wrong(n, "write it as https://mcp.example.com/mcp", "url: want http or https and a host")
		case u.User != nil:
			r.wrong(n, `header: {Authorization: "env:NAME"}`, "url: a user and password do not belong in an address")
		default:
			*to = s
		}
	}
}

// ownFields are header fields that the gateway writes itself.
var ownFields = [...]string{"Host", "Accept", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Cookie", "User-Agent", "Te", "Trailer", "Upgrade"}

// header reads header fields. One that carries credentials must be a reference.
func (r *reader) header(n *yaml.Node) map[string]Value {
	found := map[string]Value{}
	r.entries(n, "header", func(key, value *yaml.Node) {
		name := textproto.CanonicalMIMEHeaderKey(key.Value)
		if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
			r.wrong(value, "", "header %s: want a text, got %s", key.Value, kindOf(value))
			return
		}
		if !r.word(key, "header field") {
			return
		}
		if slices.Contains(ownFields[:], name) || strings.HasPrefix(name, "Mcp-") {
			r.wrong(key, "leave it away", "header %s: the gateway writes it itself", name)
			return
		}
		v := parseValue(value.Value, r.dir)
		secret := name == "Authorization" || name == "Proxy-Authorization" || strings.Contains(strings.ToUpper(name), "KEY") || secretName(strings.ReplaceAll(name, "-", "_"))
		if secret && !v.IsReference() {
			r.wrong(value, "write env:NAME or file:PATH; its value is the whole field, such as Bearer and a token", "header %s: a secret is a reference, never a value", name)
			return
		}
		found[name] = v
	})
	return found
}

// environment reads variables. One whose name is that of a secret must be a
// reference.
func (r *reader) environment(n *yaml.Node) map[string]Value {
	found := map[string]Value{}
	r.entries(n, "env", func(key, value *yaml.Node) {
		if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
			r.wrong(value, "", "env %s: want a text, got %s", key.Value, kindOf(value))
			return
		}
		v := parseValue(value.Value, r.dir)
		if !v.IsReference() && secretName(key.Value) {
			r.wrong(value, "write env:NAME or file:PATH", "env %s: a secret is a reference, never a value", key.Value)
			return
		}
		found[key.Value] = v
	})
	return found
}
