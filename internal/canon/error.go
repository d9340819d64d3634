package canon

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

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
