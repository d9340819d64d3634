package brief

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign/internal/canon"
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
}

// layOut lays the params of a checked command out for reading. For tools/call the
// arguments come first, by their own paths; the name stands in the title.
func layOut(method string, params []byte) (layout, error) {
	var l layout
	arguments, called := canon.Member(params, "arguments")
	called = called && method == methodCall && arguments[0] == '{'
	if called {
		if err := l.members(nil, "arguments", arguments); err != nil {
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
		if err := l.value(pathTo(nil, key), key, raw); err != nil {
			return l, err
		}
	}
	if len(l.lines) == 0 {
		return l, l.add("", Line{Value: quiet("no arguments")})
	}
	return l, nil
}

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

func (l *layout) members(path Text, where string, object []byte) error {
	for key, raw := range canon.Members(object) {
		if err := l.value(pathTo(path, key), where+"."+key, raw); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) value(path Text, where string, raw []byte) error {
	switch raw[0] {
	case '{':
		if inner := strings.TrimSpace(string(raw[1 : len(raw)-1])); inner != "" {
			return l.members(path, where, raw)
		}
		return l.add(where, Line{Path: path, Value: say("{}")})
	case '[':
		return l.array(path, where, raw)
	case '"':
		s := decoded(raw)
		if strings.Contains(s, "\n") {
			return l.text(path, where, s)
		}
		return l.add(where, Line{Path: path, Value: quoted(s)})
	}
	return l.add(where, Line{Path: path, Value: say(string(raw))})
}

func (l *layout) array(path Text, where string, raw []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	if row, ok := arrayRow(items, len(raw)); ok {
		return l.add(where, Line{Path: path, Value: row})
	}
	for i, item := range items {
		at := strconv.Itoa(i)
		if err := l.value(join(path, say("["+at+"]")), where+"."+at, item); err != nil {
			return err
		}
	}
	return nil
}

// arrayRow writes a short array of single values in one line.
func arrayRow(items []json.RawMessage, size int) (Text, bool) {
	row := say("[")
	for i, item := range items {
		if item[0] == '{' || item[0] == '[' || size > longestArray {
			return nil, false
		}
		if i > 0 {
			row = append(row, Span{Text: ", "})
		}
		if isString(item) {
			row = append(row, quoted(decoded(item))...)
		} else {
			row = append(row, Span{Text: string(item)})
		}
	}
	return append(row, Span{Text: "]"}), true
}

// text lays a text of several lines out, each with its number. Where every CR and
// every newline is one of CR LF that is said once, above the lines; otherwise each
// CR is labelled where it stands.
func (l *layout) text(path Text, where, s string) error {
	pairs := strings.Count(s, "\r\n")
	shown, crlf := s, strings.Count(s, "\n") == pairs && strings.Count(s, "\r") == pairs
	if crlf {
		shown = strings.ReplaceAll(s, "\r\n", "\n")
	}
	lines := textLines(asSent(shown))
	head := count(strings.Count(strings.TrimSuffix(s, "\n"), "\n")+1, "line") + ", " + count(len(s), "byte")
	if !strings.HasSuffix(s, "\n") {
		head += ", no newline at the end"
	}
	if crlf {
		head += ", newlines are CR LF"
	}
	if err := l.add(where, Line{Path: path, Value: quiet(head)}); err != nil {
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
		if s.Role == Hidden {
			number += strings.Count(s.Text, "\n")
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
	if last < 0 || t[last].Role == Hidden {
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
func pathTo(path Text, key string) Text {
	if !isWord(key, "_-") {
		return join(path, say("["), quoted(key), say("]"))
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
