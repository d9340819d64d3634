package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/nearest"
)

// Sizes of bodies, in bytes. A large one holds a command or the files of a policy,
// which may need several times their size in the escapes of JSON in JSON.
const (
	Small = 64 << 10
	Large = 4 << 20
)

// Read reads the JSON of an HTTP request into v, a pointer to a struct: one
// document that can be read one way only, with no member that v has not. No
// body at all is {}.
func Read(w http.ResponseWriter, r *http.Request, most int64, v any) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &countersign.Error{Code: countersign.CodeTooLarge, Detail: fmt.Sprintf("the body is larger than %d bytes", most), Hint: "send less"}
	}
	if err != nil {
		return Bad("the body did not arrive whole", "send it again")
	}
	if len(b) == 0 {
		return nil
	}
	err = canon.Unmarshal(b, v)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*canon.SyntaxError](err); ok {
		return Bad(e.Error(), Meant(e, reflect.TypeOf(v)))
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Bad(fmt.Sprintf("member %.80q is a JSON %s, which it cannot be", member(e.Field, reflect.TypeOf(v)), e.Value), "GET /v1/openapi.yaml shows the shapes")
	}
	return Bad("the body is not what belongs here", "GET /v1/openapi.yaml shows the shapes")
}

// Meant is the hint that names the member which was probably meant.
func Meant(e *canon.SyntaxError, t reflect.Type) string {
	key := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
	if near, ok := nearest.To(key, members(t)); ok {
		return "did you mean " + near + "?"
	}
	return "GET /v1/openapi.yaml shows the shapes"
}

// member is a member's path without the embedded types that Go names in it.
func member(path string, t reflect.Type) string {
	known := members(t)
	return strings.Join(slices.DeleteFunc(strings.Split(path, "."), func(name string) bool { return !slices.Contains(known, name) }), ".")
}

// members are the names of the members of a type, and of those in it.
func members(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	var names []string
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		if f.Anonymous {
			names = append(names, members(f.Type)...)
		}
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
			names = append(names, members(f.Type)...)
		}
	}
	return names
}

// knownQuery refuses a parameter that the route has not, or that stands twice.
func knownQuery(r *http.Request, known []string) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Bad("the query is not well formed", "escape what is in it")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			hint := "this address has no parameters"
			if len(known) > 0 {
				hint = "the parameters are " + strings.Join(known, ", ")
			}
			if near, ok := nearest.To(name, known); ok {
				hint = "did you mean " + near + "?"
			}
			return Bad(fmt.Sprintf("parameter %.40q is not known here", name), hint)
		}
		if len(values) > 1 {
			return Bad(fmt.Sprintf("parameter %s stands %d times", name, len(values)), "give it once")
		}
	}
	return nil
}

// Number reads a parameter that is a whole number of at least 0.
func Number(q url.Values, name string) (n uint64, given bool, err error) {
	text := q.Get(name)
	if text == "" {
		return 0, false, nil
	}
	n, err = strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, false, Bad(fmt.Sprintf("%s is %.40q, not a whole number", name, text), "write digits")
	}
	return n, true, nil
}

// maxReason is the size of the longest reason, in bytes.
const maxReason = 4 << 10

// CheckReason refuses a reason that is too long to be kept.
func CheckReason(reason string) error {
	if len(reason) > maxReason {
		return Bad(fmt.Sprintf("the reason is longer than %d bytes", maxReason), "say it shorter")
	}
	return nil
}

// ReadReason reads a body that is a reason and nothing else.
func ReadReason(w http.ResponseWriter, r *http.Request) (string, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := Read(w, r, Small, &in); err != nil {
		return "", err
	}
	return in.Reason, CheckReason(in.Reason)
}
