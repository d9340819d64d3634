package canon

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// A form is how the values of a type are read and written in one pass, as
// encoding/json would with the checks of this package. Both say false when they
// meet what is wrong or rare, and leave it, whole, to encoding/json and those
// checks, which know what to say. The value that read is given is zero and can be
// set; the one that write is given can be addressed.
type form struct {
	read  func(r *reader, v reflect.Value) bool
	write func(w *writer, v reflect.Value) bool
}

var forms sync.Map // of reflect.Type to *form

func formOf(t reflect.Type) *form {
	if found, ok := forms.Load(t); ok {
		return found.(*form)
	}
	m := maker{}
	f := m.form(t)
	for t, f := range m {
		forms.LoadOrStore(t, f)
	}
	return f
}

// A maker makes the forms of a type and of all that it consists of, which may be
// that type again.
type maker map[reflect.Type]*form

func (m maker) form(t reflect.Type) *form {
	if f, ok := m[t]; ok {
		return f
	}
	f := &form{readSlowly, writeSlowly}
	m[t] = f
	if t != reflect.TypeFor[json.Number]() {
		m.fill(f, t)
	}
	if t.Kind() != reflect.Pointer {
		f.itself(t)
	}
	return f
}

func (m maker) fill(f *form, t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		*f = form{readText, writeText}
	case reflect.Bool:
		*f = form{readBool, writeBool}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		*f = form{readInt, writeInt}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		*f = form{readUint, writeUint}
	case reflect.Pointer:
		to := m.form(t.Elem())
		*f = form{to.readPointer, to.writePointer}
	case reflect.Interface:
		f.write = writeInterface
	case reflect.Slice:
		if of := m.form(t.Elem()); t.Elem().Kind() != reflect.Uint8 {
			*f = form{of.readSlice, of.writeSlice}
		} else if !encodesItself(t.Elem()) && !decodesItself(t.Elem()) {
			*f = form{readBytes, writeBytes}
		}
	case reflect.Array:
		of := m.form(t.Elem())
		*f = form{of.readArray, of.writeArray}
	case reflect.Map:
		if k := t.Key(); k.Kind() == reflect.String && !decodesItself(k) {
			of := m.form(t.Elem())
			*f = form{of.readMap, of.writeMap}
		}
	case reflect.Struct:
		if s, ok := m.structure(t); ok {
			*f = form{s.read, s.write}
		}
	}
}

func encodesItself(t reflect.Type) bool {
	t = reflect.PointerTo(t)
	return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// itself puts in place what a type does itself.
func (f *form) itself(t reflect.Type) {
	p, jsonMarshaler := reflect.PointerTo(t), reflect.TypeFor[json.Marshaler]()
	switch {
	case t == reflect.TypeFor[time.Time](): // says the same in both ways
		f.write = writeItselfAsText
	case t.Implements(jsonMarshaler):
		f.write = writeSlowly
	case p.Implements(jsonMarshaler):
		f.write = writeNever
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		f.write = writeItselfAsText
	case encodesItself(t):
		f.write = writeNever
	}
	switch {
	case p.Implements(reflect.TypeFor[json.Unmarshaler]()):
		f.read = readItself
	case p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		f.read = readItselfAsText
	}
}

// A structure is a struct type and its members, in the order of RFC 8785.
type structure struct {
	members []structMember
	places  map[string]int
}

type structMember struct {
	*form
	name      string
	spelled   []byte // as it is written, with its colon
	index     []int
	omitEmpty bool
	omitZero  bool
	tellsZero bool // by a method IsZero
}

// structure says no to what is rare: more than 64 members, those whose names
// differ only by case, embedded pointers, numbers in quotes, and pointers that may
// be zero without being nil.
func (m maker) structure(t reflect.Type) (*structure, bool) {
	fields := fieldsOf(t)
	s := &structure{places: map[string]int{}}
	for name, f := range fields {
		options := strings.Split(f.options, ",")
		tells := reflect.TypeFor[zeroTeller]()
		if f.throughPointer || slices.Contains(options, "string") || f.of.Implements(tells) && f.of.Kind() == reflect.Pointer || len(fields) > 64 {
			return nil, false
		}
		s.members = append(s.members, structMember{
			form: m.form(f.of), name: name, index: f.index,
			spelled:   append(appendString(nil, []byte(name)), ':'),
			omitEmpty: slices.Contains(options, "omitempty"), omitZero: slices.Contains(options, "omitzero"),
			tellsZero: reflect.PointerTo(f.of).Implements(tells),
		})
	}
	slices.SortFunc(s.members, func(a, b structMember) int { return compareUTF16([]byte(a.name), []byte(b.name)) })
	for i, member := range s.members {
		s.places[member.name] = i
		for _, other := range s.members[:i] {
			if bytes.EqualFold([]byte(other.name), []byte(member.name)) {
				return nil, false
			}
		}
	}
	return s, true
}

type zeroTeller interface{ IsZero() bool }

// A field is a member of a struct type.
type field struct {
	of             reflect.Type
	index          []int
	tagged         bool
	options        string // of the tag, such as "omitempty"
	throughPointer bool   // is in a struct that is embedded as a pointer
}

// fieldsOf gives the JSON members of a struct type by Go's rules for embedded
// fields, as encoding/json applies them: the shallowest field of a name wins,
// on one level a tagged one, and where that leaves two neither.
func fieldsOf(t reflect.Type) map[string]field {
	fields := map[string]field{}
	decided := map[string]bool{}
	seen := map[reflect.Type]bool{}
	for level := []field{{of: t}}; len(level) > 0; {
		var deeper []field
		found := map[string][]field{}
		for _, outer := range level {
			seen[outer.of] = true
		}
		for _, outer := range level {
			for f := range outer.of.Fields() {
				name, tagged, options := nameOf(f)
				this := field{f.Type, append(slices.Clone(outer.index), f.Index...), tagged, options, outer.throughPointer}
				switch inner := embedded(f); {
				case name == "-" && !tagged:
				case inner != nil && !tagged:
					if !seen[inner] {
						this.throughPointer = this.throughPointer || inner != f.Type
						this.of = inner
						deeper = append(deeper, this)
					}
				case f.IsExported():
					found[name] = append(found[name], this)
				}
			}
		}
		for name, of := range found {
			if winner, ok := dominant(of); ok && !decided[name] {
				fields[name] = winner
			}
			decided[name] = true
		}
		level = deeper
	}
	return fields
}

func dominant(all []field) (field, bool) {
	var tagged []field
	for _, f := range all {
		if f.tagged {
			tagged = append(tagged, f)
		}
	}
	if len(tagged) == 0 {
		tagged = all
	}
	return tagged[0], len(tagged) == 1
}

// nameOf gives a field's member name, whether a tag chose it, and what else the
// tag says; "-" without a tag is a field that JSON leaves out.
func nameOf(f reflect.StructField) (name string, tagged bool, options string) {
	tag := f.Tag.Get("json")
	if tag == "-" {
		return "-", false, ""
	}
	name, options, _ = strings.Cut(tag, ",")
	if name == "" || strings.ContainsFunc(name, cannotName) {
		return f.Name, false, options
	}
	return name, true, options
}

// cannotName says which characters encoding/json does not take from a tag.
func cannotName(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c)
}

// embedded gives the struct type whose fields f promotes, or nil.
func embedded(f reflect.StructField) reflect.Type {
	if !f.Anonymous {
		return nil
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}
