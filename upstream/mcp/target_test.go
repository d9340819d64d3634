package mcp_test

import (
	"testing"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/upstream/mcp"
)

func TestTargetIsWhatWouldBeRun(t *testing.T) {
	base := mcp.Config{Command: []string{"node", "x"}, Env: map[string]string{"A": "secret"}}
	seen := map[countersign.Digest]string{}
	for name, change := range map[string]func(*mcp.Config){
		"base": func(*mcp.Config) {}, "argument": func(c *mcp.Config) { c.Command = []string{"node", "y"} },
		"split": func(c *mcp.Config) { c.Command = []string{"node x"} }, "folder": func(c *mcp.Config) { c.Dir = "/srv" },
		"user": func(c *mcp.Config) { c.User = "bob" }, "unsafe": func(c *mcp.Config) { c.UnsafeSameUser = true },
		"environment": func(c *mcp.Config) { c.Env = map[string]string{"B": "secret"} },
	} {
		c := base
		change(&c)
		d, err := mcp.Target(c)
		check(t, err)
		if other, ok := seen[d]; ok {
			t.Errorf("%s and %s have one target", name, other)
		}
		seen[d] = name
	}
	rotated := base
	rotated.Env = map[string]string{"A": "another"}
	d, err := mcp.Target(rotated)
	check(t, err)
	if seen[d] != "base" {
		t.Error("a rotated secret changes the target")
	}
}
