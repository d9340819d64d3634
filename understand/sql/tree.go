package sql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// A tree is a part of PostgreSQL's raw parse tree, as libpg_query writes it in
// JSON: a node ({"ColumnRef": {…}}), a struct without its kind ({…}), a list or a
// single value.
type tree struct {
	kind   string // of a node
	fields map[string]tree
	items  []tree
	text   string // of a single value: a string, a number or true
}

func parseTree(b []byte) (tree, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return tree{}, fmt.Errorf("read the parse tree: %w", err)
	}
	return treeOf(v), nil
}

func treeOf(v any) tree {
	switch v := v.(type) {
	case map[string]any:
		t := tree{fields: make(map[string]tree, len(v))}
		for name, inner := range v {
			if len(v) == 1 && name != "" && 'A' <= name[0] && name[0] <= 'Z' {
				node := treeOf(inner)
				node.kind = name
				return node
			}
			t.fields[name] = treeOf(inner)
		}
		return t
	case []any:
		t := tree{items: make([]tree, len(v))}
		for i, inner := range v {
			t.items[i] = treeOf(inner)
		}
		return t
	}
	return tree{text: fmt.Sprint(v)}
}

// field is the part under a path of names, an empty tree if there is none.
func (t tree) field(path ...string) tree {
	for _, name := range path {
		t = t.fields[name]
	}
	return t
}

func (t tree) has(name string) bool {
	_, ok := t.fields[name]
	return ok
}

func (t tree) value(path ...string) string { return t.field(path...).text }

func (t tree) list(path ...string) []tree { return t.field(path...).items }

// each gives the fields in the order of their names.
func (t tree) each() iter.Seq2[string, tree] {
	return func(yield func(string, tree) bool) {
		for _, name := range slices.Sorted(maps.Keys(t.fields)) {
			if !yield(name, t.fields[name]) {
				return
			}
		}
	}
}

// contains reports whether the tree, or a part of it outside of other selects,
// fits.
func (t tree) contains(fits func(tree) bool) bool {
	if fits(t) {
		return true
	}
	for _, inner := range t.items {
		if inner.kind != "SelectStmt" && inner.contains(fits) {
			return true
		}
	}
	for _, inner := range t.fields {
		if inner.kind != "SelectStmt" && inner.contains(fits) {
			return true
		}
	}
	return false
}

// anywhere reports whether the tree, or any part of it, fits.
func (t tree) anywhere(fits func(tree) bool) bool {
	if fits(t) {
		return true
	}
	for _, inner := range t.items {
		if inner.anywhere(fits) {
			return true
		}
	}
	for _, inner := range t.fields {
		if inner.anywhere(fits) {
			return true
		}
	}
	return false
}

// equal compares two expressions, wherever in the text they stand.
func (t tree) equal(o tree) bool {
	if t.kind != o.kind || t.text != o.text || len(t.items) != len(o.items) {
		return false
	}
	for i := range t.items {
		if !t.items[i].equal(o.items[i]) {
			return false
		}
	}
	for name := range t.fields {
		if name != "location" && !(o.has(name) && t.fields[name].equal(o.fields[name])) {
			return false
		}
	}
	for name := range o.fields {
		if name != "location" && !t.has(name) {
			return false
		}
	}
	return true
}

// names are the parts of a name, such as schema and function.
func names(parts []tree) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p.value("sval"))
	}
	return out
}

// dotted writes a name so that it cannot be taken for another one.
func dotted(parts []string) string {
	var out []string
	for _, p := range parts {
		switch {
		case p == "":
			continue
		case strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789_$") != "":
			p = `"` + strings.ReplaceAll(p, `"`, `""`) + `"`
		}
		out = append(out, p)
	}
	return strings.Join(out, ".")
}
