package canon

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
)

func TestFoldJoinsExactlyWhatEqualFoldJoins(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if utf16.IsSurrogate(r) {
			continue
		}
		s, next := string(r), string(unicode.SimpleFold(r))
		if got, want := string(fold([]byte(s))), string(fold([]byte(next))); got != want {
			t.Fatalf("%U folds to %q and its variant %q to %q", r, got, next, want)
		}
		if folded := string(fold([]byte(s))); !strings.EqualFold(s, folded) {
			t.Fatalf("%U folds to %q, which EqualFold calls another key", r, folded)
		}
	}
}

func TestKeysAreOrderedAsUTF16(t *testing.T) {
	samples := []string{"", "\x00", "a", "ab", "\u007f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uefff", "\uf000", "\uffff",
		"\U00010000", "\U0001f600", "\U0010ffff", "a\ue000", "a\U00010000", "\U0001f600\uffff", "\U0001f600\U0001f600"}
	for _, a := range samples {
		for _, b := range samples {
			if got, want := sign(compareUTF16([]byte(a), []byte(b))), sign(byUnits(a, b)); got != want {
				t.Errorf("%+q and %+q: got %d, want %d", a, b, got, want)
			}
		}
	}
}

func byUnits(a, b string) int {
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
