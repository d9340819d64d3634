package canon

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
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
	Part     part              `json:"part,omitzero"`
	Next     *everything       `json:"next,omitempty"`
	Parts    []part            `json:"parts,omitempty"`
	At       time.Time         `json:"at,omitzero"`
	Raw      json.RawMessage   `json:"raw,omitempty"`
	Any      any               `json:"any,omitempty"`
	Fraction float64           `json:"fraction,omitempty"`
	Odd      odd               `json:"odd,omitempty"`
	Upper    map[string]string `json:"\u00dcpper"`
	Wrong    string            `json:"\"quoted\""`
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
	odd  struct {
		Quoted int `json:"quoted,string"`
		*part
	}
)

func (h hash) IsZero() bool                        { return h == hash{} }
func (h hash) MarshalText() ([]byte, error)        { return h.AppendText(nil) }
func (h hash) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, h[:]), nil }
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
		var want []byte
		doc, err := encode(e)
		if err == nil {
			want, err = canonical(doc, writingOwn)
		}
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
			readBoth(t, doc)
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

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"text":"a","words":[],"map":null,"kind":"","\u00dcpper":{"a":"1","A":"2"},"hash":"00ff00ff","next":{"small":-1,"pair":[1,2]}}`))
	f.Fuzz(func(t *testing.T, doc []byte) { readBoth(t, doc) })
}
