package canon

import (
	"bytes"
	"encoding"
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
