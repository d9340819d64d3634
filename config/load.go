package config

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Name is the file that is looked for where none is named.
const Name = "countersign.yaml"

// Load reads the file. What is wrong with it comes as Problems; a file that is
// not there as an error for which errors.Is(err, fs.ErrNotExist).
func Load(path string) (Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Config{}, err
	}
	return Parse(path, dir, b)
}

// Parse reads the text of a file by the name, in the folder.
func Parse(name, dir string, text []byte) (Config, error) {
	r := &reader{file: name, dir: dir}
	c := Config{File: name, Dir: dir, Limits: defaultLimits()}
	root, err := document(text)
	if err != nil {
		return c, Problems{syntax(name, err)}
	}
	if root != nil {
		r.top(root, &c)
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return c, r.problems
	}
	return c.complete(), nil
}

// document is the one YAML document of the text, nil if it says nothing.
func document(text []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds two documents, want one")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, nil
	}
	return root, nil
}

// syntax turns the library's "yaml: line 3: did not find …" into a Problem.
func syntax(name string, err error) Problem {
	detail := strings.TrimPrefix(err.Error(), "yaml: ")
	p := Problem{File: name, Detail: detail, Hint: "it must be YAML; look at the indentation"}
	if rest, ok := strings.CutPrefix(detail, "line "); ok {
		if number, what, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				p.Line, p.Detail = line, what
			}
		}
	}
	return p
}

func (r *reader) top(n *yaml.Node, c *Config) {
	r.mapping(n, "", keyed{
		"listen":     r.address("listen", &c.Listen),
		"doors":      r.address("doors", &c.Doors),
		"public_url": r.publicURL("public_url", &c.PublicURL),
		"doors_url":  r.publicURL("doors_url", &c.DoorsURL),
		"data":       r.text("data", &c.Data),
		"keys":       r.keys(&c.Keys),
		"store":      r.store,
		"policy":     r.texts("policy", &c.Policy),
		"groups":     r.groups(&c.Groups),
		"oncall":     r.onCall(&c.OnCall),
		"sinks":      r.sinks(&c.Sinks),
		"limits":     r.limits(&c.Limits),
		"metrics":    r.metrics(&c.Metrics),
		"channels":   r.channels(&c.Channels),
		"clients":    r.clients(&c.Clients),
		"issuers":    r.issuers(&c.Issuers),
		"resources":  r.resources(&c.Resources),
	})
	for _, o := range c.OnCall {
		for _, called := range slices.Sorted(maps.Keys(o.People)) {
			r.among(&yaml.Node{Line: o.Line}, o.People[called], c.Pool(o))
		}
	}
	if c.Listen != "" && c.Listen == c.Doors && !strings.HasSuffix(c.Listen, ":0") {
		r.wrong(n, "give doors another port", "listen and doors are both %s", c.Listen)
	}
	r.doorsURL(n, c)
}

// complete fills in the defaults and makes paths absolute.
func (c Config) complete() Config {
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:8480")
	c.Doors = cmp.Or(c.Doors, "127.0.0.1:8481")
	c.Data = under(c.Dir, cmp.Or(c.Data, "data"))
	for i, p := range c.Policy {
		c.Policy[i] = under(c.Dir, p)
	}
	c.Keys.Log = cmp.Or(c.Keys.Log, under(c.Data, "log.key"))
	c.Keys.Vault = cmp.Or(c.Keys.Vault, under(c.Data, "vault.key"))
	c.Keys.Pin = cmp.Or(c.Keys.Pin, under(c.Data, "log.pin"))
	return c
}
