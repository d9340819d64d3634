package canon_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/countersignhq/countersign/internal/canon"
)

type ask struct {
	Name   string           `json:"name"`
	Inner  *inner           `json:"inner,omitempty"`
	List   []inner          `json:"list,omitempty"`
	ByName map[string]inner `json:"byName,omitempty"`
	Pair   [2]int           `json:"pair,omitzero"`
	Raw    json.RawMessage  `json:"raw,omitempty"`
	Any    any              `json:"any,omitempty"`
	At     time.Time        `json:"at,omitzero"`
	Secret string           `json:"-"`
	Plain  string
	common
	*Shared
}

type inner struct {
	ID   string `json:"id"`
	Next *inner `json:"next,omitempty"`
}

type common struct {
	Trace string `json:"trace"`
	Name  string `json:"name"` // hidden by ask.Name
}

type Shared struct {
	Region string
}

func TestUnmarshalReadsExactNames(t *testing.T) {
	var got ask
	err := canon.Unmarshal([]byte(`{"name":"n","inner":{"id":"1","next":{"id":"2"}},"list":[{"id":"3"}, {"id":"4"}],"byName":{"X":{"id":"5"}},
		"pair":[1,2],"raw":{"Name":1,"id":2},"any":{"n":9007199254740993},"at":"2026-03-01T02:00:00Z","Plain":"p","trace":"t","Region":"eu"}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := ask{Name: "n", Inner: &inner{"1", &inner{ID: "2"}}, List: []inner{{ID: "3"}, {ID: "4"}}, ByName: map[string]inner{"X": {ID: "5"}},
		Pair: [2]int{1, 2}, Raw: json.RawMessage(`{"Name":1,"id":2}`), Any: map[string]any{"n": json.Number("9007199254740993")},
		At: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC), Plain: "p", common: common{Trace: "t"}, Shared: &Shared{"eu"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestUnmarshalRefusesNamesThatOnlyEncodingJSONWouldMatch(t *testing.T) {
	for _, c := range []struct{ doc, path, problem string }{
		{`{"Name":"evil"}`, "/Name", `not in the right case; write "name"`},
		{`{"inner":{"ID":"evil"}}`, "/inner/ID", `write "id"`},
		{`{"inner":{"next":{"next":{"iD":"evil"}}}}`, "/inner/next/next/iD", `write "id"`},
		{`{"list":[{"id":"1"},{"Id":"evil"}]}`, "/list/1/Id", `write "id"`},
		{`{"byName":{"a":{"ID":"evil"}}}`, "/byName/a/ID", `write "id"`},
		{`{"TRACE":"evil"}`, "/TRACE", `write "trace"`},
		{`{"region":"evil"}`, "/region", `write "Region"`},
		{`{"plain":"evil"}`, "/plain", `write "Plain"`},
		{"{\"li\u017ft\":[]}", "/li\u017ft", `write "list"`},
		{`{"Secret":"x"}`, "/Secret", `not known here`},
		{`{"-":"x"}`, "/-", `not known here`},
		{`{"inner":{"extra":1}}`, "/inner/extra", `not known here`},
		{`{"pair":[1,2,3]}`, "/pair", `send exactly 2`},
		{`{"pair":[1]}`, "/pair", `send exactly 2`},
		{`{"name":"a","name":"b"}`, "/name", `stands twice`},
		{`{"raw":{"a":1,"A":2}}`, "/raw/A", `only by case`},
		{`{} {}`, "", `exactly one JSON value`},
	} {
		err := canon.Unmarshal([]byte(c.doc), new(ask))
		e, ok := errors.AsType[*canon.SyntaxError](err)
		if !ok || e.Path != c.path || !strings.Contains(e.Problem, c.problem) {
			t.Errorf("%s: got %v, want path %q and %q", c.doc, err, c.path, c.problem)
		}
	}
}

type (
	left  struct{ X, Left int }
	right struct{ X, Right int }
	both  struct {
		left
		right
	}
	tagged struct {
		X int `json:"X"`
	}
	won struct {
		left
		tagged
	}
	hiding struct {
		V inner `json:"v"`
		hiddenV
	}
	hiddenV struct {
		V map[string]string `json:"v"`
	}
)

func TestUnmarshalKnowsEmbeddedFieldsAsEncodingJSONDoes(t *testing.T) {
	for _, c := range []struct {
		doc  string
		into any
		ok   bool
	}{
		{`{"Left":1,"Right":2}`, new(both), true},
		{`{"X":1}`, new(both), false},
		{`{"X":1}`, new(won), true},
		{`{"v":{"id":"1"}}`, new(hiding), true},
		{`{"v":{"ID":"1"}}`, new(hiding), false},
	} {
		if err := canon.Unmarshal([]byte(c.doc), c.into); (err == nil) != c.ok {
			t.Errorf("%s into %T: %v, want ok %v", c.doc, c.into, err, c.ok)
		}
	}
	if got := new(won); canon.Unmarshal([]byte(`{"X":1}`), got) != nil || got.tagged.X != 1 {
		t.Errorf("got %+v, want the tagged X to be set", got)
	}
}

func TestUnmarshalReportsWrongTypesAndTargets(t *testing.T) {
	for _, c := range []struct {
		doc  string
		into any
	}{
		{`{"name":1}`, new(ask)},
		{`[]`, new(ask)},
		{`{"inner":[]}`, new(ask)},
		{`{}`, nil},
		{`{}`, ask{}},
		{`{}`, (*ask)(nil)},
	} {
		if err := canon.Unmarshal([]byte(c.doc), c.into); err == nil {
			t.Errorf("%s into %T: no error", c.doc, c.into)
		}
	}
}
