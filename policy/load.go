package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/countersignhq/countersign/internal/nearest"
	"github.com/countersignhq/countersign/policy/expr"
)

// A Finding is something wrong with a bundle, at a line of a file.
type Finding struct {
	Level Level
	File  string
	Line  int
	Rule  string // the id of the rule, empty outside rules
	Text  string
}

// Level says what a finding means.
type Level string

// The levels.
const (
	// Error keeps the bundle from loading, or makes requests that nobody can
	// approve.
	Error Level = "error"
	// Warning is worth a look.
	Warning Level = "warning"
)

// String returns "policy/production.yaml:14: rule prod-write: unknown verb …".
func (f Finding) String() string {
	where := fmt.Sprintf("%s:%d: ", f.File, f.Line)
	if f.Rule != "" {
		where += "rule " + f.Rule + ": "
	}
	return where + f.Text
}

// A LoadError says everything that keeps a bundle from loading, in the order of
// files and lines.
type LoadError struct{ Findings []Finding }

// Error implements error, one finding a line.
func (e *LoadError) Error() string {
	lines := make([]string, 0, len(e.Findings))
	for _, f := range e.Findings {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// Load reads a bundle: names of files, as they shall stand in verdicts, and
// their YAML. Every word is checked against the catalogue and those of the
// product. The error is a *LoadError that lists everything wrong at once.
func Load(files map[string][]byte, c Catalogue) (*Policy, error) {
	return refuse(read(files, c.words()))
}

// Reload reads a bundle that Load once accepted, such as the active one at
// start. Words of the configuration are not checked again: a label or group that
// is gone may not take the whole policy with it, since a rule that names it
// matches nothing now and nobody can meet a stage of it.
func Reload(files map[string][]byte) (*Policy, error) {
	return refuse(read(files, productWords()))
}

func refuse(p *Policy, findings []Finding) (*Policy, error) {
	if len(findings) > 0 {
		return nil, &LoadError{findings}
	}
	return p, nil
}

// compiler is the same for every bundle, and takes long to make.
var compiler = sync.OnceValues(expr.NewCompiler)

func read(files map[string][]byte, known words) (*Policy, []Finding) {
	compiler, err := compiler()
	if err != nil {
		return nil, []Finding{{Level: Error, Text: err.Error()}}
	}
	if len(files) == 0 {
		return nil, []Finding{{Level: Error, File: "policy", Text: "there is no file; begin with the starter policy"}}
	}
	p := &Policy{digest: DigestOf(files)}
	l := &loader{words: known, compiler: compiler, policy: p}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		l.file(name, files[name])
	}
	slices.SortStableFunc(p.rules, func(a, b rule) int { return strings.Compare(a.id, b.id) })
	l.refuseTwins()
	l.unknownSchedules()
	p.index = newIndex(p.rules)
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return p, l.findings
}

// A loader reads one bundle and collects what is wrong with it.
type loader struct {
	words    words
	compiler *expr.Compiler
	policy   *Policy
	findings []Finding
	name     string // of the file being read
	rule     string // id of the rule being read
	named    []mention
}

func (l *loader) report(line int, format string, args ...any) {
	l.findings = append(l.findings, Finding{Error, l.name, line, l.rule, fmt.Sprintf(format, args...)})
}

// literals checks the texts that an expression compares with labels.
func (l *loader) literals(line int, found []expr.Literal) {
	for _, lit := range found {
		if kind := kindOf(lit.Field); lit.Text != "" && !l.words.have(kind, lit.Text) {
			l.report(line, "when: %s", unknownWord(kind, lit.Text, l.words[kind]))
		}
	}
}

func (l *loader) refuseTwins() {
	rules := l.policy.rules
	for i := 1; i < len(rules); i++ {
		if first, r := rules[i-1], rules[i]; first.id == r.id {
			l.findings = append(l.findings, Finding{Error, r.file, r.line, r.id,
				"the id is taken by the rule at " + first.source() + "; give this one another"})
		}
	}
}

// A field is a key that a mapping may have, and what reads its value.
type field struct {
	key  string
	read func(*yaml.Node)
}

// expression reports the errors at the lines they stand on.
func (l *loader) expression(n *yaml.Node, what string, errs []expr.Error) {
	first := n.Line - 1
	if n.Style == yaml.LiteralStyle || n.Style == yaml.FoldedStyle {
		first++
	}
	for _, e := range errs {
		l.report(first+max(1, e.Line), "%s: %s (at character %d)", what, e.Text, e.Column)
	}
}

// mapping reads a mapping whose keys are these, each at most once.
func (l *loader) mapping(n *yaml.Node, what string, fields []field) bool {
	if n.Kind != yaml.MappingNode {
		l.report(n.Line, "want a %s with keys and values", what)
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		switch {
		case at < 0:
			var keys []string
			for _, f := range fields {
				keys = append(keys, f.key)
			}
			l.report(key.Line, "%s", unknownWord("key of "+what, key.Value, keys))
		case seen[key.Value]:
			l.report(key.Line, "%s has the key %s twice", what, key.Value)
		default:
			seen[key.Value] = true
			fields[at].read(value)
		}
	}
	return true
}

func (l *loader) items(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		l.report(n.Line, "want a list")
		return nil
	}
	return n.Content
}

func (l *loader) texts(n *yaml.Node) (all []string) {
	for _, item := range l.items(n) {
		all = append(all, l.text(item))
	}
	if n.Kind == yaml.SequenceNode && len(all) == 0 {
		l.report(n.Line, "the list is empty; leave the key out to mean everything")
	}
	return all
}

func (l *loader) scalar(n *yaml.Node, tag, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != tag {
		l.report(n.Line, "want %s, got %s", want, describe(n))
		return "", false
	}
	return n.Value, true
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which policies do not use"
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}

func (l *loader) text(n *yaml.Node) string {
	s, ok := l.scalar(n, "!!str", "a text")
	if ok && s == "" {
		l.report(n.Line, "want a text, got an empty one")
	}
	return s
}

func (l *loader) truth(n *yaml.Node) bool {
	s, _ := l.scalar(n, "!!bool", "true or false")
	return strings.EqualFold(s, "true")
}

func (l *loader) quorum(n *yaml.Node) int {
	s, ok := l.scalar(n, "!!int", "a number of people")
	q, err := strconv.Atoi(s)
	if ok && (err != nil || q < 1 || q > maxQuorum) {
		l.report(n.Line, "want a quorum from 1 to %d, got %s", maxQuorum, s)
	}
	return q
}

func (l *loader) duration(n *yaml.Node) time.Duration {
	s, ok := l.scalar(n, "!!str", "a duration such as 30m")
	d, err := time.ParseDuration(s)
	if ok && (err != nil || d < time.Second || d > maxDuration) {
		l.report(n.Line, "want a duration from 1s to %s, such as 30m, got %q", maxDuration, s)
	}
	return d
}

// oneOf reads a word of the product.
func (l *loader) oneOf(n *yaml.Node, kind string) string {
	word, ok := l.scalar(n, "!!str", "a text")
	if ok && !l.words.have(kind, word) {
		l.report(n.Line, "%s", unknownWord(kind, word, l.words[kind]))
	}
	return word
}

// known reads a list of words of the kind.
func (l *loader) known(n *yaml.Node, kind string) (all []string) {
	for _, item := range l.items(n) {
		all = append(all, l.oneOf(item, kind))
	}
	if n.Kind == yaml.SequenceNode && len(all) == 0 {
		l.report(n.Line, "the list is empty; name at least one %s or leave the key out", kind)
	}
	return all
}

// unknownWord says that there is no such word, and which was probably meant.
func unknownWord(kind, word string, among []string) string {
	text := fmt.Sprintf("unknown %s %q", kind, word)
	if near, ok := nearest.To(word, among); ok {
		return text + fmt.Sprintf("; did you mean %q?", near)
	}
	if len(among) == 0 {
		return text + "; none is known"
	}
	const most = 8
	if len(among) > most {
		return text + "; known are " + strings.Join(among[:most], ", ") + " and more"
	}
	return text + "; known are " + strings.Join(among, ", ")
}
