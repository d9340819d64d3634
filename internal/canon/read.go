package canon

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
)

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
