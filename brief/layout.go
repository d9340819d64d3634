package brief

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/redact"
)

// A Line is one line of a command as it is laid out for reading. Channels wrap
// long lines and never cut them.
type Line struct {
	// Path is the dotted path of an argument; keys that are not plain words
	// stand in it as ["…"].
	Path Text `json:"path,omitempty"`
	// Number counts the lines of a text that has several, from 1.
	Number int  `json:"number,omitempty"`
	Value  Text `json:"value"`
	// Notes say what is risky in this line, worst first.
	Notes []Note `json:"notes,omitempty"`
}

const (
	mostLines    = 20_000
	mostLaidOut  = 1 << 20 // bytes, paths included
	longestArray = 60      // bytes of an array that stands in one line
)

// errUnreadable says that the layout would be longer than anybody reads, such as
// a long path repeated ten thousand times.
var errUnreadable = errors.New("too long to lay out")

// A layout collects lines, and beside each the path by which an indicator names
// it, of which a line of a longer text has none.
type layout struct {
	lines []Line
	where []string
	bytes int
	veil  veil
}

// layOut lays the params of a checked command out for reading. For tools/call the
// arguments come first, by their own paths; the name stands in the title.
func layOut(method string, params []byte, v veil) (layout, error) {
	l := layout{veil: v}
	arguments, called := canon.Member(params, "arguments")
	called = called && method == methodCall && arguments[0] == '{'
	if called {
		if err := l.members(nil, place{"arguments", redact.Path("", "arguments")}, arguments); err != nil {
			return l, err
		}
	}
	before := len(l.lines)
	for key, raw := range canon.Members(params) {
		if method == methodCall && (key == "name" && isString(raw) || key == "arguments" && called) {
			continue
		}
		if called && len(l.lines) == before {
			if err := l.add("", Line{Value: quiet("beside the arguments:")}); err != nil {
				return l, err
			}
		}
		if err := l.value(l.pathTo(nil, key), place{key, redact.Path("", key)}, raw); err != nil {
			return l, err
		}
	}
	if len(l.lines) == 0 {
		return l, l.add("", Line{Value: quiet("no arguments")})
	}
	return l, nil
}

// A place is where in the params a value stands: by the dotted path that
// indicators name, which two may share, and by the path of a redact.Document.
type place struct{ where, path string }

func (p place) inner(key string) place { return place{p.where + "." + key, redact.Path(p.path, key)} }

// secrets are those of the value at the place.
func (l *layout) secrets(at place) []redact.Secret { return l.veil.doc.At(at.path) }

func (l *layout) add(where string, line Line) error {
	for _, s := range line.Path {
		l.bytes += len(s.Text)
	}
	for _, s := range line.Value {
		l.bytes += len(s.Text)
	}
	if len(l.lines) == mostLines || l.bytes > mostLaidOut {
		return errUnreadable
	}
	l.lines = append(l.lines, line)
	l.where = append(l.where, where)
	return nil
}

func (l *layout) members(path Text, at place, object []byte) error {
	for key, raw := range canon.Members(object) {
		if err := l.value(l.pathTo(path, key), at.inner(key), raw); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) value(path Text, at place, raw []byte) error {
	switch raw[0] {
	case '{':
		if inner := strings.TrimSpace(string(raw[1 : len(raw)-1])); inner != "" {
			return l.members(path, at, raw)
		}
		return l.add(at.where, Line{Path: path, Value: say("{}")})
	case '[':
		return l.array(path, at, raw)
	case '"':
		s := decoded(raw)
		if strings.Contains(s, "\n") {
			return l.text(path, at, s)
		}
		return l.add(at.where, Line{Path: path, Value: quote(s, l.secrets(at))})
	}
	return l.add(at.where, Line{Path: path, Value: spell(string(raw), l.secrets(at), say)})
}

func (l *layout) array(path Text, at place, raw []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	if row, ok := l.arrayRow(items, len(raw), at); ok {
		return l.add(at.where, Line{Path: path, Value: row})
	}
	for i, item := range items {
		n := strconv.Itoa(i)
		if err := l.value(join(path, say("["+n+"]")), at.inner(n), item); err != nil {
			return err
		}
	}
	return nil
}

// arrayRow writes a short array of single values in one line.
func (l *layout) arrayRow(items []json.RawMessage, size int, at place) (Text, bool) {
	row := say("[")
	for i, item := range items {
		if item[0] == '{' || item[0] == '[' || size > longestArray {
			return nil, false
		}
		if i > 0 {
			row = append(row, Span{Text: ", "})
		}
		secrets := l.secrets(at.inner(strconv.Itoa(i)))
		if isString(item) {
			row = append(row, quote(decoded(item), secrets)...)
		} else {
			row = append(row, spell(string(item), secrets, say)...)
		}
	}
	return append(row, Span{Text: "]"}), true
}

// text lays a text of several lines out, each with its number. Where every CR and
// every newline is one of CR LF that is said once, above the lines; otherwise each
// CR is labelled where it stands.
func (l *layout) text(path Text, at place, s string) error {
	pairs := strings.Count(s, "\r\n")
	secrets := l.secrets(at) // which lie in s as it is
	shown, crlf := s, len(secrets) == 0 && strings.Count(s, "\n") == pairs && strings.Count(s, "\r") == pairs
	if crlf {
		shown = strings.ReplaceAll(s, "\r\n", "\n")
	}
	lines := textLines(spell(shown, secrets, say))
	head := count(strings.Count(strings.TrimSuffix(s, "\n"), "\n")+1, "line") + ", " + count(len(s), "byte")
	if !strings.HasSuffix(s, "\n") {
		head += ", no newline at the end"
	}
	if crlf {
		head += ", newlines are CR LF"
	}
	if err := l.add(at.where, Line{Path: path, Value: quiet(head)}); err != nil {
		return err
	}
	for _, line := range lines {
		if err := l.add("", line); err != nil {
			return err
		}
	}
	return nil
}

// textLines cuts a text at its visible newlines and numbers the lines. Blank
// lines that are counted as padding stay one line.
func textLines(t Text) []Line {
	lines := []Line{{Number: 1}}
	number := 1
	for _, s := range t {
		if s.Boxed() {
			number += strings.Count(s.Text, "\n") + s.lines
			last := &lines[len(lines)-1]
			last.Value = append(last.Value, s)
			continue
		}
		for i, piece := range strings.Split(s.Text, "\n") {
			if i > 0 {
				number++
				lines = append(lines, Line{Number: number})
			}
			if piece != "" {
				last := &lines[len(lines)-1]
				last.Value = append(last.Value, Span{Text: piece, Role: s.Role})
			}
		}
	}
	if last := len(lines) - 1; last > 0 && len(lines[last].Value) == 0 {
		lines = lines[:last]
	}
	for i := range lines {
		lines[i].Value = endsVisibly(lines[i].Value)
	}
	return lines
}

// endsVisibly labels the blanks at the end of a line, where nobody sees them.
func endsVisibly(t Text) Text {
	last := len(t) - 1
	if last < 0 || t[last].Boxed() {
		return t
	}
	end := t[last]
	text := strings.TrimRight(end.Text, " \t")
	blanks := end.Text[len(text):]
	if blanks == "" {
		return t
	}
	t = t[:last]
	if text != "" {
		t = append(t, Span{Text: text, Role: end.Role})
	}
	return append(t, Span{Text: blanks, Role: Hidden, Label: count(len(blanks), "blank"), Count: len(blanks)})
}

// pathTo appends a key to a path so that no key passes for two.
func (l *layout) pathTo(path Text, key string) Text {
	if secrets := l.veil.key(key); len(secrets) > 0 || !isWord(key, "_-") {
		return join(path, say("["), quote(key, secrets), say("]"))
	}
	if len(path) > 0 {
		key = "." + key
	}
	return join(path, say(key))
}

func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

// decoded is the value of a JSON string in a checked document.
func decoded(raw []byte) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return s
}
