package canon_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/internal/canon"
)

func TestCanonicalIsRFC8785(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"sorting example of section 3.2.3",
			`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",` +
				`"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"\u00f6\":\"Latin Small Letter O With Diaeresis\"," +
				"\"\u20ac\":\"Euro Sign\",\"\U0001f600\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}"},
		{"string example of section 3.2.2",
			`{"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
			"{\"literals\":[null,true,false],\"string\":\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
		{"whitespace goes", " { \"b\" : [ 1 , 2 ] ,\r\n\t\"a\" : { } } ", `{"a":{},"b":[1,2]}`},
		{"objects inside are sorted too", `{"z":{"b":1,"a":{"d":4,"c":3}},"y":[{"b":1,"a":2}]}`, `{"y":[{"a":2,"b":1}],"z":{"a":{"c":3,"d":4},"b":1}}`},
		{"a key before its extensions", `{"aa":1,"a":2,"":3}`, `{"":3,"a":2,"aa":1}`},
		{"escapes are minimal", `"\u0000\u001f\u007f\u2028\u003c\b\f\n\r\t"`, "\"\\u0000\\u001f\u007f\u2028<\\b\\f\\n\\r\\t\""},
		{"escaped key", `{"\u0062":1,"a":2}`, `{"a":2,"b":1}`},
		{"largest integers", `[9007199254740991,-9007199254740991,0]`, `[9007199254740991,-9007199254740991,0]`},
		{"a genuine U+FFFD", `"\ufffd"`, "\"\ufffd\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := canon.Canonical([]byte(c.in))
			if err != nil || string(got) != c.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestCanonicalRefusesNumbersThatReadersRound(t *testing.T) {
	for _, n := range []string{
		"9007199254740992", "-9007199254740992", "9007199254740993", "99999999999999999999999999",
		"1.0", "1e3", "1E3", "0.1", "-0", "1e400",
	} {
		doc := []byte(`{"params":{"amount":` + n + `}}`)
		if err := canon.Check(doc); err != nil {
			t.Errorf("Check refuses %s: %v; want it to pass", n, err)
		}
		raw, ok := canon.Member(doc, "params", "amount")
		if !ok || string(raw) != n {
			t.Errorf("Member gave %q, %v; want %s", raw, ok, n)
		}
		_, err := canon.Canonical(doc)
		e, ok := errors.AsType[*canon.SyntaxError](err)
		if !ok || e.Path != "/params/amount" || !strings.Contains(e.Problem, "send it as a string") {
			t.Errorf("Canonical of %s: got %v, want an error that says to send it as a string", n, err)
		}
	}
}

type leaf struct {
	Kind    string            `json:"kind"`
	ID      string            `json:"id"`
	Version int               `json:"version"`
	Digests map[string]string `json:"digests"`
	Actors  []actor           `json:"actors"`
	Note    string            `json:"note"`
	Empty   []string          `json:"empty"`
}

type actor struct {
	Subject   string `json:"subject"`
	Assurance string `json:"assurance"`
	At        string `json:"at"`
}

func aLeaf() leaf {
	l := leaf{Kind: "decided", ID: "req_01k4zq6v7c8d9e0f", Version: 7, Digests: map[string]string{}, Note: "refund <412> & \"more\""}
	for i := range 7 {
		l.Digests[fmt.Sprintf("d%d", i)] = strings.Repeat("9f86d081", 8)
	}
	for i := range 4 {
		l.Actors = append(l.Actors, actor{fmt.Sprintf("00u%d@idp.example.com", i), "passkey", "2026-03-01T02:00:00.000Z"})
	}
	return l
}

func TestMarshalSortsAndLeavesHTMLAlone(t *testing.T) {
	got, err := canon.Marshal(aLeaf())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"actors":[{"assurance":"passkey","at":"2026-03-01T02:00:00.000Z","subject":"00u0@idp.example.com"}`
	if !strings.HasPrefix(string(got), want) || !strings.Contains(string(got), `"note":"refund <412> & \"more\""`) {
		t.Errorf("got %s", got)
	}
	var back leaf
	if err := canon.Unmarshal(got, &back); err != nil || back.Note != aLeaf().Note {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestMarshalRefusesTextThatEncodingJSONWouldChange(t *testing.T) {
	for _, v := range []any{"\xff", "ok \xed\xa0\x80", map[string]int{"a\xff": 1}, struct{ SQL string }{"select '\xfe'"}} {
		if b, err := canon.Marshal(v); err == nil || !strings.Contains(err.Error(), "not valid UTF-8") {
			t.Errorf("Marshal(%q) = %q, %v; want it refused", v, b, err)
		}
	}
	for _, s := range []string{"\ufffd", `\ufffd`, `\\ufffd`} {
		b, err := canon.Marshal(s)
		var back string
		if err != nil || json.Unmarshal(b, &back) != nil || back != s {
			t.Errorf("Marshal(%q) = %s, %v; want it to come back", s, b, err)
		}
	}
}

func TestMarshalRefusesWhatCanonicalRefuses(t *testing.T) {
	for name, v := range map[string]any{
		"fraction":           1.5,
		"large integer":      int64(1) << 53,
		"case-variant keys":  map[string]int{"name": 1, "Name": 2},
		"duplicate, foreign": json.RawMessage(`{"a":1,"a":2}`),
		"channel":            make(chan int),
	} {
		if b, err := canon.Marshal(v); err == nil {
			t.Errorf("%s: got %s, want an error", name, b)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	l := aLeaf()
	out, err := canon.Marshal(l)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canon.Marshal(l); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	doc, err := json.Marshal(aLeaf())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canon.Canonical(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	doc, err := json.Marshal(aLeaf())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := canon.Check(doc); err != nil {
			b.Fatal(err)
		}
	}
}
