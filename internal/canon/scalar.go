package canon

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads the string that starts here and returns its unescaped text, which
// is a part of the document where nothing in it is escaped.
func (r *reader) str() ([]byte, *SyntaxError) {
	start := r.at
	escaped := false
	for i := start + 1; i < len(r.in); {
		switch c := r.in[i]; {
		case c == '"':
			r.at = i + 1
			if !escaped {
				r.write(r.in[start:r.at]...)
				return r.in[start+1 : i], nil
			}
			text := unescape(r.in[start+1 : i])
			if r.mode != checking {
				r.out = appendString(r.out, text)
			}
			return text, nil
		case c == '\\':
			escaped = true
			n, err := r.escape(i)
			if err != nil {
				return nil, err
			}
			i += n
		case c < ' ':
			return nil, r.fail(i, fmt.Sprintf("a control character stands in a string; write it as \\u%04x", c))
		default:
			i++
		}
	}
	return nil, r.fail(start, "the string that starts here does not end; close it with a double quote")
}

// escape checks the escape sequence at i and returns its length.
func (r *reader) escape(i int) (int, *SyntaxError) {
	if i+1 >= len(r.in) {
		return 0, r.fail(i, "the document ends inside an escape; send it whole")
	}
	switch r.in[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
	default:
		return 0, r.fail(i, `this escape does not exist in JSON; use one of \" \\ \/ \b \f \n \r \t \uXXXX`)
	}
	c := hex4(r.in[i+2:])
	switch {
	case c < 0:
		return 0, r.fail(i, `\u is not followed by four hexadecimal digits; write four`)
	case c == utf8.RuneError && r.mode == writingOwn:
		return 0, r.fail(i, "the value holds text that is not valid UTF-8; carry it as []byte")
	case !utf16.IsSurrogate(c):
		return 6, nil
	}
	low := rune(-1)
	if rest := r.in[i+6:]; bytes.HasPrefix(rest, []byte(`\u`)) {
		low = hex4(rest[2:])
	}
	if utf16.DecodeRune(c, low) == utf8.RuneError {
		return 0, r.fail(i, "a lone surrogate is not a character; send both halves of the pair, or binary data as base64")
	}
	return 12, nil
}

// hex4 reads four hexadecimal digits, or gives -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var v rune
	for _, c := range b[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		v = v<<4 | rune(c)
	}
	return v
}

// unescape returns the text between the quotes of a string that was checked.
// Of one that was not, what cannot be read becomes U+FFFD.
func unescape(b []byte) []byte {
	next := bytes.IndexByte(b, '\\')
	if next < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for next >= 0 && next+1 < len(b) {
		out = append(out, b[:next]...)
		c := b[next+1]
		b = b[next+2:]
		switch c {
		case 'u':
			high := hex4(b)
			b = b[min(4, len(b)):]
			if utf16.IsSurrogate(high) && len(b) >= 6 {
				high = utf16.DecodeRune(high, hex4(b[2:]))
				b = b[6:]
			}
			out = utf8.AppendRune(out, high)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		default:
			out = append(out, c)
		}
		next = bytes.IndexByte(b, '\\')
	}
	return append(out, b...)
}

// appendString writes text as RFC 8785, section 3.2.2.2 wants it.
func appendString[T string | []byte](out []byte, text T) []byte {
	out = append(out, '"')
	from := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, '\\', 'b')
		case '\f':
			out = append(out, '\\', 'f')
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', '0'+c>>4, "0123456789abcdef"[c&15])
		}
	}
	out = append(out, text[from:]...)
	return append(out, '"')
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (r *reader) digits() (n int) {
	for isDigit(r.peek()) {
		r.at++
		n++
	}
	return n
}

func (r *reader) number() *SyntaxError {
	start := r.at
	if r.peek() == '-' {
		r.at++
	}
	if r.peek() == '0' {
		r.at++
	} else if r.digits() == 0 {
		return r.unexpected("a digit")
	}
	whole := r.at
	if r.peek() == '.' {
		r.at++
		if r.digits() == 0 {
			return r.unexpected("a digit")
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.at++
		if c := r.peek(); c == '+' || c == '-' {
			r.at++
		}
		if r.digits() == 0 {
			return r.unexpected("a digit")
		}
	}
	if r.mode == checking {
		return nil
	}
	text := r.in[start:r.at]
	if whole != r.at || !isSafeInteger(text) {
		return r.fail(start, fmt.Sprintf("number %s is not a plain integer within ±%d, the only ones all readers agree on; send it as a string", shorten(text), MaxInteger))
	}
	r.out = append(r.out, text...)
	return nil
}

// isSafeInteger takes an integer in JSON's grammar. "-0" is not one: it has a
// second spelling.
func isSafeInteger(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte("-"))
	const longest = len("9007199254740991")
	if len(digits) > longest || string(text) == "-0" {
		return false
	}
	var v int64
	for _, c := range digits {
		v = v*10 + int64(c-'0')
	}
	return v <= MaxInteger
}
