package canon_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/canon"
)

const lone = `\ud83d`

var refused = []struct {
	name, doc string
	offset    int64
	path      string
	problem   string // a part of it
}{
	{"duplicate key", `{"name":"safe","name":"evil"}`, 15, "/name", `"name" stands twice`},
	{"key in another case", `{"name":"safe","Name":"evil"}`, 15, "/Name", `"name" and "Name" of one object differ only by case`},
	{"escaped duplicate", `{"name":1,"\u006eame":2}`, 10, "/name", `stands twice`},
	{"escaped key in another case", `{"name":1,"\u004eAME":2}`, 10, "/NAME", `only by case`},
	{"Kelvin sign", "{\"k\":1,\"\u212a\":2}", 7, "/\u212a", `"k" and "\u212a"`},
	{"long s", "{\"user\":1,\"u\u017fer\":2}", 10, "/u\u017fer", `only by case`},
	{"Greek final sigma", "{\"\u03c3\":1,\"\u03c2\":2}", 8, "/\u03c2", `only by case`},
	{"duplicate below", `{"a":[0,{"b/c":{"x":1,"X":2}}]}`, 22, "/a/1/b~1c/X", `only by case`},
	{"empty key twice", `{"":1,"":2}`, 6, "/", `stands twice`},
	{"byte order mark", "\xef\xbb\xbf{}", 0, "", "byte order mark"},
	{"trailing value", `{} {}`, 3, "", "exactly one JSON value"},
	{"trailing garbage", "{}\x00", 2, "", "exactly one JSON value"},
	{"two documents on two lines", "1\n2", 2, "", "exactly one JSON value"},
	{"invalid UTF-8", "{\"a\":\"\xff\"}", 6, "", "byte 0xFF is not valid UTF-8"},
	{"surrogate in UTF-8", "\"\xed\xa0\x80\"", 1, "", "not valid UTF-8"},
	{"overlong UTF-8", "\"\xc0\xaf\"", 1, "", "not valid UTF-8"},
	{"lone high surrogate", `["` + lone + `"]`, 2, "/0", "lone surrogate"},
	{"lone low surrogate", `"\ude00"`, 1, "", "lone surrogate"},
	{"surrogates in the wrong order", `"\ude00\ud83d"`, 1, "", "lone surrogate"},
	{"high surrogate and a letter", `"\ud83d\u0041"`, 1, "", "lone surrogate"},
	{"lone surrogate as a key", `{"` + lone + `":1}`, 2, "", "lone surrogate"},
	{"nothing", ``, 0, "", "ends where a value should stand"},
	{"only whitespace", " \n", 2, "", "ends where a value should stand"},
	{"unclosed string", `"abc`, 0, "", "does not end"},
	{"string that ends in an escape", `"\`, 1, "", "ends inside an escape"},
	{"unknown escape", `"\x41"`, 1, "", "escape does not exist"},
	{"short escape", `"\u12"`, 1, "", "four hexadecimal digits"},
	{"newline in a string", "\"a\nb\"", 2, "", `write it as \u000a`},
	{"leading zero", `01`, 1, "", "exactly one JSON value"},
	{"leading plus", `+1`, 0, "", `found '+' where a value`},
	{"bare point", `1.`, 2, "", "a digit"},
	{"bare exponent", `1e+`, 3, "", "a digit"},
	{"minus alone", `-`, 1, "", "a digit"},
	{"NaN", `NaN`, 0, "", "a value"},
	{"misspelt literal", `[tru]`, 1, "/0", "a value"},
	{"trailing comma in a list", `[1,]`, 3, "/1", "a value"},
	{"trailing comma in an object", `{"a":1,}`, 7, "", "a key in double quotes"},
	{"missing colon", `{"a" 1}`, 5, "", "':'"},
	{"missing comma", `{"a":1 "b":2}`, 7, "", "',' or '}'"},
	{"comment", `{/**/}`, 1, "", "a key in double quotes"},
	{"no-break space outside strings", "\u00a01", 0, "", `found '\u00a0'`},
	{"nested too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), 64, strings.Repeat("/0", 64), "more than 64 deep"},
	{"nested far too deep", strings.Repeat(`{"a":`, 1_000_000), 320, strings.Repeat("/a", 64), "more than 64 deep"},
	{"too large", strings.Repeat(" ", canon.MaxBytes) + "1", canon.MaxBytes, "", "limit is 8388608"},
}

func TestCheckRefusesWhatCanBeReadTwoWays(t *testing.T) {
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			err := canon.Check([]byte(c.doc))
			e, ok := errors.AsType[*canon.SyntaxError](err)
			if !ok {
				t.Fatalf("got %v, want a *SyntaxError", err)
			}
			if e.Offset != c.offset || e.Path != c.path || !strings.Contains(e.Problem, c.problem) {
				t.Errorf("got offset %d, path %q, problem %q\nwant offset %d, path %q, problem with %q",
					e.Offset, e.Path, e.Problem, c.offset, c.path, c.problem)
			}
			if out, err := canon.Canonical([]byte(c.doc)); err == nil || out != nil {
				t.Errorf("Canonical gave %q, %v; want no bytes and an error", out, err)
			}
		})
	}
}

func TestCheckAcceptsEveryOtherJSON(t *testing.T) {
	for _, doc := range []string{
		`null`, ` true `, "\t\r\n[ ]\n", `{ }`, `""`, `0`, `-0`, `-1.5e-7`, `1E400`,
		`9007199254740993`, `123456789012345678901234567890`,
		`{"name":1,"inner":{"name":2},"list":[{"name":3},{"Name":4}]}`,
		`"\ud83d\ude00 \u0000 \/ \b\f\n\r\t\"\\"`, "\"\u2028\ufeff\ufffd\x7f\"", `"\ufffd"`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64),
		strings.Repeat(" ", canon.MaxBytes-1) + "1",
		"{\"\u00df\":1,\"ss\":2,\"i\":3,\"\u0131\":4}",
	} {
		if err := canon.Check([]byte(doc)); err != nil {
			t.Errorf("Check(%.60q): %v", doc, err)
		}
	}
}

func TestOneCaseVariantAmongManyKeysIsFound(t *testing.T) {
	for _, n := range []int{1, 15, 16, 17, 18, 100} {
		for at := range n {
			var doc strings.Builder
			doc.WriteString("{")
			for i := range n {
				doc.WriteString(`"key` + strings.Repeat("x", i) + `":0,`)
			}
			good := strings.TrimSuffix(doc.String(), ",") + "}"
			bad := doc.String() + `"KEY` + strings.Repeat("x", at) + `":0}`
			if err := canon.Check([]byte(good)); err != nil {
				t.Fatalf("%d distinct keys: %v", n, err)
			}
			if err := canon.Check([]byte(bad)); err == nil {
				t.Fatalf("key %d of %d has a case variant; Check let it through", at, n)
			}
			kelvin := doc.String() + `"\u212aey` + strings.Repeat("x", at) + `":0}`
			if err := canon.Check([]byte(kelvin)); err == nil {
				t.Fatalf("key %d of %d has a variant with a Kelvin sign; Check let it through", at, n)
			}
		}
	}
}

func TestErrorTextsAreSafeForATerminal(t *testing.T) {
	long := strings.Repeat("\u202e\x7f", 400)
	err := canon.Check([]byte(`{"` + long + `":{"\u001b[2J":1,"\u001b[2J":2}}`))
	if err == nil {
		t.Fatal("a duplicate was let through")
	}
	for _, c := range err.Error() {
		if c < ' ' || c > '~' {
			t.Errorf("the text holds %U: %q", c, err.Error())
		}
	}
	if len(err.Error()) > 1000 {
		t.Errorf("the text has %d bytes; want keys to be shortened", len(err.Error()))
	}
}
