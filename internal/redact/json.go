package redact

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countersignhq/countersign/internal/canon"
)

// A Document is what is secret in a JSON document.
type Document struct {
	raw    []Secret
	leaves map[string][]Secret
	values []Value
}

// Params finds the secrets of what a command is called with: of the JSON document
// that it is, or of any other text.
func Params(b []byte) Document {
	if found, ok := JSON(b); ok {
		return found
	}
	found := Document{raw: Text(string(b))}
	for _, x := range found.raw {
		found.values = append(found.values, Value{What: x.What, Text: string(b[x.Start:x.End])})
	}
	return found
}

// Raw are the secrets by their place in the bytes of the document.
func (d Document) Raw() []Secret { return d.raw }

// At are the secrets in the value at the path, by their place in the text that
// a string stands for, or in the digits of a number.
func (d Document) At(path string) []Secret { return d.leaves[path] }

// Values are the secrets themselves, for Known.
func (d Document) Values() []Value { return d.values }

// Path is the path of a member of the value at parent, which is empty for the
// document: its key, or its place in an array as a decimal number from 0. It is
// short however long the keys are, and no two values share one.
func Path(parent, key string) string {
	const size = 16 // bytes
	if parent == "" {
		parent = strings.Repeat("\x00", size)
	}
	sum := sha256.Sum256([]byte(parent + key))
	return string(sum[:size])
}

// JSON finds the secrets of a JSON document. A name makes a secret of its value
// and of all that an array of that name holds, and so does a name beside it
// ({"name": "TOKEN", "value": …}); an array of strings may be a command line;
// each string is searched as Text. ok is false for a document that canon.Check
// refuses: search it as Text.
func JSON(doc []byte) (found Document, ok bool) {
	if canon.Check(doc) != nil {
		return Document{}, false
	}
	w := walker{in: string(doc), doc: Document{leaves: map[string][]Secret{}}}
	root := w.node()
	w.judge(root, "", "")
	w.doc.raw = apart(w.doc.raw)
	return w.doc, true
}

// A node is one value of the document.
type node struct {
	start, end int
	text       string // of a string
	keys       []node // of an object, as many as items
	items      []node
}

type walker struct {
	in  string
	at  int
	doc Document
}

// node reads the value behind the blanks at the walker's place. The document was
// checked, so it is there.
func (w *walker) node() node {
	w.skip(" \t\r\n")
	n := node{start: w.at}
	switch open := w.in[w.at]; open {
	case '"':
		n.text = w.text()
	case '{', '[':
		w.at++
		for w.skip(" \t\r\n,"); w.in[w.at] != '}' && w.in[w.at] != ']'; w.skip(" \t\r\n,") {
			if open == '{' {
				n.keys = append(n.keys, w.node())
				w.skip(" \t\r\n:")
			}
			n.items = append(n.items, w.node())
		}
		w.at++
	default:
		for w.at < len(w.in) && strings.IndexByte(" \t\r\n,]}", w.in[w.at]) < 0 {
			w.at++
		}
	}
	n.end = w.at
	return n
}

func (w *walker) skip(chars string) {
	for w.at < len(w.in) && strings.IndexByte(chars, w.in[w.at]) >= 0 {
		w.at++
	}
}

func (w *walker) text() string {
	start, escaped := w.at, false
	for w.at++; w.in[w.at] != '"'; w.at++ {
		if w.in[w.at] == '\\' {
			escaped = true
			w.at++
		}
	}
	w.at++
	if !escaped {
		return w.in[start+1 : w.at-1]
	}
	var s string
	if json.Unmarshal([]byte(w.in[start:w.at]), &s) != nil {
		return w.in[start+1 : w.at-1]
	}
	return s
}

func (w *walker) kind(n node) byte { return w.in[n.start] }

// judge notes the secrets of a value whose name makes it what, empty for none.
func (w *walker) judge(n node, path, what string) {
	switch w.kind(n) {
	case '"':
		w.note(n, path, secretsOf(n.text, what))
	case '{':
		w.object(n, path, what)
	case '[':
		w.array(n, path, what)
	default:
		isNumber := strings.IndexByte("-"+digits10, w.kind(n)) >= 0
		if isNumber && (what == "password" || what == "PIN" || what == "card code" || what == "one-time code") {
			w.note(n, path, []Secret{{0, n.end - n.start, what}})
		}
	}
}

func (w *walker) object(n node, path, what string) {
	named, isSecret := "", false
	for i, key := range n.keys {
		switch text := n.items[i].text; strings.ToLower(key.text) {
		case "name", "key", "variable", "header":
			named = nameOf(text)
		case "kind":
			isSecret = text == "Secret" // of Kubernetes
		}
	}
	for i, key := range n.keys {
		w.rawOnly(key, Text(key.text))
		inner := nameOf(key.text)
		switch lower := strings.ToLower(key.text); {
		case lower == "value" || lower == "val":
			inner = named
		case isSecret && (lower == "data" || lower == "stringdata"):
			inner = "secret"
		case inner == "" && w.kind(n.items[i]) == '"':
			inner = what
		}
		w.judge(n.items[i], Path(path, key.text), inner)
	}
}

func (w *walker) array(n node, path, what string) {
	strung := !slices.ContainsFunc(n.items, func(item node) bool { return w.kind(item) != '"' })
	if what == "" && strung && len(n.items) == 2 && nameOf(n.items[0].text) != "" && !strings.HasPrefix(n.items[0].text, "-") {
		w.judge(n.items[0], Path(path, "0"), "")
		w.judge(n.items[1], Path(path, "1"), nameOf(n.items[0].text))
		return
	}
	flagged := map[int][]Secret{}
	if strung && what == "" {
		flagged = argv(n.items)
	}
	for i, item := range n.items {
		at := Path(path, strconv.Itoa(i))
		if more := flagged[i]; len(more) > 0 {
			w.note(item, at, apart(append(Text(item.text), more...)))
			continue
		}
		w.judge(item, at, what)
	}
}

// argv finds the secrets of strings that may be the words of one command, by
// their index.
func argv(items []node) map[int][]Secret {
	line, starts, at := make([]word, len(items)), make([]int, len(items)), 0
	for i, item := range items {
		starts[i] = at
		line[i] = word{item.text, at, at + len(item.text)}
		at += len(item.text)
	}
	var f finder
	f.commandLine(line, nil)
	flagged := map[int][]Secret{}
	for _, x := range f.found {
		i, exact := slices.BinarySearch(starts, x.Start)
		if !exact {
			i--
		}
		for i+1 < len(starts) && starts[i+1] == x.Start { // behind empty words
			i++
		}
		flagged[i] = append(flagged[i], Secret{x.Start - starts[i], x.End - starts[i], x.What})
	}
	return flagged
}

// secretsOf are the secrets of a string whose name makes it what.
func secretsOf(s, what string) []Secret {
	found := Text(s)
	switch {
	case what == "" || isReference(s):
	case what == "authorization":
		at := 0
		if scheme, _, ok := strings.Cut(s, " "); ok && isScheme(scheme) {
			at = len(scheme) + 1
		}
		found = apart(append(found, Secret{at, len(s), what}))
	case what == "PIN" && strings.Trim(s, digits10) != "":
	case len(found) == 1 && found[0].Start == 0 && found[0].End == len(s): // its shape says more
	default:
		found = []Secret{{0, len(s), what}}
	}
	return slices.DeleteFunc(found, func(x Secret) bool { return x.Start == x.End })
}

func (w *walker) note(n node, path string, found []Secret) {
	if len(found) == 0 {
		return
	}
	w.doc.leaves[path] = found
	text := n.text
	if w.kind(n) != '"' {
		text = w.in[n.start:n.end]
	}
	for _, x := range found {
		w.doc.values = append(w.doc.values, Value{x.What, text[x.Start:x.End]})
	}
	w.rawOnly(n, found)
}

// rawOnly notes where in the document the secrets of a value, or of a key, stand.
func (w *walker) rawOnly(n node, found []Secret) {
	if len(found) == 0 {
		return
	}
	if w.kind(n) != '"' {
		w.doc.raw = append(w.doc.raw, Secret{n.start, n.end, found[0].What})
		return
	}
	from := offsets(w.in[n.start+1:n.end-1], len(n.text))
	for _, x := range found {
		w.doc.raw = append(w.doc.raw, Secret{n.start + 1 + from[x.Start], n.start + 1 + from[x.End], x.What})
	}
}

// offsets gives for each byte of the text of a string, and for its end, where it
// stands between the quotes.
func offsets(raw string, size int) []int {
	from := make([]int, 0, size+1)
	for i := 0; i < len(raw); {
		long, wide := 1, 1
		switch {
		case raw[i] != '\\':
			_, long = utf8.DecodeRuneInString(raw[i:])
			for k := range long {
				from = append(from, i+k)
			}
			i += long
			continue
		case raw[i+1] == 'u':
			long = 6
			var s string
			if json.Unmarshal([]byte(`"`+raw[i:i+6]+`"`), &s) == nil {
				wide = len(s)
			}
			if code, err := strconv.ParseUint(raw[i+2:i+6], 16, 16); err == nil && code >= 0xd800 && code < 0xdc00 {
				long, wide = 12, 4
			}
		default:
			long = 2
		}
		for range wide {
			from = append(from, i)
		}
		i += long
	}
	for len(from) <= size {
		from = append(from, len(raw))
	}
	return from
}
