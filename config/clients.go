package config

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Patience is how long an agent's MCP client waits for the answer to one call,
// less a margin. Key "clients" names each by what the client calls itself, with
// or without the beginning of a version: "claude-code", "claude-code/2.1".
type Patience struct {
	// Silent is while the client hears nothing. Key "silent". Defaults to 50s.
	Silent time.Duration
	// Progress is while it is told of progress, which it must have asked for. Key
	// "progress". Defaults to silent.
	Progress time.Duration
}

// longestPatience is how long a call may be held on a connection.
const longestPatience = 24 * time.Hour

func (r *reader) clients(to *map[string]Patience) func(*yaml.Node) {
	return func(n *yaml.Node) {
		*to = map[string]Patience{}
		r.entries(n, "clients", func(key, value *yaml.Node) {
			if strings.TrimSpace(key.Value) != key.Value || key.Value == "" {
				r.wrong(key, "write it as the client calls itself, such as claude-code", "clients: %q is no name", key.Value)
				return
			}
			var p Patience
			r.mapping(value, "client "+key.Value, keyed{"silent": r.patience("silent", &p.Silent), "progress": r.patience("progress", &p.Progress)})
			(*to)[key.Value] = p
		})
	}
}

func (r *reader) patience(what string, to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		var s string
		if r.text(what, &s)(n); s == "" {
			return
		}
		d, err := time.ParseDuration(s)
		if err != nil || d < time.Second || d > longestPatience {
			r.wrong(n, "write it as 50s or 4h", "%s: want a time from 1s to 24h, got %q", what, s)
			return
		}
		*to = d
	}
}
