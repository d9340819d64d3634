package pack_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersignhq/countersign/store/pack"
)

const leaf = `{"_type":"https://in-toto.io/Statement/v1","predicate":{"actor":"agent","at":"2026-11-22T09:08:45.793Z",` +
	`"context":"68390e7fb2f3048733eb895ed7d87a099bc9ac259dc63ee2483e5bfd1ab69138","decision":"pending","execution":"none",` +
	`"kind":"requested","policy":"sha256:0eecc69740263ed8cd45e548c12bebddcf74cafaf2d3ce3590a9853c8ceea5f7",` +
	`"understanding":"1","version":"1","who":"6b71ee0294575250f6865e6da88d505d173f42ff72331b8bb7928ce71de953af"},` +
	`"predicateType":"https://github.com/countersignhq/countersign/event/v1","subject":[{"digest":{` +
	`"countersign-commitment-v1":"311de7a6549b3904e394bcf500234dbeb06374d8fd189ebd7f4a852d8a0359cd"},"name":"req_06h050ywc2f8nyrk"}]}`

func TestWhatIsUnpackedIsWhatWasPacked(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for _, text := range []string{
		"", `"`, `""`, `"""`, `\`, `"\`, `"\"`, `"a`, `"kind"`, `"kind":`, `"kind" :`, `"k\u0069nd":`, `"pending`, leaf,
		`"` + hash + `"`, `"` + strings.ToUpper(hash) + `"`, `"` + hash[:63] + `"`, `"` + hash + `0"`, `"` + hash + `":1`, `"` + hash,
		`"sha256:` + hash + `"`, `"SHA256:` + hash + `"`, `"sha256:` + hash + `":`, `"sha256:` + hash[:62] + `g0"`,
		`{"reason":"größer als \"1\"","value":"` + strings.Repeat("é", 300) + `x"}`, "\x00\x01\x80\x81\x82\x83\xfe\xff", strings.Repeat("\xff", 256),
		`{"params":"{\"path\":\"/srv/a\",\"kind\":\"pending\"}"}`,
	} {
		got, err := pack.Unpack(pack.Append(nil, []byte(text)))
		if err != nil || string(got) != text {
			t.Errorf("unpacked %q (%v), want %q", got, err, text)
		}
	}
}

func TestALeafTakesLittleMoreThanAThird(t *testing.T) {
	if n := len(pack.Append(nil, []byte(leaf))); n*5 > len(leaf)*2 {
		t.Errorf("%d bytes of %d, want at most two fifths", n, len(leaf))
	}
}

func TestWhatIsDamagedDoesNotUnpack(t *testing.T) {
	for _, packed := range []string{
		"", `{"kind":"requested"}`, "\x00", "\x01\x80", "\x01\x80\x02a", "\x01\x81short", "\x01\x82" + strings.Repeat("a", 31), "\x01\xff",
	} {
		if got, err := pack.Unpack([]byte(packed)); err == nil {
			t.Errorf("%q unpacked to %q, want an error", packed, got)
		}
	}
}

// Databases hold the numbers of words: the file of what they stood for when
// first released may grow, and nothing in it may change.
func TestAWordKeepsItsNumber(t *testing.T) {
	path := filepath.Join("testdata", "packed.txt")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(strings.TrimSpace(string(want)), "\n") {
		packed, text, _ := strings.Cut(line, " ")
		b, err := hex.DecodeString(packed)
		if err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		if got, err := pack.Unpack(b); err != nil || string(got) != text {
			t.Errorf("line %d: %s unpacks to %q (%v), want %q", n+1, packed, got, err, text)
		}
	}
}

func FuzzPack(f *testing.F) {
	f.Add([]byte(leaf))
	f.Add([]byte(fmt.Sprintf(`"\"%x":`, bytes.Repeat([]byte{7}, 32))))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := pack.Unpack(pack.Append(nil, text)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("unpacked %q (%v), want %q", got, err, text)
		}
		if got, err := pack.Unpack(text); err == nil {
			if again, err := pack.Unpack(pack.Append(nil, got)); err != nil || !bytes.Equal(again, got) {
				t.Errorf("unpacked %q (%v), want %q", again, err, got)
			}
		}
	})
}

func BenchmarkPack(b *testing.B) {
	text := []byte(leaf)
	b.ReportMetric(float64(len(pack.Append(nil, text)))/float64(len(text)), "of-size")
	for b.Loop() {
		pack.Append(nil, text)
	}
}

func BenchmarkUnpack(b *testing.B) {
	packed := pack.Append(nil, []byte(leaf))
	for b.Loop() {
		if _, err := pack.Unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}
