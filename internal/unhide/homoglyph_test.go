package unhide

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTableOfLookalikesIsWellFormed(t *testing.T) {
	seen := map[rune]bool{}
	for group := range strings.SplitSeq(strings.TrimSuffix(lookalikes, " "), " ") {
		ascii := group[0]
		if !unicode.IsLetter(rune(ascii)) || ascii >= utf8.RuneSelf || seen[rune(ascii)] || len(group) == 1 {
			t.Errorf("group %+q does not start with an ASCII letter of its own and look-alikes", group)
		}
		seen[rune(ascii)] = true
		for _, r := range group[1:] {
			if r < utf8.RuneSelf || !unicode.IsLetter(r) || seen[r] {
				t.Errorf("%U in group %c is ASCII, no letter, or there twice", r, ascii)
			}
			seen[r] = true
			if got := looksLike(r); got != ascii {
				t.Errorf("%U looks like %c, want %c", r, got, ascii)
			}
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		if upper := c - 'a' + 'A'; !seen[c] || !seen[upper] {
			t.Errorf("no look-alikes of %c or %c", c, upper)
		}
	}
}

func BenchmarkSplitOneLongWord(b *testing.B) {
	s := strings.Repeat("\u0430\u200bx", 16<<10)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Split(s)
	}
}

func BenchmarkSplitSQL(b *testing.B) {
	s := strings.Repeat("select id, name from crm.customers\n where region = 'eu' and id = 412;\n", 15)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Split(s)
	}
}
