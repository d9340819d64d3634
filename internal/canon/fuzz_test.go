package canon_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/countersignhq/countersign/internal/canon"
)

func seed(f *testing.F) {
	for _, c := range refused {
		if len(c.doc) < 1000 {
			f.Add([]byte(c.doc))
		}
	}
	f.Add([]byte(`{"b":[1,-2,3e4,{"\u0061":"\ud83d\ude00"}],"a":null}`))
}

// ambiguous reads with encoding/json's tokens, which shares no code with canon:
// does any object have keys that fold to the same, and how deep does it go?
func ambiguous(b []byte) (twice bool, depth int, err error) {
	type level struct {
		object bool
		keys   []string
		odd    bool
	}
	var open []level
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return twice, depth, nil
		}
		if err != nil {
			return twice, depth, err
		}
		switch d, _ := tok.(json.Delim); d {
		case '}', ']':
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].object {
			top := &open[n-1]
			if top.odd = !top.odd; top.odd {
				for _, k := range top.keys {
					twice = twice || strings.EqualFold(k, tok.(string))
				}
				top.keys = append(top.keys, tok.(string))
				continue
			}
		}
		if d, ok := tok.(json.Delim); ok {
			open = append(open, level{object: d == '{'})
			depth = max(depth, len(open))
		}
	}
}

func FuzzCheck(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		err := canon.Check(b)
		for range canon.Members(b) { // never panics, checked or not
			canon.Member(b, "a", "b")
		}
		if !json.Valid(b) || !utf8.Valid(b) {
			if err == nil {
				t.Fatalf("Check passes %q, which is not JSON", b)
			}
			return
		}
		twice, depth, tokErr := ambiguous(b)
		if tokErr != nil {
			t.Skip("beyond encoding/json's own depth")
		}
		want := !twice && depth <= canon.MaxDepth && len(b) <= canon.MaxBytes
		if want == (err == nil) {
			return
		}
		if e, ok := errors.AsType[*canon.SyntaxError](err); want && ok && strings.Contains(e.Problem, "lone surrogate") {
			if _, decoded := decode(t, b); strings.Contains(decoded, "\ufffd") {
				return
			}
		}
		t.Fatalf("Check(%q) = %v; the oracle says twice %v, depth %d", b, err, twice, depth)
	})
}

func decode(t *testing.T, b []byte) (v any, text string) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("encoding/json cannot read %q: %v", b, err)
	}
	again, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return v, string(again)
}

func FuzzCanonical(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := canon.Canonical(b)
		if err != nil {
			return
		}
		if err := canon.Check(b); err != nil {
			t.Fatalf("Canonical passes %q and Check does not: %v", b, err)
		}
		twice, err := canon.Canonical(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("not idempotent: %q, then %q, %v", once, twice, err)
		}
		before, _ := decode(t, b)
		after, _ := decode(t, once)
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("encoding/json reads %#v before and %#v after", before, after)
		}
		own, err := canon.Marshal(before)
		if err != nil || !bytes.Equal(own, once) {
			t.Fatalf("Marshal of the decoded value gives %q, %v; Canonical gives %q", own, err, once)
		}
	})
}

func FuzzWithout(f *testing.F) {
	for _, doc := range []string{
		`{"a":{"b":1},"c":2}`, ` { "x" : 1 , "a" : { "b" : 1 , "\u0062c" : [ ] } } `, `{"a":1,"c":{"a":9007199254740993}}`, `[{"a":1}]`,
	} {
		f.Add([]byte(doc), "a", "b", "c")
	}
	f.Fuzz(func(t *testing.T, b []byte, outer, inner, other string) {
		out, err := canon.Without(b, []string{outer, inner}, []string{other})
		if err != nil {
			return
		}
		if err := canon.Check(out); err != nil {
			t.Fatalf("%q became %q: %v", b, out, err)
		}
		_, hadInner := canon.Member(b, outer, inner)
		_, hadOther := canon.Member(b, other)
		if !hadInner && !hadOther && !bytes.Equal(b, out) {
			t.Fatalf("nothing to cut, yet %q became %q", b, out)
		}
		want, _ := decode(t, b)
		if root, ok := want.(map[string]any); ok {
			delete(root, other)
			if below, ok := root[outer].(map[string]any); ok && hadInner {
				if delete(below, inner); len(below) == 0 {
					delete(root, outer)
				}
			}
		}
		if got, _ := decode(t, out); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q without %q.%q and %q became %q", b, outer, inner, other, out)
		}
		for name, raw := range canon.Members(out) {
			if before, ok := canon.Member(b, name); !ok || name != outer && !bytes.Equal(raw, before) {
				t.Fatalf("member %q was %q and became %q", name, before, raw)
			}
		}
		if !isSubsequence(out, b) {
			t.Fatalf("%q is not %q with parts cut out", out, b)
		}
	})
}

func isSubsequence(part, whole []byte) bool {
	for _, c := range whole {
		if len(part) > 0 && part[0] == c {
			part = part[1:]
		}
	}
	return len(part) == 0
}
