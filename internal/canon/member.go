package canon

import (
	"errors"
	"iter"
)

// Member returns the exact bytes of the value at path in a checked document:
// path names a key of the object, then a key of that member's object, and so
// on, each in its exact case. No path at all names the value itself. The bytes
// are a part of b. In a document that Check refuses the answer means nothing.
func Member(b []byte, path ...string) (raw []byte, ok bool) {
	at := skipSpace(b, 0)
	if at == len(b) {
		return nil, false
	}
next:
	for _, name := range path {
		for m := range membersAt(b, at) {
			if string(m.name) == name {
				at = m.value
				continue next
			}
		}
		return nil, false
	}
	return b[at:skipValue(b, at)], true
}

// Members gives the members of a checked object in the order in which they
// stand: the unescaped key and the exact bytes of the value, which are a part
// of b. A document that is not an object has none.
func Members(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for m := range membersAt(b, skipSpace(b, 0)) {
			if !yield(string(m.name), b[m.value:m.end]) {
				return
			}
		}
	}
}

// Without returns b without the members at paths, which are as in [Member].
// Nothing else changes: of each member go its key, colon, value and the
// whitespace among them, and one comma; every other byte stays, whitespace,
// spelling of numbers and escapes included. An object that becomes empty
// through a cut is cut too, up to but never including the outermost. If no path
// leads to a member the result is b itself. A document that Check refuses gives
// its [*SyntaxError].
func Without(b []byte, paths ...[]string) ([]byte, error) {
	for _, p := range paths {
		if len(p) == 0 {
			return nil, errors.New("an empty path names the whole document, which cannot be cut; name a member")
		}
	}
	if err := Check(b); err != nil {
		return nil, err
	}
	c := cutter{in: b}
	c.object(skipSpace(b, 0), paths)
	if len(c.cuts) == 0 {
		return b, nil
	}
	out := make([]byte, 0, len(b))
	kept := 0
	for _, cut := range c.cuts {
		out = append(out, b[kept:cut.from]...)
		kept = cut.to
	}
	return append(out, b[kept:]...), nil
}

type cutter struct {
	in   []byte
	cuts []piece // in order, none touching the next
}

type piece struct{ from, to int }

// object notes what is to be cut from the object at open and says whether
// cuts leave nothing in it.
func (c *cutter) object(open int, paths [][]string) (emptied bool) {
	before := len(c.cuts)
	kept, comma := 0, 0
	for m := range membersAt(c.in, open) {
		inner := len(c.cuts)
		whole, below := matching(paths, m.name)
		if !whole && len(below) > 0 {
			whole = c.object(m.value, below)
		}
		switch {
		case !whole:
			kept++
		case kept > 0:
			c.cuts = append(c.cuts[:inner], piece{comma, comma + 1}, piece{m.key, m.end})
		default:
			c.cuts = append(c.cuts[:inner], piece{m.key, m.end})
			if m.comma >= 0 {
				c.cuts = append(c.cuts, piece{m.comma, m.comma + 1})
			}
		}
		comma = m.comma
	}
	return kept == 0 && len(c.cuts) > before
}

// matching says whether a path ends at name, and gives the rests of those that
// go on below it.
func matching(paths [][]string, name []byte) (ends bool, below [][]string) {
	for _, p := range paths {
		if p[0] != string(name) {
			continue
		}
		if len(p) == 1 {
			return true, nil
		}
		below = append(below, p[1:])
	}
	return false, below
}

// span is where one member stands in a document.
type span struct {
	name            []byte // unescaped
	key, value, end int    // start of the key, start and end of the value
	comma           int    // of the comma after it, or -1
}

// membersAt gives the members of the object that opens at at; none if there is
// no object. It never reads outside b, checked or not.
func membersAt(b []byte, at int) iter.Seq[span] {
	return func(yield func(span) bool) {
		if at >= len(b) || b[at] != '{' {
			return
		}
		i := skipSpace(b, at+1)
		for i < len(b) && b[i] == '"' {
			m := span{key: i, comma: -1}
			keyEnd := skipString(b, i)
			colon := skipSpace(b, keyEnd)
			if colon >= len(b) || b[colon] != ':' {
				return
			}
			m.name = unescape(b[i+1 : keyEnd-1])
			m.value = skipSpace(b, colon+1)
			m.end = skipValue(b, m.value)
			i = skipSpace(b, m.end)
			if i < len(b) && b[i] == ',' {
				m.comma = i
				i = skipSpace(b, i+1)
			}
			if !yield(m) || m.comma < 0 {
				return
			}
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the end of the string that opens at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// skipValue returns the end of the value that starts at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = skipString(b, i); depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(b)
}
