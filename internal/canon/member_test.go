package canon_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/canon"
)

func TestMemberGivesExactBytes(t *testing.T) {
	const doc = ` {"name" : "delete", "arguments":{ "id":9007199254740993,"f": 1.50e+2 , "s":"\u0041\/}]\"" ,"l":[1, {"x":2}]}, "\u006d":null} `
	for _, c := range []struct {
		path []string
		want string
	}{
		{nil, strings.TrimSpace(doc)},
		{[]string{"name"}, `"delete"`},
		{[]string{"arguments", "id"}, `9007199254740993`},
		{[]string{"arguments", "f"}, `1.50e+2`},
		{[]string{"arguments", "s"}, `"\u0041\/}]\""`},
		{[]string{"arguments", "l"}, `[1, {"x":2}]`},
		{[]string{"m"}, `null`},
	} {
		if raw, ok := canon.Member([]byte(doc), c.path...); !ok || string(raw) != c.want {
			t.Errorf("Member(%q) = %q, %v; want %q", c.path, raw, ok, c.want)
		}
	}
	for _, path := range [][]string{{"Name"}, {""}, {"name", "x"}, {"arguments", "ID"}, {"arguments", "l", "x"}, {"arguments", "l", "0"}, {`\u006d`}} {
		if raw, ok := canon.Member([]byte(doc), path...); ok {
			t.Errorf("Member(%q) = %q; want no such member", path, raw)
		}
	}
}

func TestMembersStandInOrder(t *testing.T) {
	var got []string
	for name, raw := range canon.Members([]byte(` { "b":1 , "a": [2, 3] ,"\u0063" :{"d":{}}}`)) {
		got = append(got, name+"="+string(raw))
	}
	if want := []string{"b=1", "a=[2, 3]", `c={"d":{}}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, none := range []string{`{}`, `[{"a":1}]`, `"a"`, ` `} {
		for name := range canon.Members([]byte(none)) {
			t.Errorf("%s has member %q; want none", none, name)
		}
	}
	for range canon.Members([]byte(`{"a":1,"b":2}`)) {
		break
	}
}

func TestWithoutCutsOnlyTheNamedMembers(t *testing.T) {
	path := func(p ...string) []string { return p }
	for _, c := range []struct {
		name, in string
		paths    [][]string
		want     string
	}{
		{"first", `{"a":1,"b":2,"c":3}`, [][]string{path("a")}, `{"b":2,"c":3}`},
		{"middle", `{"a":1,"b":2,"c":3}`, [][]string{path("b")}, `{"a":1,"c":3}`},
		{"last", `{"a":1,"b":2,"c":3}`, [][]string{path("c")}, `{"a":1,"b":2}`},
		{"first two", `{"a":1,"b":2,"c":3}`, [][]string{path("b"), path("a")}, `{"c":3}`},
		{"first and last", `{"a":1,"b":2,"c":3}`, [][]string{path("c"), path("a")}, `{"b":2}`},
		{"last two", `{"a":1,"b":2,"c":3}`, [][]string{path("c"), path("b")}, `{"a":1}`},
		{"all", `{ "a":1, "b":2 }`, [][]string{path("a"), path("b")}, `{   }`},
		{"all below the outermost", `{"x":{"a":{"t":1}}}`, [][]string{path("x", "a", "t")}, `{}`},
		{"whitespace stays", "{ \"a\" : 1 ,\n  \"b\" : 2 ,\n  \"c\" : 3 }", [][]string{path("b")}, "{ \"a\" : 1 \n   ,\n  \"c\" : 3 }"},
		{"spelling stays", `{"_meta":{"progressToken":1},"n":9007199254740993,"f":1.0e+2,"s":"\u0041\/"}`, [][]string{path("_meta", "progressToken")}, `{"n":9007199254740993,"f":1.0e+2,"s":"\u0041\/"}`},
		{"the object keeps its other members", `{"_meta":{"progressToken":1,"k":2},"n":1}`, [][]string{path("_meta", "progressToken")}, `{"_meta":{"k":2},"n":1}`},
		{"two cuts empty an object", `{"n":1,"_meta":{"a":1,"b":{"c":2}}}`, [][]string{path("_meta", "a"), path("_meta", "b", "c")}, `{"n":1}`},
		{"an object that was empty stays", `{"_meta":{},"n":1}`, [][]string{path("_meta", "progressToken")}, `{"_meta":{},"n":1}`},
		{"a parent and its child", `{"m":{"a":1,"b":2},"n":1}`, [][]string{path("m", "a"), path("m")}, `{"n":1}`},
		{"escaped key", `{"\u0061":1,"b":2}`, [][]string{path("a")}, `{"b":2}`},
		{"another case is another member", ` {"A":1}`, [][]string{path("a")}, ` {"A":1}`},
		{"lists are not looked into", `[{"a":1}]`, [][]string{path("a"), path("0")}, `[{"a":1}]`},
		{"no path", ` { "a" : 1 } `, nil, ` { "a" : 1 } `},
		{"not an object", `"a"`, [][]string{path("a")}, `"a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := canon.Without([]byte(c.in), c.paths...)
			if err != nil || string(got) != c.want {
				t.Errorf("got  %q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

func TestWithoutRefusesWhatItCannotCut(t *testing.T) {
	if got, err := canon.Without([]byte(`{"a":1}`), []string{}); err == nil {
		t.Errorf("an empty path gave %s; want an error", got)
	}
	if got, err := canon.Without([]byte(`{"a":1,"A":2}`), []string{"b"}); err == nil {
		t.Errorf("a document with case-variant keys gave %s; want an error", got)
	}
}
