package api

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
	"time"

	"github.com/countersignhq/countersign"
	"github.com/countersignhq/countersign/internal/canon"
	"github.com/countersignhq/countersign/internal/nearest"
)

// Sizes of bodies, in bytes. A command of maxCommand may need several times
// that in the escapes of JSON in JSON.
const (
	maxCommand = 1 << 20
	maxAsk     = 4 << 20
	maxBody    = 64 << 10
)

// body reads the JSON of an HTTP request into v, a pointer to a struct: one
// document that can be read one way only, with no member that v has not. No
// body at all is {}.
func body(w http.ResponseWriter, r *http.Request, most int64, v any) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &countersign.Error{Code: countersign.CodeTooLarge, Detail: fmt.Sprintf("the body is larger than %d bytes", most), Hint: "send less"}
	}
	if err != nil {
		return bad("the body did not arrive whole", "send it again")
	}
	if len(b) == 0 {
		return nil
	}
	err = canon.Unmarshal(b, v)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*canon.SyntaxError](err); ok {
		return bad(e.Error(), meant(e, reflect.TypeOf(v)))
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return bad(fmt.Sprintf("member %.80q is a JSON %s, which it cannot be", e.Field, e.Value), "GET /v1/openapi.yaml shows the shapes")
	}
	return bad("the body is not what belongs here", "GET /v1/openapi.yaml shows the shapes")
}

// meant is the hint that names the member which was probably meant.
func meant(e *canon.SyntaxError, t reflect.Type) string {
	key := e.Path[strings.LastIndexByte(e.Path, '/')+1:]
	if near, ok := nearest.To(key, members(t)); ok {
		return "did you mean " + near + "?"
	}
	return "GET /v1/openapi.yaml shows the shapes"
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
		return bad("the query is not well formed", "escape what is in it")
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
			return bad(fmt.Sprintf("parameter %.40q is not known here", name), hint)
		}
		if len(values) > 1 {
			return bad(fmt.Sprintf("parameter %s stands %d times", name, len(values)), "give it once")
		}
	}
	return nil
}

// maxWait is the longest that a call is held open.
const maxWait = 300 * time.Second

// prefers is the wait that the Prefer header asks for (RFC 7240, section 4.3),
// and whether it asks for one. A preference that says nothing is ignored, as
// that RFC wants.
func prefers(r *http.Request) (time.Duration, bool) {
	for _, header := range r.Header.Values("Prefer") {
		for pref := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(pref, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			value, _, _ = strings.Cut(value, ";")
			if n, err := strconv.ParseUint(strings.Trim(value, ` "`), 10, 31); err == nil {
				return min(time.Duration(n)*time.Second, maxWait), true
			}
		}
	}
	return 0, false
}

// number reads a parameter that is a whole number of at least 0.
func number(q url.Values, name string) (n uint64, given bool, err error) {
	text := q.Get(name)
	if text == "" {
		return 0, false, nil
	}
	n, err = strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, false, bad(fmt.Sprintf("%s is %.40q, not a whole number", name, text), "write digits")
	}
	return n, true, nil
}

func bad(detail, hint string) error {
	return &countersign.Error{Code: countersign.CodeBadRequest, Detail: detail, Hint: hint}
}

// reply answers with the JSON of v, and says whether all of it was written.
func reply(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(append(b, '\n')); err != nil {
		return errGone
	}
	return nil
}

// errGone: the caller did not take the whole answer.
var errGone = errors.New("the caller is gone")
