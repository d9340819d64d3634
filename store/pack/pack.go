// Package pack writes the JSON of the record in about half the bytes, for stores
// whose speed is the bytes that a disk must make durable. What comes out is
// byte for byte what went in: hashes and commitments are of that, never of what
// is kept.
package pack

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
)

// What is packed begins with mark. Then a byte below 0x80 is itself, and any
// other one of these or, from firstWord on, a string of words.
const (
	mark      = 0x01
	rawRun    = 0x80 // and how many bytes follow as they are, 1 to 255
	hexString = 0x81 // and the 32 bytes that a string has the hex of
	digest    = 0x82 // and the 32 bytes of a string of scheme and their hex
	firstWord = 0x83
)

// longestWord is how many bytes it has.
var longestWord = len(slices.MaxFunc(words[:], func(a, b string) int { return len(a) - len(b) }))

const (
	scheme    = "sha256:"
	hexLength = 64
)

// numbers are the bytes that the words stand for.
var numbers = func() map[string]byte {
	m := make(map[string]byte, len(words))
	for i, w := range words {
		m[w] = byte(firstWord + i)
	}
	return m
}()

// Append appends a JSON text, packed, to dst. Any other bytes come back from
// Unpack as well.
func Append(dst, text []byte) []byte {
	dst = append(slices.Grow(dst, 1+len(text)), mark)
	for len(text) > 0 {
		n := tokenLength(text)
		dst = appendToken(dst, text[:n])
		text = text[n:]
	}
	return dst
}

// tokenLength is how far a string goes, with a colon that follows it, or else
// what comes before the next.
func tokenLength(text []byte) int {
	if text[0] != '"' {
		if n := bytes.IndexByte(text, '"'); n > 0 {
			return n
		}
		return len(text)
	}
	end := stringLength(text)
	if end < len(text) && text[end] == ':' {
		end++
	}
	return end
}

// stringLength is how far the string goes that the text begins with.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return len(text)
		}
		escape := bytes.IndexByte(text[i:i+n], '\\')
		if escape < 0 {
			return i + n + 1
		}
		i += escape + 1
	}
	return len(text)
}

func appendToken(out, token []byte) []byte {
	if token[0] != '"' {
		return appendText(out, token)
	}
	if len(token) <= longestWord {
		if n, ok := numbers[string(token)]; ok {
			return append(out, n)
		}
	}
	text, ok := unquoted(token)
	if !ok {
		return appendText(out, token)
	}
	text, named := bytes.CutPrefix(text, []byte(scheme))
	switch {
	case !isHash(text):
		return appendText(out, token)
	case named:
		return appendHash(out, digest, text)
	default:
		return appendHash(out, hexString, text)
	}
}

// appendText appends a text as it is, but for what is not ASCII.
func appendText(out, text []byte) []byte {
	for len(text) > 0 {
		plain := 0
		for plain < len(text) && text[plain] < 0x80 {
			plain++
		}
		out, text = append(out, text[:plain]...), text[plain:]
		raw := 0
		for raw < len(text) && raw < 255 && text[raw] >= 0x80 {
			raw++
		}
		if raw > 0 {
			out = append(append(out, rawRun, byte(raw)), text[:raw]...)
		}
		text = text[raw:]
	}
	return out
}

func unquoted(token []byte) ([]byte, bool) {
	text, opened := bytes.CutPrefix(token, []byte{'"'})
	text, closed := bytes.CutSuffix(text, []byte{'"'})
	return text, opened && closed
}

func appendHash(out []byte, kind byte, text []byte) []byte {
	out, _ = hex.AppendDecode(append(out, kind), text)
	return out
}

// isHash reports whether the text is just what Unpack would write for 32 bytes.
func isHash(text []byte) bool {
	if len(text) != hexLength {
		return false
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

var errDamaged = errors.New("what is packed was changed; restore a backup")

// Unpack returns the text that was packed. It fails on what Pack does not write.
func Unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 || packed[0] != mark {
		return nil, errDamaged
	}
	out := make([]byte, 0, len(packed)*3)
	for rest := packed[1:]; len(rest) > 0; {
		c := rest[0]
		rest = rest[1:]
		skip := 0
		switch {
		case c < 0x80:
			out = append(out, c)
		case c == rawRun:
			if len(rest) == 0 || len(rest) <= int(rest[0]) {
				return nil, errDamaged
			}
			skip = 1 + int(rest[0])
			out = append(out, rest[1:skip]...)
		case c == hexString, c == digest:
			if len(rest) < hexLength/2 {
				return nil, errDamaged
			}
			skip = hexLength / 2
			out = append(out, '"')
			if c == digest {
				out = append(out, scheme...)
			}
			out = append(hex.AppendEncode(out, rest[:skip]), '"')
		case int(c)-firstWord < len(words):
			out = append(out, words[c-firstWord]...)
		default:
			return nil, errDamaged
		}
		rest = rest[skip:]
	}
	return out, nil
}
