package canon

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// A writer writes the canonical form of values.
type writer struct {
	out     []byte
	depth   int
	scratch []byte
}

// writers are used again, unless what they wrote was long.
var writers = sync.Pool{New: func() any { return new(writer) }}

func write(v reflect.Value) ([]byte, bool) {
	w := writers.Get().(*writer)
	w.out, w.depth = w.out[:0], 0
	ok := w.any(v) && len(w.out) <= MaxBytes
	b := bytes.Clone(w.out)
	if cap(w.out) <= 1<<16 {
		writers.Put(w)
	}
	return b, ok
}

func (w *writer) enter(open byte) bool {
	w.depth++
	w.out = append(w.out, open)
	return w.depth <= MaxDepth
}

// leave closes what enter opened, in place of the last comma if there is one.
func (w *writer) leave(closing byte) bool {
	w.depth--
	if last := len(w.out) - 1; w.out[last] == ',' {
		w.out[last] = closing
	} else {
		w.out = append(w.out, closing)
	}
	return true
}

func (w *writer) null() bool {
	w.out = append(w.out, "null"...)
	return true
}

func (w *writer) text(text string) bool {
	w.out = appendString(w.out, text)
	return utf8.ValidString(text)
}

func writeText(w *writer, v reflect.Value) bool { return w.text(v.String()) }

func writeBool(w *writer, v reflect.Value) bool {
	w.out = strconv.AppendBool(w.out, v.Bool())
	return true
}

func writeInt(w *writer, v reflect.Value) bool {
	n := v.Int()
	w.out = strconv.AppendInt(w.out, n, 10)
	return -MaxInteger <= n && n <= MaxInteger
}

func writeUint(w *writer, v reflect.Value) bool {
	n := v.Uint()
	w.out = strconv.AppendUint(w.out, n, 10)
	return n <= MaxInteger
}

func writeBytes(w *writer, v reflect.Value) bool {
	if v.IsNil() {
		return w.null()
	}
	w.out = append(w.out, '"')
	w.out = base64.StdEncoding.AppendEncode(w.out, v.Bytes())
	w.out = append(w.out, '"')
	return true
}

func (f *form) writePointer(w *writer, v reflect.Value) bool {
	if v.IsNil() {
		return w.null()
	}
	return f.write(w, v.Elem())
}

func writeInterface(w *writer, v reflect.Value) bool {
	if v.IsNil() {
		return w.null()
	}
	return w.any(v.Elem())
}

// any writes what cannot be addressed.
func (w *writer) any(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer {
		return formOf(v.Type()).write(w, v)
	}
	at := reflect.New(v.Type()).Elem()
	at.Set(v)
	return formOf(v.Type()).write(w, at)
}

func (f *form) writeSlice(w *writer, v reflect.Value) bool {
	if v.IsNil() {
		return w.null()
	}
	return f.writeArray(w, v)
}

func (f *form) writeArray(w *writer, v reflect.Value) bool {
	ok := w.enter('[')
	for i := 0; ok && i < v.Len(); i++ {
		ok = f.write(w, v.Index(i))
		w.out = append(w.out, ',')
	}
	return ok && w.leave(']')
}

func (f *form) writeMap(w *writer, v reflect.Value) bool {
	if v.IsNil() {
		return w.null()
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return compareUTF16(a.String(), b.String()) })
	var found keySet
	var open []written
	value := reflect.New(v.Type().Elem()).Elem()
	ok := w.enter('{')
	for _, k := range keys {
		name := []byte(k.String())
		if _, twice := found.find(open, name); !ok || twice {
			return false
		}
		open = append(open, written{name: name})
		found.add(open)
		value.Set(v.MapIndex(k))
		ok = w.text(k.String())
		w.out = append(w.out, ':')
		ok = ok && f.write(w, value)
		w.out = append(w.out, ',')
	}
	return ok && w.leave('}')
}

func (s *structure) write(w *writer, v reflect.Value) bool {
	ok := w.enter('{')
	for i := 0; ok && i < len(s.members); i++ {
		m := &s.members[i]
		f := v.FieldByIndex(m.index)
		if m.omitEmpty && isEmpty(f) || m.omitZero && m.isZero(f) {
			continue
		}
		w.out = append(w.out, m.spelled...)
		ok = m.write(w, f)
		w.out = append(w.out, ',')
	}
	return ok && w.leave('}')
}

// isEmpty is what the option omitempty leaves out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// isZero is what the option omitzero leaves out.
func (m *structMember) isZero(v reflect.Value) bool {
	if m.tellsZero {
		return v.Addr().Interface().(zeroTeller).IsZero()
	}
	return v.IsZero()
}

func writeItselfAsText(w *writer, v reflect.Value) bool {
	var text []byte
	var err error
	switch v := v.Addr().Interface().(type) {
	case encoding.TextAppender:
		text, err = v.AppendText(w.scratch[:0])
		w.scratch = text
	case encoding.TextMarshaler:
		text, err = v.MarshalText() // which may keep what it gives
	}
	w.out = appendString(w.out, text)
	return err == nil && utf8.Valid(text)
}

func writeSlowly(w *writer, v reflect.Value) bool {
	b, err := encode(v.Interface())
	if err != nil {
		return false
	}
	r := reader{in: b, mode: writingOwn, most: MaxBytes, out: w.out, depth: w.depth}
	if err := r.document(); err != nil {
		return false
	}
	w.out = r.out
	return true
}

// writeNever leaves the whole document to encoding/json, which calls methods that
// only a pointer has where a value can be addressed, and not elsewhere.
func writeNever(*writer, reflect.Value) bool { return false }
