// Package canon reads JSON that has one meaning only and writes JSON that has
// one spelling only.
//
// encoding/json reads {"name":"safe","Name":"evil"} as evil, keeps the last of
// two equal keys and rounds large integers. A reviewer, a policy and an
// executor that read the same bytes could therefore see three different
// actions. [Check] refuses every document that can be read two ways;
// [Canonical] and [Marshal] give the bytes that are hashed; [Member] and
// [Without] work on the exact bytes of foreign JSON, which is never re-encoded.
package canon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how many objects and arrays may be nested in one document.
const MaxDepth = 64

// MaxBytes is the size of the largest document that is read: 8 MiB.
const MaxBytes = 8 << 20

// MaxInteger is the largest integer, positive or negative, that a canonical
// document may hold as a number: 2^53-1 (RFC 7493, section 2.2).
const MaxInteger = 1<<53 - 1

// Check says whether b is exactly one JSON value (RFC 8259) that every reader
// understands alike: valid UTF-8 without a byte order mark, no key twice in an
// object even when escaped or in another case (Unicode simple folding, as in
// encoding/json), no lone surrogates, at most [MaxDepth] deep and [MaxBytes]
// long. Whitespace around the value is allowed, and so are numbers of any size.
// The error is a [*SyntaxError].
func Check(b []byte) error { return checkUpTo(b, MaxBytes) }

func checkUpTo(b []byte, most int) error {
	r := reader{in: b, mode: checking, most: most}
	if err := r.document(); err != nil {
		return err
	}
	return nil
}

// Canonical checks b and returns its RFC 8785 (JCS) form: keys sorted by UTF-16
// code units, minimal escapes, no whitespace. Numbers other than plain integers
// within ±[MaxInteger] are refused, because readers round them differently; our
// own documents carry such values as strings. The error is a [*SyntaxError].
func Canonical(b []byte) ([]byte, error) {
	return canonical(b, writing)
}

// Marshal encodes v as encoding/json does and returns the canonical form. It
// refuses what [Canonical] refuses, map keys that differ only by case, and
// strings that are not valid UTF-8, which encoding/json would replace silently
// so that two commands could share one digest; carry such bytes as []byte.
// Foreign JSON belongs in a string or []byte, since a json.RawMessage is
// re-spelled like everything else and may not hold an escaped U+FFFD.
func Marshal(v any) ([]byte, error) {
	if v != nil {
		if b, ok := write(reflect.ValueOf(v)); ok {
			return b, nil
		}
	}
	b, err := encode(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T as JSON: %w", v, err)
	}
	if b, err = canonical(b, writingOwn); err != nil {
		return nil, fmt.Errorf("encode %T canonically: %w", v, err)
	}
	return b, nil
}

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return buf.Bytes(), err
}

func canonical(b []byte, m mode) ([]byte, error) {
	r := reader{in: b, mode: m, most: MaxBytes, out: make([]byte, 0, min(len(b), MaxBytes))}
	if err := r.document(); err != nil {
		return nil, err
	}
	return r.out, nil
}

// A SyntaxError says why a document was refused. Its text is safe for a
// terminal: whatever it quotes of the document is escaped to ASCII.
type SyntaxError struct {
	// Offset is the position in the document, in bytes from 0.
	Offset int64
	// Path is the JSON Pointer (RFC 6901) of the value or member, "" for the
	// whole document. Keys longer than 64 bytes are shortened.
	Path string
	// Problem says what is wrong and what to do about it.
	Problem string
}

func (e *SyntaxError) Error() string {
	where := "JSON at byte " + strconv.FormatInt(e.Offset, 10)
	if e.Path != "" {
		where += ", " + strconv.QuoteToASCII(e.Path)
	}
	return where + ": " + e.Problem
}

func (e *SyntaxError) under(name []byte) *SyntaxError {
	step := strings.NewReplacer("~", "~0", "/", "~1").Replace(shorten(name))
	e.Path = "/" + step + e.Path
	return e
}

func quote(b []byte) string { return strconv.QuoteToASCII(shorten(b)) }

func shorten(b []byte) string {
	const most = 64
	if len(b) <= most {
		return string(b)
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(b[cut]) {
		cut--
	}
	return string(b[:cut]) + "..."
}
