package config

import (
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
			"tables":       r.later("tables", ""),
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
	const program = "this version protects MCP servers that are programs: command: [\"node\", \"server.js\"]"
	r.mapping(n, "upstream", keyed{
		"command":          r.texts("command", &to.Command),
		"user":             r.text("user", &to.User),
		"dir":              r.text("dir", &to.Dir),
		"env":              func(v *yaml.Node) { to.Env = r.environment(v) },
		"unsafe_same_user": r.yes("unsafe_same_user", &to.UnsafeSameUser),
		"url":              r.later("an upstream with a url", program),
		"header":           r.later("an upstream with a header", program),
		"password":         r.later("an upstream with a password", program),
	})
	if to.Dir != "" {
		to.Dir = under(r.dir, to.Dir)
	}
	switch {
	case len(r.problems) > before:
	case len(to.Command) == 0:
		r.wrong(n, `command: ["node", "server.js"]`, "an upstream has a command")
	case to.User != "" && to.UnsafeSameUser:
		r.wrong(n, "leave one of the two away", "with a user of its own, unsafe_same_user means nothing")
	}
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

func (r *reader) tools(n *yaml.Node) map[string]Tool {
	tools := map[string]Tool{}
	r.entries(n, "tools", func(key, value *yaml.Node) {
		t := Tool{Line: key.Line}
		what, before := "tool "+key.Value, len(r.problems)
		r.mapping(value, what, keyed{
			"verbs":      r.texts(what+": verbs", &t.Verbs),
			"classes":    r.texts("classes", &t.Classes),
			"sink":       r.text("sink", &t.Sink),
			"understand": r.later("understand", "leave the tool away: it is then unknown, and every call is held"),
			"argument":   r.later("argument", ""),
		})
		if len(t.Verbs) == 0 && len(r.problems) == before {
			r.wrong(key, "verbs: [mcp.read] or [mcp.write]", "%s: it says no verbs", what)
		}
		tools[key.Value] = t
	})
	return tools
}
