package canon

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

type mode int

const (
	checking   mode = iota // only read
	writing                // and write the canonical form
	writingOwn             // of what encoding/json has just written
)

// A reader checks one document from front to back in a single pass and, unless
// it is only checking, writes the canonical form as it goes.
type reader struct {
	in   []byte
	at   int
	mode mode
	most int // bytes of a document

	depth   int
	open    []written // members read so far of the objects that are open, innermost last
	out     []byte
	scratch []byte
}

// written is one member of an open object: its unescaped name and where in out
// its key, value and comma stand.
type written struct {
	name     []byte
	from, to int
}

func (r *reader) fail(at int, problem string) *SyntaxError {
	return &SyntaxError{Offset: int64(at), Problem: problem}
}

func (r *reader) document() *SyntaxError {
	if err := r.start(); err != nil {
		return err
	}
	r.space()
	if err := r.value(); err != nil {
		return err
	}
	r.space()
	if r.at < len(r.in) {
		return r.fail(r.at, "there is more data after the value; send exactly one JSON value")
	}
	return nil
}

// start checks the document as text.
func (r *reader) start() *SyntaxError {
	if len(r.in) > r.most {
		return r.fail(r.most, fmt.Sprintf("the document has %d bytes and the limit is %d; send less, or send it in parts", len(r.in), r.most))
	}
	if bytes.HasPrefix(r.in, []byte("\xef\xbb\xbf")) {
		return r.fail(0, "the document starts with a byte order mark; send UTF-8 without one")
	}
	if !utf8.Valid(r.in) {
		at := invalidAt(r.in)
		return r.fail(at, fmt.Sprintf("byte 0x%02X is not valid UTF-8; encode the document as UTF-8 and binary data as base64", r.in[at]))
	}
	return nil
}

func invalidAt(b []byte) int {
	at := 0
	for at < len(b) {
		c, n := utf8.DecodeRune(b[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

func (r *reader) space() { r.at = skipSpace(r.in, r.at) }

// peek returns the next byte, or 0 at the end; a real 0 is refused in every
// place that asks.
func (r *reader) peek() byte {
	if r.at < len(r.in) {
		return r.in[r.at]
	}
	return 0
}

func (r *reader) unexpected(want string) *SyntaxError {
	if r.at >= len(r.in) {
		return r.fail(r.at, "the document ends where "+want+" should stand; send it whole")
	}
	c, _ := utf8.DecodeRune(r.in[r.at:])
	return r.fail(r.at, fmt.Sprintf("found %s where %s should stand; send valid JSON (RFC 8259)", strconv.QuoteRuneToASCII(c), want))
}

func (r *reader) write(b ...byte) {
	if r.mode != checking {
		r.out = append(r.out, b...)
	}
}

func (r *reader) value() *SyntaxError {
	switch c := r.peek(); c {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		_, err := r.str()
		return err
	case 't':
		return r.literal("true")
	case 'f':
		return r.literal("false")
	case 'n':
		return r.literal("null")
	default:
		if c == '-' || isDigit(c) {
			return r.number()
		}
		return r.unexpected("a value")
	}
}

func (r *reader) literal(word string) *SyntaxError {
	end := r.at + len(word)
	if end > len(r.in) || string(r.in[r.at:end]) != word {
		return r.unexpected("a value")
	}
	r.at = end
	r.write([]byte(word)...)
	return nil
}

func (r *reader) enter() *SyntaxError {
	if r.depth++; r.depth > MaxDepth {
		return r.fail(r.at, fmt.Sprintf("objects and arrays are nested more than %d deep; flatten the document", MaxDepth))
	}
	r.at++
	r.space()
	return nil
}

func (r *reader) array() *SyntaxError {
	if err := r.enter(); err != nil {
		return err
	}
	r.write('[')
	for i := 0; ; i++ {
		if i == 0 && r.peek() == ']' {
			break
		}
		if err := r.value(); err != nil {
			return err.under(strconv.AppendInt(nil, int64(i), 10))
		}
		r.space()
		if r.peek() == ']' {
			break
		}
		if r.peek() != ',' {
			return r.unexpected("',' or ']'")
		}
		r.write(',')
		r.at++
		r.space()
	}
	r.at++
	r.depth--
	r.write(']')
	return nil
}

func (r *reader) object() *SyntaxError {
	if err := r.enter(); err != nil {
		return err
	}
	r.write('{')
	if r.peek() == '}' {
		r.at++
		r.depth--
		r.write('}')
		return nil
	}
	keys := keySet{base: len(r.open)}
	for {
		if err := r.member(&keys); err != nil {
			return err
		}
		r.space()
		if r.peek() == '}' {
			break
		}
		if r.peek() != ',' {
			return r.unexpected("',' or '}'")
		}
		r.at++
		r.space()
	}
	r.at++
	r.depth--
	if r.mode != checking {
		r.arrange(r.open[keys.base:])
		r.out[len(r.out)-1] = '}' // in place of the last comma
	}
	r.open = r.open[:keys.base]
	return nil
}

func (r *reader) member(keys *keySet) *SyntaxError {
	if r.peek() != '"' {
		return r.unexpected("a key in double quotes")
	}
	at, from := r.at, len(r.out)
	name, err := r.str()
	if err != nil {
		return err
	}
	if other, twice := keys.find(r.open, name); twice {
		problem := fmt.Sprintf("key %s stands twice in one object; send it once", quote(name))
		if !bytes.Equal(other, name) {
			problem = fmt.Sprintf("keys %s and %s of one object differ only by case; send one of them", quote(other), quote(name))
		}
		return r.fail(at, problem).under(name)
	}
	r.open = append(r.open, written{name: name, from: from})
	keys.add(r.open)
	mine := len(r.open) - 1
	r.space()
	if r.peek() != ':' {
		return r.unexpected("':'")
	}
	r.at++
	r.write(':')
	r.space()
	if err := r.value(); err != nil {
		return err.under(name)
	}
	r.write(',')
	r.open[mine].to = len(r.out)
	return nil
}

// arrange puts the members of the object that has just been written in the
// order of RFC 8785, section 3.2.3.
func (r *reader) arrange(members []written) {
	byName := func(a, b written) int { return compareUTF16(a.name, b.name) }
	if slices.IsSortedFunc(members, byName) {
		return
	}
	start := members[0].from
	slices.SortFunc(members, byName)
	r.scratch = r.scratch[:0]
	for _, m := range members {
		r.scratch = append(r.scratch, r.out[m.from:m.to]...)
	}
	copy(r.out[start:], r.scratch)
}
