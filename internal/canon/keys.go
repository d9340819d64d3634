package canon

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// A keySet finds keys of one object that are equal or differ only by case. Its
// zero value with a base is empty.
type keySet struct {
	base   int            // index in reader.open of the object's first member
	folded map[string]int // folded name to index in reader.open, once there are many
}

// fewKeys is the size up to which comparing with every earlier key is faster
// than a map and still linear in the length of the document.
const fewKeys = 16

func (k *keySet) find(open []written, name []byte) (other []byte, ok bool) {
	if k.folded != nil {
		i, ok := k.folded[string(fold(name))]
		if !ok {
			return nil, false
		}
		return open[i].name, true
	}
	for _, m := range open[k.base:] {
		if bytes.EqualFold(m.name, name) {
			return m.name, true
		}
	}
	return nil, false
}

// add takes note of the last member of open.
func (k *keySet) add(open []written) {
	last := len(open) - 1
	if k.folded != nil {
		k.folded[string(fold(open[last].name))] = last
		return
	}
	if len(open)-k.base <= fewKeys {
		return
	}
	k.folded = make(map[string]int, 4*fewKeys)
	for i := k.base; i <= last; i++ {
		k.folded[string(fold(open[i].name))] = i
	}
}

// fold maps all names that bytes.EqualFold calls equal to one: each character
// becomes the smallest of its simple-folding orbit.
func fold(name []byte) []byte {
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); {
		c := name[i]
		if c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		out = utf8.AppendRune(out, smallestFold(r))
		i += n
	}
	return out
}

func smallestFold(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r { // the orbit has wrapped round to its smallest
			return next
		}
		r = next
	}
}

// compareUTF16 orders valid UTF-8 as its UTF-16 code units would be. The two
// orders differ in one place: what UTF-16 writes with surrogates (UTF-8 lead
// byte 0xF0 and above) comes before U+E000 to U+FFFF (0xEE, 0xEF).
func compareUTF16[T string | []byte](a, b T) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			x, y = y, x
		}
		return int(x) - int(y)
	}
	return len(a) - len(b)
}
