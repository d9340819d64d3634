package canon

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// everything has a field of each sort that a form knows, and of some that none does.
type everything struct {
	Text     string            `json:"text"`
	Small    int8              `json:"small,omitempty"`
	Large    int64             `json:"large,omitempty"`
	Count    uint32            `json:"count,omitzero"`
	On       bool              `json:"on,omitempty"`
	Bytes    []byte            `json:"bytes,omitempty"`
	Words    []string          `json:"words"`
	Pair     [2]int            `json:"pair,omitzero"`
	Hash     hash              `json:"hash,omitzero"`
	Map      map[string]*part  `json:"map"`
	Texts    map[word]string   `json:"texts,omitempty"`
	Numbers  map[int]string    `json:"numbers,omitempty"`
	Loud     map[loud]string   `json:"loud,omitempty"`
	Part     part              `json:"part,omitzero"`
	Next     *everything       `json:"next,omitempty"`
	Parts    []part            `json:"parts,omitempty"`
	At       time.Time         `json:"at,omitzero"`
	Raw      json.RawMessage   `json:"raw,omitempty"`
	Any      any               `json:"any,omitempty"`
	Fraction float64           `json:"fraction,omitempty"`
	Odd      odd               `json:"odd,omitempty"`
	Upper    map[string]string `json:"\u00dcpper"`
	Hidden   string            `json:"-"`
	inner
}

type (
	word  string
	inner struct {
		Kind word `json:"kind"`
		Text int  `json:"text"` // hidden
	}
	part struct {
		ID   word           `json:"id"`
		Tags map[string]int `json:"tags,omitempty"`
	}
	hash [4]byte
	loud string // as a key, once it is read
	odd  struct {
		Quoted int `json:"quoted,string"`
		*part
	}
)

func (h hash) IsZero() bool                        { return h == hash{} }
func (h hash) MarshalText() ([]byte, error)        { return h.AppendText(nil) }
func (h hash) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, h[:]), nil }
func (l *loud) UnmarshalText(text []byte) error {
	*l = loud(strings.ToUpper(string(text)))
	return nil
}

func (h *hash) UnmarshalText(text []byte) error {
	if len(text) != 8 {
		return fmt.Errorf("%d digits", len(text))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

var words = []string{"", "a", "B", "b", "plain text", `quo"te`, `back\slash`, "tab\t\x00\x1f", "\u2028<&>", "é", "\ufffd", "\U0001f600", "\uffee", "\xff"}

func random(rnd *rand.Rand, depth int) everything {
	pick := func() string { return words[rnd.IntN(len(words)-rnd.IntN(2))] }
	some := func() int { return rnd.IntN(3) }
	e := everything{Text: pick(), Small: int8(some()), On: some() == 0, inner: inner{Kind: word(pick())}}
	for range some() {
		e.Words, e.Bytes = append(e.Words, pick()), append(e.Bytes, pick()...)
		e.Parts = append(e.Parts, part{ID: word(pick())})
	}
	switch rnd.IntN(8) {
	case 0:
		e.Large, e.Count = rnd.Int64()>>rnd.IntN(20), rnd.Uint32()
	case 1:
		e.Pair, e.Hash = [2]int{some(), some()}, hash{byte(some())}
		e.At = time.Date(2026, 11, 22, 9, 0, some(), 0, time.UTC)
	case 2:
		e.Map = map[string]*part{pick(): nil, pick(): {ID: "1", Tags: map[string]int{pick(): some(), pick(): 1, "\ue000": 2}}}
	case 3:
		e.Loud = map[loud]string{"quiet": pick()}
		e.Texts, e.Numbers = map[word]string{word(pick()): pick()}, map[int]string{some(): pick(), 10: ""}
	case 4:
		e.Raw, e.Any = json.RawMessage(`{ "b":[1], "a":"\u0041" }`), map[string]any{pick(): some(), "list": []any{nil, pick(), part{}}}
	case 5:
		e.Fraction, e.Odd = float64(some())/2, odd{Quoted: some()}
	case 6:
		if depth < 70 {
			next := random(rnd, depth+1)
			e.Next = &next
		}
	}
	return e
}

func TestAFormWritesAndReadsAsEncodingJSONWould(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	quickly := 0
	for range 20_000 {
		e := random(rnd, 0)
		want, err := theOtherWay(e)
		w := writer{}
		ok := w.any(reflect.ValueOf(e))
		if ok && (err != nil || !bytes.Equal(w.out, want)) {
			t.Fatalf("written %s\nwant %s, %v", w.out, want, err)
		}
		if got, err2 := Marshal(&e); (err == nil) != (err2 == nil) || !bytes.Equal(got, want) {
			t.Fatalf("got %s, %v\nwant %s, %v", got, err2, want, err)
		}
		if ok {
			quickly++
		}
		if err == nil {
			readBoth(t, want)
			readBoth(t, spoilt(rnd, want))
		}
	}
	if quickly < 10_000 {
		t.Errorf("%d of 20,000 were written at once", quickly)
	}
}

// readBoth reads a document in both ways, which may differ only in that one pass
// leaves something to the other.
func readBoth(t *testing.T, doc []byte) {
	t.Helper()
	var quick, slow everything
	r := reader{in: doc, mode: checking, most: MaxBytes}
	if !r.reads(formOf(reflect.TypeFor[everything]()), reflect.ValueOf(&quick).Elem()) {
		return
	}
	err := Check(doc)
	if err == nil {
		err = decode(doc, &slow)
	}
	if err != nil || !reflect.DeepEqual(quick, slow) {
		t.Fatalf("%s\nis read as %+v\nwant %+v, %v", doc, quick, slow, err)
	}
}

// spoilt is the document with something changed.
func spoilt(rnd *rand.Rand, doc []byte) []byte {
	parts := []string{"", " ", ",", "[", "]", "{", "}", `"`, `\`, `\u00`, `\ud800`, "0", "-", "1.5", "null", "true", `"text"`, `"id":"1"`, "\xff", ":", "a", "A"}
	at := rnd.IntN(len(doc))
	with := parts[rnd.IntN(len(parts))]
	to := at
	if rnd.IntN(2) == 0 {
		to = min(len(doc), at+rnd.IntN(4))
	}
	return []byte(string(doc[:at]) + with + string(doc[to:]))
}

// theOtherWay is what Marshal gives of what no form writes.
func theOtherWay(v any) ([]byte, error) {
	b, err := encode(v)
	if err != nil {
		return nil, err
	}
	return canonical(b, writingOwn)
}

func TestWhatIsWrongIsNotReadInOnePass(t *testing.T) {
	for _, doc := range []string{
		`{"text":"a","text":"b"}`, `{"Text":"a"}`, `{"Hidden":"a"}`, `{"map":{"a":null,"A":null}}`, `{"pair":[1]}`, `{"pair":[1,2,3]}`,
		`{"small":128}`, `{"small":1.0}`, `{"count":-1}`, `{"count":4294967296}`, `{"words":["a",]}`, `{"words":["a" "b"]}`, `{"text":"a",}`, `{"text" "a"}`,
		`{"bytes":"!"}`, "{\"text\":\"\xff\"}", `{"text":"\ud800"}`, `{"text":1}`, `{} {}`, `{"on":tru}`, `{"hash":"00"}`, `{"raw":{"a":1,"a":2}}`,
		`{"raw":null}`, `{"any":null}`, `{"part":{"id":"1","ID":"2"}}`, "\xef\xbb\xbf{}", `{`, `{"any":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`,
	} {
		var e everything
		r := reader{in: []byte(doc), mode: checking, most: MaxBytes}
		if r.reads(formOf(reflect.TypeFor[everything]()), reflect.ValueOf(&e).Elem()) {
			t.Errorf("%s was read as %+v", doc, e)
		}
	}
}

type (
	byPointer struct{ A int }
	textByPtr struct{ A int }
	flag      uint8
	notText   int
	quoted    struct {
		N int `json:"n,string"`
	}
	twoCases struct{ A, a, X int }
	cases    struct {
		A int `json:"a"`
		B int `json:"A"`
	}
	maybe struct {
		At *time.Time `json:"at,omitzero"`
	}
	deep []deep
)

func (b *byPointer) MarshalJSON() ([]byte, error) { return []byte(`"by pointer"`), nil }
func (b *textByPtr) MarshalText() ([]byte, error) { return []byte("by pointer"), nil }
func (n notText) MarshalText() ([]byte, error)    { return []byte{0xff}, nil }
func (k kept) MarshalText() ([]byte, error)       { return k.text, nil }
func (f flag) MarshalText() ([]byte, error)       { return []byte{'0' + byte(f)}, nil }

func TestWhatIsRareIsWrittenAsEncodingJSONWould(t *testing.T) {
	misnamed := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "Field", Type: reflect.TypeFor[int](), Tag: `json:"\"quoted\""`}}))
	var nested deep
	for range MaxDepth {
		nested = deep{nested}
	}
	var nobody *everything
	for _, v := range []any{
		nil, nobody, 1.5, 2.0, "text", int64(MaxInteger), int64(MaxInteger) + 1, -int64(MaxInteger) - 1, uint64(MaxInteger) + 1, json.Number("12"), json.Number("1e3"),
		byPointer{1}, &byPointer{1}, []byPointer{{1}}, map[string]byPointer{"a": {1}}, textByPtr{1}, &textByPtr{1}, []any{textByPtr{1}, &textByPtr{1}},
		flag(1), []flag{1, 2}, map[flag]string{1: "a"}, twoCases{1, 2, 3}, cases{1, 2}, maybe{}, maybe{new(time.Time)}, maybe{new(time.Unix(0, 0).UTC())},
		misnamed.Interface(), notText(1), quoted{1}, map[string]json.RawMessage{"a": json.RawMessage(strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth))},
		odd{Quoted: 1}, odd{part: &part{ID: "1"}}, nested, deep{nested}, map[string]any{"a": nested}, map[string]json.RawMessage{"x": json.RawMessage(`{"b":1,"a":2}`)},
		map[string]json.RawMessage{"x": json.RawMessage(`{"a":1,"A":2}`)}, [2][]byte{{1}, nil}, map[word]int{"b": 1, "a": 2, "\U0001f600": 3, "\uffee": 4},
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), make(chan int), struct{ F func() }{}, math.Inf(1), strings.Repeat("x", MaxBytes),
	} {
		want, wantErr := theOtherWay(v)
		if got, err := Marshal(v); (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
			t.Errorf("%T: got %.80s, %v\nwant %.80s, %v", v, got, err, want, wantErr)
		}
	}
}

type kept struct{ text []byte }

func TestATextThatItsTypeKeepsIsNotWrittenOver(t *testing.T) {
	k := kept{[]byte("it is kept")}
	for range 100 {
		if b, err := Marshal([]any{k, hash{1, 2, 3, 4}, k}); err != nil || string(b) != `["it is kept","01020304","it is kept"]` {
			t.Fatalf("got %s, %v", b, err)
		}
	}
}

func TestUnmarshalIntoWhatIsNotEmptyAddsToIt(t *testing.T) {
	got := everything{Text: "before", Map: map[string]*part{"a": {ID: "1"}}}
	if err := Unmarshal([]byte(`{"on":true,"map":{"b":{"id":"2"}}}`), &got); err != nil || got.Text != "before" || len(got.Map) != 2 || !got.On {
		t.Errorf("got %+v, %v", got, err)
	}
	got = everything{}
	if err := Unmarshal([]byte(`{"text":"x","map":{"a":{"id":"1"}},"small":1000}`), &got); err == nil {
		t.Errorf("got %+v", got)
	}
	if err := Unmarshal([]byte(`{"map":{"a":{"id":"1"}},"texts":{"a":"b"},"odd":{"quoted":"7"},"raw":null}`), &got); err != nil || got.Odd.Quoted != 7 || got.Texts["a"] != "b" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"text":"a","words":[],"map":null,"kind":"","\u00dcpper":{"a":"1","A":"2"},"hash":"00ff00ff","next":{"small":-1,"pair":[1,2]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) { readBoth(t, doc) })
}
