package canon

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"sync"
)

// Unmarshal checks b and decodes it into v, a non-nil pointer, as encoding/json
// does, but refuses members that v has no field for, keys that are not in the
// exact case of the field's name, and lists that are longer or shorter than the
// array they go into. Numbers that go into an interface become json.Number.
//
// Types that decode themselves (json.Unmarshaler, encoding.TextUnmarshaler)
// answer for their own members; what an interface already points to is not
// looked into. Refusals are a [*SyntaxError]; values of the wrong type are the
// errors of encoding/json.
func Unmarshal(b []byte, v any) error { return UnmarshalUpTo(b, v, MaxBytes) }

// UnmarshalUpTo is Unmarshal for documents of at most so many bytes, which may be
// more than [MaxBytes].
func UnmarshalUpTo(b []byte, v any, most int) error {
	if to := reflect.ValueOf(v); to.Kind() == reflect.Pointer && !to.IsNil() && to.Elem().IsZero() {
		r := reader{in: b, mode: checking, most: most}
		if r.reads(formOf(to.Type().Elem()), to.Elem()) {
			return nil
		}
		to.Elem().SetZero()
	}
	if err := checkUpTo(b, most); err != nil {
		return err
	}
	return decode(b, v)
}

// decode has encoding/json decode a checked document.
func decode(b []byte, v any) error {
	s := shapes{in: b}
	if err := s.check(skipSpace(b, 0), reflect.TypeOf(v)); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("decode JSON into %T: %w", v, err)
	}
	return nil
}

// shapes compares a checked document with the type it is to be decoded into.
type shapes struct{ in []byte }

// known remembers what fieldsOf and decodesItself found: types do not change.
var known struct{ fields, decodes sync.Map }

func (s *shapes) check(at int, t reflect.Type) *SyntaxError {
	for t != nil && t.Kind() == reflect.Pointer && !decodesItself(t) {
		t = t.Elem()
	}
	if t == nil || decodesItself(t) {
		return nil
	}
	switch {
	case t.Kind() == reflect.Struct && s.in[at] == '{':
		return s.object(at, t)
	case t.Kind() == reflect.Map && s.in[at] == '{':
		for m := range membersAt(s.in, at) {
			if err := s.check(m.value, t.Elem()); err != nil {
				return err.under(m.name)
			}
		}
	case (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && s.in[at] == '[':
		return s.list(at, t)
	}
	return nil
}

func decodesItself(t reflect.Type) bool {
	if t.Kind() != reflect.Pointer {
		t = reflect.PointerTo(t)
	}
	found, ok := known.decodes.Load(t)
	if !ok {
		does := t.Implements(reflect.TypeFor[json.Unmarshaler]()) || t.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
		found, _ = known.decodes.LoadOrStore(t, does)
	}
	return found.(bool)
}

func (s *shapes) object(at int, t reflect.Type) *SyntaxError {
	found, ok := known.fields.Load(t)
	if !ok {
		found, _ = known.fields.LoadOrStore(t, fieldsOf(t))
	}
	fields := found.(map[string]field)
	for m := range membersAt(s.in, at) {
		f, ok := fields[string(m.name)]
		if !ok {
			e := &SyntaxError{Offset: int64(m.key), Problem: strayProblem(fields, m.name)}
			return e.under(m.name)
		}
		if err := s.check(m.value, f.of); err != nil {
			return err.under(m.name)
		}
	}
	return nil
}

func strayProblem(fields map[string]field, name []byte) string {
	for known := range fields {
		if bytes.EqualFold([]byte(known), name) {
			return fmt.Sprintf("key %s is not in the right case; write %s", quote(name), quote([]byte(known)))
		}
	}
	return fmt.Sprintf("key %s is not known here; leave it out", quote(name))
}

func (s *shapes) list(at int, t reflect.Type) *SyntaxError {
	n := 0
	for i := skipSpace(s.in, at+1); s.in[i] != ']'; n++ {
		if err := s.check(i, t.Elem()); err != nil {
			return err.under(strconv.AppendInt(nil, int64(n), 10))
		}
		i = skipSpace(s.in, skipValue(s.in, i))
		if s.in[i] == ',' {
			i = skipSpace(s.in, i+1)
		}
	}
	if t.Kind() == reflect.Array && n != t.Len() {
		return &SyntaxError{Offset: int64(at), Problem: fmt.Sprintf("the list has %d items; send exactly %d", n, t.Len())}
	}
	return nil
}

// reads reads the whole document into a zero value.
func (r *reader) reads(f *form, v reflect.Value) bool {
	if r.start() != nil {
		return false
	}
	r.space()
	ok := f.read(r, v)
	r.space()
	return ok && r.at == len(r.in)
}

func (r *reader) isNull() bool { return r.peek() == 'n' && r.literal("null") == nil }

// text reads a string.
func (r *reader) text() ([]byte, bool) {
	if r.peek() != '"' {
		return nil, false
	}
	text, err := r.str()
	return text, err == nil
}

func readText(r *reader, v reflect.Value) bool {
	text, ok := r.text()
	v.SetString(string(text))
	return ok
}

func readBool(r *reader, v reflect.Value) bool {
	v.SetBool(r.peek() == 't')
	return v.Bool() && r.literal("true") == nil || r.peek() == 'f' && r.literal("false") == nil
}

// numeral reads a number of any kind.
func (r *reader) numeral() string {
	from := r.at
	if r.number() != nil {
		return ""
	}
	return string(r.in[from:r.at])
}

func readInt(r *reader, v reflect.Value) bool {
	n, err := strconv.ParseInt(r.numeral(), 10, 64)
	v.SetInt(n)
	return err == nil && !v.OverflowInt(n)
}

func readUint(r *reader, v reflect.Value) bool {
	n, err := strconv.ParseUint(r.numeral(), 10, 64)
	v.SetUint(n)
	return err == nil && !v.OverflowUint(n)
}

func readBytes(r *reader, v reflect.Value) bool {
	if r.isNull() {
		return true
	}
	text, ok := r.text()
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, text)
	v.SetBytes(b[:n])
	return ok && err == nil
}

func (f *form) readPointer(r *reader, v reflect.Value) bool {
	if r.isNull() {
		return true
	}
	v.Set(reflect.New(v.Type().Elem()))
	return f.read(r, v.Elem())
}

func (f *form) readSlice(r *reader, v reflect.Value) bool {
	if r.isNull() {
		return true
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	n := 0
	return r.each('[', ']', func() bool {
		n++
		v.Grow(1)
		v.SetLen(n)
		return f.read(r, v.Index(n-1))
	})
}

func (f *form) readArray(r *reader, v reflect.Value) bool {
	n := 0
	return r.each('[', ']', func() bool {
		n++
		return n <= v.Len() && f.read(r, v.Index(n-1))
	}) && n == v.Len()
}

func (f *form) readMap(r *reader, v reflect.Value) bool {
	if r.isNull() {
		return true
	}
	t := v.Type()
	v.Set(reflect.MakeMap(t))
	keys := keySet{base: len(r.open)}
	ok := r.members(func(name []byte) bool {
		if _, twice := keys.find(r.open, name); twice {
			return false
		}
		r.open = append(r.open, written{name: name})
		keys.add(r.open)
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		key.SetString(string(name))
		ok := f.read(r, value)
		v.SetMapIndex(key, value)
		return ok
	})
	r.open = r.open[:keys.base]
	return ok
}

func (s *structure) read(r *reader, v reflect.Value) bool {
	var seen uint64
	return r.members(func(name []byte) bool {
		i, known := s.places[string(name)]
		if !known || seen>>i&1 == 1 {
			return false
		}
		seen |= 1 << i
		return s.members[i].read(r, v.FieldByIndex(s.members[i].index))
	})
}

func readItself(r *reader, v reflect.Value) bool {
	raw, ok := r.raw()
	return ok && v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(raw) == nil
}

func readItselfAsText(r *reader, v reflect.Value) bool {
	text, ok := r.text()
	return ok && v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text) == nil
}

func readSlowly(r *reader, v reflect.Value) bool {
	raw, ok := r.raw()
	return ok && decode(raw, v.Addr().Interface()) == nil
}

// raw checks the value that starts here and gives its bytes, unless it is null.
func (r *reader) raw() ([]byte, bool) {
	from := r.at
	ok := r.peek() != 'n' && r.value() == nil
	return r.in[from:r.at], ok
}

// members reads the members of an object; value reads the value of one.
func (r *reader) members(value func(name []byte) bool) bool {
	return r.each('{', '}', func() bool {
		name, ok := r.text()
		if r.space(); !ok || r.peek() != ':' {
			return false
		}
		r.at++
		r.space()
		return value(name)
	})
}

// each reads what stands between brackets, one after another.
func (r *reader) each(opening, closing byte, one func() bool) bool {
	if r.peek() != opening || r.enter() != nil {
		return false
	}
	for last := r.peek() == closing; !last; {
		if !one() {
			return false
		}
		r.space()
		switch last = r.peek() == closing; {
		case last:
		case r.peek() == ',':
			r.at++
			r.space()
		default:
			return false
		}
	}
	r.at++
	r.depth--
	return true
}
