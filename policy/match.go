package policy

import (
	"slices"
	"strings"

	"github.com/countersignhq/countersign"
)

// A match is the declarative part of a rule. An empty list matches everything.
type match struct {
	resources    []string // patterns, * stands for any text
	environments []string
	verbs        []string
	classes      []string
	kinds        []string
	regions      []string
}

// A subject is what matches look at.
type subject struct {
	resource, environment, kind string
	verbs, classes, regions     []string
}

func (in Input) subject() subject {
	return subject{
		resource: in.Resource.Name, environment: in.Resource.Environment, kind: string(in.Requester.Kind),
		verbs: in.Facts.Verbs, classes: in.classes(), regions: in.Resource.Regions,
	}
}

// fits reports whether a rule of the effect speaks of the subject. A deny or a
// hold needs one verb, class and region in its lists; an allow needs all of
// them there, or a command that reads and writes would pass as a read.
func (m match) fits(s subject, effect countersign.Effect) bool {
	among := touches
	if effect == countersign.Allow {
		among = within
	}
	return m.fitsResource(s.resource) &&
		(len(m.environments) == 0 || slices.Contains(m.environments, s.environment)) &&
		(len(m.kinds) == 0 || slices.Contains(m.kinds, s.kind)) &&
		(len(m.verbs) == 0 || among(s.verbs, m.verbs)) &&
		(len(m.classes) == 0 || among(s.classes, m.classes)) &&
		(len(m.regions) == 0 || among(s.regions, m.regions))
}

func (m match) fitsResource(name string) bool {
	return len(m.resources) == 0 ||
		slices.ContainsFunc(m.resources, func(pattern string) bool { return glob(pattern, name) })
}

// restsOnFacts reports whether the match looks at what was understood of the
// command, not only at labels.
func (m match) restsOnFacts() bool { return len(m.verbs) > 0 || len(m.classes) > 0 }

// touches reports whether one of the values is in the list.
func touches(values, list []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(list, v) })
}

// within reports whether there are values and all are in the list.
func within(values, list []string) bool {
	return len(values) > 0 &&
		!slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(list, v) })
}

// covers reports whether a rule that matches m, and denies or holds, speaks of
// everything that a rule matching other speaks of.
func (m match) covers(other match) bool {
	resources := len(m.resources) == 0 || len(other.resources) > 0 &&
		!slices.ContainsFunc(other.resources, func(pattern string) bool { return !m.fitsResource(pattern) })
	return resources && wider(m.environments, other.environments) && wider(m.verbs, other.verbs) &&
		wider(m.classes, other.classes) && wider(m.kinds, other.kinds) && wider(m.regions, other.regions)
}

func wider(list, other []string) bool { return len(list) == 0 || within(other, list) }

// glob reports whether the pattern matches the whole name. A * stands for any
// text, slashes included; every other character stands for itself.
func glob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// An index finds the rules that may match a subject without looking at the
// others, so that a verdict takes as long with a thousand rules as with ten.
type index struct {
	rules    map[indexKey][]int
	prefixes []int // the lengths of the prefixes among the keys
	always   []int // rules that no key could narrow
}

type indexKey struct{ what, value string }

// newIndex files each rule under that part of its match which fewest rules
// share.
func newIndex(rules []rule) index {
	shared := map[indexKey]int{}
	for _, r := range rules {
		for _, keys := range r.match.keys() {
			for _, k := range keys {
				shared[k]++
			}
		}
	}
	x := index{rules: map[indexKey][]int{}}
	for i, r := range rules {
		var best []indexKey
		fewest := 0
		for _, keys := range r.match.keys() {
			most := 0
			for _, k := range keys {
				most = max(most, shared[k])
			}
			if best == nil || most < fewest {
				best, fewest = keys, most
			}
		}
		if best == nil {
			x.always = append(x.always, i)
		}
		for _, k := range best {
			x.rules[k] = append(x.rules[k], i)
			if k.what == "prefix" {
				x.prefixes = append(x.prefixes, len(k.value))
			}
		}
	}
	slices.Sort(x.prefixes)
	x.prefixes = slices.Compact(x.prefixes)
	return x
}

// keys returns the ways to file the match, each a list of keys of which a
// subject that fits has at least one.
func (m match) keys() [][]indexKey {
	var ways [][]indexKey
	if names := resourceKeys(m.resources); names != nil {
		ways = append(ways, names)
	}
	for _, l := range []struct {
		what   string
		values []string
	}{{"verb", m.verbs}, {"class", m.classes}, {"environment", m.environments}, {"region", m.regions}, {"kind", m.kinds}} {
		if len(l.values) > 0 {
			ways = append(ways, keysOf(l.what, l.values))
		}
	}
	return ways
}

func keysOf(what string, values []string) []indexKey {
	var keys []indexKey
	for _, v := range values {
		keys = append(keys, indexKey{what, v})
	}
	return keys
}

// resourceKeys returns nil where a pattern begins with *.
func resourceKeys(patterns []string) []indexKey {
	var keys []indexKey
	for _, p := range patterns {
		prefix, _, isGlob := strings.Cut(p, "*")
		switch {
		case !isGlob:
			keys = append(keys, indexKey{"resource", p})
		case prefix == "":
			return nil
		default:
			keys = append(keys, indexKey{"prefix", prefix})
		}
	}
	return keys
}

// candidates returns the numbers, in order, of the rules that may match.
func (x index) candidates(s subject) []int {
	found := slices.Clone(x.always)
	add := func(what, value string) { found = append(found, x.rules[indexKey{what, value}]...) }
	add("resource", s.resource)
	for _, n := range x.prefixes {
		if n <= len(s.resource) {
			add("prefix", s.resource[:n])
		}
	}
	add("environment", s.environment)
	add("kind", s.kind)
	for _, v := range s.verbs {
		add("verb", v)
	}
	for _, c := range s.classes {
		add("class", c)
	}
	for _, r := range s.regions {
		add("region", r)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
