package canon

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

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
