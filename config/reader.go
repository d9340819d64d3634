package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/countersignhq/countersign/internal/nearest"
	"go.yaml.in/yaml/v3"
)

// A reader walks a YAML tree and gathers what is wrong with it, so that a person
// mends a file once and not once a mistake.
type reader struct {
	file     string
	dir      string
	problems Problems
}

// A keyed is what to do with each key of a mapping.
type keyed map[string]func(*yaml.Node)

func (r *reader) wrong(n *yaml.Node, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: r.file, Line: n.Line, Detail: fmt.Sprintf(format, args...), Hint: hint})
}

// mapping reads a mapping whose keys are the given ones; what says where it
// stands, empty at the top.
func (r *reader) mapping(n *yaml.Node, what string, keys keyed) {
	r.entries(n, what, func(key, value *yaml.Node) {
		read, ok := keys[key.Value]
		if ok {
			read(value)
			return
		}
		hint := "the keys are " + strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
		if near, ok := nearest.To(key.Value, slices.Sorted(maps.Keys(keys))); ok {
			hint = "did you mean " + near + "?"
		}
		r.wrong(key, hint, "unknown key %q%s", key.Value, in(what))
	})
}

func in(what string) string {
	if what == "" {
		return ""
	}
	return " in " + what
}

// entries reads a mapping with keys of the writer's choice.
func (r *reader) entries(n *yaml.Node, what string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "", "%s: want keys with values, got %s", orFile(what), kindOf(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			r.wrong(key, "put quotes around it", "a key%s is %s, want text", in(what), kindOf(key))
			continue
		}
		if line, twice := seen[key.Value]; twice {
			r.wrong(key, "keep one of them", "key %q%s stands in line %d already", key.Value, in(what), line)
			continue
		}
		seen[key.Value] = key.Line
		each(key, value)
	}
}

// text reads a text that is not empty.
func (r *reader) text(what string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		switch {
		case n.Kind != yaml.ScalarNode:
			r.wrong(n, "", "%s: want a text, got %s", what, kindOf(n))
		case n.ShortTag() == "!!null" || n.Value == "":
			r.wrong(n, "leave the key away for the default", "%s: it has no value", what)
		case n.ShortTag() != "!!str":
			r.wrong(n, "put quotes around it if it is one", "%s: want a text, got %s", what, kindOf(n))
		default:
			*to = n.Value
		}
	}
}

// maybe reads a text that may be empty, which is the default.
func (r *reader) maybe(what string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Value == "" {
			return
		}
		r.text(what, to)(n)
	}
}

// list reads a list, item by item.
func (r *reader) list(what string, each func(*yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			r.wrong(n, "write it as ["+strings.TrimSpace(n.Value)+"]", "%s: want a list, got %s", what, kindOf(n))
			return
		}
		for _, item := range n.Content {
			each(item)
		}
	}
}

// texts reads a list of texts.
func (r *reader) texts(what string, to *[]string) func(*yaml.Node) {
	return r.list(what, func(n *yaml.Node) {
		var s string
		r.text(what, &s)(n)
		if s != "" {
			*to = append(*to, s)
		}
	})
}

// yes reads true or false.
func (r *reader) yes(what string, to *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
			r.wrong(n, "", "%s: want true or false, got %s", what, kindOf(n))
			return
		}
		*to = strings.EqualFold(n.Value, "true")
	}
}

// later refuses a key that the contract names and this version does not have:
// a setting that is accepted and does nothing would be a lie.
func (r *reader) later(what, instead string) func(*yaml.Node) {
	return func(n *yaml.Node) { r.wrong(n, instead, "%s is not in this version", what) }
}

func orFile(what string) string {
	if what == "" {
		return "the file"
	}
	return what
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias, which this file cannot have"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return "the truth value " + n.Value
	}
	return "a text"
}
